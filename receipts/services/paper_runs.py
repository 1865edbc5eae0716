"""Statements of many customers at once: who gets one, starting, pausing, going on, and the file of them all (R157)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.models import Customer
from billing.office.models import Organization, User
from billing.selectors.aging import aging
from billing.states import move
from billing.transactions import transaction_required
from receipts.models import PaperItemState, PaperRun, PaperRunItem, PaperRunState
from receipts.models.paper_run import PAPER_RUN_MOVES, Choice
from receipts.selectors.statements import moved_between
from receipts.services.paper_periods import check_period

MOST_CHOSEN = 500


@dataclass(frozen=True)
class RunWish:
    """Which statements. codes: of customers, where they are chosen. request_key: minted with the form."""

    first: date
    last: date
    choice: Choice
    by_email: bool = False
    codes: Sequence[str] = ()
    request_key: str = ""


def customers_for(organization: Organization, wish: RunWish, now: datetime) -> QuerySet[Customer]:
    """Whose statements a run would make, by code. Raises BadInput: no such period, or a code nobody has."""
    check_period(organization, wish.first, wish.last, now)
    rows = Customer.objects.filter(organization=organization).order_by("code")
    if wish.choice == Choice.CHOSEN:
        return _chosen(rows, wish.codes)
    owed = aging(organization, wish.last)
    if wish.choice == Choice.OWING:
        return rows.filter(pk__in={row.customer_id for row in owed if row.total})
    return rows.filter(pk__in=moved_between(organization, wish.first, wish.last) | {row.customer_id for row in owed})


def _chosen(rows: QuerySet[Customer], codes: Sequence[str]) -> QuerySet[Customer]:
    wanted = list(dict.fromkeys(codes))
    if not wanted or len(wanted) > MOST_CHOSEN:
        sentence = _("Name the codes of the customers, at most {most}.")
        raise BadInput(sentence, field="codes", code="how_many", most=MOST_CHOSEN)
    found = rows.filter(code__in=wanted)
    missing = set(wanted) - set(found.values_list("code", flat=True))
    if missing:
        sentence = _("There is no customer {codes}.")
        raise BadInput(sentence, field="codes", code="unknown_customer", codes=", ".join(sorted(missing)[:5]))
    return found


@transaction_required
def start_run(*, organization: Organization, wish: RunWish, now: datetime, by: User | None) -> PaperRun:
    """Write down whose statements are to be made; the worker makes them. The same key gives the same run.

    Raises BadInput: nobody to make one for, and what customers_for raises.
    """
    known = PaperRun.objects.filter(organization=organization, request_key=wish.request_key).first()
    if known is not None:
        return known
    customers = list(customers_for(organization, wish, now).values_list("pk", flat=True))
    if not customers:
        raise BadInput(_("There is nobody to make a statement for."), field="choice", code="nobody")
    run = PaperRun.objects.create(
        organization=organization, period_start=wish.first, period_end=wish.last, choice=wish.choice,
        by_email=wish.by_email, request_key=wish.request_key, started_at=now, started_by=by,
    )  # fmt: skip
    PaperRunItem.objects.bulk_create([PaperRunItem(run=run, customer_id=key) for key in customers], batch_size=2000)
    return run


@transaction_required
def pause_run(*, run: PaperRun, reason: str = "") -> None:
    """What is being drawn is finished, nothing new is begun. Raises IllegalTransition."""
    move(run, PaperRunState.PAUSED, PAPER_RUN_MOVES, trouble=reason[:400])


@transaction_required
def cancel_run(*, run: PaperRun, now: datetime) -> None:
    """No more is made; what was made stays. Raises IllegalTransition."""
    move(run, PaperRunState.CANCELLED, PAPER_RUN_MOVES, finished_at=now)


@transaction_required
def go_on(*, run: PaperRun) -> None:
    """After a pause; or after the end, for those that failed. Raises BadInput (nothing left), IllegalTransition."""
    failed = run.items.filter(state=PaperItemState.FAILED)
    if run.state == PaperRunState.DONE and not failed.exists():
        raise BadInput(_("Every statement of this run is made."), code="nothing_left")
    failed.update(state=PaperItemState.WAITING, trouble="", claimed_at=None)
    move(run, PaperRunState.RUNNING, PAPER_RUN_MOVES, trouble="", finished_at=None)
