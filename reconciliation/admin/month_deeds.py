"""Locking a month for good: what the second person's approval carries out."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.admin.deeds import deed
from billing.errors import Sentence
from billing.office import months
from billing.office.models import ApprovalRequest, User
from reconciliation.services.packing import want_pack


@deed(months.CLOSE, months.LOCK, label=gettext_lazy("Lock the month for good"), facts=months.facts_now)
def lock_month(request: ApprovalRequest, by: User, now: datetime) -> Sentence:
    pack = want_pack(request=request, by=by, now=now)
    return _("The pack of %(month)s is being made; then the month is locked.") % {"month": pack}
