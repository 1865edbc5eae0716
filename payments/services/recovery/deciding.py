"""What becomes of a failed charge: one pure function, from facts and settings to a decision with its reasons (R62-R71).

Nothing is ever decided for a charge whose outcome is not known (invariant 30): the rule of the source "timeout, other
gateway" holds only once the first try is proven not carried out.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from billing.rules.priced import Step, step
from payments.gateways.base import Advice, Instrument
from payments.models.recovery import Verdict
from payments.services.recovery.caps import allowed_from, caps_for
from payments.services.recovery.chances import worth_of
from payments.services.recovery.facts import Decision, Failure, Terms, Tried, Way
from payments.services.recovery.matrix import (
    CARDS,
    DAY,
    GIVE_UP_AFTER,
    REPRESENT_WITHIN,
    REPRESENTABLE,
    Class,
    Rule,
    rule_for,
)
from payments.services.recovery.slots import choose_slot

NO_MORE = (Advice.DO_NOT_RETRY, Advice.UPDATE_METHOD, Advice.REAUTHORISE)


def decide(failure: Failure, terms: Terms, now: datetime) -> Decision:
    """Refusals first, then a technical repeat, then another method, then the same one later, then the payer."""
    failed = failure.failed
    rule = rule_for(failed.reason, failed.instrument)
    told = (step("failed", reason=failed.reason, kind=str(rule.kind), tries=failed.presented),)
    return (
        _uncertain(failure, told)
        or _for_review(failure, rule, told)
        or _attended(failure, rule, told)
        or _technical(failure, rule, terms, told, now)
        or _another_way(failure, terms, told, now)
        or _later(failure, terms, told, now)
        or _last_way(failure, terms, told, now)
        or Decision(Verdict.ASK_PAYER, (*told, *_why_not(failure, terms), step("ask_payer")))
    )


def _uncertain(failure: Failure, told: tuple[Step, ...]) -> Decision | None:
    if failure.is_final and not failure.is_uncertain:
        return None
    return Decision(Verdict.WAIT, (*told, step("being_confirmed")))


def _for_review(failure: Failure, rule: Rule, told: tuple[Step, ...]) -> Decision | None:
    """Suspected fraud, or what may have been done already: no automation. Withdrawn consent: none without a new one."""
    if rule.kind == Class.HOLD:
        return Decision(Verdict.PERSON, (*told, step("fraud_review")))
    if failure.is_held:
        return Decision(Verdict.PERSON, (*told, step("held")))
    if rule.kind == Class.LOOK_UP:
        return Decision(Verdict.PERSON, (*told, step("look_up")))
    if rule.kind == Class.REVOKED:
        return Decision(Verdict.STOP, (*told, step("consent_gone")))
    return None


def _attended(failure: Failure, rule: Rule, told: tuple[Step, ...]) -> Decision | None:
    """Whoever was there when it failed decides themselves what comes next."""
    if not failure.is_attended:
        return None
    return Decision(Verdict.ASK_PAYER, (*told, step("payer_was_there")))


def _technical(
    failure: Failure, rule: Rule, terms: Terms, told: tuple[Step, ...], now: datetime
) -> Decision | None:  # fmt: skip
    """Proven not carried out: the other processor if it has a method of the payer's, else the same; then a person."""
    if rule.kind != Class.TECHNICAL:
        return None
    if not failure.is_proven:
        return Decision(Verdict.PERSON, (*told, step("not_proven")))
    if failure.technical > rule.most:
        return Decision(Verdict.PERSON, (*told, step("technical_used_up", most=rule.most)))
    wait = rule.waits[failure.technical - 1]
    at = _not_before(failure.failed.last_at + wait, failure.failed, now)
    told = (*told, step("technical_slot", number=failure.technical, most=rule.most, minutes=_minutes(wait)))
    other = _elsewhere(failure) if terms.fails_over else None
    if other is not None:
        return Decision(Verdict.FAILOVER, (*told, step("other_gateway", place=other.place)), at, other.method)
    if not failure.failed.place:
        return Decision(Verdict.PERSON, (*told, step("method_gone")))
    return Decision(Verdict.RETRY, (*told, step("same_gateway")), at, failure.failed.method)


def _elsewhere(failure: Failure) -> Way | None:
    """The first method, not tried yet, at a processor that did not fail."""
    failed_at = {one.gateway_account for one in failure.tried}
    return next((way for way in failure.untried if way.gateway_account not in failed_at), None)


def _another_way(failure: Failure, terms: Terms, told: tuple[Step, ...], now: datetime) -> Decision | None:
    """The payer's next method in their order (R34)."""
    return _backup(failure, told, now) if terms.backups == "at_once" else None


