"""Beginning a subscription at Zoho for an agreement, and what a person may ask of one (R60, R76)."""

from datetime import datetime
from uuid import uuid4

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.models import Agreement, Customer
from billing.models.agreement import RUNNING, Backend
from billing.office.models import User
from billing.services.locking import lock_customers
from billing.transactions import transaction_required
from payments.models import GatewayAccount, ZohoCustomer, ZohoErrand, ZohoSubscription
from payments.models.gateway_account import GatewayKind
from payments.models.zoho import ErrandKind
from payments.services.attempts import key_of
from payments.services.zoho.errands import add_errand


class BilledHere(DomainError):
    code = "billed_here"
    sentence = _("Agreement {number} is billed here, not by Zoho.")


class NotRunning(DomainError):
    code = "not_running"
    sentence = _("Agreement {number} does not run any more.")


class StartedAlready(DomainError):
    code = "started_already"
    sentence = _("Agreement {number} has a subscription at Zoho already.")


class NoSubscription(DomainError):
    code = "no_subscription"
    sentence = _("There is no subscription at Zoho yet.")


@transaction_required
def start_subscription(
    *, agreement: Agreement, gateway_account: GatewayAccount, plan_code: str, now: datetime, by: User | None
) -> ZohoSubscription:  # fmt: skip
    """Have Zoho bill an agreement: what is asked of Zoho is written down, and done by an errand.

    The payer subscribes on Zoho's page; until then nothing is charged. Raises BilledHere, NotRunning, StartedAlready,
    BadInput.
    """
    organization = agreement.organization
    customer = lock_customers(organization, [agreement.customer_id])[agreement.customer_id]
    agreement = Agreement.objects.select_for_update(no_key=True).get(pk=agreement.pk)
    agreement.organization, agreement.customer = organization, customer
    if agreement.backend != Backend.ZOHO:
        raise BilledHere(number=agreement.number)
    if agreement.state not in RUNNING:
        raise NotRunning(number=agreement.number)
    if agreement.zoho_subscriptions.filter(ended_at__isnull=True).exists():
        raise StartedAlready(number=agreement.number)
    if gateway_account.organization_id != organization.pk or gateway_account.kind != GatewayKind.ZOHO:
        raise BadInput(_("Choose an account at Zoho."), field="gateway_account", code="required")
    if gateway_account.currency != agreement.currency:
        sentence = _("This account takes {currency}.")
        raise BadInput(sentence, field="gateway_account", code="wrong_currency", currency=gateway_account.currency)
    plan_code = clean_text(plan_code, field="plan_code", longest=60, required=True)
    turn = agreement.zoho_subscriptions.count() + 1
    link = ZohoSubscription.objects.create(
        organization=organization, agreement=agreement, gateway_account=gateway_account,
        payer=_payer(gateway_account, customer), plan_code=plan_code, made_at=now, made_by=by,
        key=key_of(organization.pk, f"zoho:{gateway_account.pk}:{agreement.pk}:{turn}"),
    )  # fmt: skip
    add_errand(link=link, kind=ErrandKind.START, request="start", now=now, by=by)
    return link


def _payer(gateway_account: GatewayAccount, customer: Customer) -> ZohoCustomer:
    made, _new = ZohoCustomer.objects.get_or_create(
        gateway_account=gateway_account, customer=customer,
        defaults={
            "organization": customer.organization,
            "key": key_of(customer.organization.pk, f"zoho-customer:{gateway_account.pk}:{customer.pk}"),
        },
    )  # fmt: skip
    return made


@transaction_required
def ask_page(*, link: ZohoSubscription, now: datetime, by: User | None) -> ZohoErrand:
    """A fresh page of Zoho's: to subscribe on, or, once subscribed, to give another card on. Raises NotRunning."""
    if link.ended_at is not None:
        raise NotRunning(number=link.agreement.number)
    kind = ErrandKind.METHOD if link.remote_id else ErrandKind.START
    return add_errand(link=link, kind=kind, request=f"again:{uuid4().hex}", now=now, by=by)


@transaction_required
def read_soon(*, link: ZohoSubscription, now: datetime) -> None:
    """Have it read at the next turn of the job. Raises NoSubscription."""
    if not link.remote_id and not link.page_id:
        raise NoSubscription()
    ZohoSubscription.objects.filter(pk=link.pk).update(due_at=now)
