"""Pay links: without a login one may pay, and do nothing else (requirements §4 row 19, R162, R174)."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.core import mail as django_mail
from django.db import transaction
from django.test import Client

from billing.models import Invoice, PayLink
from billing.office import clock
from billing.rules.payment_codes import customer_code, invoice_code
from billing.services.pay_links import (
    NoPayLinks,
    find_link,
    links_for_messages,
    make_pay_link,
    path_of,
    revoke_pay_links,
    token_of,
)
from payments.models import Payment, PaymentAttempt, PaymentMethod
from payments.pages import linked
from payments.services.bank_accounts import ensure_bank_account
from payments.services.calling import send_attempt
from payments.services.methods import once
from payments.services.methods.once import FORGET_AFTER, forget_once
from tests import builders
from tests.assertions import assert_books_whole
from tests.console_desk import desk, plain
from tests.payments.gateways.precisepay.desk import Desk
from tests.payments.methods import cast
from tests.payments.methods.cast import Family

pytestmark = pytest.mark.django_db(transaction=True)


def made(family: Family, *invoices: Invoice, now: Any = None) -> PayLink:
    with transaction.atomic():
        return make_pay_link(
            customer=family.customer, now=now or clock.now(), by=None, invoices=[one.pk for one in invoices]
        )  # fmt: skip


def bill(family: Family, amount: str = "120.00") -> Invoice:
    return builders.invoice(family.customer, amount, issued_on=family.org.today(clock.now()) - timedelta(days=5))


def chosen(invoice: Invoice, method: str = "card", amount: str = "120.00") -> dict[str, Any]:
    return {"invoices": str(invoice.pk), f"amount_{invoice.pk}": amount, "method": method}


def by_card(at: Desk, invoice: Invoice, key: str = "k1", **more: Any) -> dict[str, Any]:
    typed = {"token": at.card().value, "holder": "Grandma Ames", "postal_code": "77777", "last4": "1111"}
    return chosen(invoice) | typed | {"confirm": "1", "request_key": key} | more


def test_a_stranger_pays_with_a_card_once_and_the_card_is_forgotten(ada: Family, at: Desk) -> None:
    invoice, browser = bill(ada), Client()
    path = path_of(made(ada))
    shown = browser.get(path)
    assert "120.00" in plain(shown) and "Ames" not in plain(shown) and "ada@example.org" not in plain(shown)
    assert shown["Cache-Control"].count("no-store") == 1 and "noindex" in shown["X-Robots-Tag"]
    assert shown["Referrer-Policy"] == "same-origin"
    fields = browser.post(f"{path}of/USD/", chosen(invoice))
    assert "Pay US$120.00 by card" in plain(fields) and at.server.url in fields["Content-Security-Policy"]
    typed = by_card(at, invoice)
    answers = [browser.post(f"{path}of/USD/", typed) for _press in range(2)]
    assert {answer["Location"] for answer in answers} == {answers[0]["Location"]}
    result = browser.get(answers[0]["Location"])
    payment = Payment.objects.get()
    assert "Paid US$120.00" in plain(result) and payment.number in plain(result) and payment.channel == "link"
    assert "ada@example.org" not in plain(result)
    assert "All is paid" in plain(browser.get(path))
    method = PaymentMethod.objects.get()
    assert (method.is_once, method.place) == (True, 0)
    assert ada.get("methods/").count("1111") == 0
    ada.get(f"methods/{method.pk}/", 404)
    assert forget_once(now=method.made_at + FORGET_AFTER - timedelta(seconds=1)) == 0
    assert forget_once(now=method.made_at + FORGET_AFTER) == 1
    method.refresh_from_db()
    assert (method.state, method.token) == ("removed", "")
    assert_books_whole()


def test_two_jobs_that_listed_the_same_card_have_it_forgotten_once(
    ada: Family, at: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    Client().post(f"{path_of(made(ada))}of/USD/", by_card(at, bill(ada)))
    later = PaymentMethod.objects.get().made_at + FORGET_AFTER

    def send_beside_another(attempt: PaymentAttempt) -> PaymentAttempt:
        assert attempt.method is not None
        with monkeypatch.context() as alone:
            alone.setattr(once, "send_attempt", send_attempt)
            assert once._forget(attempt.method.pk, later) == 1
        return send_attempt(attempt)

    monkeypatch.setattr(once, "send_attempt", send_beside_another)
    assert forget_once(now=later) == 1
    assert PaymentAttempt.objects.filter(operation="delete").count() == 1
    assert PaymentMethod.objects.get().state == "removed"


def test_R162_a_link_opens_nothing_but_its_own(ada: Family, at: Desk) -> None:
    """Another family's invoice, attempt and link; the pages behind a login."""
    eve = cast.family(ada.org, ada.account, "Eve Estes")
    own, other = bill(ada), bill(eve)
    mine, theirs = path_of(made(ada)), path_of(made(eve))
    browser = Client()
    refused = browser.post(f"{mine}of/USD/", chosen(other))
    assert refused.status_code == 422 and "Choose what you want to pay." in plain(refused)
    paid = browser.post(f"{mine}of/USD/", by_card(at, own))["Location"]
    assert browser.get(paid).status_code == 200
    attempt = PaymentAttempt.objects.filter(operation="sale").get()
    for path in (f"{theirs}result/{attempt.pk}/", f"{theirs}going/{attempt.pk}/", f"{theirs}card/{attempt.pk}/"):
        assert browser.get(path).status_code == 404
    store = PaymentAttempt.objects.filter(operation="store").get()
    assert browser.get(f"{theirs}card/{store.pk}/").status_code == 404
    for path in ("/family/", "/family/pay/", "/family/methods/", f"/family/pay/result/{attempt.pk}/"):
        assert browser.get(path).status_code == 302
    assert eve.client.get(f"/family/pay/result/{attempt.pk}/").status_code == 404


