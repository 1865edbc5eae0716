"""A policy lapses when its grace is over, and again when the money that revived it did not hold (R73, R115)."""

from datetime import date, datetime

from django.utils.translation import gettext as _

from billing.models import Agreement, AgreementChange, AgreementKind, AgreementState, InsurancePolicy
from billing.office.models import User
from billing.office.policies import PolicyBook
from billing.rules.late_fee import last_day_of_grace
from billing.selectors.premiums import PREMIUM, book_of, item_of, open_of
from billing.services.plans.moving import move_agreement
from billing.transactions import transaction_required


@transaction_required
def lapse(*, agreement: Agreement, on: date, now: datetime, by: User | None) -> AgreementChange | None:
    """Let a policy lapse from a day on; nothing more is planned for it. None if it is lapsed already.

    Raises IllegalTransition for one that was cancelled or has ended.
    """
    assert agreement.kind == AgreementKind.POLICY
    change = move_agreement(
        agreement=agreement, to=AgreementState.LAPSED, on=on, reason=_("The days of grace are over."), now=now, by=by
    )
    if change is not None:
        InsurancePolicy.objects.filter(agreement=agreement).update(lapsed_on=on)
    return change


@transaction_required
def lapse_if_reopened(*, agreement: Agreement, on: date, now: datetime, by: User | None) -> AgreementChange | None:
    """A revived policy whose money came back lapses at once: a premium is open again, and its grace long over.

    Does nothing to a policy that was never revived: its first lapse is a step of its timeline, with its warnings.
    """
    policy = InsurancePolicy.objects.filter(agreement=agreement).first()
    if policy is None or policy.revived_on is None or agreement.state != AgreementState.ACTIVE:
        return None
    if not _is_over(agreement, policy.revived_on, on, book_of(agreement)):
        return None
    return lapse(agreement=agreement, on=on, now=now, by=by)


def _is_over(agreement: Agreement, revived_on: date, on: date, book: PolicyBook) -> bool:
    """Whether a premium of before the revival is open past its grace. One query."""
    if not book.flag("dunning.lapse"):
        return False
    grace = book.number("dunning.grace_days")
    late = (item_of(invoice) for invoice in open_of(agreement) if invoice.issued_on <= revived_on)
    return any(item.kind == PREMIUM and last_day_of_grace(item.was_due_on, grace) < on for item in late)
