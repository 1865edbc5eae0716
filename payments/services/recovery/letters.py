"""What payers are told about automatic charges: one comes, worked, failed, and what they can do (R59, R176, R177)."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.models import Customer, Installment, Invoice
from billing.models.installment import InstallmentState
from billing.money import format_money
from billing.office.models import Organization
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.services.chasing.messages import how_to_pay
from billing.services.pay_links import links_for_messages
from billing.transactions import transaction_required
from payments.models import PaymentAttempt, PaymentMethod, RetryDecision
from payments.models.recovery import Verdict
from payments.services.methods.telling import tell_payer
from payments.services.methods.words import declined_words

# Where a failed charge may be paid in another way meanwhile: nothing else of it is on its way.
PAYABLE = (Verdict.RETRY, Verdict.ASK_PAYER, Verdict.STOP)


@transaction_required
def tell_failed(
    *, attempt: PaymentAttempt, decision: RetryDecision, numbers: Iterable[str], now: datetime, fact: str = ""
) -> None:  # fmt: skip
    """Why it failed in plain words, what happens next, and what the payer may do instead; once an attempt.

    fact: what besides the attempt it is told for, where a person asks once more.
    """
    amount, invoices = format_money(attempt.amount, attempt.currency), ", ".join(numbers)
    links = links_for_messages(customers=[attempt.customer], now=now) if decision.verdict in PAYABLE else {}

    def values() -> Mapping[str, str]:
        return {
            "amount": amount, "invoices": invoices, "method": str(attempt.method),
            "why": str(declined_words(attempt.reason).what),
            "next_step": "\n\n".join(_next(attempt.organization, decision)),
            "choices": "\n\n".join([*_choices(decision), *_link(links.get(attempt.customer_id, ""))]),
            "questions": "\n\n".join(_questions(attempt.organization)),
        }  # fmt: skip

    key = f"attempt:{attempt.key}{f':{fact}' if fact else ''}"
    tell_payer(customer=attempt.customer, kind="charge_failed", fact=key, values=values, now=now)


def _next(organization: Organization, decision: RetryDecision) -> Iterable[str]:
    if decision.verdict == Verdict.RETRY and decision.try_at is not None:
        at = decision.try_at.astimezone(organization.zone)
        yield _("We try again on {day}. Please see that there is enough money by then.").format(day=date_format(at))
    elif decision.verdict in (Verdict.BACKUP, Verdict.FAILOVER):
        yield _("We now charge {method} instead, as you allowed.").format(method=decision.method)
    elif decision.verdict == Verdict.STOP:
        yield _("Nothing more is charged by itself. If that was a mistake, add your card or account anew.")
    elif decision.verdict == Verdict.PERSON:
        yield _("Our office looks at it; nothing more is charged by itself until then.")
    else:
        yield _("We do not try again by ourselves.") + " " + str(declined_words(decision.failed.reason).next)


def _choices(decision: RetryDecision) -> Iterable[str]:
    """The page on which the payer decides; not while the office looks at it."""
    if decision.verdict == Verdict.PERSON:
        return
    address = settings.PUBLIC_URL.rstrip("/") + reverse("family_retry", args=[decision.pk])
    yield _("You decide: another card, another day, or two parts: {address}").format(address=address)


def _link(address: str) -> Iterable[str]:
    if address:
        yield _("Or pay it in another way, without signing in: {address}").format(address=address)


def _questions(organization: Organization) -> Iterable[str]:
    ways = [way for way in (organization.phone, organization.email) if way]
    if ways:
        yield _("Questions? Call or write to us: {ways}").format(ways=", ".join(ways))
    yield organization.shown_name


@transaction_required
def tell_charged(*, attempt: PaymentAttempt, invoices: Iterable[Invoice], now: datetime) -> None:
    """What was charged to what, that the service is active, and the next due day and amount (R59)."""
    invoices = list(invoices)
    amount = format_money(attempt.approved_amount or attempt.amount, attempt.currency)

    def values() -> Mapping[str, str]:
        return {
            "amount": amount, "invoices": ", ".join(invoice.number for invoice in invoices),
            "method": str(attempt.method), "payment": attempt.payment.number if attempt.payment else "",
            "day": date_format((attempt.settled_at or now).astimezone(attempt.organization.zone)),
            "service": "\n\n".join(_service(invoices)), "questions": "\n\n".join(_questions(attempt.organization)),
        }  # fmt: skip

    tell_payer(customer=attempt.customer, kind="charge_done", fact=f"attempt:{attempt.key}", values=values, now=now)


def _service(invoices: Iterable[Invoice]) -> Iterable[str]:
    for invoice in invoices:
        agreement = invoice.agreement
        if agreement is None or agreement.state != "active":
            continue
        yield _("{plan} ({agreement}) is active.").format(plan=agreement.plan.name, agreement=agreement.number)
        coming = next_due(invoice)
        if coming is not None:
            day, amount = coming
            words = _("The next charge is {amount}, due {day}.")
            yield words.format(amount=format_money(amount, invoice.currency), day=date_format(day))


def next_due(invoice: Invoice) -> tuple[date, Decimal] | None:
    """Day and amount of what the agreement asks for next: billed already, or planned. Two queries."""
    assert invoice.agreement is not None
    own = Invoice.objects.filter(customer_id=invoice.customer_id, agreement=invoice.agreement).open()
    billed = own.exclude(pk=invoice.pk).order_by("due_on").values_list("due_on", "open_amount").first()
    planned = Installment.objects.filter(agreement=invoice.agreement, state=InstallmentState.PLANNED, amount__gt=0)
    coming = planned.order_by("due_on").values_list("due_on", "amount").first()
    return min(filter(None, (billed, coming)), default=None)


@transaction_required
def tell_coming(*, method: PaymentMethod, invoice: Invoice, on: date, now: datetime) -> None:
    """A charge comes: how much, to what, on which day, and what to do if it should not (R176)."""
    amount = format_money(invoice.open_amount, invoice.currency)

    def values() -> Mapping[str, str]:
        return {
            "amount": amount, "invoices": invoice.number, "method": str(method), "day": date_format(on),
            "questions": "\n\n".join(_questions(invoice.organization)),
        }  # fmt: skip

    fact = f"invoice:{invoice.pk}:{on}:{invoice.open_amount}"
    tell_payer(customer=method.customer, kind="charge_coming", fact=fact, values=values, now=now)


@transaction_required
def tell_no_way(*, customer: Customer, invoice: Invoice, now: datetime) -> None:
    """Nothing can be charged although the family wished it so: there is no method that may be used."""
    amount = format_money(invoice.open_amount, invoice.currency)
    links = links_for_messages(customers=[customer], now=now)

    def values() -> Mapping[str, str]:
        return {
            "amount": amount, "invoices": invoice.number, "how_to_pay": "\n\n".join(how_to_pay(customer, links=links)),
        }  # fmt: skip

    tell_payer(customer=customer, kind="charge_no_method", fact=f"invoice:{invoice.pk}", values=values, now=now)


@transaction_required
def tell_office(*, attempt: PaymentAttempt, decision: RetryDecision, why: Iterable[str], now: datetime) -> None:
    """A person is needed, or has to know; in English, as all notes to the office."""
    amount = format_money(attempt.amount, attempt.currency)
    asked = "needs a person" if decision.verdict == Verdict.PERSON else "is given up"
    message = Message(
        kind="charge_for_person", fact=f"attempt:{attempt.key}", recipient="office", channel=Channel.OFFICE,
        subject=f"{attempt.number}: {amount} of {attempt.customer.name} {asked}"[:200], body=" ".join(why),
        party=attempt.customer_id,
    )  # fmt: skip
    queue_notices(attempt.organization, [message], now)
