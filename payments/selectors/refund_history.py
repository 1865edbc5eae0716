"""What the timeline of a customer tells of refunds: asked, paid out, and the approvals about them."""

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from billing.models import Customer
from billing.office.models import ApprovalRequest
from billing.selectors.timeline import FactKind, Rows, approval_facts, facts, subjects, timeline_source
from payments.models import Refund


@timeline_source(
    {"refund_asked": FactKind(_("Refund asked for"), "refund"), "refund_paid": FactKind(_("Refund paid"), "refund")}
)
def _refunds(customer: Customer) -> list[Rows]:
    mine = Refund.objects.filter(customer=customer)
    asked = ApprovalRequest.objects.filter(organization=customer.organization, subject__in=subjects("refund", mine))
    return [
        facts(mine, "refund_asked", at="requested_at", number=F("number"), amount="gross_amount", currency="currency",
              detail=F("reason"), who="requested_by"),
        facts(mine.filter(processed_at__isnull=False), "refund_paid", at="processed_at", number=F("number"),
              amount="paid_amount", currency="currency"),
        *approval_facts(asked),
    ]  # fmt: skip
