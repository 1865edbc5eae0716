"""Whose pay somebody may look at in the console (R168)."""

from typing import Any

from django.http import HttpRequest

from billing.admin.base import may_here, modes_of
from billing.models import Provider
from billing.office.access import READING, roles_in
from billing.office.models.user import Mode, Role

SEE, PAY = "see_compensation", "pay_providers"


def sees_all_pay(request: HttpRequest) -> bool:
    """Whoever may read compensation, and the administrator of the own school; not who may only read their own."""
    held = modes_of(request).get(SEE, frozenset())
    if held & (READING - {Mode.OWN_READ}):
        return True
    return bool(held) and Role.SCHOOL_ADMIN in roles_in(request.user, request.organization)  # type: ignore[arg-type,attr-defined]


def visible_providers(request: HttpRequest) -> Any:
    """All of the organization, or only whom the login is."""
    rows = Provider.objects.filter(organization=request.organization)  # type: ignore[attr-defined]
    return rows if sees_all_pay(request) else rows.filter(user=request.user.pk)


def may_keep_providers(request: HttpRequest) -> bool:
    """Who may add teachers and agents: those who set prices, and those who manage agreements and see pay."""
    keeps = may_here(request, "set_prices", Mode.MAKE) or may_here(request, "manage_agreements", Mode.DO)
    return keeps and sees_all_pay(request)
