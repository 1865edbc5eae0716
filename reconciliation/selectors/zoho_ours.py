"""What we say of the things on a page of Zoho's lists, and how that differs (R149). A few queries a page."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from decimal import Decimal

from django.db.models import Q, QuerySet

from billing.models.agreement import RUNNING
from billing.money import ZERO
from payments.gateways.base import Instrument
from payments.gateways.zoho.codes import TAKEN_BY_ZOHO
from payments.gateways.zoho.objects import Bill, Paid, Payer, Subscription
from payments.models import (
    GatewayAccount,
    PaymentState,
    ZohoCustomer,
    ZohoErrand,
    ZohoInvoice,
    ZohoPayment,
    ZohoSubscription,
)
from payments.models.zoho import ErrandKind, ErrandState
from reconciliation.models.zoho_comparison import ZohoDiscrepancyKind as Kind
from reconciliation.rules.zoho_sides import Facts, Found, Judged, good, runs, standing_of, waits_for_bank

BANK_MODES = tuple(mode for mode, instrument in TAKEN_BY_ZOHO.items() if instrument == Instrument.BANK)
STANDS = (PaymentState.PROCESSED, PaymentState.REFUNDED)


def judge_subscriptions(account: GatewayAccount, rows: Sequence[Subscription]) -> Judged:
    """A subscription of nobody we know is not ours to judge."""
    links = {one.remote_id: one for one in _links(account).filter(remote_id__in=[row.id for row in rows])}
    payers = _payers(account, {row.customer_id for row in rows})
    judged = Judged()
    for row in rows:
        link, subject = links.get(row.id), f"subscription:{row.id}"
        if link is None and row.customer_id not in payers:
            continue
        judged.subjects.add(subject)
        theirs = {"state": row.status, "plan": row.plan_code}
        if link is None:
            if runs(row.status) and not row.reference:
                payer = payers[row.customer_id]
                judged.found.append(
                    Found(Kind.SUBSCRIPTION_NOT_HERE, subject, account.currency, {}, theirs,
                          customer_id=payer.customer_id)
                )  # fmt: skip
            continue
        ours = {"state": link.status, "plan": link.plan_code, "agreement": str(link.agreement.get_state_display())}
        agrees = (link.agreement.state in RUNNING) == runs(row.status)
        if (ours["state"], ours["plan"]) != (row.status, row.plan_code) or not agrees:
            judged.found.append(_of_link(Kind.SUBSCRIPTION_STATE, subject, link, ours, theirs))
    return judged


def judge_invoices(account: GatewayAccount, as_of: date, rows: Sequence[Bill]) -> Judged:
    known = {one.remote_id: one for one in _bills(account).filter(remote_id__in=[row.id for row in rows])}
    payers = _payers(account, {row.customer_id for row in rows})
    by_debit = _paid_by_debit(known.values())
    recording = set(
        ZohoErrand.objects.filter(
            bill__in=known.values(), kind=ErrandKind.RECORD, state=ErrandState.WAITING
        ).values_list("bill_id", flat=True)
    )  # fmt: skip
    judged = Judged()
    for row in rows:
        bill, subject = known.get(row.id), f"invoice:{row.id}"
        if bill is None and row.customer_id not in payers:
            continue
        judged.subjects.add(subject)
        there = standing_of(row.status, row.balance)
        theirs = {"number": row.number, "state": there, "total": f"{row.total:.2f}", "open": f"{row.balance:.2f}"}
        if bill is None:
            if there in ("open", "paid") and row.total > ZERO:
                payer = payers[row.customer_id]
                judged.found.append(
                    Found(Kind.INVOICE_NOT_HERE, subject, row.currency or account.currency, {}, theirs, row.total,
                          payer.customer_id, _latest_link(payer))
                )  # fmt: skip
            continue
        on_its_way = bill.pk in recording or waits_for_bank(by_debit.get(bill.invoice_id), as_of)
        judged.found += _invoice_differs(bill, row, subject, theirs, on_its_way)
    return judged


def _invoice_differs(bill: ZohoInvoice, row: Bill, subject: str, theirs: Facts, on_its_way: bool) -> Iterable[Found]:
    invoice = bill.invoice
    here = "void" if invoice.voided_on else standing_of("", invoice.open_amount)
    ours = {
        "number": invoice.number, "state": here, "total": f"{invoice.invoiced_amount:.2f}",
        "open": f"{invoice.open_amount:.2f}",
    }  # fmt: skip
    anothers = bool(row.customer_id) and row.customer_id != bill.subscription.payer.remote_id
    if invoice.invoiced_amount != row.total or anothers:
        if anothers:
            ours |= {"customer": bill.subscription.payer.remote_id}
            theirs = {**theirs, "customer": row.customer_id}
        yield _of_bill(Kind.INVOICE_TOTAL, subject, bill, ours, theirs, abs(invoice.invoiced_amount - row.total))
    elif (here, ours["open"]) != (theirs["state"], theirs["open"]):
        if on_its_way and here == "paid" and theirs["state"] == "open":
            return
        yield _of_bill(Kind.INVOICE_STATE, subject, bill, ours, theirs, abs(invoice.open_amount - row.balance))


def _paid_by_debit(bills: Iterable[ZohoInvoice]) -> dict[int, date]:
    """Invoice → the latest day on which a bank's debit by Zoho was set against it. One query."""
    rows = ZohoPayment.objects.filter(
        payment__credit_item__allocations__invoice__in=[bill.invoice_id for bill in bills], mode__in=BANK_MODES
    )
    pairs = rows.order_by("paid_on").values_list("payment__credit_item__allocations__invoice_id", "paid_on")
    return {invoice: on for invoice, on in pairs if invoice is not None}


