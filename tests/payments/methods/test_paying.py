"""Pay now: several invoices at once, honest states, charged once (R19, R46, R48, R177)."""

import re
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from billing.models import Invoice
from billing.office import clock
from payments.models import Payment, PaymentAttempt
from payments.services import sweeping
from tests import builders
from tests.assertions import assert_books_whole, reread
from tests.conftest import RunInThreads
from tests.console_desk import plain
from tests.payments.gateways.precisepay.desk import Desk
from tests.payments.methods import cast
from tests.payments.methods.cast import Family

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owing(ada: Family, at: Desk) -> Family:
    """Ada has a card, and owes 120.00 and 80.00."""
    ada.add(at.card())
    for amount in ("120.00", "80.00"):
        builders.invoice(ada.customer, amount, issued_on=ada.org.today(clock.now()) - timedelta(days=5))
    return ada


def invoices(family: Family) -> list[Invoice]:
    return list(Invoice.objects.filter(customer=family.customer).order_by("pk"))


def choice(family: Family, *amounts: str) -> dict[str, Any]:
    rows = invoices(family)[: len(amounts)]
    typed: dict[str, Any] = {f"amount_{row.pk}": amount for row, amount in zip(rows, amounts, strict=True)}
    return typed | {"invoices": [row.pk for row in rows], "method": family.method().pk}


def press(family: Family, status: int = 302, key: str = "k1", **typed: Any) -> Any:
    return family.post(f"pay/of/{family.customer.pk}/USD/", status, confirm="1", request_key=key, **typed)


def test_R46_two_invoices_are_paid_at_once_with_a_receipt(owing: Family, at: Desk) -> None:
    assert "120.00" in owing.get("pay/") and "80.00" in owing.get("pay/")
    look = owing.post(f"pay/of/{owing.customer.pk}/USD/", 200, **choice(owing, "120.00", "30.00"))
    assert "Pay US$150.00" in plain(look) and PaymentAttempt.objects.filter(operation="sale").count() == 0
    answer = press(owing, **choice(owing, "120.00", "30.00"))
    text = plain(owing.client.get(answer["Location"]))
    payment = Payment.objects.get()
    assert "Paid US$150.00" in text and payment.number in text and "ada@example.org" in text
    assert [row.open_amount for row in invoices(owing)] == [D("0.00"), D("50.00")]
    assert payment.channel == "portal"
    assert_books_whole()


def test_R19_two_presses_are_one_charge(owing: Family, at: Desk, run_in_threads: RunInThreads) -> None:
    typed = choice(owing, "120.00")

    def go(_n: int) -> str:
        window = Family(owing.org, owing.customer, owing.user, owing.account)
        window.client.force_login(owing.user)
        return str(press(window, **typed)["Location"])

    outcomes = run_in_threads(go, 4)
    assert outcomes.errors == [] and len(set(outcomes.results)) == 1
    assert press(owing, **typed)["Location"] == outcomes.results[0]
    assert Payment.objects.count() == 1
    assert [entry.minor for entry in at.nmi.ledger.entries if entry.kind == "capture"] == [12000]


@pytest.mark.parametrize(
    ("code", "what", "then"),
    [
        ("202", "There was not enough money on it.", "Pay a smaller amount"),
        ("223", "The card has expired.", "Add your new card"),
        ("253", "This could not be accepted.", "call the school's office"),
        ("201", "Your bank said no", "another card or bank account"),
    ],
)
def test_R46_R177_a_decline_says_why_and_what_next(
    owing: Family, at: Desk, code: str, what: str, then: str
) -> None:  # fmt: skip
    at.nmi.next_codes.append((code, False))
    text = plain(owing.client.get(press(owing, **choice(owing, "120.00"))["Location"]))
    assert "It was not paid" in text and what in text and then in text and "Pay in another way" in text
    assert Payment.objects.count() == 0 and invoices(owing)[0].open_amount == D("120.00")


def test_R177_after_a_decline_the_same_invoice_can_be_paid(owing: Family, at: Desk) -> None:
    at.nmi.next_codes.append(("201", False))
    press(owing, **choice(owing, "120.00"))
    press(owing, key="k2", **choice(owing, "120.00"))
    assert Payment.objects.count() == 1


