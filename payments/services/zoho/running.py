"""How each errand is run: what is asked of Zoho, and what is written here once it is done."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from payments.gateways.registry import settings_of
from payments.gateways.zoho import Gateway
from payments.gateways.zoho.codes import ALREADY_CANCELLED, MODES
from payments.gateways.zoho.objects import Page, Paid
from payments.gateways.zoho.trouble import Refused
from payments.models import ZohoCustomer, ZohoErrand, ZohoPayment, ZohoSubscription
from payments.models.zoho import OVER, ErrandKind
from payments.services.zoho.telling import amount_words, ask_for_method, ask_to_subscribe

# What follows here, in the transaction that marks the errand as done; says what came of it.
Deed = Callable[[ZohoErrand], str]
PROOF = 2  # absences


class Absent(Exception):
    """Not there; whether it will never be is not proven yet."""


def _may_make(errand: ZohoErrand) -> None:
    """Raises Absent until an errand whose answer was lost was not found often enough."""
    if errand.is_unsure and errand.absences < PROOF:
        raise Absent


def _link(errand: ZohoErrand) -> ZohoSubscription:
    assert errand.subscription is not None
    return errand.subscription


def _settings(errand: ZohoErrand, name: str, otherwise: str = "") -> str:
    return settings_of(errand.gateway_account.configuration).get(name, otherwise)


def start(zoho: Gateway, errand: ZohoErrand, now: datetime) -> Deed:
    """The payer's record at Zoho, then the page to subscribe on. A page nobody was given does no harm."""
    link = _link(errand)
    customer_id = link.payer.remote_id or _customer(zoho, errand, link.payer)
    if zoho.billing.find_subscriptions(link.key, customer_id):
        return lambda found: _read_at(found, now, "subscribed already")
    page = zoho.billing.page_for_subscription(customer_id, link.plan_code, link.key, _settings(errand, "return_url"))

    def deed(found: ZohoErrand) -> str:
        changed = _link(found)
        changed.page_id, changed.page_url, changed.page_until = page.id[:120], page.url, page.expires_at
        changed.due_at = now
        changed.save(update_fields=["page_id", "page_url", "page_until", "due_at"])
        ask_to_subscribe(link=changed, fact=found.key, now=now)
        return "a page to subscribe on"

    return deed


def _customer(zoho: Gateway, errand: ZohoErrand, payer: ZohoCustomer) -> str:
    """Found by our key, else made; kept at once, as a page that fails afterwards must not make another."""
    customer = payer.customer
    found = zoho.billing.find_customer(payer.key, customer.email)
    if found is None:
        _may_make(errand)
        found = zoho.billing.make_customer(
            payer.key, customer.name, customer.email, errand.gateway_account.currency
        )  # fmt: skip
    ZohoCustomer.objects.filter(pk=payer.pk, remote_id="").update(remote_id=found.id)
    return found.id


def method(zoho: Gateway, errand: ZohoErrand, now: datetime) -> Deed:
    page: Page = zoho.billing.page_for_method(_link(errand).remote_id, _settings(errand, "return_url"))

    def deed(found: ZohoErrand) -> str:
        link = _link(found)
        link.method_url, link.method_until = page.url, page.expires_at
        link.save(update_fields=["method_url", "method_until"])
        ask_for_method(link=link, fact=found.key, open_amount=amount_words(link), now=now)
        return "a page for another card"

    return deed


def _cancel(zoho: Gateway, errand: ZohoErrand, now: datetime, *, at_end: bool) -> Deed:
    """Looked at first, so that a second run finds it done."""
    link = _link(errand)
    status = zoho.billing.subscription(link.remote_id).status
    if status not in OVER and not (at_end and status == "non_renewing"):
        try:
            zoho.billing.cancel(link.remote_id, at_end=at_end)
        except Refused as no:
            if no.code != str(ALREADY_CANCELLED):
                raise

    def deed(found: ZohoErrand) -> str:
        ZohoSubscription.objects.filter(pk=_link(found).pk).update(ended_here=True)
        return _read_at(found, now, "cancelled at the end of its term" if at_end else "cancelled")

    return deed


