"""Bad input at the desk: a clear sentence at its field, what was typed stays, nothing is written."""

from typing import Any

import pytest

from billing.models import Customer, Invoice
from billing.office.models import Organization
from payments.models import Payment
from tests import bad_inputs, builders
from tests.bad_inputs import LONE, Bad
from tests.receipts.admin.counter import Counter, Error, rows_written
from tests.receipts.admin.test_receive_save import CHEQUE

TEXT_FIELDS = ("payer_name", "reference", "note", "lookalike_reason", "cheque_bank", "cheque_drawer")


def typed(rows: tuple[Bad, ...], currency: str = "USD") -> list[Bad]:
    """Rows that a form can send: text in its encoding."""
    return [r for r in rows if isinstance(r.payload, str) and LONE not in r.payload and r.currency == currency]


@pytest.mark.parametrize("bad", typed(bad_inputs.AMOUNTS), ids=str)
def test_an_amount_that_cannot_be_read_is_refused(clerk: Counter, ada: Customer, bad: Bad) -> None:
    assert clerk.refused(400, ada, bad.payload) == [("amount", bad.code, bad.sentence)]


@pytest.mark.parametrize("bad", typed(bad_inputs.AMOUNTS, "TWD"), ids=str)
def test_an_amount_the_currency_does_not_have_is_refused(school: Organization, bad: Bad) -> None:
    gas = builders.organization(currency="TWD", zone="Asia/Taipei")
    assert Counter(gas).refused(400, builders.customer(gas), bad.payload) == [("amount", bad.code, bad.sentence)]


@pytest.mark.parametrize(
    ("payload", "amount"), [(p, a) for _id, p, c, a in bad_inputs.GOOD_AMOUNTS if c == "USD" and isinstance(p, str)]
)
def test_amounts_as_people_write_them_are_taken(clerk: Counter, ada: Customer, payload: str, amount: str) -> None:
    clerk.save(ada, payload)
    assert str(Payment.objects.get().amount) == amount


@pytest.mark.parametrize("bad", typed(bad_inputs.DAYS), ids=str)
@pytest.mark.parametrize("field", ["received_on", "cheque_date"])
def test_a_day_that_cannot_be_read_is_refused(clerk: Counter, ada: Customer, bad: Bad, field: str) -> None:
    assert clerk.refused(400, ada, **(CHEQUE | {field: bad.payload})) == [(field, bad.code, bad.sentence)]


def test_R6_tomorrow_is_refused_in_the_organizations_calendar(clerk: Counter, ada: Customer) -> None:
    [(field, code, sentence)] = clerk.refused(400, ada, received_on="2026-03-13")
    assert (field, code) == ("received_on", "future_date")
    assert "New York" in sentence


@pytest.mark.parametrize("field", TEXT_FIELDS)
@pytest.mark.parametrize("bad", [bad for bad in typed(bad_inputs.TEXTS) if bad.code != "required"], ids=str)
def test_text_that_may_not_be_kept_is_refused(clerk: Counter, ada: Customer, bad: Bad, field: str) -> None:
    long = bad.code == "too_long"
    text = "x" * 401 if long else bad.payload
    [(where, code, sentence)] = clerk.refused(400, ada, **(CHEQUE | {field: text}))
    assert (where, code) == (field, bad.code)
    assert sentence.startswith("At most ") if long else sentence == bad.sentence


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "=HYPERLINK(1)", "'); DROP TABLE", "Jose\u0301"])
def test_odd_text_is_kept_as_text_and_shown_escaped(clerk: Counter, ada: Customer, text: str) -> None:
    answer = clerk.save(ada, payer_name=text, note=text, reference=text)
    payment = Payment.objects.get()
    assert payment.note == payment.payer_name == payment.reference
    assert "<script>alert" not in answer["row"]


@pytest.mark.parametrize("bad", bad_inputs.EMAILS, ids=str)
def test_an_address_that_is_none_is_refused(clerk: Counter, ada: Customer, bad: Bad) -> None:
    [(field, code, _sentence)] = clerk.refused(400, ada, delivery="email", email=bad.payload)
    assert (field, code) == ("email", "required" if not bad.payload else "not_an_email")


@pytest.mark.parametrize(
    ("missing", "fields"),
    [
        ({"cheque_number": ""}, ["cheque_number"]), ({"cheque_bank": " "}, ["cheque_bank"]),
        ({"cheque_date": ""}, ["cheque_date"]),
        ({"cheque_number": "", "cheque_bank": "", "cheque_date": ""}, ["cheque_number", "cheque_bank", "cheque_date"]),
    ],
)  # fmt: skip
def test_R110_each_missing_part_of_a_cheque_is_named(
    clerk: Counter, ada: Customer, missing: dict[str, str], fields: list[str]
) -> None:
    errors = clerk.refused(400, ada, **(CHEQUE | missing))
    assert [(field, code) for field, code, _sentence in errors] == [(field, "required") for field in fields]