def test_chosen_invoices_alone_are_shown_and_kept_methods_never(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    first, second = bill(ada), bill(ada, "80.00")
    browser, path = Client(), path_of(made(ada, first))
    text = plain(browser.get(path))
    assert first.number in text and second.number not in text and "1111" not in text
    assert browser.post(f"{path}of/USD/", chosen(second, amount="80.00")).status_code == 422
    kept = chosen(first, method=str(ada.method().pk)) | {"confirm": "1", "request_key": "k9"}
    assert browser.post(f"{path}of/USD/", kept).status_code == 422
    assert not PaymentAttempt.objects.filter(operation="sale").exists()


def test_a_link_that_is_over_forged_or_revoked_shows_nothing(ada: Family) -> None:
    invoice, browser, now = bill(ada), Client(), clock.now()
    link = made(ada, now=now - timedelta(days=14))
    forged = path_of(link).replace(f"/{link.pk}.", f"/{link.pk + 1}.")
    cases = [(path_of(link), 410), (forged, 404), (f"/pay/{link.pk}/", 404), ("/pay/x.y/", 404)]
    fresh = made(ada)
    assert fresh.pk != link.pk and browser.get(path_of(fresh)).status_code == 200
    with transaction.atomic():
        assert revoke_pay_links(customer=ada.customer, now=now, by=ada.user) == 1
    text = plain(browser.get(f"{path_of(fresh)}result/1/"))
    assert "By this page nothing was charged; what was paid before stands." in text
    for path, status in [*cases, (path_of(fresh), 410)]:
        answer = browser.get(path)
        assert answer.status_code == status, path
        assert "This link is over" in plain(answer) and invoice.number not in plain(answer)
        assert browser.post(f"{path}of/USD/", chosen(invoice)).status_code == status


def test_a_link_lives_as_long_as_the_setting_says_and_is_given_again(ada: Family) -> None:
    now = clock.now()
    link = made(ada, now=now)
    assert link.expires_at == now + timedelta(days=14)
    assert link.holds_at(link.expires_at - timedelta(seconds=1)) and not link.holds_at(link.expires_at)
    assert made(ada, now=now + timedelta(days=7)).pk == link.pk
    assert made(ada, now=now + timedelta(days=7, seconds=1)).pk != link.pk
    builders.policy(ada.org, "pay_links.days", 0)
    with pytest.raises(NoPayLinks):
        made(ada)
    assert find_link(token_of(link)) == link and find_link(token_of(link) + "x") is None


def test_R174_messages_carry_the_link_where_the_site_knows_its_address(ada: Family, settings: Any) -> None:
    with transaction.atomic():
        assert links_for_messages(customers=[ada.customer], now=clock.now()) == {}
    settings.PUBLIC_URL = "https://pay.example.org/"
    with transaction.atomic():
        first = links_for_messages(customers=[ada.customer], now=clock.now())
        again = links_for_messages(customers=[ada.customer], now=clock.now())
    assert first == again and first[ada.customer.pk].startswith("https://pay.example.org/pay/")
    assert PayLink.objects.count() == 1 and django_mail.outbox == []


def test_the_console_makes_a_link_to_copy_and_ends_all(ada: Family) -> None:
    invoice, clerk, browser = bill(ada), desk(ada.org, "clerk"), Client()
    assert "0 links of this customer hold now." in clerk.see(f"customers/{ada.customer.pk}/pay-link/")
    made_page = clerk.post(f"customers/{ada.customer.pk}/pay-link/", 200)
    again = clerk.post(f"customers/{ada.customer.pk}/pay-link/", 200)
    (link,) = PayLink.objects.all()
    for page in (made_page, again):
        assert f'value="http://testserver{path_of(link)}"' in page.content.decode()
    assert invoice.number in plain(browser.get(path_of(link))) and link.made_by == clerk.user
    assert "Pay links ended: 1." in clerk.follow(f"customers/{ada.customer.pk}/pay-link/", end="1")
    assert browser.get(path_of(link)).status_code == 410
    other = builders.organization("Elsewhere")
    assert desk(other, "clerk").client.get(f"/console/customers/{ada.customer.pk}/pay-link/").status_code == 404
    desk(ada.org, "accountant").get(f"customers/{ada.customer.pk}/pay-link/", 403)
    builders.policy(ada.org, "pay_links.days", 0)
    refused = clerk.post(f"customers/{ada.customer.pk}/pay-link/", 422)
    assert "Pay links are switched off for this customer" in plain(refused)


def test_no_more_is_tried_by_one_link_in_a_day_than_ten_times(ada: Family, at: Desk) -> None:
    invoice, browser = bill(ada), Client()
    link = made(ada)
    for number in range(9):
        PaymentAttempt.objects.create(
            organization=ada.org, customer=ada.customer, gateway_account=ada.account, number=f"T{number}",
            key=f"key{number}", request_key=f"t{number}", body_hash="0" * 64, operation="store", by_payer=True,
            currency="USD", created_at=clock.now(), decision={"link": link.pk},
        )  # fmt: skip
    path, tenth = f"{path_of(link)}of/USD/", by_card(at, invoice, **{f"amount_{invoice.pk}": "20.00"})
    paid, again = (browser.post(path, tenth) for _click in range(2))
    assert paid.status_code == again.status_code == 302 and paid["Location"] == again["Location"]
    answer = browser.post(path, by_card(at, invoice, "k2") | {f"amount_{invoice.pk}": "100.00"})
    assert Payment.objects.count() == 1
    assert answer.status_code == 429 and "no more can be tried today" in plain(answer)


def test_one_address_of_the_net_may_not_guess_without_end(ada: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linked, "MOST", 3)
    browser = Client(REMOTE_ADDR="203.0.113.9")
    statuses = [browser.get("/pay/1.guess/").status_code for _n in range(5)]
    assert statuses == [404, 404, 404, 429, 429]


def test_a_transfer_is_explained_with_the_reference_that_repairs_itself(ada: Family) -> None:
    first, second = bill(ada), bill(ada, "80.00")
    with transaction.atomic():
        ensure_bank_account(organization=ada.org, code="MAIN", currency="USD", number="000123456789")
    browser, path = Client(), path_of(made(ada))
    one = plain(browser.post(f"{path}of/USD/", chosen(first, "transfer")))
    assert invoice_code(first.pk) in one and "000123456789" in one and "US$120.00" in one
    both = chosen(first, "transfer") | {"invoices": [first.pk, second.pk], f"amount_{second.pk}": "80.00"}
    answer = browser.post(f"{path}of/USD/", both)
    assert customer_code(ada.customer.pk) in plain(answer) and "US$200.00" in plain(answer)
    assert "data:image/svg+xml" in answer.content.decode()
    assert PaymentAttempt.objects.count() == 0 and first.open_amount == D(120)


def test_a_virtual_account_is_told_for_the_schools_own_currency_alone(ada: Family) -> None:
    with transaction.atomic():
        ensure_bank_account(organization=ada.org, code="EURO", currency="EUR", number="000987654321")
    type(ada.customer).objects.filter(pk=ada.customer.pk).update(virtual_account="9910001")
    euros = builders.invoice(ada.customer, "30.00", issued_on=ada.org.today(clock.now()), currency="EUR")
    browser, path = Client(), path_of(made(ada))
    dollars = plain(browser.post(f"{path}of/USD/", chosen(bill(ada), "transfer")))
    assert "Your own account number here 9910001" in dollars
    told = plain(browser.post(f"{path}of/EUR/", chosen(euros, "transfer", "30.00")))
    assert "Account 000987654321" in told and "9910001" not in told