def cancel(zoho: Gateway, errand: ZohoErrand, now: datetime) -> Deed:
    return _cancel(zoho, errand, now, at_end=False)


def cancel_at_end(zoho: Gateway, errand: ZohoErrand, now: datetime) -> Deed:
    return _cancel(zoho, errand, now, at_end=True)


def reactivate(zoho: Gateway, errand: ZohoErrand, now: datetime) -> Deed:
    link = _link(errand)
    if zoho.billing.subscription(link.remote_id).status in ("non_renewing", *OVER):
        zoho.billing.reactivate(link.remote_id)

    def deed(found: ZohoErrand) -> str:
        ZohoSubscription.objects.filter(pk=_link(found).pk).update(ended_here=False)
        return _read_at(found, now, "it goes on")

    return deed


def record(zoho: Gateway, errand: ZohoErrand, now: datetime) -> Deed:
    """Money that came here for an invoice of Zoho's: written down there, so that Zoho neither charges nor chases it."""
    bill, payment = errand.bill, errand.payment
    assert bill is not None and payment is not None
    amount = Decimal(errand.facts["amount"])
    found = zoho.billing.find_payments(errand.key)
    if not found:
        _may_make(errand)
        left = zoho.billing.invoice(bill.remote_id).balance
        if left < amount:
            raise Refused(
                "more_than_open", f"{bill.number} has {left} open in Zoho, {payment.number} brought {amount}."
            )
        customer_id = _link(errand).payer.remote_id
        made = zoho.billing.record_payment(
            customer_id, MODES.get(payment.method, "others"), amount, payment.received_on, errand.key,
            [(bill.remote_id, amount)],
        )  # fmt: skip
        found = [made]
    return lambda done: _recorded(done, found[0], now)


def _recorded(errand: ZohoErrand, paid: Paid, now: datetime) -> str:
    ZohoPayment.objects.get_or_create(
        gateway_account_id=errand.gateway_account_id, remote_id=paid.id,
        defaults={
            "organization_id": errand.organization_id, "subscription": _link(errand), "recorded": errand.payment,
            "mode": paid.mode, "status": paid.status, "currency": paid.currency or errand.gateway_account.currency,
            "amount": paid.amount, "paid_on": paid.on, "read_at": now,
        },
    )  # fmt: skip
    return _read_at(errand, now, f"recorded as {paid.number}")


def tell_crm(zoho: Gateway, errand: ZohoErrand, now: datetime) -> Deed:
    customer, status = _link(errand).payer.customer, str(errand.facts["status"])
    record_id = zoho.crm.tell(customer.email, customer.name, status)
    return lambda found: f"{status}: {record_id}"


def customer(zoho: Gateway, errand: ZohoErrand, now: datetime) -> Deed:
    """The payer's name and address there, as they are here when it is done."""
    payer = _link(errand).payer
    zoho.billing.change_customer(payer.remote_id, payer.customer.name, payer.customer.email)
    return lambda found: _read_at(found, now, "the customer's record was changed")


def crm_note(zoho: Gateway, errand: ZohoErrand, now: datetime) -> Deed:
    payer = _link(errand).payer.customer
    record_id = zoho.crm.note(payer.email, payer.name, str(errand.facts["text"]))
    return lambda found: f"noted: {record_id}"


def _read_at(errand: ZohoErrand, at: datetime, result: str) -> str:
    """Its subscription is read then."""
    ZohoSubscription.objects.filter(pk=_link(errand).pk).update(due_at=at)
    return result


RUN: dict[str, Callable[[Gateway, ZohoErrand, datetime], Deed]] = {
    ErrandKind.START: start, ErrandKind.METHOD: method, ErrandKind.CANCEL: cancel,
    ErrandKind.CANCEL_AT_END: cancel_at_end, ErrandKind.REACTIVATE: reactivate, ErrandKind.RECORD: record,
    ErrandKind.TELL_CRM: tell_crm, ErrandKind.CUSTOMER: customer, ErrandKind.CRM_NOTE: crm_note,
}  # fmt: skip