def judge_payments(account: GatewayAccount, rows: Sequence[Paid]) -> Judged:
    known = {one.remote_id: one for one in _paid(account).filter(remote_id__in=[row.id for row in rows])}
    payers = _payers(account, {row.customer_id for row in rows})
    judged = Judged()
    for row in rows:
        mine, subject = known.get(row.id), f"payment:{row.id}"
        if mine is None and row.customer_id not in payers:
            continue
        judged.subjects.add(subject)
        theirs = {
            "number": row.number,
            "state": "good" if good(row.status) else row.status,
            "amount": f"{row.amount:.2f}",
        }
        payment = (mine.payment or mine.recorded) if mine is not None else None
        if payment is None:
            if good(row.status):
                payer = payers.get(row.customer_id)
                judged.found.append(
                    Found(Kind.PAYMENT_NOT_HERE, subject, row.currency or account.currency, {}, theirs, row.amount,
                          payer.customer_id if payer else None,
                          mine.subscription_id if mine else _latest_link(payer) if payer else None,
                          None, mine.pk if mine else None)
                )  # fmt: skip
            continue
        assert mine is not None
        stands = payment.state in STANDS
        ours = {"number": payment.number, "state": str(payment.get_state_display()), "amount": f"{mine.amount:.2f}"}
        if stands != good(row.status) or mine.amount != row.amount:
            amount = abs(mine.amount - row.amount) or row.amount
            judged.found.append(_of_paid(Kind.PAYMENT_STATE, subject, mine, ours, theirs, amount))
    return judged


def judge_customers(account: GatewayAccount, rows: Sequence[Payer]) -> Judged:
    payers = _payers(account, {row.id for row in rows})
    judged = Judged()
    for row in rows:
        payer = payers.get(row.id)
        if payer is None:
            continue
        judged.subjects.add(f"customer:{row.id}")
        ours = {"name": payer.customer.name, "e-mail": payer.customer.email}
        theirs = {"name": row.name, "e-mail": row.email}
        if ours["name"][:100] != row.name or ours["e-mail"].casefold() != row.email.casefold():
            judged.found.append(
                Found(Kind.CUSTOMER, f"customer:{row.id}", account.currency, ours, theirs,
                      customer_id=payer.customer_id, subscription_id=_latest_link(payer))
            )  # fmt: skip
    return judged


