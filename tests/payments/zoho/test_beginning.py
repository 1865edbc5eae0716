"""R60: an agreement is begun at Zoho, the payer subscribes on Zoho's page, and what Zoho bills and charges is here."""

from decimal import Decimal

from payments.models import ZohoErrand, ZohoInvoice, ZohoPayment
from tests.assertions import assert_books_whole, assert_posts
from tests.payments.zoho.cast import Scene


def test_R60_the_payer_gets_zohos_page_and_nothing_is_billed_before_they_subscribe(scene: Scene) -> None:
    link = scene.begun()
    assert link.page_url.startswith(scene.at.server.url)
    (mail,) = scene.notices("zoho_subscribe")
    assert mail.recipient == "ada@example.com" and link.page_url in mail.body
    assert (scene.invoices, scene.payments) == ([], [])
    assert (
        link.payer.key
        == scene.at.gateway()
        .billing.customer(ZohoErrand.objects.get(kind="start").subscription.payer.remote_id)
        .reference
    )


def test_R60_what_zoho_bills_and_charges_is_here_once(scene: Scene) -> None:
    link = scene.subscribed()
    (invoice,), (payment,) = scene.invoices, scene.payments
    assert (link.status, link.last4, link.next_billing_on.isoformat()) == ("live", "1111", "2026-04-12")
    assert (invoice.number, invoice.agreement_id, invoice.open_amount) == ("ZB-INV-000001", link.agreement_id, 0)
    assert (payment.method, payment.amount, payment.gateway_account) == ("card", Decimal(100), scene.account)
    assert ZohoPayment.objects.get().gateway_ref == payment.reference
    assert_posts(
        scene.school,
        """
        2026-03-12  accounts_receivable Dr 100.00    revenue Cr 100.00
        2026-03-12  card_clearing Dr 100.00    unapplied_cash Cr 100.00
        2026-03-12  unapplied_cash Dr 100.00    accounts_receivable Cr 100.00
        """,
    )
    for _ in range(2):
        scene.read(link)
    assert (len(scene.invoices), len(scene.payments)) == (1, 1)
    link.agreement.refresh_from_db()
    assert link.agreement.external_reference == link.remote_id
    assert_books_whole()


def test_R149_what_was_never_told_is_read_by_the_job(scene: Scene) -> None:
    link = scene.begun()
    scene.at.subscribe(link.page_url)
    scene.later(minutes=10)
    scene.tend()
    assert [invoice.open_amount for invoice in scene.invoices] == [0]
    scene.later(days=31)
    scene.tend()
    assert [invoice.number for invoice in scene.invoices] == ["ZB-INV-000001", "ZB-INV-000002"]
    assert len(scene.payments) == 2
    assert_books_whole()


def test_two_charges_alike_on_one_day_are_two_payments(scene: Scene) -> None:
    """A charge that a processor made is no look-alike to be asked about: the money is there."""
    link = scene.subscribed()
    scene.at.zoho.do("renew_now")
    scene.read(link)
    assert [invoice.open_amount for invoice in scene.invoices] == [0, 0]
    assert len({payment.number for payment in scene.payments}) == 2
    assert_books_whole()


def test_a_bank_debit_that_is_on_its_way_is_not_paid_yet(scene: Scene) -> None:
    from tests.payments.gateways.zoho.desk import BANK

    link = scene.subscribed(BANK)
    (bill,) = ZohoInvoice.objects.all()
    assert (bill.debit_under_way, bill.invoice.open_amount, scene.payments) == (True, Decimal(100), [])
    assert bill.trouble == "" and bill.expected_on is not None
    scene.later(days=7)
    scene.read(link)
    (payment,) = scene.payments
    assert (payment.method, scene.invoices[0].open_amount) == ("ach", 0)
    assert_books_whole()
