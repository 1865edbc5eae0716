"""The agreements of the demo: what is offered, who enrols, lessons and bills, chasing, earnings; lived day by day."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from billing.models import (
    Agreement,
    AgreementKind,
    BillingRunItem,
    Customer,
    Invoice,
    Plan,
    PlanItem,
    PlanPrice,
    Provider,
    TaxCode,
    TaxRate,
)
from billing.models.party import ProviderKind
from billing.models.plan import Basis, PlanState
from billing.office.access import grant_role
from billing.office.acting import acting
from billing.office.approvals import decide
from billing.office.models import ApprovalRequest, Organization, User
from billing.office.models.user import Role
from billing.services.chasing.running import chase
from billing.services.earning.accruing import accrue_earnings
from billing.services.earning.payouts import NothingToPay, approve_batch, ask_to_pay, pay_batch, prepare_payouts
from billing.services.plans.enrolling import EnrolmentOrder, NewStudent, enrol
from billing.services.runs.approving import ask_for_run, carry_out_approval
from billing.services.runs.driving import carry_out_approved, run_billing
from config.demo.founding import make_users

if TYPE_CHECKING:
    from config.demo.story import Story

CHASED_DAYS = 40  # the last days are chased; before, the office did it by telephone
PAID = {33, 5}  # days before the end on which teachers and agents are paid; the last batch waits for finance
LOOKED_AT = 8  # days before the end; a run prepared later still waits to be looked at


@dataclass(frozen=True)
class Offer:
    """A plan as the demo offers it. prices: frequency → amount. items: (text, amount, taxed)."""

    code: str
    name: str
    kind: str
    line: str
    prices: tuple[tuple[str, int], ...]
    basis: str = Basis.SCHEDULE
    items: tuple[tuple[str, str, bool], ...] = ()
    is_taxed: bool = False
    more: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Enrolling:
    """One customer's enrolment, so many days after the story begins."""

    after: int
    place: int
    offer: str
    frequency: str
    student: str = ""
    provider: int = 0
    anchored: bool = True
    after_made: Callable[[Agreement], object] | None = None


def approved(request: ApprovalRequest, by: User, now: datetime) -> ApprovalRequest:
    return decide(request=request, approve=True, shown_hash=request.shown_hash, by=by, now=now)


def offer(organization: Organization, offers: Iterable[Offer], tax: TaxCode | None, now: datetime) -> dict[str, Plan]:
    """Put plans on offer, with prices that hold since long before."""
    found = {}
    for one in offers:
        plan = found[one.code] = Plan.objects.create(
            organization=organization, code=one.code, name=one.name, kind=one.kind, basis=one.basis, made_at=now,
            line_text=one.line, tax_code=tax if one.is_taxed else None, state=PlanState.ACTIVE,
            families_may_choose=one.kind != AgreementKind.POLICY, **dict(one.more),
        )  # fmt: skip
        PlanPrice.objects.bulk_create(
            PlanPrice(
                organization=organization, plan=plan, frequency=frequency, effective_on=date(2020, 1, 1),
                currency=organization.currency, amount=Decimal(amount), made_at=now,
            )
            for frequency, amount in one.prices
        )  # fmt: skip
        PlanItem.objects.bulk_create(
            PlanItem(
                organization=organization, plan=plan, ordinal=place, line_text=text, currency=organization.currency,
                amount=Decimal(amount), tax_code=tax if taxed else None,
            )
            for place, (text, amount, taxed) in enumerate(one.items, 1)
        )  # fmt: skip
    return found


def levy(
    organization: Organization, *, code: str, name: str, kind: str, rate: str, now: datetime, inclusive: bool = False,
    parts: Sequence[tuple[str, str]] = (),
) -> TaxCode:  # fmt: skip
    """A tax that holds everywhere, since long before."""
    tax = TaxCode.objects.create(organization=organization, code=code, name=name, kind=kind, is_inclusive=inclusive)
    TaxRate.objects.create(
        organization=organization, tax_code=tax, effective_on=date(2020, 1, 1), rate=Decimal(rate), made_at=now,
        parts=[{"name": part, "rate": share} for part, share in parts],
    )  # fmt: skip
    return tax


def hire_providers(organization: Organization, kind: str, names: Sequence[str]) -> list[Provider]:
    """The first leads the others, where they are agents."""
    prefix = "T" if kind == ProviderKind.TEACHER else "A"
    found: list[Provider] = []
    for place, name in enumerate(names, 1):
        leader = found[0] if found and kind == ProviderKind.AGENT else None
        made = Provider.objects.create(
            organization=organization, kind=kind, code=f"{prefix}{place:03d}", name=name, manager=leader,
            email=f"{name.split()[0].lower()}@example.com",
        )  # fmt: skip
        found.append(made)
    return found


