"""Whether money may go back, and how: every check with its sentence (R91-R100, requirements §2 rows 5-7)."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import override

from billing.errors import BadInput, Refusals
from billing.money import ZERO, fits
from billing.office.models import Organization
from billing.services.freeing import MoreThanIsThere
from payments.services.refund_cases import Case, Check, RefundOrder, bill_to_reduce, open_case, promised_day
from payments.services.refund_checks import checks_of, payment_trouble
from payments.services.refund_plans import RefundPlan, plan_refund
from payments.services.refund_ways import approval_action_of, said_way

__all__ = ["Check", "RefundOrder", "RefundPreview", "payment_trouble", "preview_refund"]


@dataclass(frozen=True)
class RefundPreview:
    """What a refund would do. Nothing is written; amounts in the credit's currency.

    action: of the matrix, by which another person decides. reopens: rows of invoice, kind, amount. memo: the credit
    memo that reduces the bill (invoice, net, tax, amount), or None. left_after: what could still be refunded then.
    way: how the money goes back, in words. expected_on: the promised day.
    """

    checks: list[Check]
    eligible: bool
    gross: Decimal
    fee: Decimal
    charges: Decimal
    paid: Decimal
    currency: str
    action: str
    expected_on: date
    reopens: list[dict[str, Any]]
    memo: dict[str, Any] | None
    left_after: Decimal
    way: str

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if not check.passed]


def preview_refund(
    *, organization: Organization, order: RefundOrder, now: datetime, way_later: bool = False
) -> RefundPreview:  # fmt: skip
    """Look at a refund without asking for it. way_later: as a customer asks, whose way back the office may find.

    Raises NotFound (customer, credit or invoice), BadInput (unreadable).
    """
    return judge_case(open_case(organization, order, organization.today(now), way_later=way_later))


def judge_case(case: Case) -> RefundPreview:
    """All checks on one refund and what it would do. Up to ten queries."""
    checks = checks_of(case)
    plan = plan_of(case)
    gross = case.order.gross_amount
    return RefundPreview(
        checks=checks, eligible=all(check.passed for check in checks), gross=gross, fee=case.fee,
        charges=case.order.charges_amount, paid=case.paid, currency=case.currency, action=approval_action_of(case),
        expected_on=promised_day(case), reopens=plan.reopens() if plan else [],
        memo=plan.memo.shown() if plan and plan.memo else None, left_after=max(case.left - gross, ZERO),
        way=said_way(case),
    )  # fmt: skip


def plan_of(case: Case) -> RefundPlan | None:
    """What becomes free and which bill is reduced; None if there is not as much."""
    gross = case.order.gross_amount
    if gross <= ZERO or not fits(gross, case.currency):
        return None
    try:
        return plan_refund(case.item, gross, bill_to_reduce(case))
    except MoreThanIsThere:
        return None


class NotEligible(Refusals):
    """Money does not go back. refusals: one for each check that failed, at its input; checks: these checks."""

    def __init__(self, checks: list[Check]) -> None:
        self.checks = checks
        super().__init__([BadInput(c.template, field=c.field, code=c.code, **c.facts) for c in checks])
        self.code = "not_eligible"

    def __str__(self) -> str:
        return " ".join(check.sentence for check in self.checks)


def check_eligible(case: Case) -> RefundPreview:
    """Raises NotEligible with the checks that failed."""
    found = judge_case(case)
    if not found.eligible:
        raise NotEligible(found.failed)
    return found


def kept_findings(found: RefundPreview) -> dict[str, Any]:
    """What was looked at, as kept with the refund: in English, as all that is kept."""
    with override("en"):
        checks = [{"code": c.code, "passed": c.passed, "sentence": c.sentence} for c in found.checks]
    return {"checks": checks, "left_after": f"{found.left_after:.2f}", "action": found.action}
