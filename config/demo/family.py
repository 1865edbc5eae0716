"""A family of three children at three schools: one parent, three schedules, one view of them all (R157)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import uuid5

from django.conf import settings
from django.urls import reverse

from billing.models import AgreementKind, Customer, Frequency, Invoice, MessagePreference
from billing.models.party import ProviderKind
from billing.office.access import grant_role
from billing.office.acting import acting
from billing.office.models import Organization, User
from billing.office.models.user import Role
from billing.office.organizations import create_organization
from billing.office.policies import set_policy
from billing.services.inviting import invite
from billing.services.plans.enrolling import EnrolmentOrder, NewStudent, enrol
from billing.services.runs.driving import run_billing
from config.demo.agreements import Offer, hire_providers, offer
from config.demo.cast import ALLEGRO, FAMILY, INVITED, NAMESPACE
from config.demo.founding import make_users
from payments.models import Method
from payments.services.bank_accounts import ensure_bank_account
from payments.services.orders import PaymentOrder
from receipts.services.counter import ReceiptWish, take_payment

DAYS = 150
UNPAID_DAYS = 35  # what fell due since then is still owed at one of the schools
ZONE = "America/New_York"


@dataclass(frozen=True)
class School:
    """A small school: one plan, one teacher, one child of the family. is_new: made for the family."""

    code: str
    name: str
    child: str
    teacher: str
    plan: Offer
    frequency: str
    is_new: bool = True


SCHOOLS = (
    School(ALLEGRO.code, ALLEGRO.name, "Flora", "Tess Tremolo",
           Offer("piano-30", "Piano, 30 minutes", AgreementKind.LESSONS, "Piano, 30 minutes a week",
                 ((Frequency.MONTHLY, 160),), more=(("lessons_per_period", 4), ("lesson_minutes", 30))),
           Frequency.MONTHLY, is_new=False),
    School("brio", "Brio Dance School", "Fabian", "Bianca Barre",
           Offer("ballet", "Ballet for children", AgreementKind.SUBSCRIPTION, "Ballet, a week",
                 ((Frequency.WEEKLY, 22),)), Frequency.WEEKLY),
    School("cantabile", "Cantabile Choir School", "Fenja", "Carla Canto",
           Offer("choir-term", "Girls' choir", AgreementKind.SUBSCRIPTION, "Girls' choir, a quarter",
                 ((Frequency.QUARTERLY, 240),), items=(("Choir robe", "15.00", False),)), Frequency.QUARTERLY),
)  # fmt: skip


def bring_family(now: datetime) -> None:
    """The family at its three schools, and what they paid in the last months. Made once, with the school of music."""
    parent = make_users([FAMILY])[FAMILY[0]]
    for place, school in enumerate(SCHOOLS):
        organization = _school(school, now)
        customer = _customer(organization, parent, now)
        with acting(None, "demo"):
            _enrol(school, organization, customer, now)
            for day in _days(organization, now) if school.is_new else ():
                _live(organization, customer, day, now, pays=place != 1)
    _invite_other_parent(now)


def _invite_other_parent(now: datetime) -> None:
    """The other parent has no login yet: the invitation waits in the outbox, and by its link anybody may try it."""
    customer = Customer.objects.get(organization__code=ALLEGRO.code, code="F00001")
    clerk = User.objects.get(username=ALLEGRO.staff[0][0])
    with acting(clerk, "demo"):
        invite(party=customer, email=INVITED, now=now, by=clerk, link_of=_link)


def _link(token: str) -> str:
    return f"{settings.PUBLIC_URL.rstrip('/')}{reverse('invitation', args=[token])}"


def _school(school: School, now: datetime) -> Organization:
    """The staff of the music school works in the small ones too."""
    if not school.is_new:
        return Organization.objects.get(code=school.code)
    organization = create_organization(
        code=school.code, name=school.name, currency="USD", country="US", time_zone=ZONE, preset="lessons",
        now=now - timedelta(days=DAYS + 1), address="3 Quaver Street\nCrotchet Falls, NY 10000",
        email=f"office@{school.code}.example.com", phone="+1 212 555 0103",
    )  # fmt: skip
    set_policy(organization=organization, key="billing.needs_approval", value=False, now=now, by=None, reason="demo")
    ensure_bank_account(organization=organization, code="main", currency="USD", name="First Harbour Bank", number="")
    for username, _name, role in ALLEGRO.staff[:-1]:
        grant_role(user=User.objects.get(username=username), organization=organization, role=role, by=None)
    return organization


def _customer(organization: Organization, parent: User, now: datetime) -> Customer:
    """With a phone that was confirmed: what must not be missed comes as an SMS too, to the sandbox's house."""
    grant_role(user=parent, organization=organization, role=Role.PARENT, by=None)
    customer = Customer.objects.create(
        organization=organization, code="F00001", name=FAMILY[1], email=f"{FAMILY[0]}@example.com",
        phone="+1 212 555 0104", address="4 Treble Lane\nCrotchet Falls, NY 10000", virtual_account="98440999900001",
    )  # fmt: skip
    customer.users.add(parent)
    urgent: dict[str, list[str]] = {topic: ["email", "sms"] for topic in ("overdue", "failures", "coming")}
    MessagePreference.objects.create(
        customer=customer, phone="+12125550104", phone_confirmed_at=now, topics=urgent, changed_at=now
    )
    return customer


def _enrol(school: School, organization: Organization, customer: Customer, now: datetime) -> None:
    """At the music school today, so that its first bill is still to come; elsewhere since months."""
    today = organization.today(now)
    starts_on = today - timedelta(days=DAYS) if school.is_new else today.replace(day=1)
    plan = offer(organization, [school.plan], None, now)[school.plan.code]
    teacher = (
        organization.providers.filter(name=school.teacher).first()
        or (hire_providers(organization, ProviderKind.TEACHER, [school.teacher])[0])
    )
    order = EnrolmentOrder(
        organization=organization, customer_id=customer.pk, plan_id=plan.pk, frequency=school.frequency,
        starts_on=starts_on, new_student=NewStudent(school.child), provider_id=teacher.pk,
        request_key=str(uuid5(NAMESPACE, school.code)),
    )  # fmt: skip
    enrol(order, now=_noon(starts_on, organization) if school.is_new else now, by=None)


def _days(organization: Organization, now: datetime) -> Iterator[date]:
    """A bill may go out on Mondays and on the first."""
    today = organization.today(now)
    days = (today - timedelta(days=back) for back in range(DAYS - 1, -1, -1))
    return (day for day in days if day.weekday() == 0 or day.day == 1)


def _live(organization: Organization, customer: Customer, day: date, now: datetime, *, pays: bool) -> None:
    at = min(now, _noon(day, organization))
    run_billing(as_of=day, now=at, organization=organization)
    due = Invoice.objects.open().filter(customer=customer, due_on__lte=day)
    owed = sum((invoice.open_amount for invoice in due), Decimal("0.00"))
    if owed and (pays or (organization.today(now) - day).days > UNPAID_DAYS):
        order = PaymentOrder(
            customer_id=customer.pk, method=Method.BANK_TRANSFER, amount=owed, currency="USD", received_on=day,
            request_key=str(uuid5(NAMESPACE, f"{organization.code} {day}")), payer_name=customer.name,
            channel="bank_file", lookalike_reason="The next week's",
        )  # fmt: skip
        take_payment(organization=organization, order=order, wish=ReceiptWish("none"), now=at, by=None)


def _noon(day: date, organization: Organization) -> datetime:
    return datetime.combine(day, time(12), organization.zone)
