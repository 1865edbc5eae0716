"""/api/v1/policies/<number>/ and the schedules of policies and agreements, in the shape of source 2 (R57, R59)."""

from datetime import date
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from billing.api.answers import amount_text, answer
from billing.api.schema import problems
from billing.api.views import ApiView
from billing.errors import DomainError, NotFound
from billing.inputs import clean_text
from billing.models import Agreement, AgreementState, Frequency, InsurancePolicy, PolicyLoan
from billing.office import clock
from billing.rules.premium import AmountDue
from billing.selectors.premiums import PolicyDue, amount_due, find_policy
from billing.selectors.schedules import InstallmentView, ScheduleView, schedule_of
from receipts.api import policy_schema as schema
from receipts.selectors.schedule_papers import receipts_of

READ = ("see_receivables",)
FREQUENCY_WORDS = {
    Frequency.WEEKLY.value: "Weekly", Frequency.FORTNIGHTLY.value: "Fortnightly", Frequency.MONTHLY.value: "Monthly",
    Frequency.QUARTERLY.value: "Quarterly", Frequency.HALF_YEARLY.value: "Half-Yearly",
    Frequency.ANNUAL.value: "Annual", Frequency.PACKAGE.value: "Once",
}  # fmt: skip


class PolicyView(ApiView):
    needs = {"GET": READ}

    @extend_schema(
        operation_id="read_policy", tags=["policies"], parameters=[schema.POLICY_NUMBER],
        responses={200: schema.PolicyPage, **problems(404)},
    )  # fmt: skip
    def get(self, request: Request, number: str) -> HttpResponse:
        """An insurance policy: where it stands, what must be paid today and of what that is made, what is next."""
        policy = policy_or_404(self, number)
        return answer(200, _policy(policy, self.organization.today(clock.now())))


class PolicyScheduleView(ApiView):
    needs = {"GET": READ}

    @extend_schema(
        operation_id="read_policy_schedule", tags=["policies"], parameters=[schema.POLICY_NUMBER],
        responses={200: schema.PolicySchedule, **problems(404)},
    )  # fmt: skip
    def get(self, request: Request, number: str) -> HttpResponse:
        """The instalments of a policy: what was paid, when and with which receipt; what is due, in how many days."""
        policy = policy_or_404(self, number)
        today = self.organization.today(clock.now())
        return answer(200, {"policy_number": policy.policy_number, **_schedule(policy.agreement, today)})


class AgreementScheduleView(ApiView):
    needs = {"GET": READ}

    @extend_schema(
        operation_id="read_agreement_schedule", tags=["policies"],
        parameters=[
            OpenApiParameter("number", OpenApiTypes.STR, OpenApiParameter.PATH, description="AGR-… number."),
        ],
        responses={200: schema.AgreementSchedule, **problems(404)},
    )  # fmt: skip
    def get(self, request: Request, number: str) -> HttpResponse:
        """The same for any agreement: lessons, packages, subscriptions."""
        rows = Agreement.objects.filter(organization=self.organization, number=_cleaned(number))
        agreement = rows.select_related("organization").first()
        if agreement is None:
            raise NotFound()
        today = self.organization.today(clock.now())
        return answer(200, {"agreement": agreement.number, **_schedule(agreement, today)})


def policy_or_404(view: ApiView, number: str) -> InsurancePolicy:
    """Raises NotFound, be it another organization's or nobody's."""
    policy = find_policy(view.organization, _cleaned(number))
    if policy is None:
        raise NotFound()
    return policy


def _cleaned(number: str) -> str:
    try:
        return clean_text(number, field="number", longest=40, free=False)
    except DomainError:
        raise NotFound() from None


def _policy(policy: InsurancePolicy, today: date) -> dict[str, Any]:
    agreement, currency = policy.agreement, policy.currency
    found = amount_due(agreement, today)
    loans = PolicyLoan.objects.filter(agreement=agreement).order_by("lent_on", "id")
    return {
        "policy_number": policy.policy_number,
        "agreement": agreement.number,
        "customer": agreement.customer.code,
        "customer_name": agreement.customer.name,
        "product": policy.product,
        "insured_name": policy.insured_name,
        "sum_assured": None if policy.sum_assured is None else amount_text(policy.sum_assured, currency),
        "currency": currency,
        "payment_frequency": FREQUENCY_WORDS[agreement.frequency],
        "policy_status": found.standing.word,
        "grace_until": _day(found.standing.grace_until),
        "lapsed_on": _day(policy.lapsed_on),
        "revived_on": _day(policy.revived_on),
        "as_of": today.isoformat(),
        "due": _due(found.amount),
        "next_due_date": _day(found.next_on),
        "next_due_amount": None if found.next_amount is None else amount_text(found.next_amount, currency),
        "revival": _revival(found),
        "loans": [
            {
                "loan": loan.number,
                "lent_on": loan.lent_on.isoformat(),
                "principal": amount_text(loan.principal_amount, currency),
                "billed_back": amount_text(loan.repaid_amount, currency),
                "interest_until": loan.interest_until.isoformat(),
            }
            for loan in loans
        ],
    }


def _due(due: AmountDue) -> dict[str, Any]:
    parts = {
        "premium": due.premium, "gst": due.tax, "late_fee": due.late_fee, "outstanding": due.outstanding,
        "discount": due.discount, "total": due.total,
    }  # fmt: skip
    return {
        **{name: amount_text(value, due.currency) for name, value in parts.items()},
        "due_date": _day(due.due_on),
        "period": f"{due.period_start} to {due.period_end}" if due.period_start else None,
        "invoices": list(due.numbers),
    }


def _revival(found: PolicyDue) -> dict[str, Any] | None:
    if found.revival is None:
        return None
    return {
        "until": found.revival.last_on.isoformat(),
        "premiums": len(found.revival.premiums),
        "amount": amount_text(found.amount.total, found.amount.currency),
    }


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _schedule(agreement: Agreement, today: date) -> dict[str, Any]:
    view: ScheduleView = schedule_of(agreement, today)
    receipts = receipts_of(invoice.pk for row in view.charged if row.is_settled for invoice in row.invoices)
    return {
        "payment_frequency": FREQUENCY_WORDS[agreement.frequency],
        "total_installments": view.total,
        "paid_installments": view.paid,
        "pending_installments": view.pending,
        "schedule": [_row(row, agreement, receipts) for row in view.charged],
    }


def _row(row: InstallmentView, agreement: Agreement, receipts: dict[int, str]) -> dict[str, Any]:
    """Paid: when, with which receipt (null where no payment did it). Not paid: how many days to go, below 0 if late."""
    facts: dict[str, Any] = {
        "installment_number": row.installment.ordinal,
        "due_date": row.due_on.isoformat(),
        "amount": amount_text(row.amount, agreement.currency),
        "status": status_word(row, agreement.state),
    }
    if not row.is_settled:
        return {**facts, "days_to_due": row.days_to_due}
    numbers = [receipts[invoice.pk] for invoice in row.invoices if invoice.pk in receipts]
    return {**facts, "paid_date": _day(row.paid_on), "receipt_number": numbers[-1] if numbers else None}


def status_word(row: InstallmentView, state: str) -> str:
    """The words of source 2 for an instalment. What is not billed yet is due from its day on, but not late."""
    if row.state == "overdue":
        return schema.LAPSED if state == AgreementState.LAPSED else schema.OVERDUE
    if row.state in schema.STATE_WORDS:
        return schema.STATE_WORDS[row.state]
    return schema.UPCOMING if row.days_to_due > 0 else schema.DUE
