"""Payment terms as people write them: "2/10 net 30"."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput

SHAPE = re.compile(
    r"(?:(?P<percent>\d{1,2}(?:\.\d{1,2})?)\s*/\s*(?P<days>\d{1,3})\s*,?\s*)?(?:net|n)\s*/?\s*(?P<net>\d{1,3})", re.I
)
ON_RECEIPT = ("due on receipt", "cash", "cod", "net 0")


@dataclass(frozen=True)
class Terms:
    """discount_rate 0.02 within discount_days of issue, the whole within net_days."""

    net_days: int
    discount_rate: Decimal = Decimal(0)
    discount_days: int = 0

    def due_on(self, issued_on: date) -> date:
        return issued_on + timedelta(days=self.net_days)

    def discount_until(self, issued_on: date) -> date | None:
        """Last day of the discount, inclusive: day 10 of "2/10" counts from the issue day."""
        return issued_on + timedelta(days=self.discount_days) if self.discount_rate else None


def parse_terms(text: str, *, field: str = "terms") -> Terms | None:
    """Read "2/10 net 30", "net 30", "due on receipt"; empty gives None. Raises BadInput."""
    raw = " ".join(text.lower().split())
    if not raw:
        return None
    if raw in ON_RECEIPT:
        return Terms(0)
    found = SHAPE.fullmatch(raw)
    if not found:
        raise BadInput(_('Write terms as "2/10 net 30" or "net 30".'), field=field, code="unknown_terms")
    net = int(found["net"])
    if found["percent"] is None:
        return Terms(net)
    days = int(found["days"])
    if days > net:
        raise BadInput(_("The discount lasts longer than the terms."), field=field, code="discount_too_long")
    return Terms(net, Decimal(found["percent"]) / 100, days)
