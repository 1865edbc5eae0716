"""A look at a charge before it is made: what seems fraudulent is not sent and waits for a person (R49).

It is written down as an attempt of which nothing left, with a decision for a person: until then all automation of the
customer is off, as after a processor's own suspicion (R66). Only what we really know counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Max, Q, QuerySet

from billing.money import format_money
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.office.policies import PolicyBook, policies_for
from billing.states import move
from billing.transactions import transaction_required
from payments.gateways.base import Check, Reason
from payments.models import AttemptClaim, PaymentAttempt, PaymentMethod, RetryDecision
from payments.models.attempt import ATTEMPT_MOVES, AttemptState, Operation
from payments.models.recovery import Verdict

AN_HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)
TAKES = (Operation.SALE, Operation.AUTH)
# Points of each finding; from fraud.review_from on a charge waits.
POINTS = {
    "many_charges": 60, "many_failures": 60, "new_and_large": 60, "cvv_no_match": 30, "avs_no_match": 30,
    "risky_method": 30,
}  # fmt: skip
MOST, RISKY = 100, 50
PRECHECK = "precheck"


@dataclass(frozen=True)
class CheckFacts:
    """What is known. charges: sent within an hour. failures: declined within a day; of neither, what came before a
    person cleared the customer. is_proven: the method was charged with success, or a person let as much be charged.
    is_new: added within a day. cvv, avs, risk: as kept when the method was added.
    """

    amount: Decimal
    charges: int = 0
    failures: int = 0
    is_new: bool = False
    is_proven: bool = False
    cvv: str = ""
    avs: str = ""
    risk: int = 0


@dataclass(frozen=True)
class CheckTerms:
    """The policies. 0 and None: never."""

    hour_charges: int = 10
    day_failures: int = 5
    new_method_above: Decimal | None = None
    review_from: int = 60


@dataclass(frozen=True)
class Precheck:
    """score: 0 to 100. findings: (code, points), heaviest first."""

    score: int = 0
    findings: Sequence[tuple[str, int]] = ()
    is_held: bool = False


def build_precheck(facts: CheckFacts, terms: CheckTerms) -> Precheck:
    """Pure. How a method was added counts until it has proven itself; how often it is charged counts always."""
    above, unproven = terms.new_method_above, not facts.is_proven
    found = {
        "many_charges": bool(terms.hour_charges) and facts.charges >= terms.hour_charges,
        "many_failures": bool(terms.day_failures) and facts.failures >= terms.day_failures,
        "new_and_large": unproven and facts.is_new and above is not None and facts.amount > above,
        "cvv_no_match": unproven and facts.cvv == Check.NO_MATCH,
        "avs_no_match": unproven and facts.avs == Check.NO_MATCH,
        "risky_method": unproven and facts.risk >= RISKY,
    }
    findings = sorted(((code, POINTS[code]) for code, is_so in found.items() if is_so), key=lambda one: -one[1])
    score = min(MOST, sum(points for _code, points in findings))
    return Precheck(score, findings, bool(terms.review_from) and score >= terms.review_from)


def precheck(method: PaymentMethod, amount: Decimal, now: datetime) -> Precheck:
    """Read and judge. Four queries; one where the school has switched it off. The customer is locked, so that two
    charges at once are counted one after the other."""
    book = policies_for(method.organization, customer_id=method.customer_id)
    if not book.flag("fraud.check"):
        return Precheck()
    return build_precheck(_facts(method, amount, now), _terms(book))


def _terms(book: PolicyBook) -> CheckTerms:
    return CheckTerms(
        book.number("fraud.hour_charges"), book.number("fraud.day_failures"), book.amount("fraud.new_method_above"),
        book.number("fraud.review_from"),
    )  # fmt: skip


def _facts(method: PaymentMethod, amount: Decimal, now: datetime) -> CheckFacts:
    mine = PaymentAttempt.objects.filter(customer_id=method.customer_id, operation__in=TAKES)
    cleared = _looked_at(method.customer_id).aggregate(at=Max("chosen_at"))["at"]
    hour, day = (max(filter(None, (now - span, cleared))) for span in (AN_HOUR, A_DAY))
    counts = mine.filter(sent_at__gt=now - A_DAY).aggregate(
        charges=Count("pk", filter=Q(sent_at__gt=hour)),
        failures=Count("pk", filter=Q(sent_at__gt=day, state=AttemptState.DECLINED)),
    )
    return CheckFacts(
        amount=amount, charges=counts["charges"], failures=counts["failures"], is_new=now - method.made_at < A_DAY,
        is_proven=_is_proven(method, amount), cvv=method.cvv, avs=method.avs, risk=method.risk_score,
    )  # fmt: skip


def _is_proven(method: PaymentMethod, amount: Decimal) -> bool:
    if method.last_used_at is not None:
        return True
    let_go = _looked_at(method.customer_id).filter(failed__method=method, verdict=Verdict.RETRY)
    return let_go.filter(failed__amount__gte=amount).exists()


def _looked_at(customer_id: int) -> QuerySet[RetryDecision]:
    """Suspicions about a customer that a person has decided."""
    return RetryDecision.objects.filter(
        failed__customer=customer_id, failed__reason=Reason.FRAUD_SUSPECTED, chosen_at__isnull=False
    )


@transaction_required
def hold_suspect(*, attempt: PaymentAttempt, now: datetime) -> bool:
    """Look at a charge that was prepared; is it suspect, nothing is sent, and a person and the managers are told.

    attempt: just made, its customer locked. True if it was held; then its invoices may be paid in another way.
    """
    if attempt.state != AttemptState.CREATED or attempt.operation not in TAKES or attempt.method is None:
        return False
    found = precheck(attempt.method, attempt.amount, now)
    if not found.is_held:
        return False
    said = ", ".join(f"{code} {points}" for code, points in found.findings)
    move(
        attempt, AttemptState.NOT_SENT, ATTEMPT_MOVES, settled_at=now, settled_from=PRECHECK,
        reason=Reason.FRAUD_SUSPECTED, raw_text=f"Held before it was sent, risk {found.score}: {said}"[:400],
    )  # fmt: skip
    claims = list(AttemptClaim.objects.filter(attempt=attempt, holds=True).order_by("pk"))
    AttemptClaim.objects.filter(pk__in=[claim.pk for claim in claims]).update(holds=False)
    findings = [{"code": f"precheck_{code}", "points": points} for code, points in found.findings]
    RetryDecision.objects.create(
        failed=attempt, invoice=claims[0].invoice if len(claims) == 1 else None, verdict=Verdict.PERSON, decided_at=now,
        because=[{"code": "fraud_review"}, *findings],
    )  # fmt: skip
    _alert(attempt, found.score, said, now)
    return True


def _alert(attempt: PaymentAttempt, score: int, said: str, now: datetime) -> None:
    amount = format_money(attempt.amount, attempt.currency)
    message = Message(
        kind="security_alert", fact=f"attempt:{attempt.key}", recipient="office", channel=Channel.OFFICE,
        subject=f"Security: {attempt.number}, {amount} of {attempt.customer.name}, was held"[:200],
        body=(
            f"Nothing was sent to {attempt.gateway_account}. Risk {score}: {said}. Until a person has looked, nothing"
            " is charged to this customer by itself."
        ),
        party=attempt.customer_id,
    )  # fmt: skip
    queue_notices(attempt.organization, [message], now)
