"""Agreements with something to bill, and runs of them, as the doors carry them out."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from billing.models import Agreement, AgreementPayer, BillingRun, Charge, Customer, Invoice
from billing.models.billing_run import RunKind
from billing.models.installment import ChargeKind
from billing.office import approvals
from billing.office.models import Organization, User
from billing.rules.priced import NO_TAX, price_line, step
from billing.selectors.run_facts import content_hash
from billing.services.invoicing import void_invoice
from billing.services.runs.approving import approve_alone, ask_for_run, carry_out_approval
from billing.services.runs.carrying_out import RunOutcome, carry_out_run
from billing.services.runs.preparing import RunOrder, prepare_run
from tests.agreements import agreement, installment
from tests.builders import NOW, TODAY

DAY = timedelta(days=1)


def monthly(payer: Customer, amount: str = "90.00", **details: Any) -> Agreement:
    """An agreement whose period of `amount` is to bill today."""
    made = agreement(payer)
    installment(made, amount, due_on=details.pop("due_on", TODAY + 14 * DAY), bill_on=TODAY, **details)
    return made


def shared(of: Agreement, *shares: tuple[Customer, str], from_on: date = date(2026, 1, 1)) -> None:
    for customer, share in shares:
        AgreementPayer.objects.create(
            organization=of.organization, agreement=of, customer=customer, share=Decimal(share), from_on=from_on
        )


def charge(of: Agreement, amount: str, *, on: date = TODAY, kind: str = ChargeKind.LESSON, **details: Any) -> Charge:
    """Not billed yet; a lesson without tax, unless told otherwise."""
    line = price_line(
        details.pop("text", "Lesson"), Decimal(amount), of.currency, details.pop("tax", NO_TAX),
        steps=[step("one_off", charged_on=on, price_amount=Decimal(amount))],
    )  # fmt: skip
    source = details.pop("source", "") or f"test:{Charge.objects.count()}"
    return Charge.objects.create(
        organization=of.organization, agreement=of, kind=kind, source=source, occurred_on=on,
        bill_on=details.pop("bill_on", on), description=line.text, currency=of.currency, net_amount=line.net,
        tax_amount=line.tax, line=line.to_json(), made_at=NOW,
    )  # fmt: skip


def prepare(
    org: Organization, until: date = TODAY, *, kind: RunKind = RunKind.REGULAR, issue_on: date = TODAY,
    is_approved: bool = False, agreement_ids: Collection[int] | None = None, by: User | None = None,
) -> BillingRun | None:  # fmt: skip
    order = RunOrder(kind, until, issue_on, agreement_ids, is_approved)
    with transaction.atomic():
        return prepare_run(organization=org, order=order, now=NOW, by=by)


def prepared(org: Organization, until: date = TODAY, **details: Any) -> BillingRun:
    run = prepare(org, until, **details)
    assert run is not None
    return run


def approve(run: BillingRun, maker: User, checker: User, *, now: datetime = NOW) -> BillingRun:
    with transaction.atomic():
        asked = ask_for_run(run=run, reason="looks right", by=maker, now=now)
        approvals.decide(request=asked, approve=True, shown_hash=asked.shown_hash, by=checker, now=now)
        return carry_out_approval(request=asked, now=now)


def let_go(run: BillingRun, by: User) -> BillingRun:
    """Approved by one person alone, with the bills as they are."""
    with transaction.atomic():
        return approve_alone(run=run, shown_hash=content_hash(run), by=by, now=NOW)


def bill(org: Organization, until: date = TODAY, *, now: datetime = NOW, **details: Any) -> RunOutcome:
    """Prepare a run that goes out at once, and carry it out."""
    return carry_out_run(run=prepared(org, until, is_approved=True, **details), now=now, by=None)


def void(invoice: Invoice, reason: str = "wrong month", *, now: datetime = NOW) -> Invoice:
    with transaction.atomic():
        return void_invoice(invoice=invoice, reason=reason, now=now, by=None)
