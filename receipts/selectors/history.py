"""What the timeline of a customer tells of receipts."""

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from billing.models import Customer
from billing.selectors.timeline import FactKind, Rows, facts, timeline_source
from receipts.models import Receipt


@timeline_source(
    {"receipt": FactKind(_("Receipt issued"), "receipt"), "receipt_void": FactKind(_("Receipt void"), "receipt")}
)
def _receipts(customer: Customer) -> list[Rows]:
    mine = Receipt.objects.filter(payment__customer=customer)
    return [
        facts(mine, "receipt", at="issued_at", number=F("number"), detail=F("delivery"), who="issued_by"),
        facts(mine.filter(voided_at__isnull=False), "receipt_void", at="voided_at", number=F("number")),
    ]
