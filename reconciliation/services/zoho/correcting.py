"""A difference to Zoho corrected on the side that is wrong: here by reading again, there by an errand (R149, F55)."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.inputs import clean_text
from billing.models.agreement import RUNNING
from billing.office.access import require
from billing.office.models import User
from billing.office.models.user import Mode
from billing.states import move
from billing.transactions import in_transaction, transaction_required
from payments.gateways.registry import NotConfigured, settings_of
from payments.gateways.zoho import Gateway
from payments.gateways.zoho.trouble import NotThere, Refused, Unreachable
from payments.models import Payment, ZohoErrand, ZohoSubscription
from payments.models.zoho import ErrandKind
from payments.services.zoho.calls import zoho_at
from payments.services.zoho.errands import add_errand, run_errand
from payments.services.zoho.tending import read_now
from reconciliation.models import ZohoDiscrepancy
from reconciliation.models.zoho_comparison import (
    ZOHO_DISCREPANCY_MOVES,
    ZohoDiscrepancyKind,
    ZohoDiscrepancyState,
)
from reconciliation.rules.zoho_sides import Found, Judged
from reconciliation.selectors import zoho_ours
from reconciliation.services.differences import WORK
from reconciliation.services.zoho.noting import note

Kind, State = ZohoDiscrepancyKind, ZohoDiscrepancyState
# Where reading Zoho again may put our side right. A total never is: an issued invoice does not change (F55).
OURS = (
    Kind.SUBSCRIPTION_STATE, Kind.INVOICE_STATE, Kind.INVOICE_NOT_HERE, Kind.PAYMENT_STATE, Kind.PAYMENT_NOT_HERE,
)  # fmt: skip


class CannotCorrect(DomainError):
    code = "cannot_correct"
    sentence = _("This cannot be corrected from here; look at both sides and explain what was done.")


class ZohoSilent(DomainError):
    code = "zoho_silent"
    sentence = _("Zoho cannot be read at the moment; nothing was changed. ({trouble})")


def sides_to_correct(row: ZohoDiscrepancy) -> set[str]:
    """Which sides one click may correct: "ours", "theirs". A few queries."""
    if row.subscription is None or row.state not in (State.OPEN, State.SEEN):
        return set()
    found = {"ours"} if row.kind in OURS else set()
    return found | ({"theirs"} if row.state == State.OPEN and _errand_for(row) is not None else set())


def correct_here(*, row: ZohoDiscrepancy, now: datetime, by: User) -> ZohoDiscrepancy:
    """Read its subscription again and take in what is new, by the rules of every reading; then look whether it still
    differs. Nothing that we issued or booked is overwritten. Outside transactions. Raises CannotCorrect, ZohoSilent."""
    require(by, row.organization, WORK, Mode.DO)
    if row.subscription is None or row.kind not in OURS:
        raise CannotCorrect()
    read_now(row.subscription.pk, now=now)
    return look_again(row=row, now=now)


def correct_there(*, row: ZohoDiscrepancy, now: datetime, by: User) -> ZohoDiscrepancy:
    """Have Zoho do what it lacks, by an errand that is tried at once and kept until it is done. Outside transactions.

    Raises CannotCorrect, NotPermitted.
    """
    errand = in_transaction(partial(_order, row.pk, now, by))
    done = run_errand(errand.pk, now=now)
    if done.state == "done":
        return look_again(row=row, now=now)
    return reread(row.pk)


@transaction_required
def _order(pk: int, now: datetime, by: User) -> ZohoErrand:
    row = _lock(pk)
    require(by, row.organization, WORK, Mode.DO)
    wanted = _errand_for(row) if row.state == State.OPEN else None
    if wanted is None or row.subscription is None:
        raise CannotCorrect()
    kind, facts = wanted
    turn = ZohoErrand.objects.filter(subscription=row.subscription, kind=kind).count()
    errand = add_errand(
        link=row.subscription, kind=kind, request=f"discrepancy:{row.pk}:{turn}", now=now, by=by, **facts
    )  # fmt: skip
    move(row, State.CORRECTING, ZOHO_DISCREPANCY_MOVES, errand=errand)
    return errand


def _errand_for(row: ZohoDiscrepancy) -> tuple[str, dict[str, Any]] | None:
    """What would put Zoho right, None for nothing that can be known to."""
    link = row.subscription
    if link is None or not link.remote_id:
        return None
    if row.kind == Kind.CUSTOMER:
        return ErrandKind.CUSTOMER, {}
    if row.kind == Kind.SUBSCRIPTION_STATE:
        return _of_subscription(link, row.theirs.get("state", ""))
    if row.kind in (Kind.INVOICE_STATE, Kind.PAYMENT_NOT_THERE):
        return _of_money(row)
    return None


def _of_subscription(link: ZohoSubscription, there: str) -> tuple[str, dict[str, Any]] | None:
    if link.ended_at is not None and link.agreement.state in RUNNING:
        return None
    runs = link.agreement.state in RUNNING
    if not runs and there in ("live", "trial", "future", "dunning", "unpaid", "non_renewing"):
        return ErrandKind.CANCEL, {}
    return (ErrandKind.REACTIVATE, {}) if runs and there == "non_renewing" and link.agreement.ends_on is None else None


def _of_money(row: ZohoDiscrepancy) -> tuple[str, dict[str, Any]] | None:
    """Money that came here and that Zoho does not know of: only a payment of ours, never one that Zoho took."""
    if row.kind == Kind.PAYMENT_NOT_THERE:
        paid = row.zoho_payment
        bill = row.subscription.bills.filter(balance__gt=0).order_by("pk").first() if row.subscription else None
        if paid is None or paid.recorded is None or bill is None:
            return None
        return ErrandKind.RECORD, _facts(paid.recorded, bill, min(paid.amount, bill.balance))
    more = Decimal(row.theirs.get("open", "0")) - Decimal(row.ours.get("open", "0"))
    if row.bill is None or more <= 0 or row.theirs.get("state") != "open":
        return None
    rows = Payment.objects.filter(
        credit_item__allocations__invoice=row.bill.invoice, credit_item__allocations__reverses__isnull=True,
        credit_item__allocations__reversed_by__isnull=True, zoho__isnull=True, state__in=("processed", "refunded"),
    )  # fmt: skip
    payment = rows.order_by("-pk").first()
    return (ErrandKind.RECORD, _facts(payment, row.bill, more)) if payment is not None else None


def _facts(payment: Payment, bill: Any, amount: Decimal) -> dict[str, Any]:
    return {"bill": bill, "payment": payment, "facts": {"amount": f"{amount:.2f}"}}


# Looking again


def look_again(*, row: ZohoDiscrepancy, now: datetime) -> ZohoDiscrepancy:
    """Read this one thing from Zoho and judge it anew. Outside transactions. Raises ZohoSilent."""
    row = reread(row.pk)
    account = row.gateway_account
    try:
        with zoho_at(account, now, keep=False) as zoho:
            judged = _judge(zoho, row, now)
    except (Unreachable, Refused) as trouble:
        raise ZohoSilent(trouble=str(trouble)) from None
    subjects = judged.subjects | {row.subject}
    in_transaction(partial(note, account=account, subjects=subjects, found=judged.found, now=now))
    return reread(row.pk)


def _judge(zoho: Gateway, row: ZohoDiscrepancy, now: datetime) -> Judged:
    account = row.gateway_account
    what, _colon, remote_id = row.subject.partition(":")
    day = account.organization.today(now)
    ways: dict[str, tuple[Callable[[str], Any], Callable[[Sequence[Any]], Judged]]] = {
        "subscription": (zoho.billing.subscription, partial(zoho_ours.judge_subscriptions, account)),
        "invoice": (zoho.books.invoice, partial(zoho_ours.judge_invoices, account, day)),
        "payment": (zoho.books.payment, partial(zoho_ours.judge_payments, account)),
        "customer": (zoho.books.contact, partial(zoho_ours.judge_customers, account)),
    }
    read, judge = ways[what]
    try:
        return judge([read(remote_id)])
    except NotThere:
        return Judged({row.subject}, _not_there(row, remote_id))


def _not_there(row: ZohoDiscrepancy, remote_id: str) -> list[Found]:
    """Gone from Zoho: what of ours is missing there, if it still stands here."""
    account = row.gateway_account
    if row.subject.startswith("subscription:"):
        found = zoho_ours.missing_subscriptions(account, ())
    elif row.bill is not None:
        on = row.bill.invoice.issued_on
        found = zoho_ours.missing_invoices(account, on, on, ())
    elif row.zoho_payment is not None:
        on = row.zoho_payment.paid_on
        found = zoho_ours.missing_payments(account, on, on, ())
    else:
        found = []
    return [one for one in found if one.subject == row.subject]


# CRM


def crm_is_told(row: ZohoDiscrepancy) -> bool:
    """Whether a note can be left on the payer's record in CRM."""
    try:
        wanted = settings_of(row.gateway_account.configuration).get("crm", "") == "on"
    except NotConfigured:
        return False
    return wanted and row.subscription is not None and row.customer is not None and bool(row.customer.email)