# What a list that was read to its end does not contain


def missing_subscriptions(account: GatewayAccount, seen: Collection[str]) -> list[Found]:
    rows = _links(account).exclude(remote_id="").filter(ended_at__isnull=True)
    return [
        _of_link(Kind.SUBSCRIPTION_NOT_THERE, f"subscription:{one.remote_id}", one, {"state": one.status}, {})
        for one in rows if one.remote_id not in seen
    ]  # fmt: skip


def missing_invoices(account: GatewayAccount, first: date, last: date, seen: Collection[str]) -> list[Found]:
    rows = _bills(account).filter(invoice__issued_on__range=(first, last), invoice__voided_on__isnull=True)
    return [
        _of_bill(Kind.INVOICE_NOT_THERE, f"invoice:{one.remote_id}", one,
                 {"number": one.invoice.number, "total": f"{one.invoice.invoiced_amount:.2f}"}, {},
                 one.invoice.invoiced_amount)
        for one in rows if one.remote_id not in seen
    ]  # fmt: skip


def missing_payments(account: GatewayAccount, first: date, last: date, seen: Collection[str]) -> list[Found]:
    rows = _paid(account).filter(paid_on__range=(first, last)).filter(
        Q(payment__state__in=STANDS) | Q(recorded__state__in=STANDS)
    )  # fmt: skip
    return [
        _of_paid(Kind.PAYMENT_NOT_THERE, f"payment:{one.remote_id}", one,
                 {"number": str(one.payment or one.recorded), "amount": f"{one.amount:.2f}"}, {}, one.amount)
        for one in rows if one.remote_id not in seen
    ]  # fmt: skip


# Rows


def _links(account: GatewayAccount) -> QuerySet[ZohoSubscription]:
    return ZohoSubscription.objects.filter(gateway_account=account).select_related("agreement", "payer")


def _bills(account: GatewayAccount) -> QuerySet[ZohoInvoice]:
    rows = ZohoInvoice.objects.filter(gateway_account=account)
    return rows.select_related("invoice", "subscription__payer", "subscription__agreement")


def _paid(account: GatewayAccount) -> QuerySet[ZohoPayment]:
    rows = ZohoPayment.objects.filter(gateway_account=account)
    return rows.select_related("payment", "recorded", "subscription__agreement")


def _payers(account: GatewayAccount, ids: Collection[str]) -> dict[str, ZohoCustomer]:
    rows = ZohoCustomer.objects.filter(gateway_account=account, remote_id__in=[one for one in ids if one])
    return {one.remote_id: one for one in rows.select_related("customer").prefetch_related("subscriptions")}


def _latest_link(payer: ZohoCustomer) -> int | None:
    return max((link.pk for link in payer.subscriptions.all()), default=None)


def _of_link(kind: Kind, subject: str, link: ZohoSubscription, ours: Facts, theirs: Facts) -> Found:
    return Found(
        kind, subject, link.agreement.currency, ours, theirs, ZERO, link.agreement.customer_id, link.pk
    )  # fmt: skip


def _of_bill(kind: Kind, subject: str, bill: ZohoInvoice, ours: Facts, theirs: Facts, amount: Decimal) -> Found:
    return Found(
        kind, subject, bill.invoice.currency, ours, theirs, amount, bill.invoice.customer_id, bill.subscription_id,
        bill.pk,
    )  # fmt: skip


def _of_paid(kind: Kind, subject: str, paid: ZohoPayment, ours: Facts, theirs: Facts, amount: Decimal) -> Found:
    return Found(
        kind, subject, paid.currency, ours, theirs, amount, paid.subscription.agreement.customer_id,
        paid.subscription_id, None, paid.pk,
    )  # fmt: skip
