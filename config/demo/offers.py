"""What the demo's organizations offer, to whom, by whom."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from billing.models import Agreement, AgreementKind, DiscountRule, Frequency
from billing.models.party import ProviderKind
from billing.models.plan import Basis, DiscountCause
from billing.models.tax import TaxKind
from billing.services.insurance.setting_up import PolicyOrder, set_up_policy
from config.demo.agreements import Agreements, Enrolling, Offer, hire_providers, let_in, levy, offer
from config.demo.cast import AGENT, TEACHER
from config.demo.habits import EPISODE_CUSTOMERS
from config.demo.names import child

if TYPE_CHECKING:
    from config.demo.story import Story

SCHOOL_OFFERS = (
    Offer("piano-monthly", "Piano, a lesson a week", AgreementKind.LESSONS, "Piano, weekly lesson",
          ((Frequency.MONTHLY, 180), (Frequency.QUARTERLY, 520)), items=(("Sheet music", "12.00", True),),
          more=(("lessons_per_period", 4), ("lesson_minutes", 30))),
    Offer("violin-lessons", "Violin, paid by lesson", AgreementKind.LESSONS, "Violin lesson",
          ((Frequency.MONTHLY, 45),), basis=Basis.ATTENDANCE,
          more=(("lessons_per_period", 4), ("lesson_minutes", 45))),
    Offer("ten-lessons", "Ten guitar lessons", AgreementKind.PACKAGE, "Ten guitar lessons",
          ((Frequency.PACKAGE, 400),), more=(("package_size", 10), ("validity_days", 180), ("lesson_minutes", 45))),
    Offer("choir", "Children's choir", AgreementKind.LESSONS, "Children's choir, by lesson",
          ((Frequency.MONTHLY, 18),), basis=Basis.ATTENDANCE,
          more=(("lessons_per_period", 4), ("lesson_minutes", 60), ("is_group", True))),
    Offer("hire", "Instrument hire", AgreementKind.SUBSCRIPTION, "Hire of a cello", ((Frequency.MONTHLY, 35),),
          is_taxed=True),
)  # fmt: skip
GAS_OFFERS = (
    Offer("cylinders", "鋼瓶租賃 Cylinder rental", AgreementKind.SUBSCRIPTION, "鋼瓶租賃 Cylinder rental",
          ((Frequency.MONTHLY, 300), (Frequency.QUARTERLY, 840)), is_taxed=True),
)  # fmt: skip
INSURER_OFFERS = (
    Offer("term-life", "Term life", AgreementKind.POLICY, "Term life premium",
          ((Frequency.MONTHLY, 1_050), (Frequency.QUARTERLY, 3_000), (Frequency.ANNUAL, 11_400)), is_taxed=True,
          more=(("duration_months", 180),)),
    Offer("endowment", "Endowment", AgreementKind.POLICY, "Endowment premium",
          ((Frequency.MONTHLY, 2_500), (Frequency.ANNUAL, 28_500)), is_taxed=True,
          items=(("Accident rider", "120.00", True),), more=(("duration_months", 240),)),
)  # fmt: skip


def agree(story: "Story") -> Agreements:
    """What there is to agree to on the first day, and who will."""
    return {"lessons": _school, "gas": _gas, "premiums": _insurer}[story.house.preset](story)


def _school(story: "Story") -> Agreements:
    organization, now = story.organization, story.now
    tax = levy(organization, code="ny-sales", name="NY sales tax", kind=TaxKind.SALES_TAX, rate="0.08875", now=now)
    plans = offer(organization, SCHOOL_OFFERS, tax, now)
    for code, name, cause, percent in (
        ("siblings", "Brothers and sisters", DiscountCause.SIBLING, 10),
        ("classes", "Second class", DiscountCause.MULTI_CLASS, 5),
        ("staff", "Children of staff", DiscountCause.STAFF, 25),
    ):
        DiscountRule.objects.create(
            organization=organization, code=code, name=name, cause=cause, percent=percent, starts_on=story.first_day
        )
    teachers = hire_providers(organization, ProviderKind.TEACHER, (TEACHER[1], "Theo Thrum", "Tilda Trill"))
    let_in(teachers[0], TEACHER[0])
    ways = (
        ("piano-monthly", Frequency.MONTHLY), ("violin-lessons", Frequency.MONTHLY), ("ten-lessons", Frequency.PACKAGE),
        ("choir", Frequency.MONTHLY), ("piano-monthly", Frequency.QUARTERLY), ("hire", Frequency.MONTHLY),
    )  # fmt: skip
    enrolments = [
        Enrolling(
            after=20 + 4 * n, place=EPISODE_CUSTOMERS + n // 2, offer=way, frequency=frequency, provider=n,
            student="" if way == "hire" else child(story.random), anchored=n % 3 == 0,
        )
        for n in range(36)
        for way, frequency in [ways[n % len(ways)]]
    ]  # fmt: skip
    return Agreements(story, plans, teachers, enrolments)


def _gas(story: "Story") -> Agreements:
    tax = levy(
        story.organization, code="vat", name="營業稅 VAT", kind=TaxKind.VAT, rate="0.05", now=story.now, inclusive=True
    )
    plans = offer(story.organization, GAS_OFFERS, tax, story.now)
    frequencies = (Frequency.MONTHLY, Frequency.QUARTERLY)
    enrolments = [
        Enrolling(after=10 + 3 * n, place=EPISODE_CUSTOMERS + n, offer="cylinders", frequency=frequencies[n % 2])
        for n in range(14)
    ]
    return Agreements(story, plans, [], enrolments)


def _insurer(story: "Story") -> Agreements:
    tax = levy(
        story.organization, code="gst-18", name="GST", kind=TaxKind.GST, rate="0.18", now=story.now,
        parts=(("CGST", "0.09"), ("SGST", "0.09")),
    )  # fmt: skip
    plans = offer(story.organization, INSURER_OFFERS, tax, story.now)
    names = ("Leela Lakhanpore", AGENT[1], "Nisha Nagar")
    agents = hire_providers(story.organization, ProviderKind.AGENT, names)
    let_in(agents[1], AGENT[0])
    ways: Sequence[tuple[str, str, str]] = (
        ("term-life", Frequency.MONTHLY, "LIFE"), ("endowment", Frequency.MONTHLY, "ENDOW"),
        ("term-life", Frequency.QUARTERLY, "LIFE"), ("term-life", Frequency.ANNUAL, "LIFE"),
    )  # fmt: skip
    enrolments = [
        Enrolling(
            after=5 + 4 * n, place=EPISODE_CUSTOMERS + n, offer=way, frequency=frequency, provider=1 + n % 2,
            anchored=False, after_made=_insured(story, product),
        )
        for n in range(26)
        for way, frequency, product in [ways[n % len(ways)]]
    ]  # fmt: skip
    return Agreements(story, plans, agents, enrolments)


def _insured(story: "Story", product: str) -> Callable[[Agreement], object]:
    def make(agreement: Agreement) -> object:
        order = PolicyOrder(product=product, insured_name=agreement.customer.name)
        return set_up_policy(agreement=agreement, order=order, now=story.now, by=story.staff.school)

    return make