@pytest.mark.parametrize(("day", "code"), [("2026-03-13", "post_dated"), ("2025-09-12", "stale_cheque")])
def test_a_cheque_of_another_time_is_refused(clerk: Counter, ada: Customer, day: str, code: str) -> None:
    assert [error[:2] for error in clerk.refused(400, ada, **(CHEQUE | {"cheque_date": day}))] == [
        ("cheque_date", code)
    ]


def test_the_same_cheque_twice_is_a_hard_stop(clerk: Counter, ada: Customer) -> None:
    number = clerk.save(ada, "50.00", **CHEQUE)["payment"]["number"]
    again = CHEQUE | {"cheque_bank": "first bank", "cheque_drawer": "a. lovelace"}
    errors = clerk.refused(409, ada, "75.00", **again, lookalike_reason="I insist")
    assert [error[:2] for error in errors] == [("cheque_number", "duplicate_cheque")]
    assert number in errors[0][2]


@pytest.mark.parametrize(
    ("policies", "more", "field", "code"),
    [
        ({"payments.methods": ["cash"]}, {"method": "card"}, "method", "method_not_taken"),
        ({}, {"method": "barter"}, "method", "unknown_method"),
        ({"payments.limit.cash": "99.99"}, {}, "amount", "past_limit"),
        ({"payments.daily_cash_limit": "149.99"}, {}, "amount", "past_daily_cash_limit"),
    ],
)
def test_R5_limits_of_methods_are_kept(
    clerk: Counter,
    ada: Customer,
    school: Organization,
    policies: dict[str, Any],
    more: dict[str, str],
    field: str,
    code: str,
) -> None:
    clerk.save(ada, "50.00")
    for key, value in policies.items():
        builders.policy(school, key, value)
    status = 400 if code == "unknown_method" else 422
    assert [error[:2] for error in clerk.refused(status, ada, "100.00", **more)] == [(field, code)]


def test_the_cash_limit_says_what_is_taken_already(clerk: Counter, ada: Customer, school: Organization) -> None:
    builders.policy(school, "payments.daily_cash_limit", "10000")
    clerk.save(ada, "7500")
    assert clerk.refused(422, ada, "2500.01")[0][2] == "Cash limit 10,000.00 per day; 7,500.00 already taken."
    clerk.save(ada, "2500")


class TestByHand:
    def refused(self, clerk: Counter, ada: Customer, status: int, by_hand: Any) -> Error:
        [error] = clerk.refused(status, ada, by_hand=by_hand)
        return error

    def test_more_than_the_invoice_has_left(self, clerk: Counter, ada: Customer) -> None:
        bill = builders.invoice(ada, "40.00")
        error = self.refused(clerk, ada, 422, [(bill, "40.01")])
        assert error == (f"apply-{bill.pk}", "over_allocation", f"Invoice {bill.number} has 40.00 left.")

    def test_more_than_the_payment(self, clerk: Counter, ada: Customer) -> None:
        one, two = builders.invoice(ada, "75.00"), builders.invoice(ada, "75.00")
        error = self.refused(clerk, ada, 422, [(one, "75.00"), (two, "25.01")])
        assert error == (f"apply-{two.pk}", "more_than_paid", "25.00 of this payment is free.")

    @pytest.mark.parametrize(
        ("typed", "code"), [("0", "not_positive"), ("-1", "not_positive"), ("1e1", "not_a_number")]
    )
    def test_an_amount_that_applies_nothing(self, clerk: Counter, ada: Customer, typed: str, code: str) -> None:
        bill = builders.invoice(ada, "40.00")
        assert self.refused(clerk, ada, 400, [(bill, typed)])[:2] == (f"apply-{bill.pk}", code)

    def test_an_invoice_twice(self, clerk: Counter, ada: Customer) -> None:
        bill = builders.invoice(ada, "40.00")
        fields = {"strategy": "manual", f"apply-{bill.pk}": ["10", "5"]}
        assert [e[:2] for e in clerk.refused(400, ada, **fields)] == [(f"apply-{bill.pk}", "twice")]

    def test_a_disputed_invoice(self, clerk: Counter, ada: Customer) -> None:
        bill = builders.invoice(ada, "40.00")
        Invoice.objects.filter(pk=bill.pk).update(is_disputed=True)
        assert self.refused(clerk, ada, 422, [(bill, "10")])[:2] == (f"apply-{bill.pk}", "disputed")

    def test_an_invoice_of_another_customer(self, clerk: Counter, ada: Customer, school: Organization) -> None:
        bill = builders.invoice(builders.customer(school, "Ben"), "40.00")
        error = self.refused(clerk, ada, 422, [(bill, "10")])
        assert (error[1], error[2]) == ("not_open_here", f"Invoice {bill.number} belongs to another customer.")

    def test_an_invoice_of_another_organization_does_not_exist(self, clerk: Counter, ada: Customer) -> None:
        bill = builders.invoice(builders.customer(builders.organization(), "Eve"), "40.00")
        assert self.refused(clerk, ada, 404, [(bill, "10")])[1] == "not_found"

    def test_an_invoice_in_another_currency(self, clerk: Counter, ada: Customer, school: Organization) -> None:
        builders.policy(school, "payments.currencies", ["EUR"])
        bill = builders.invoice(ada, "40.00", currency="EUR")
        assert "is in EUR; this money is in USD" in self.refused(clerk, ada, 422, [(bill, "10")])[2]

    def test_a_settled_invoice(self, clerk: Counter, ada: Customer) -> None:
        bill = builders.invoice(ada, "40.00")
        builders.pay(ada, "40.00")
        assert "is already settled" in self.refused(clerk, ada, 422, [(bill, "10")])[2]

    @pytest.mark.parametrize("key", ["abc", "-1", "9" * 30, "１"])
    def test_a_key_that_is_none(self, clerk: Counter, ada: Customer, key: str) -> None:
        errors = clerk.refused(400, ada, strategy="manual", **{f"apply-{key}": "5"})
        assert [error[1] for error in errors] == ["not_found"]


