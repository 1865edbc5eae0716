"""What is there before the first invoice: the organization, its people, its customers."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from random import Random

from django.contrib.auth.hashers import make_password
from django.core.files.base import ContentFile

from billing.models import Customer, Household
from billing.office.access import grant_role
from billing.office.models import Organization, User
from billing.office.models.policy import Scope
from billing.office.models.user import Role
from billing.office.organizations import create_organization
from billing.office.policies import set_policy
from billing.office.secrets import keyed_hash
from config.demo.cast import PARENT, PASSWORD, PLATFORM_ADMIN, House
from config.demo.logos import logo
from config.demo.names import Person, person, telephone
from payments.services.bank_accounts import ensure_bank_account


@dataclass(frozen=True)
class Staff:
    """Who acts for an organization in the story."""

    clerk: User
    second_clerk: User
    supervisor: User
    manager: User
    finance: User
    accountant: User
    school: User


def make_users(names: list[tuple[str, str]]) -> dict[str, User]:
    """Log-ins by user name, those there already as they are. One slow hash serves all: the password is public."""
    sealed = make_password(PASSWORD)
    found = {}
    for username, full_name in names:
        first, _blank, last = full_name.partition(" ")
        found[username], _made = User.objects.get_or_create(
            username=username,
            defaults={"first_name": first, "last_name": last, "email": f"{username}@example.com", "password": sealed,
                      "language": "zh-hant" if not full_name.isascii() else "en"},
        )  # fmt: skip
    return found


def found_organization(house: House, now: datetime) -> Organization:
    organization = create_organization(
        code=house.code, name=house.name, currency=house.currency, country=house.country,
        time_zone=house.time_zone, preset=house.preset, now=now, **house.details,  # type: ignore[arg-type]
    )  # fmt: skip
    organization.logo.save(f"{house.code}.png", ContentFile(logo(house.code, house.colour)))
    words = {"receipts.terms": house.receipt_terms, "receipts.signatory": house.signatory,
             "receipts.languages": list(house.languages)}  # fmt: skip
    for key, value in words.items():
        set_policy(organization=organization, key=key, value=value, now=now, by=None, reason="demo")
    for code, name, number in house.banks:
        ensure_bank_account(organization=organization, code=code, currency=house.currency, name=name, number=number)
    return organization


def hire(house: House, organization: Organization) -> Staff:
    """The staff with one role each, and the platform's administrator."""
    users = make_users([(username, full) for username, full, _role in house.staff])
    for username, _full, role in house.staff:
        grant_role(user=users[username], organization=organization, role=role, by=None)
    for user in make_users([PLATFORM_ADMIN]).values():
        grant_role(user=user, organization=organization, role=Role.PLATFORM_ADMIN, by=None)
    clerk, supervisor, manager, finance, accountant, school, second = users.values()
    return Staff(clerk, second, supervisor, manager, finance, accountant, school)


def gather_customers(house: House, organization: Organization, random: Random) -> list[Customer]:
    """The customers, in families where there are some; the first is the family of the demo's parent."""
    people = [person(house, random) for _n in range(house.customers)]
    households = _households(house, organization, people, random)
    rows = [
        _customer(house, organization, n, somebody, random, households.get(n)) for n, somebody in enumerate(people, 1)
    ]
    rows[0].name, rows[0].latin_name = PARENT[1], ""
    rows[-1].is_active = False
    customers = Customer.objects.bulk_create(rows)
    parent = make_users([PARENT])[PARENT[0]]
    grant_role(user=parent, organization=organization, role=Role.PARENT, by=None)
    customers[0].users.add(parent)
    return customers


def wish_of_one_customer(organization: Organization, customer: Customer, now: datetime) -> None:
    """A setting of its own for one customer, who wants money set against what falls due first."""
    set_policy(
        organization=organization, key="allocation.strategy", value="due_date", now=now, by=None,
        reason="asked in writing", scope=Scope.CUSTOMER, scope_key=customer.pk,
    )  # fmt: skip


def _households(house: House, organization: Organization, people: list[Person], random: Random) -> dict[int, Household]:
    """In a school, every fifth customer shares a household with the one before: parents who pay apart."""
    if house.preset != "lessons":
        return {}
    found = {}
    for n in range(2, len(people), 5):
        family = Household.objects.create(organization=organization, name=f"{people[n].family} family")
        found[n] = found[n + 1] = family
    return found


def _customer(
    house: House, organization: Organization, n: int, somebody: Person, random: Random, household: Household | None
) -> Customer:
    limit = Decimal(house.prices[1] * random.choice((2, 3, 5))) if random.random() < 0.3 else None
    account = f"000{house.seed:03d}{n:06d}"
    return Customer(
        organization=organization, household=household, code=f"{house.code[0].upper()}{n:05d}", name=somebody.name,
        latin_name=somebody.latin_name, tax_id=f"{90_000_000 + n}" if somebody.is_business else "",
        email=f"{house.code[0]}{n:05d}@example.com" if n % 7 else "", phone=telephone(house, n),
        address=house.details["address"].replace("12 ", f"{n} ").replace("7 Lamp", f"{n} Lamp"),
        language="zh-hant" if house.country == "TW" and random.random() < 0.8 else "en",
        virtual_account=f"98{house.seed:03d}{n:09d}", bank_account=account, bank_account_hash=keyed_hash(account),
        credit_limit=limit,
    )  # fmt: skip
