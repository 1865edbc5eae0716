"""The payer decides what becomes of a charge that failed: another day, another method, or two parts (moonshot 13)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.money import ZERO, split
from billing.office.models import Organization, User
from billing.refusals import explained
from billing.services.chasing.debt_plans import DebtPlanOrder, Part, agree_on_parts
from billing.services.locking import lock_customers
from billing.transactions import in_transaction, transaction_required
from payments.models import PaymentMethod, RetryDecision
from payments.models.recovery import Verdict
from payments.services.recovery.deciding import earliest_try, refusal, too_late
from payments.services.recovery.facts import Failure, Terms, Tried
from payments.services.recovery.gathering import read_failure, read_terms
from payments.services.recovery.holding import SPLIT_KEY
from payments.services.recovery.matrix import CARDS, GIVE_UP_AFTER
from payments.services.recovery.retrying import carry_out
from payments.services.recovery.ways import is_chargeable, ways_of

DAY = timedelta(days=1)
# A chosen day begins for the processor in the morning; the second of two parts comes two weeks after the first.
MORNING = time(9)
BETWEEN_PARTS = timedelta(days=14)
LEAST_TO_SPLIT = Decimal("2.00")
ROWS = RetryDecision.objects.select_related(
    "failed__organization", "failed__customer", "failed__gateway_account", "failed__method", "method",
    "invoice__agreement", "invoice__organization",
)  # fmt: skip


class NothingToChoose(DomainError):
    code = "nothing_to_choose"
    sentence = _("Nothing is to be decided here any more.")


@dataclass(frozen=True)
class Choices:
    """What a payer may decide. days: on which the rules let `again` be charged once more. others: to charge at once.

    parts: the two amounts, () where it cannot be split. amount: what is still open of what failed.
    """

    decision: RetryDecision
    amount: Decimal
    days: tuple[date, ...] = ()
    again: PaymentMethod | None = None
    others: tuple[PaymentMethod, ...] = ()
    parts: tuple[Decimal, ...] = ()

    @property
    def is_open(self) -> bool:
        return bool(self.days or self.others)

    @property
    def part_days(self) -> tuple[date, ...]:
        return (self.days[0], self.days[0] + BETWEEN_PARTS) if self.parts else ()


def choices_for(decision: RetryDecision, now: datetime) -> Choices:
    """What may be chosen now; nothing while a charge is being confirmed or a person looks. About thirty queries.

    decision: with what ROWS gives.
    """
    claims = decision.failed.claims.select_related("invoice").order_by("pk")
    amount = sum((min(claim.amount, claim.invoice.open_amount) for claim in claims), ZERO)
    nothing = Choices(decision, amount)
    if decision.done_at is not None or decision.verdict == Verdict.PERSON or amount <= ZERO:
        return nothing
    failed = decision.failed
    failure = read_failure(failed, now)
    if failure.is_uncertain or failure.is_held:
        return nothing
    terms = read_terms(failed, decision.invoice.agreement if decision.invoice else None)
    today = failed.organization.today(now)
    ways = {
        one.pk: one for one in ways_of([failed.customer_id], now).get(failed.customer_id, ())
        if is_chargeable(one, amount, failed.currency, today)
    }  # fmt: skip
    again = _again(failure, terms, ways, amount != failed.amount)
    days = tuple(_days(again, failure, terms, now)) if again else ()
    return Choices(
        decision, amount, days, ways[again.method] if again and days else None,
        tuple(one for one in ways.values() if one.pk != failed.method_id),
        _parts(decision, again, amount) if days else (),
    )  # fmt: skip


def _again(failure: Failure, terms: Terms, ways: dict[int, PaymentMethod], is_other_amount: bool) -> Tried | None:
    """The first method, in the payer's order, that networks and banks let be tried again. A bank debit is presented
    again with the same amount only."""
    for tried in sorted(failure.tried, key=lambda one: one.place):
        is_debit = tried.instrument not in CARDS
        if tried.method in ways and not refusal(tried, terms, by_payer=True) and not (is_debit and is_other_amount):
            return tried
    return None


def _days(tried: Tried, failure: Failure, terms: Terms, now: datetime) -> Iterator[date]:
    earliest, _why = earliest_try(tried, failure, terms, now)
    day, last = earliest.astimezone(terms.zone).date(), (failure.first_at + GIVE_UP_AFTER).astimezone(terms.zone).date()
    while day <= last and not too_late(_instant(day, terms, earliest), tried, failure):
        yield day
        day += DAY


def _instant(day: date, terms: Terms, earliest: datetime) -> datetime:
    return max(earliest, datetime.combine(day, MORNING, terms.zone))


def _parts(decision: RetryDecision, again: Tried | None, amount: Decimal) -> tuple[Decimal, ...]:
    """Of one invoice, by card: the payer agrees to two charges."""
    if decision.invoice is None or again is None or again.instrument not in CARDS or amount < LEAST_TO_SPLIT:
        return ()
    if amount != decision.invoice.open_amount:
        return ()
    return tuple(split(amount, [Decimal(1), Decimal(1)], decision.failed.currency))


# Choosing


@transaction_required
def choose_day(*, pk: int, day: date, now: datetime, by: User) -> RetryDecision:
    """Try again on a day of those that may be chosen, instead of the slot that was found. Raises NothingToChoose,
    BadInput."""
    choices = _locked(pk, now)
    if day not in choices.days or choices.again is None:
        raise BadInput(_("Choose one of the days of the list."), field="day", code="not_a_day")
    at = _at(choices, day, now)
    return _write(choices, Verdict.RETRY, at, choices.again, {"code": "chosen_day", "chosen_on": f"{day}"}, now, by)


@transaction_required
def choose_parts(*, pk: int, now: datetime, by: User) -> RetryDecision:
    """Pay it in two parts: a debt plan whose parts are charged by themselves. Raises NothingToChoose, BadInput,
    InAnotherPlan."""
    choices = _locked(pk, now)
    invoice = choices.decision.invoice
    if not choices.parts or invoice is None or choices.again is None:
        raise BadInput(_("This cannot be split."), field="choice", code="no_parts")
    parts = [Part(day, amount) for day, amount in zip(choices.part_days, choices.parts, strict=True)]
    order = DebtPlanOrder([invoice.pk], parts, request_key=f"{SPLIT_KEY}{pk}")
    agree_on_parts(customer=choices.decision.failed.customer, order=order, now=now, by=by)
    at = _at(choices, choices.days[0], now)
    why = {"code": "split", "first_amount": f"{choices.parts[0]:f}"}
    return _write(choices, Verdict.RETRY, at, choices.again, why, now, by)


def use_other(*, pk: int, method_pk: int, now: datetime, by: User) -> str:
    """Charge another method of the payer at once; a word for what came of it. Called outside transactions.

    Raises NothingToChoose, BadInput, and what charging raises.
    """
    with explained():
        in_transaction(partial(_choose_other, pk=pk, method_pk=method_pk, now=now, by=by))
    return carry_out(pk=pk, now=now, by=by)


@transaction_required
def _choose_other(*, pk: int, method_pk: int, now: datetime, by: User) -> RetryDecision:
    choices = _locked(pk, now)
    method = next((one for one in choices.others if one.pk == method_pk), None)
    if method is None:
        raise BadInput(_("Choose one of the list."), field="method", code="not_a_method")
    return _write(choices, Verdict.BACKUP, now, method, {"code": "chosen_method"}, now, by)


def _at(choices: Choices, day: date, now: datetime) -> datetime:
    """The morning of the day, or when the rules let it, if that is later."""
    failed = choices.decision.failed
    assert choices.again is not None
    terms = read_terms(failed, choices.decision.invoice.agreement if choices.decision.invoice else None)
    failure = read_failure(failed, now)
    tried = next(one for one in failure.tried if one.method == choices.again.pk)
    return _instant(day, terms, earliest_try(tried, failure, terms, now)[0])


def _locked(pk: int, now: datetime) -> Choices:
    found = ROWS.get(pk=pk)
    _lock(found.failed.organization, found)
    choices = choices_for(ROWS.select_for_update(no_key=True, of=("self",)).get(pk=pk), now)
    if not choices.is_open:
        raise NothingToChoose()
    return choices


def _lock(organization: Organization, decision: RetryDecision) -> None:
    lock_customers(organization, [decision.failed.customer_id])


def _write(
    choices: Choices, verdict: Verdict, at: datetime, method: PaymentMethod, why: dict[str, Any], now: datetime,
    by: User,
) -> RetryDecision:  # fmt: skip
    decision = choices.decision
    kept: Sequence[dict[str, Any]] = [one for one in decision.because if not one["code"].startswith("chosen")]
    facts: dict[str, Any] = {
        "verdict": verdict, "try_at": at, "method": method, "because": [*kept, why], "chosen_by": by, "chosen_at": now,
    }  # fmt: skip
    RetryDecision.objects.filter(pk=decision.pk).update(**facts)
    for name, value in facts.items():
        setattr(decision, name, value)
    return decision