def note_in_crm(*, row: ZohoDiscrepancy, text: str, now: datetime, by: User) -> ZohoErrand:
    """Leave a note on the payer's record in CRM, by an errand that is tried at once. Outside transactions.

    Raises CannotCorrect, BadInput, NotPermitted.
    """
    errand = in_transaction(partial(_order_note, row.pk, text, now, by))
    return run_errand(errand.pk, now=now)


@transaction_required
def _order_note(pk: int, text: str, now: datetime, by: User) -> ZohoErrand:
    row = _lock(pk)
    require(by, row.organization, WORK, Mode.DO, Mode.MAKE)
    text = clean_text(text, field="text", longest=400, required=True)
    if not crm_is_told(row) or row.subscription is None:
        raise CannotCorrect()
    words = f"{row.get_kind_display()} ({row.subject}): {text}"
    errand = add_errand(
        link=row.subscription, kind=ErrandKind.CRM_NOTE, request=f"discrepancy:{row.pk}:{text}", now=now, by=by,
        facts={"text": words},
    )  # fmt: skip
    ZohoDiscrepancy.objects.filter(pk=row.pk).update(told=errand)
    return errand


def reread(pk: int) -> ZohoDiscrepancy:
    return _rows().get(pk=pk)


def _rows() -> QuerySet[ZohoDiscrepancy]:
    return ZohoDiscrepancy.objects.select_related(
        "organization", "gateway_account__organization", "subscription__agreement", "subscription__organization",
        "bill__invoice", "zoho_payment__recorded", "customer", "errand", "told", "owner",
    )  # fmt: skip


def _lock(pk: int) -> ZohoDiscrepancy:
    return _rows().select_for_update(no_key=True, of=("self",)).get(pk=pk)