def _last_way(failure: Failure, terms: Terms, told: tuple[Step, ...], now: datetime) -> Decision | None:
    return _backup(failure, (*told, *_why_not(failure, terms)), now) if terms.backups == "last" else None


def _backup(failure: Failure, told: tuple[Step, ...], now: datetime) -> Decision | None:
    if not failure.untried or now > failure.first_at + GIVE_UP_AFTER:
        return None
    way = failure.untried[0]
    return Decision(Verdict.BACKUP, (*told, step("backup", place=way.place)), now, way.method)


def _later(failure: Failure, terms: Terms, told: tuple[Step, ...], now: datetime) -> Decision | None:
    """The first method, in the payer's order, that the rules let be tried again, if that is worth it."""
    for tried in _again(failure, terms):
        earliest, why = earliest_try(tried, failure, terms, now)
        slot = choose_slot(earliest, tried.presented, terms, failure.succeeded_at, failure.escalates_on)
        if too_late(slot.at, tried, failure):
            continue
        told = (*told, step("rule_wait", number=tried.presented, most=_most(tried, terms)), *why, *slot.because)
        worth = worth_of(failure.amount, failure.history, terms.cost, failure.retries + 1)
        told = (*told, _chance(failure, worth.percent))
        amounts = {"value_amount": worth.value, "least_amount": terms.least_value}
        if worth.value <= terms.least_value:
            return Decision(Verdict.PERSON, (*told, step("not_worth", **amounts)), value=worth.value)
        return Decision(Verdict.RETRY, (*told, step("worth", **amounts)), slot.at, tried.method, worth.value)
    return None


def _again(failure: Failure, terms: Terms) -> Iterator[Tried]:
    """Methods that may be tried again by reason, advice and number of tries, in the payer's order."""
    for tried in sorted(failure.tried, key=lambda one: one.place):
        if tried.place and not refusal(tried, terms):
            yield tried


def refusal(tried: Tried, terms: Terms, *, by_payer: bool = False) -> str:
    """Why a method is not tried again, a code; "" if it may be. by_payer: on a day they chose, for which only what
    networks and banks demand holds."""
    rule = rule_for(tried.reason, tried.instrument)
    if rule.kind != Class.SOFT:
        return "no_retry"
    if tried.advice in NO_MORE:
        return "advice"
    if tried.instrument == Instrument.BANK and tried.code.startswith("R") and tried.code not in REPRESENTABLE:
        return "bank_code"
    if tried.presented > (rule.most if by_payer and tried.instrument not in CARDS else _most(tried, terms)):
        return "" if by_payer and tried.instrument in CARDS else "tries_used_up"
    return ""


def _most(tried: Tried, terms: Terms) -> int:
    """Further tries: as the matrix has it, fewer where the school asks for fewer."""
    return min(rule_for(tried.reason, tried.instrument).most, len(terms.waits))


def earliest_try(tried: Tried, failure: Failure, terms: Terms, now: datetime) -> tuple[datetime, tuple[Step, ...]]:
    """From when on the rules let it be tried: the matrix's slot after the first failure, a day after its last one,
    what the processor asked for, and the network's caps."""
    waits = rule_for(tried.reason, tried.instrument).waits
    number = min(tried.presented, len(waits))
    wait = waits[number - 1]
    if number <= len(terms.waits):
        wait = max(wait, terms.waits[number - 1])
    at = _not_before(max(failure.first_at + wait, tried.last_at + DAY), tried, now)
    if tried.instrument not in CARDS:
        return at, ()
    caps = caps_for(tried.brand, visa_most=terms.visa_most)
    capped = allowed_from(tried.tried_at, caps, at)
    return capped, (step("network_cap", most=caps[0].most),) if capped > at else ()


def _not_before(at: datetime, tried: Tried, now: datetime) -> datetime:
    return max(filter(None, (at, now, tried.retry_after)))


def too_late(at: datetime, tried: Tried, failure: Failure) -> bool:
    """Day 180 of a bank debit and day 30 after the first failure are still in time."""
    if tried.instrument == Instrument.BANK and at > tried.first_at + REPRESENT_WITHIN:
        return True
    return at > failure.first_at + GIVE_UP_AFTER


def _chance(failure: Failure, percent: int) -> Step:
    history = failure.history
    return step(
        "chance", percent=percent, payer_won=history.payer_won, payer_tries=history.payer_tries,
        gateway_won=history.gateway_won, gateway_tries=history.gateway_tries,
    )  # fmt: skip


def _why_not(failure: Failure, terms: Terms) -> tuple[Step, ...]:
    """Why none of the methods is tried again."""
    codes = {refusal(tried, terms) or "too_late" if tried.place else "method_gone" for tried in failure.tried}
    return tuple(step(code) for code in sorted(codes))


def _minutes(wait: timedelta) -> int:
    return int(wait.total_seconds()) // 60
