"""The bank honoured cheques: their money is certain now, and may release what was held back (R112, R130)."""

from collections.abc import Iterable
from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, NotFound
from billing.office.models import Organization, User
from billing.services.credit_control import judge_hold
from billing.services.locking import lock_customers
from billing.states import move
from billing.transactions import transaction_required
from payments.models import Cheque, ChequePresentation
from payments.models.cheque import CHEQUE_MOVES, ChequeState, PresentationResult
from payments.selectors.deposits import current_presentations


class NotAtBank(DomainError):
    code = "not_at_bank"
    sentence = _("{cheque} is {state}; the bank answers only for a deposited cheque.")


@transaction_required
def clear_cheques(
    *, organization: Organization, cheque_ids: Iterable[int], cleared_on: date, now: datetime, by: User | None
) -> list[Cheque]:
    """The bank honoured these cheques on a day. All or none; nothing is posted, the money is at the bank already.

    Credit holds of their customers are judged anew, now that the money counts. Raises NotFound, NotAtBank, BadInput
    (a day to come, or before the cheque was deposited).
    """
    wanted = sorted(set(cheque_ids))
    mine = Cheque.objects.filter(organization=organization, pk__in=wanted)
    customers = lock_customers(organization, set(mine.values_list("customer_id", flat=True)))
    cheques = list(mine.order_by("pk").select_for_update(no_key=True))
    if len(cheques) != len(wanted):
        raise NotFound(field="cheques")
    presentations = {row.cheque_id: row for row in current_presentations(wanted)}
    for cheque in cheques:
        if cheque.state != ChequeState.DEPOSITED:
            raise NotAtBank(field="cheques", cheque=cheque, state=cheque.get_state_display())
        check_answer_day(presentations[cheque.pk], cleared_on, organization.today(now), "cleared_on")
        move(cheque, ChequeState.CLEARED, CHEQUE_MOVES)
    ChequePresentation.objects.filter(pk__in=[row.pk for row in presentations.values()]).update(
        result=PresentationResult.CLEARED, result_on=cleared_on, recorded_at=now, recorded_by=by
    )
    for pk in sorted(customers):
        judge_hold(customer=customers[pk], now=now, by=by)
    return cheques


def check_answer_day(presentation: ChequePresentation, day: date, today: date, field: str) -> None:
    """The bank answers on a day between the deposit and today. Raises BadInput."""
    assert presentation.deposit is not None and presentation.deposit.deposited_on is not None
    if day > today:
        sentence = _("The bank's answer cannot be dated in the future (today is {today}).")
        raise BadInput(sentence, field=field, code="future_date", today=today)
    if day < presentation.deposit.deposited_on:
        sentence = _("{cheque} was deposited on {day}; the bank cannot have answered before.")
        facts = {"cheque": presentation.cheque, "day": presentation.deposit.deposited_on}
        raise BadInput(sentence, field=field, code="before_deposit", **facts)
