"""The places where cash comes in: drawers, drivers' bags, drop boxes."""

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.office.models import Organization
from billing.transactions import transaction_required
from payments.models.cash import CashPoint, CashPointKind, DrawerSession, SessionState


class PointInUse(DomainError):
    code = "cash_point_open"
    sentence = _("{point} is open; close it before it is taken out of use.")


@transaction_required
def create_cash_point(*, organization: Organization, name: str, kind: str) -> CashPoint:
    """A new drawer, driver's bag or drop box. Raises BadInput: no name, a name taken, an unknown kind."""
    name = clean_text(name, field="name", longest=80, required=True)
    if kind not in CashPointKind.values:
        raise BadInput(_("Choose what kind of cash point it is."), field="kind", code="unknown_choice")
    _check_name(organization, name)
    return CashPoint.objects.create(organization=organization, name=name, kind=kind)


@transaction_required
def change_cash_point(*, cash_point: CashPoint, name: str, is_active: bool) -> CashPoint:
    """Rename a cash point, take it out of use or back into use. Its kind stays. Raises BadInput, PointInUse."""
    cash_point = CashPoint.objects.select_for_update(no_key=True).get(pk=cash_point.pk)
    name = clean_text(name, field="name", longest=80, required=True)
    if name != cash_point.name:
        _check_name(cash_point.organization, name)
    standing = DrawerSession.objects.filter(cash_point=cash_point).exclude(state=SessionState.CLOSED)
    if not is_active and standing.exists():
        raise PointInUse(field="is_active", point=cash_point.name)
    cash_point.name, cash_point.is_active = name, is_active
    cash_point.save(update_fields=["name", "is_active"])
    return cash_point


def _check_name(organization: Organization, name: str) -> None:
    if CashPoint.objects.filter(organization=organization, name=name).exists():
        raise BadInput(_("There is already a cash point of this name."), field="name", code="name_taken")
