"""A new card in the flow of paying: kept or for once, asked about by its bank, charged once (R21, R27, R46)."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
import requests
from django.conf import settings
from django.test import Client

from billing.models import Invoice
from billing.office import clock
from payments.models import Payment, PaymentAttempt, PaymentMethod
from payments.services.methods import once
from tests import builders
from tests.assertions import assert_books_whole
from tests.conftest import RunInThreads
from tests.console_desk import plain
from tests.payments.gateways.precisepay.desk import Desk
from tests.payments.methods import cast
from tests.payments.methods.cast import Family
from tests.sandbox.nmi import Nmi

pytestmark = pytest.mark.django_db(transaction=True)
CHALLENGED = "4000000000002503"
SECURE = {
    "outcome": "cardHolderAuth", "cryptogram": "cavv", "transaction": "xid", "indicator": "eci",
    "version": "threeDsVersion", "directory_id": "directoryServerId",
}  # fmt: skip


@pytest.fixture
def bank(at: Desk) -> Iterator[Desk]:
    """PrecisePay with 3-D Secure switched on."""
    settings.GATEWAYS = {"precisepay": at.settings | {"checkout_key": Nmi.checkout_key}}
    yield at
    settings.GATEWAYS = {"precisepay": at.settings}


def bill(family: Family, amount: str = "120.00") -> Invoice:
    return builders.invoice(family.customer, amount, issued_on=family.org.today(clock.now()) - timedelta(days=5))


def typed(at: Desk, invoice: Invoice, amount: str = "120.00", number: str = "4111111111111111") -> dict[str, Any]:
    return {
        "invoices": str(invoice.pk), f"amount_{invoice.pk}": amount, "method": "card", "confirm": "1",
        "request_key": "k1", "token": at.card(number).value, "holder": "Ada Ames", "postal_code": "77777",
        "last4": number[-4:],
    }  # fmt: skip


def press(family: Family, status: int = 302, **fields: Any) -> Any:
    return family.post(f"pay/of/{family.customer.pk}/USD/", status, **fields)


def vouched(at: Desk, token: str, amount: str = "120.00", answer: dict[str, str] | None = None) -> dict[str, str]:
    """What Gateway.js tells the page, after the payer answered their bank."""
    values = {"key": Nmi.checkout_key, "token": token, "amount": amount, "currency": "USD"}
    told = requests.post(f"{at.server.url}/three-d-secure/begin", values, timeout=5).json()
    if answer is not None:
        assert told["state"] == "challenge"
        requests.post(f"{at.server.url}/three-d-secure/{told['id']}/step", answer, timeout=5)
        told = requests.get(f"{at.server.url}/three-d-secure/{told['id']}", timeout=5).json()
    return {f"secure_{ours}": str(told[theirs]) for ours, theirs in SECURE.items() if theirs in told}


@pytest.mark.parametrize(("keep", "once", "place"), [({"keep": "yes"}, False, 1), ({}, True, 0)])
def test_R21_it_is_kept_or_given_for_once(
    ada: Family, at: Desk, keep: dict[str, str], once: bool, place: int
) -> None:  # fmt: skip
    invoice = bill(ada)
    assert "Pay US$120.00 by card" in plain(press(ada, 200, **typed(at, invoice) | {"confirm": ""}))
    fields = typed(at, invoice) | keep
    first, second = press(ada, **fields), press(ada, **fields)
    assert first["Location"] == second["Location"]
    assert "Paid US$120.00" in plain(ada.client.get(first["Location"]))
    method = PaymentMethod.objects.get()
    assert (method.is_once, method.place, method.state) == (once, place, "active")
    assert Payment.objects.count() == 1
    assert_books_whole()


def test_a_card_that_is_refused_takes_nothing_and_says_what_now(ada: Family, at: Desk) -> None:
    invoice = bill(ada)
    at.nmi.next_codes.append(("223", False))
    answer = press(ada, **typed(at, invoice))
    text = plain(ada.client.get(answer["Location"]))
    assert "It was not paid The card has expired. Nothing was taken." in text and "Pay in another way" in text
    assert not Payment.objects.exists()


def test_R19_two_parents_pay_the_same_invoice_at_once_and_one_of_them_does(
    ada: Family, at: Desk, run_in_threads: RunInThreads
) -> None:
    invoice = bill(ada)
    other = cast.family(ada.org, ada.account, "Alan Ames")
    ada.customer.users.add(other.user)
    tokens = [at.card(), at.card("5431111111111111")]

    def go(n: int) -> int:
        browser = Client()
        browser.force_login([ada.user, other.user][n])
        fields = typed(at, invoice) | {"token": tokens[n].value, "request_key": f"k{n}"}
        answer = browser.post(f"/family/pay/of/{ada.customer.pk}/USD/", fields)
        return int(answer.status_code)

    outcomes = run_in_threads(go, 2)
    assert outcomes.errors == [] and 302 in outcomes.results
    assert Payment.objects.count() == 1
    assert [entry.minor for entry in at.nmi.ledger.entries if entry.kind == "capture"] == [12000]
    assert Invoice.objects.get().open_amount == 0
    assert_books_whole()


def test_R27_the_card_whose_bank_asks_is_charged_after_the_payer_confirmed(ada: Family, bank: Desk) -> None:
    invoice = bill(ada)
    fields = typed(bank, invoice, number=CHALLENGED)
    page = press(ada, 200, **fields | {"confirm": ""})
    assert (
        f'data-checkout="{Nmi.checkout_key}"' in page.content.decode() and "/js/v1/Gateway.js" in page.content.decode()
    )
    refused = press(ada, 422, **fields)
    assert "Your bank has to confirm that it is you." in plain(refused)
    lied = press(ada, 422, **fields | {"secure_outcome": "verified", "secure_indicator": "05"})
    assert "Your bank has to confirm that it is you." in plain(lied), "a word without the bank's cryptogram"
    assert not PaymentAttempt.objects.exists()
    said = vouched(bank, fields["token"], answer={"answer": "confirm", "code": "1234"})
    answer = press(ada, **fields | said)
    assert "Paid US$120.00" in plain(ada.client.get(answer["Location"]))
    asked = " ".join(PaymentAttempt.objects.latest("pk").exchanges.values_list("asked", flat=True))
    assert "cardholder_auth=verified" in asked and "cavv" in asked and said["secure_cryptogram"] not in asked
    assert_books_whole()


@pytest.mark.parametrize(("amount", "answer"), [
    ("1.00", {"answer": "confirm", "code": "1234"}), ("120.00", {"answer": "refuse"}),
])  # fmt: skip
def test_R27_what_the_bank_did_not_confirm_for_this_amount_is_not_charged(
    ada: Family, bank: Desk, amount: str, answer: dict[str, str]
) -> None:
    invoice = bill(ada)
    fields = typed(bank, invoice, number=CHALLENGED)
    said = vouched(bank, fields["token"], amount, answer)
    answered = ada.client.post(f"/family/pay/of/{ada.customer.pk}/USD/", fields | said)
    assert answered.status_code in (302, 422)
    assert not Payment.objects.exists()
    assert "capture" not in {entry.kind for entry in bank.nmi.ledger.entries}
    assert Invoice.objects.get().open_amount == D(120)


def test_a_second_click_that_came_to_the_card_is_led_to_its_charge(ada: Family, at: Desk) -> None:
    """The page of a stored card never says that nothing was charged once something was."""
    paid = press(ada, **typed(at, bill(ada)))["Location"]
    stored = PaymentAttempt.objects.get(operation="store")
    answer = ada.client.get(f"/family/pay/card/{stored.pk}/")
    assert (answer.status_code, answer["Location"]) == (302, paid)


def test_a_crash_between_card_and_charge_is_told_when_nobody_can_be_at_it_any_more(
    ada: Family, at: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_args: Any, **_more: Any) -> None:
        raise KeyboardInterrupt

    fields = typed(at, bill(ada))
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(once, "pay_now", crash)
        press(ada, **fields)
    stored, method = PaymentAttempt.objects.get(operation="store"), PaymentMethod.objects.get()
    assert "Your card is being checked" in ada.get(f"pay/card/{stored.pk}/") and method.state == "active"
    PaymentMethod.objects.update(verified_at=clock.now() - timedelta(minutes=1))
    assert "Nothing was charged yet" in ada.get(f"pay/card/{stored.pk}/")
    assert "Paid US$120.00" in plain(ada.client.get(press(ada, **fields)["Location"]))
    assert (Payment.objects.count(), PaymentMethod.objects.count()) == (1, 1)


def test_R27_a_kept_card_that_its_bank_wants_to_ask_about_says_how(ada: Family, bank: Desk) -> None:
    invoice = bill(ada)
    ada.add(bank.card(CHALLENGED))
    kept = typed(bank, invoice) | {"method": str(ada.method().pk)}
    text = plain(ada.client.get(press(ada, **kept)["Location"]))
    assert "Your bank said no and did not say why. Nothing was taken." in text
    assert "Pay once more and type the same card as another one: then your bank can ask you." in text
    fields = typed(bank, invoice, number=CHALLENGED) | {"request_key": "k2"}
    said = vouched(bank, fields["token"], answer={"answer": "confirm", "code": "1234"})
    assert "Paid US$120.00" in plain(ada.client.get(press(ada, **fields | said)["Location"]))


def test_a_card_for_once_is_shown_nowhere_on_the_familys_page(ada: Family, at: Desk) -> None:
    press(ada, **typed(at, bill(ada)))
    today = ada.org.today(clock.now())
    PaymentMethod.objects.update(exp_month=today.month, exp_year=today.year)
    assert "expires in" not in ada.get("")


def test_a_card_is_taken_only_where_what_is_owed_can_be_charged(ada: Family, at: Desk) -> None:
    """An account in dollars takes no card for a bill in euros."""
    today = ada.org.today(clock.now())
    invoice = builders.invoice(ada.customer, "30.00", issued_on=today - timedelta(days=5), currency="EUR")
    assert 'value="card"' not in ada.client.get("/family/pay/").content.decode()
    answer = ada.post(f"pay/of/{ada.customer.pk}/EUR/", 422, **typed(at, invoice, "30.00"))
    assert "No card can be taken at the moment." in plain(answer)
    assert not PaymentAttempt.objects.exists()


def test_an_amount_is_shared_out_as_the_school_does_it(ada: Family, at: Desk) -> None:
    """Oldest first; more than is owed is refused with both amounts."""
    first, second = bill(ada), bill(ada, "80.00")
    shown = press(ada, 200, share="1", total="150")
    text = shown.content.decode()
    assert f'name="amount_{first.pk}" value="120.00"' in text and f'name="amount_{second.pk}" value="30.00"' in text
    assert "US$150.00 is shared out below" in plain(shown)
    exact = press(ada, 200, share="1", total="200.00")
    assert f'name="amount_{second.pk}" value="80.00"' in exact.content.decode()
    refused = press(ada, 422, share="1", total="200.01")
    assert "US$200.00 is to be paid here; US$200.01 is more." in plain(refused)
    for nonsense in ("", "0", "-5", "1.001", "abc"):
        press(ada, 422, share="1", total=nonsense)
    assert not PaymentAttempt.objects.exists() and first.open_amount == D(120)


def test_what_is_due_is_chosen_and_what_comes_later_is_not(ada: Family) -> None:
    today = ada.org.today(clock.now())
    due = builders.invoice(ada.customer, "10.00", issued_on=today - timedelta(days=40), due_on=today)
    later = builders.invoice(ada.customer, "20.00", issued_on=today, due_on=today + timedelta(days=1))
    page = ada.client.get("/family/pay/").content.decode()
    assert f'value="{due.pk}" checked' in page and f'value="{later.pk}" checked' not in page