def test_R19_what_nobody_knows_is_being_confirmed_and_never_failed(owing: Family, at: Desk) -> None:
    at.nmi.faults.add("drop_after", path="transact", body="type=sale")
    at.nmi.faults.add("blind", path="query", seconds=5)
    page = owing.client.get(press(owing, **choice(owing, "120.00"))["Location"])
    text = plain(page)
    assert "is being confirmed" in text and "Do not pay again" in text and "not paid" not in text
    assert 'http-equiv="refresh"' in page.content.decode()
    assert "A payment is being confirmed." in owing.get("pay/")
    assert "Choose what you want to pay." in plain(press(owing, 422, key="k2", **choice(owing, "120.00")))
    at.nmi.faults.clear()
    sweeping.sweep(now=clock.now() + timedelta(minutes=2))
    page = owing.client.get(page.request["PATH_INFO"])
    assert "Paid US$120.00" in plain(page) and 'http-equiv="refresh"' not in page.content.decode()
    assert Payment.objects.count() == 1
    assert_books_whole()


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [("120.01", "is more"), ("0", "more than 0"), ("-5", "more than 0"), ("", "Enter an amount"), ("x", "")],
)
def test_amounts_that_cannot_be_paid_are_said_and_kept(owing: Family, at: Desk, amount: str, sentence: str) -> None:
    answer = owing.post(f"pay/of/{owing.customer.pk}/USD/", 422, **choice(owing, amount))
    assert sentence in plain(answer) and f'value="{amount}"' in answer.content.decode()
    assert 'aria-invalid="true"' in answer.content.decode()


def test_2_where_parts_are_not_taken_an_invoice_is_paid_whole(owing: Family, at: Desk) -> None:
    builders.policy(owing.org, "payments.partial_allowed", False)
    assert "is paid whole" in plain(press(owing, 422, **choice(owing, "119.99")))
    press(owing, **choice(owing, "120.00"))


@pytest.mark.parametrize(("limit", "status"), [("119.99", 422), ("120.00", 302)])
def test_R5_the_limit_of_the_way_to_pay_holds(owing: Family, at: Desk, limit: str, status: int) -> None:
    builders.policy(owing.org, "payments.limit.card", limit)
    press(owing, status, **choice(owing, "120.00"))


def test_R5_a_way_to_pay_that_is_not_taken_is_not_offered(owing: Family, at: Desk) -> None:
    builders.policy(owing.org, "payments.methods", ["cash", "ach"])
    assert "There is no card or bank account that is ready." in owing.get("pay/")
    assert "Choose how to pay." in plain(press(owing, 422, **choice(owing, "120.00")))


def test_R162_anothers_invoice_method_or_result_is_none_of_ones_own(owing: Family, at: Desk) -> None:
    eve = cast.family(owing.org, owing.account, "Eve Ek")
    eve.post(f"pay/of/{owing.customer.pk}/USD/", 404, **choice(owing, "120.00"))
    builders.invoice(eve.customer, "10.00", issued_on=eve.org.today(clock.now()))
    theirs = Invoice.objects.get(customer=eve.customer)
    typed: dict[str, Any] = {"invoices": theirs.pk, f"amount_{theirs.pk}": "10.00", "method": owing.method().pk}
    assert "Choose how to pay." in plain(press(eve, 422, **typed))
    pk = press(owing, **choice(owing, "120.00"))["Location"].split("/")[-2]
    eve.get(f"pay/result/{pk}/", 404)


def test_one_that_is_being_verified_cannot_pay(owing: Family, at: Desk) -> None:
    method = owing.method()
    type(method).objects.filter(pk=method.pk).update(state="suspended", place=0)
    assert "Choose how to pay." in plain(press(owing, 422, **choice(owing, "120.00")))
    reread(method)
    assert method.state == "suspended"


def test_one_invoice_is_chosen_alone_where_it_was_asked_for(owing: Family) -> None:
    first, second = invoices(owing)

    def chosen(path: str) -> list[str]:
        page = owing.client.get(f"/family/{path}").content.decode()
        return re.findall(r'name="invoices" value="(\d+)" checked', page)

    assert chosen("pay/") == [str(first.pk), str(second.pk)]
    assert chosen(f"pay/?invoice={second.pk}") == [str(second.pk)]
    assert chosen("pay/?invoice=0") == chosen("pay/?invoice=x") == chosen("pay/")
