"""An agreement stops or runs again because of money: suspended, reactivated, lapsed, revived (R72-R77)."""

from datetime import date, datetime

from django.utils.translation import gettext as _

from billing.models import Agreement, AgreementChange
from billing.models.agreement import AGREEMENT_MOVES, AgreementState, ChangeKind
from billing.office.models import User
from billing.services.plans.scheduling import lock_agreements, rebuild_schedules
from billing.states import move
from billing.transactions import transaction_required

KINDS = {AgreementState.SUSPENDED: ChangeKind.SUSPENDED, AgreementState.LAPSED: ChangeKind.LAPSED}


@transaction_required
def move_agreement(
    *, agreement: Agreement, to: str, on: date, reason: str, now: datetime, by: User | None
) -> AgreementChange | None:  # fmt: skip
    """Suspend, reactivate, let lapse or revive from a day on; the schedule follows, and the change is written down.

    A lapsed policy plans no period that begins after `on`; revived, it plans them again. A suspended one goes on being
    billed. Returns None if the agreement is there already. Raises IllegalTransition.
    """
    organization = agreement.organization
    locked = lock_agreements(organization, [agreement.pk])[agreement.pk]
    if locked.state == to:
        return None
    kind = KINDS.get(AgreementState(to)) or (
        ChangeKind.REVIVED if locked.state == AgreementState.LAPSED else ChangeKind.REACTIVATED
    )
    move(locked, to, AGREEMENT_MOVES, state_since=on)
    agreement.state, agreement.state_since = locked.state, locked.state_since
    return rebuild_schedules(
        organization=organization, agreement_ids=[locked.pk], kind=kind, reason=reason, effective_on=on, now=now,
        by=by, summary=_("{kind} from {day}").format(kind=kind.label, day=on.isoformat()),
    )[0]  # fmt: skip
