"""How risky a new method is, with reasons (R25). Only what is really known counts; nothing is guessed.

What nobody tells us is not scored: no processor of ours names the country of a card at registration.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from payments.gateways.base import Check
from payments.models import PaymentAttempt, PaymentMethod
from payments.models.attempt import AttemptState, Operation
from payments.models.payment_method import Instrument

LATELY, A_DAY = timedelta(days=7), timedelta(days=1)
MOST = 100
# Points of each finding. Beyond MANY methods in a day, and for each failure of the last week up to three.
POINTS = {
    "cvv_no_match": 60, "cvv_not_checked": 5, "avs_no_match": 30, "avs_partial": 10, "many_added": 25, "failures": 10,
    "same_elsewhere": 50, "looks_alike_elsewhere": 15, "new_device": 10,
}  # fmt: skip
MANY, FAILURES_COUNTED = 3, 3
PARTIAL = (Check.PARTIAL_ADDRESS, Check.PARTIAL_ZIP)


@dataclass(frozen=True)
class RiskFacts:
    """added: methods added within a day, this one among them. failures: declined lately. same, looks: elsewhere."""

    is_card: bool = True
    avs: str = Check.NOT_CHECKED
    cvv: str = Check.NOT_CHECKED
    added: int = 1
    failures: int = 0
    same_elsewhere: bool = False
    looks_alike_elsewhere: bool = False
    is_new_device: bool = False


@dataclass(frozen=True)
class Risk:
    """score: 0 to 100. reasons: (finding, points), heaviest first."""

    score: int
    reasons: Sequence[tuple[str, int]]


def build_risk(facts: RiskFacts) -> Risk:
    found: dict[str, int] = {}
    if facts.is_card and facts.cvv == Check.NO_MATCH:
        found["cvv_no_match"] = 1
    elif facts.is_card and facts.cvv in (Check.NOT_CHECKED, Check.UNAVAILABLE, ""):
        found["cvv_not_checked"] = 1
    if facts.is_card and facts.avs == Check.NO_MATCH:
        found["avs_no_match"] = 1
    elif facts.is_card and facts.avs in PARTIAL:
        found["avs_partial"] = 1
    found |= {
        "many_added": int(facts.added > MANY), "failures": min(facts.failures, FAILURES_COUNTED),
        "same_elsewhere": int(facts.same_elsewhere), "looks_alike_elsewhere": int(facts.looks_alike_elsewhere),
        "new_device": int(facts.is_new_device),
    }  # fmt: skip
    reasons = sorted(((name, POINTS[name] * n) for name, n in found.items() if n), key=lambda one: -one[1])
    return Risk(min(MOST, sum(points for _name, points in reasons)), reasons)


def facts_of(method: PaymentMethod, *, same: bool, looks: bool, is_new_device: bool, now: datetime) -> RiskFacts:
    """same, looks: as found among other payers' methods. Two queries."""
    mine = Q(customer_id=method.customer_id)
    added = PaymentMethod.objects.filter(mine, made_at__gt=now - A_DAY).count()
    failures = PaymentAttempt.objects.filter(
        mine, state=AttemptState.DECLINED, settled_at__gt=now - LATELY,
        operation__in=(Operation.SALE, Operation.AUTH, Operation.VERIFY, Operation.STORE),
    ).count()  # fmt: skip
    return RiskFacts(
        is_card=method.instrument in (Instrument.CARD, Instrument.WALLET), avs=method.avs, cvv=method.cvv, added=added,
        failures=failures, same_elsewhere=same, looks_alike_elsewhere=looks, is_new_device=is_new_device,
    )  # fmt: skip
