"""A setting of chasing was decided: the timelines it holds for are looked at anew by the next run (R58, R72)."""

from datetime import datetime, timedelta

from django.db.models import Case, Q, Value, When

from billing.models import DunningCase
from billing.models.dunning import CaseState
from billing.office.models import PolicySetting
from billing.office.models.policy import Scope
from billing.services.chasing.timelines import LOOK

KEYS = ("dunning.", "late_fee.")


def look_again(setting: PolicySetting, now: datetime) -> None:
    """Make every open timeline that a decision reaches due now. One statement; none for other settings."""
    if not setting.key.startswith(KEYS):
        return
    rows = DunningCase.objects.exclude(state=CaseState.SETTLED).filter(_place(setting))
    # For all organizations a day that has begun in each of them, wherever it is.
    day = setting.organization.today(now) if setting.organization is not None else now.date() - timedelta(days=1)
    rows.update(next_on=day, next_step=Case(When(next_step="", then=Value(LOOK)), default="next_step"))


def _place(setting: PolicySetting) -> Q:
    if setting.scope == Scope.SYSTEM:
        return Q()
    mine = Q(organization=setting.organization)
    if setting.scope == Scope.CUSTOMER:
        return mine & (Q(customer=setting.scope_key) | Q(agreement__customer=setting.scope_key))
    if setting.scope == Scope.AGREEMENT:
        return mine & Q(agreement=setting.scope_key)
    return mine & Q(agreement__provider=setting.scope_key) if setting.scope == Scope.PROVIDER else mine
