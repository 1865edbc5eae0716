"""An agreement stops because its invoice is not paid, runs again once it is, and stops again when money comes back.

Only the agreement that is not paid stops; the family's others go on (R75, requirements §3 row 19, §2 row 14).
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.utils.translation import gettext as _

from billing.models import Agreement, AgreementKind, AgreementState, DunningCase, DunningStep
from billing.models.agreement import AGREEMENT_MOVES
from billing.models.dunning import StepOutcome
from billing.office.models import User
from billing.selectors.chasing.files import STOPS
from billing.services.chasing.messages import tell_of_agreement
from billing.services.insurance.lapsing import lapse, lapse_if_reopened
from billing.services.insurance.reviving import revive_if_paid
from billing.services.plans.moving import move_agreement
from billing.transactions import transaction_required


@transaction_required
def stop(*, case: DunningCase, how: str, on: date, now: datetime, by: User | None) -> bool:
    """Suspend the agreement of a case, or let its policy lapse. how: a step of STOPS. False if it has ended already.

    One that has stopped for another invoice stays as it is; both must be paid then.
    """
    agreement = _now(case)
    to = AgreementState.LAPSED if how == "lapse" else AgreementState.SUSPENDED
    if agreement.state == to or agreement.state == AgreementState.LAPSED:
        return True
    if to not in AGREEMENT_MOVES[agreement.state]:
        return False
    if how == "lapse":
        lapse(agreement=agreement, on=on, now=now, by=by)
    else:
        reason = _("Invoice {number} is not paid.").format(number=case.invoice.number)
        move_agreement(agreement=agreement, to=to, on=on, reason=reason, now=now, by=by)
    tell_of_agreement(case=case, agreement=agreement, what=how, round_now=round_of(case), on=on, now=now)
    return True


@transaction_required
def stop_again(*, cases: Sequence[DunningCase], today: date, now: datetime, by: User | None) -> None:
    """What was paid is owed again: an agreement that had stopped for it stops at once (requirements §2 row 14).

    cases: reopened just now, their new round begun.
    """
    with_agreement = [case for case in cases if case.agreement_id]
    history: dict[int, list[DunningStep]] = {}
    for step in DunningStep.objects.filter(case__in=[case.pk for case in with_agreement]).order_by("id"):
        history.setdefault(step.case_id, []).append(step)
    for case in with_agreement:
        steps = history[case.pk]
        done = [step.step for step in steps if step.step in STOPS and step.outcome == StepOutcome.DONE]
        if done and stop(case=case, how=done[-1], on=today, now=now, by=by):
            _write(case, done[-1], max(step.round for step in steps), today, "came_back", now)
        elif case.agreement is not None and case.agreement.kind == AgreementKind.POLICY:
            agreement, round_now = _now(case), max(step.round for step in steps)
            if lapse_if_reopened(agreement=agreement, on=today, now=now, by=by) is not None:
                _write(case, "lapse", round_now, today, "came_back", now)
                tell_of_agreement(case=case, agreement=agreement, what="lapse", round_now=round_now, on=today, now=now)


@transaction_required
def restart_paid(*, cases: Sequence[DunningCase], today: date, now: datetime, by: User | None) -> None:
    """What had stopped for invoices settled just now runs again, unless another invoice keeps it stopped."""
    stopped = [case for case in cases if case.agreement and case.agreement.state == AgreementState.SUSPENDED]
    standing = still_stopped({case.agreement_id for case in stopped if case.agreement_id})
    for case in stopped:
        agreement = _now(case)
        if agreement.pk in standing or agreement.state != AgreementState.SUSPENDED:
            continue
        reason = _("Invoice {number} is paid.").format(number=case.invoice.number)
        move_agreement(agreement=agreement, to=AgreementState.ACTIVE, on=today, reason=reason, now=now, by=by)
        round_now = round_of(case)
        _write(case, "reactivate", round_now, today, "paid", now)
        tell_of_agreement(case=case, agreement=agreement, what="reactivate", round_now=round_now, on=today, now=now)


@transaction_required
def revive_paid(*, agreements: Iterable[Agreement], on: date, now: datetime, by: User | None) -> None:
    """Lapsed policies whose invoices took money are revived, if that was all that was due (R74).

    It stands on the timeline, and in the round, of the last lapse: each lapse is revived once.
    """
    for agreement in agreements:
        if revive_if_paid(agreement=agreement, on=on, now=now, by=by) is None:
            continue
        lapses = DunningStep.objects.filter(case__agreement=agreement, step="lapse", outcome=StepOutcome.DONE)
        last = lapses.select_related("case__invoice", "case__customer", "case__organization").order_by("-id").first()
        if last is not None:
            _write(last.case, "revive", last.round, on, "paid", now)
            tell_of_agreement(case=last.case, agreement=agreement, what="revive", round_now=last.round, on=on, now=now)


def still_stopped(agreement_ids: Iterable[int]) -> set[int]:
    """Agreements for which an open invoice was stopped in its present round. One query."""
    rows = DunningStep.objects.filter(
        case__agreement__in=list(agreement_ids), case__invoice__open_amount__gt=0,
        step__in=("suspend", "reopened"),
    ).order_by("case", "id")  # fmt: skip
    standing: dict[int, tuple[int, bool]] = {}
    for case_id, agreement_id, step, outcome in rows.values_list("case", "case__agreement", "step", "outcome"):
        standing[case_id] = (agreement_id, step == "suspend" and outcome == StepOutcome.DONE)
    return {agreement_id for agreement_id, stands in standing.values() if stands}


def round_of(case: DunningCase) -> int:
    """The present round of a case. One query."""
    last = DunningStep.objects.filter(case=case).order_by("-round").first()
    return last.round if last is not None else 1


def _now(case: DunningCase) -> Agreement:
    """The agreement as it is now: an earlier case of the same run may have moved it."""
    assert case.agreement is not None
    case.agreement.refresh_from_db(fields=["state", "state_since"])
    return case.agreement


def _write(case: DunningCase, step: str, round_now: int, on: date, why: str, now: datetime) -> None:
    DunningStep.objects.create(
        organization=case.organization, case=case, step=step, round=round_now, planned_on=on, taken_on=on,
        outcome=StepOutcome.DONE, why=why, made_at=now,
    )  # fmt: skip