@pytest.mark.parametrize(
    ("more", "field", "code"),
    [
        ({"strategy": "lifo"}, "strategy", "unknown_strategy"), ({"currency": "EUR"}, "currency", "wrong_currency"),
        ({"currency": "Moon"}, "currency", "wrong_currency"), ({"method": ""}, "method", "required"),
        ({"delivery": "pigeon"}, "delivery", "unknown_delivery"), ({"request_key": ""}, "request_key", "required"),
        ({"method": "bank_transfer", "bank_account": "nowhere"}, "bank_account", "required"),
        ({"count-20": "4"}, "denominations", "denominations_differ"), ({"count-20": "-5"}, "count-20", "bad_count"),
        ({"count-20": "9" * 5000}, "count-20", "bad_count"), ({"customer": ""}, "customer", "required"),
    ],
)  # fmt: skip
def test_choices_that_are_not_offered_are_refused(
    clerk: Counter, ada: Customer, more: dict[str, str], field: str, code: str
) -> None:
    assert [error[:2] for error in clerk.refused(400, ada, **more)] == [(field, code)]


def test_a_pre_printed_form_is_used_once(clerk: Counter, ada: Customer) -> None:
    clerk.save(ada, "10.00", form_number="F-1")
    assert clerk.refused(400, ada, "20.00", form_number="F-1") == [
        ("form_number", "form_used", "Form F-1 was already used.")
    ]


def test_everything_wrong_is_told_at_once(clerk: Counter, ada: Customer) -> None:
    errors = clerk.refused(400, ada, "1e3", received_on="soon", note="4111 1111 1111 1111", delivery="email", email="x")
    assert {error[0] for error in errors} == {"amount", "received_on", "note", "email"}


def test_a_closed_customer_takes_no_payment(clerk: Counter, school: Organization) -> None:
    gone = builders.customer(school, "Gone", is_active=False)
    assert [error[:2] for error in clerk.refused(400, gone)] == [("customer", "customer_closed")]


def test_another_organizations_customer_is_not_found(clerk: Counter) -> None:
    eve = builders.customer(builders.organization(), "Eve", code="EVE")
    assert [error[:2] for error in clerk.refused(404, eve)] == [("customer", "unknown_customer")]


@pytest.mark.parametrize("path", ["", "desk/?customer=C1", "preview/", "save/"])
@pytest.mark.parametrize("role", ["accountant", "manager", "finance_manager", "school_admin", "platform_admin"])
def test_R167_no_other_role_takes_payments(school: Organization, ada: Customer, path: str, role: str) -> None:
    desk, before = Counter(school, role), rows_written()
    url = f"/console/receive/{path}"
    answer = desk.client.post(url, desk.fields(ada)) if path in ("preview/", "save/") else desk.client.get(url)
    assert answer.status_code == 403
    assert rows_written() == before


def test_a_supervisor_takes_payments_too(school: Organization, ada: Customer) -> None:
    assert Counter(school, "supervisor").save(ada)["payment"]["state"] == "processed"


def test_a_right_withdrawn_between_form_and_save_ends_at_once(clerk: Counter, ada: Customer) -> None:
    fields = clerk.fields(ada)
    clerk.post("preview/", fields)
    clerk.user.memberships.update(withdrawn_at=builders.NOW)
    assert clerk.client.post("/console/receive/save/", fields).status_code in (302, 403)
    assert Payment.objects.count() == 0


@pytest.mark.parametrize("path", ["preview/", "save/"])
def test_money_moves_by_POST_alone(clerk: Counter, path: str) -> None:
    assert clerk.client.get(f"/console/receive/{path}").status_code == 405
