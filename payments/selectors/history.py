"""What the timeline of a customer tells of payments: taken, void, and the approvals about them."""

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from billing.models import Customer
from billing.office.models import ApprovalRequest
from billing.selectors.timeline import FactKind, Rows, approval_facts, facts, subjects, timeline_source
from payments.models import Payment, PaymentReconciliation, PaymentVoid


@timeline_source(
    {
        "payment": FactKind(_("Payment recorded"), "payment"),
        "payment_void": FactKind(_("Payment void"), "payment"),
        "payment_matched": FactKind(_("Matched to the bank"), "payment"),
        "match_opened": FactKind(_("Match to the bank opened"), "payment"),
    }
)
def _payments(customer: Customer) -> list[Rows]:
    mine = Payment.objects.filter(customer=customer)
    voids = PaymentVoid.objects.filter(payment__customer=customer)
    matches = PaymentReconciliation.objects.filter(payment__customer=customer)
    asked = ApprovalRequest.objects.filter(organization=customer.organization, subject__in=subjects("payment", mine))
    return [
        facts(mine, "payment", at="recorded_at", number=F("number"), amount="amount", currency="currency",
              detail=F("method"), who="recorded_by"),
        facts(voids, "payment_void", at="voided_at", key="payment_id", number=F("payment__number"),
              amount="payment__amount", currency="payment__currency", detail=F("reason"), who="voided_by"),
        facts(matches, "payment_matched", at="made_at", key="payment_id", number=F("payment__number"),
              amount="payment__amount", currency="payment__currency", detail=F("statement_reference"), who="made_by"),
        facts(matches.filter(opened_at__isnull=False), "match_opened", at="opened_at", key="payment_id",
              number=F("payment__number"), detail=F("open_reason"), who="opened_by"),
        *approval_facts(asked),
    ]  # fmt: skip
