"""The payer as processors know them."""

from billing.models import Customer
from payments.gateways.base import PayerRef
from payments.models import GatewayAccount, PaymentMethod
from payments.models.payment_method import MethodState
from payments.services.attempts import key_of


def payer_ref(customer: Customer, account: GatewayAccount, *, postal_code: str = "", ip: str = "") -> PayerRef:
    """vault_id: where the processor keeps one record a payer and not one a method. One query."""
    known = PaymentMethod.objects.filter(customer=customer, gateway_account=account).exclude(state=MethodState.REMOVED)
    vaults = [row.payer_id for row in known.order_by("-pk") if row.payer_id and row.payer_id != row.token]
    return PayerRef(
        key=key_of(customer.organization_id, f"payer:{customer.pk}"), name=customer.latin_name or customer.name,
        email=customer.email, postal_code=postal_code, country=customer.organization.country, phone=customer.phone,
        ip=ip, vault_id=vaults[0] if vaults else "",
    )  # fmt: skip
