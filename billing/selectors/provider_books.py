"""The rates of providers as they held at a moment: what was earned then is not judged by today's settings."""

from collections import defaultdict
from datetime import datetime

from django.db.models import Q

from billing.office.models import Organization, PolicySetting
from billing.office.models.policy import Scope
from billing.office.policies import PolicyBook


class ProviderBooks:
    """Settings earnings.* and commissions.* of an organization's providers. One query when made, none when asked."""

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self._common: list[PolicySetting] = []
        self._own: dict[int, list[PolicySetting]] = defaultdict(list)
        self._books: dict[tuple[int, int], PolicyBook] = {}
        place = Q(scope=Scope.SYSTEM) | Q(organization=organization, scope__in=[Scope.ORGANIZATION, Scope.PROVIDER])
        keys = Q(key__startswith="earnings.") | Q(key__startswith="commissions.")
        for row in PolicySetting.objects.filter(place, keys).order_by("id"):
            if row.scope == Scope.PROVIDER:
                self._own[row.scope_key].append(row)
            else:
                self._common.append(row)

    def at(self, provider_id: int, moment: datetime) -> PolicyBook:
        """provider over organization over system, each as it was decided last by then."""
        rows = [row for row in (*self._common, *self._own.get(provider_id, ())) if row.set_at <= moment]
        place = (provider_id, max((row.pk for row in rows), default=0))
        if place not in self._books:
            newest = {(row.scope, row.key): row for row in sorted(rows, key=lambda row: row.pk)}
            self._books[place] = PolicyBook(self._organization, newest.values())
        return self._books[place]

    @property
    def anybody_waits_for_payment(self) -> bool:
        """Whether any teacher has ever earned lessons only once they are paid."""
        rows = [*self._common, *(row for own in self._own.values() for row in own)]
        return any(row.key == "earnings.accrue" and row.value == "payment" for row in rows)
