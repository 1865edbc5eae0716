"""A policy of source 2: 13,500.00 a year and 1,500.00 GST on it, due on 15 January, thirty days of grace."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from billing.models import Agreement, AgreementKind, Customer, Frequency, Invoice
from billing.models.agreement import ChangeKind
from billing.office.models import Organization, User
from billing.selectors.premiums import PolicyDue, amount_due
from billing.services.insurance.lapsing import lapse
from billing.services.insurance.setting_up import PolicyOrder, set_up_policy
from billing.services.plans.scheduling import rebuild_schedules
from billing.services.runs.carrying_out import bill_agreements
from receipts.services.counter import Taken
from tests import agreements, builders
from tests.builders import policy as setting
from tests.taxes import rate, tax_code

JANUARY = date(2026, 1, 15)
LAST_OF_GRACE = date(2026, 2, 14)  # day 30
LAPSE = date(2026, 2, 15)  # day 31


def at(day: date) -> datetime:
    """Noon in Kolkata."""
    return datetime(day.year, day.month, day.day, 6, 30, tzinfo=UTC)


def insurer(**settings: Any) -> Organization:
    """With the settings the requirements give an insurer, but due days on any day and nothing waiting for a manager."""
    org = builders.organization(currency="INR", zone="Asia/Kolkata", name="Suraksha Life", preset="premiums")
    setting(org, "agreements.shift", "none")
    setting(org, "agreements.horizon_months", 40)
    for key, value in settings.items():
        setting(org, key.replace("__", "."), value)
    return org


def insure(
    payer: Customer, *, premium: str = "13500.00", tax: str = "0.111111", frequency: str = Frequency.ANNUAL,
    starts_on: date = JANUARY, policy_number: str = "POL-LIFE-2026-000001", **agreement: Any,
) -> Agreement:  # fmt: skip
    """A policy with its schedule; nothing billed yet."""
    org = payer.organization
    code = tax_code(org) if Decimal(tax) else None
    if code is not None:
        rate(code, tax)
    plan = agreements.plan(
        org, premium, kind=AgreementKind.POLICY, frequency=frequency, name="Life cover", line_text="Premium",
        tax_code=code,
    )  # fmt: skip
    made = agreements.agreement(payer, plan, starts_on=starts_on, **agreement)
    with transaction.atomic():
        order = PolicyOrder(policy_number, "life", "John Doe", Decimal("1000000.00"))
        set_up_policy(agreement=made, order=order, now=at(starts_on), by=None)
        rebuild_schedules(
            organization=org, agreement_ids=[made.pk], kind=ChangeKind.STARTED, reason="", effective_on=starts_on,
            now=at(starts_on), by=None,
        )  # fmt: skip
    return reread(made)


def reread(policy: Agreement) -> Agreement:
    rows = Agreement.objects.select_related("insurance", "customer", "organization", "plan")
    return rows.get(pk=policy.pk)


def bill(policy: Agreement, on: date = JANUARY) -> list[Invoice]:
    with transaction.atomic():
        return bill_agreements(organization=policy.organization, agreement_ids=[policy.pk], on=on, now=at(on), by=None)


def billed(org: Organization | None = None, **details: Any) -> Agreement:
    """The policy of John Doe with its first premium billed."""
    made = insure(builders.customer(org or insurer(), "John Doe", code="JOHN"), **details)
    bill(made, made.starts_on)
    return reread(made)


def lapsed(org: Organization | None = None, on: date = LAPSE, **details: Any) -> Agreement:
    made = billed(org, **details)
    with transaction.atomic():
        lapse(agreement=made, on=on, now=at(on), by=None)
    return reread(made)


def due(policy: Agreement, on: date) -> PolicyDue:
    return amount_due(reread(policy), on)


def pay(policy: Agreement, amount: str, on: date, *, by: User | None = None, **details: Any) -> Taken:
    """At the counter, the policy's invoices alone: those due first."""
    details.setdefault("received_on", on)
    return builders.pay(policy.customer, amount, by=by, now=at(details.pop("entered_on", on)), **details)