def let_in(provider: Provider, username: str) -> None:
    """A login with which a provider looks at their own pages."""
    user = make_users([(username, provider.name)])[username]
    grant_role(user=user, organization=provider.organization, role=Role.TEACHER, by=None)
    provider.user = user
    provider.save(update_fields=["user"])


class Agreements:
    """What an organization agreed, and its life from day to day."""

    def __init__(
        self, story: "Story", plans: dict[str, Plan], providers: Sequence[Provider], enrolments: Sequence[Enrolling]
    ) -> None:  # fmt: skip
        self.story, self.plans, self.providers = story, plans, providers
        self.by_day: dict[date, list[Enrolling]] = {}
        for one in enrolments:
            self.by_day.setdefault(story.first_day + timedelta(days=one.after), []).append(one)
        self.made: list[Agreement] = []

    def live_day(self) -> None:
        """Enrol, bill, chase, and let people earn."""
        story = self.story
        with acting(story.staff.school, "demo"):
            for one in self.by_day.pop(story.day, []):
                self.made.append(self._enrol(one))
        if self.made:
            self._bill()
        left = (story.last_day - story.day).days
        if left <= CHASED_DAYS and (story.day.weekday() < 5 or not left):
            chase(now=story.now, as_of=story.day, organization=story.organization)
        if self.made and (story.day.weekday() == 0 or left in PAID or not left):
            accrue_earnings(organization=story.organization, now=story.now)
        if left in PAID:
            self._pay_out()

    def _enrol(self, one: Enrolling) -> Agreement:
        story = self.story
        customer: Customer = story.customers[one.place]
        order = EnrolmentOrder(
            organization=story.organization, customer_id=customer.pk, plan_id=self.plans[one.offer].pk,
            frequency=one.frequency, starts_on=story.day, request_key=story.key(),
            new_student=NewStudent(one.student) if one.student else None,
            provider_id=self.providers[one.provider % len(self.providers)].pk if self.providers else None,
            anchor_on=story.day.replace(day=1) if one.anchored else None,
        )  # fmt: skip
        return enrol(order, now=story.now, by=story.staff.school, after=one.after_made)

    def _bill(self) -> None:
        """Once a week where a second person looks at a run, else every day; then customers mean to pay."""
        story, organization = self.story, self.story.organization
        mark = _last_bill(organization)
        reports = run_billing(as_of=story.day, now=story.now, organization=organization, by=story.staff.school)
        waiting = next((report.open or report.prepared for report in reports if report.open or report.prepared), None)
        if waiting is not None and (story.last_day - story.day).days >= LOOKED_AT:
            with acting(story.staff.school, "demo"):
                asked = ask_for_run(run=waiting, reason="This week's bills", by=story.staff.school, now=story.now)
            with acting(story.staff.manager, "demo"):
                carry_out_approval(request=approved(asked, story.staff.manager, story.now), now=story.now)
                carry_out_approved(now=story.now, by=story.staff.manager, organization=organization)
        fresh = BillingRunItem.objects.filter(organization=organization, pk__gt=mark, invoice__isnull=False)
        story.expect(list(Invoice.objects.filter(bill__in=fresh)))

    def _pay_out(self) -> None:
        story = self.story
        with acting(story.staff.school, "demo"):
            try:
                batch = prepare_payouts(
                    organization=story.organization, earned_until=story.day - timedelta(days=3),
                    currency=story.house.currency, request_key=story.key(), now=story.now, by=story.staff.school,
                )  # fmt: skip
            except NothingToPay:
                return
            asked = ask_to_pay(batch=batch, reason="Pay of last month", by=story.staff.school, now=story.now)
        if (story.last_day - story.day).days == min(PAID):
            return
        with acting(story.staff.finance, "demo"):
            batch = approve_batch(request=approved(asked, story.staff.finance, story.now), by=story.staff.finance,
                                  now=story.now)  # fmt: skip
            pay_batch(
                batch=batch, paid_on=story.day, bank_reference=f"PAY {story.day:%b}", now=story.now,
                by=story.staff.finance,
            )  # fmt: skip


def _last_bill(organization: Organization) -> int:
    rows = BillingRunItem.objects.filter(organization=organization).order_by("-pk")
    return rows.values_list("pk", flat=True).first() or 0
