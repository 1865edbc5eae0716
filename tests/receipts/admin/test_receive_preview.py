"""The preview: every strategy side by side, by the same rules as the save, writing nothing (R117-R125, §3 row 9)."""

from datetime import date
from decimal import Decimal

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.models import Customer, Invoice
from billing.office.models import Organization
from billing.services.credit_control import set_hold
from billing.services.locking import lock_customers
from tests import builders
from tests.receipts.admin.counter import Counter, rows_written


def three_invoices(payer: Customer) -> tuple[Invoice, Invoice, Invoice]:
    """Oldest but due last; most overdue; smallest."""
    oldest = builders.invoice(payer, "300.00", issued_on=date(2026, 1, 5), due_on=date(2026, 4, 30))
    overdue = builders.invoice(payer, "200.00", issued_on=date(2026, 1, 20), due_on=date(2026, 2, 1))
    smallest = builders.invoice(payer, "50.00", issued_on=date(2026, 2, 20), due_on=date(2026, 3, 20))
    return oldest, overdue, smallest


def applied(answer: dict[str, dict[str, dict[str, str]]], *invoices: Invoice) -> list[str]:
    return [answer["rows"][str(invoice.pk)]["apply"] for invoice in invoices]


def hold(payer: Customer) -> None:
    with transaction.atomic():
        locked = lock_customers(payer.organization, [payer.pk])[payer.pk]
        set_hold(customer=locked, reason="overdue", now=builders.NOW, by=None)


def test_R117_fifo_pays_the_oldest_invoice_first(clerk: Counter, ada: Customer) -> None:
    invoices = three_invoices(ada)
    answer = clerk.preview(ada, "320.00", strategy="fifo")
    assert applied(answer, *invoices) == ["300.00", "20.00", ""]
    assert (answer["applied"], answer["left_over"], answer["open_after"]) == ("320.00", "0.00", "230.00")


def test_R118_due_date_pays_the_most_overdue_first(clerk: Counter, ada: Customer) -> None:
    invoices = three_invoices(ada)
    assert applied(clerk.preview(ada, "220.00", strategy="due_date"), *invoices) == ["", "200.00", "20.00"]


def test_R119_amount_pays_the_smallest_first(clerk: Counter, ada: Customer) -> None:
    invoices = three_invoices(ada)
    assert applied(clerk.preview(ada, "60.00", strategy="amount"), *invoices) == ["", "10.00", "50.00"]


def test_R120_by_hand_shows_what_was_typed_would_do(clerk: Counter, ada: Customer) -> None:
    oldest, overdue, smallest = three_invoices(ada)
    answer = clerk.preview(ada, "100.00", by_hand=[(overdue, "70"), (smallest, "20.00"), (oldest, "")])
    assert applied(answer, oldest, overdue, smallest) == ["", "70.00", "20.00"]
    assert (answer["applied"], answer["left_over"]) == ("90.00", "10.00")
    assert answer["strategies"]["manual"]["left_over"] == "10.00"


def test_R121_hold_keeps_everything_as_credit(clerk: Counter, ada: Customer) -> None:
    invoices = three_invoices(ada)
    answer = clerk.preview(ada, "100.00", strategy="none")
    assert applied(answer, *invoices) == ["", "", ""]
    assert (answer["applied"], answer["left_over"]) == ("0.00", "100.00")


def test_all_strategies_are_told_side_by_side_for_the_same_amount(clerk: Counter, ada: Customer) -> None:
    three_invoices(ada)
    found = clerk.preview(ada, "250.00")["strategies"]
    assert {name: (s["paid"], s["part"], s["overdue"], s["left_over"]) for name, s in found.items()} == {
        "fifo": ("", "1 in part", "none of 200.00", "–"),
        "due_date": ("2", "", "all 200.00", "–"),
        "amount": ("2", "", "all 200.00", "–"),
        "manual": ("–", "", "–", "–"),
        "none": ("–", "", "none of 200.00", "250.00"),
    }


def test_the_discount_that_a_strategy_wins_is_told(clerk: Counter, ada: Customer) -> None:
    builders.invoice(ada, "500.00", issued_on=date(2026, 2, 1))
    builders.invoice(ada, "100.00", issued_on=date(2026, 3, 5), terms="2/10 net 30")
    found = clerk.preview(ada, "98.00")["strategies"]
    assert (found["fifo"]["discount"], found["amount"]["discount"]) == ("–", "2.00")


def test_what_would_be_written_off_is_told(clerk: Counter, ada: Customer, school: Organization) -> None:
    builders.policy(school, "write_off.below", "0.50")
    bill = builders.invoice(ada, "100.40")
    answer = clerk.preview(ada, "100.00")
    assert answer["strategies"]["fifo"]["write_off"] == "0.40"
    assert answer["rows"][str(bill.pk)]["after"] == "paid, 0.40 written off"


def test_R130_it_tells_which_strategy_releases_the_hold(clerk: Counter, ada: Customer) -> None:
    three_invoices(ada)
    hold(ada)
    answer = clerk.preview(ada, "200.00")
    assert {name: s["hold"] for name, s in answer["strategies"].items()} == {
        "fifo": "no", "due_date": "yes", "amount": "no", "manual": "–", "none": "no",
    }  # fmt: skip
    assert [w["code"] for w in answer["warnings"]] == ["hold_kept"]
    released = clerk.preview(ada, "200.00", strategy="due_date")["warnings"]
    assert [w["code"] for w in released] == ["hold_released"]


def test_a_cheque_is_told_not_to_count_for_the_hold(clerk: Counter, ada: Customer) -> None:
    builders.invoice(ada, "200.00", issued_on=date(2026, 1, 5))
    hold(ada)
    cheque = {"method": "cheque", "cheque_number": "1", "cheque_bank": "First", "cheque_date": "2026-03-12"}
    answer = clerk.preview(ada, "200.00", **cheque)
    assert answer["strategies"]["fifo"]["hold"] == "no"
    assert [w["code"] for w in answer["warnings"]] == ["hold_kept", "cheque_hold"]


def test_the_hold_preview_agrees_with_the_save(clerk: Counter, ada: Customer) -> None:
    three_invoices(ada)
    hold(ada)
    for strategy, amount in (("fifo", "10.00"), ("due_date", "199.99"), ("due_date", "0.01")):
        told = clerk.preview(ada, amount, strategy=strategy)["strategies"][strategy]["hold"]
        clerk.save(ada, amount, strategy=strategy)
        ada.refresh_from_db()
        assert (told == "yes") == (not ada.is_on_hold), (strategy, amount)


def test_R124_disputed_invoices_are_passed_over_and_named(clerk: Counter, ada: Customer) -> None:
    oldest, overdue, smallest = three_invoices(ada)
    Invoice.objects.filter(pk=oldest.pk).update(is_disputed=True)
    answer = clerk.preview(ada, "220.00")
    assert applied(answer, oldest, overdue, smallest) == ["", "200.00", "20.00"]
    assert answer["warnings"] == [
        {"code": "disputed", "message": f"Disputed and passed over: {oldest.number}."}
    ]  # fmt: skip


def test_R4_a_short_premium_is_told_to_be_kept_as_credit(clerk: Counter, ada: Customer, school: Organization) -> None:
    builders.policy(school, "payments.partial_allowed", False)
    bill = builders.invoice(ada, "150.00")
    answer = clerk.preview(ada, "149.99")
    assert (answer["applied"], answer["left_over"]) == ("0.00", "149.99")
    assert answer["warnings"][0]["code"] == "short"
    assert f"{bill.number} needs US$150.00" in answer["warnings"][0]["message"]


def test_R13_a_large_payment_is_told_to_stay_provisional_only_above_the_limit(clerk: Counter) -> None:
    gas = builders.organization(currency="TWD", zone="Asia/Taipei")
    builders.policy(gas, "payments.verify_above", "1000000")
    chen, desk = builders.customer(gas, "陳大文"), Counter(gas)
    assert desk.preview(chen, "1000000")["warnings"] == []
    assert [w["code"] for w in desk.preview(chen, "1,000,001")["warnings"]] == ["provisional"]


def test_R14_an_unusual_method_is_told_to_wait(clerk: Counter, ada: Customer, school: Organization) -> None:
    builders.policy(school, "payments.unusual_methods", ["card"])
    assert [w["code"] for w in clerk.preview(ada, method="card")["warnings"]] == ["unusual"]


def test_R11_a_look_alike_is_told_before_saving(clerk: Counter, ada: Customer) -> None:
    earlier = builders.pay(ada, "100.00").payment
    assert earlier.number in clerk.preview(ada, "100.00")["lookalike"]
    assert clerk.preview(ada, "100.01")["lookalike"] == ""


def test_the_amount_is_read_back_in_figures_and_words(clerk: Counter, ada: Customer) -> None:
    answer = clerk.preview(ada, "1,000.00")
    assert answer["reading"] == "US$1,000.00"
    assert answer["words"] == "one thousand dollars and 00/100"
    assert answer["day"] == "Thu 12 Mar 2026, today"


def test_what_is_not_typed_yet_is_not_an_error(clerk: Counter, ada: Customer) -> None:
    assert clerk.preview(ada, "") == {"is_empty": True, "errors": []}
    unfinished = clerk.preview(ada, "10", method="cheque", cheque_date="", delivery="email", email="", request_key="")
    assert unfinished["errors"] == []


def test_what_is_wrong_is_told_at_its_field_while_typing(clerk: Counter, ada: Customer, school: Organization) -> None:
    builders.policy(school, "payments.limit.cash", "50")
    bill = builders.invoice(ada, "30.00")
    assert [e["field"] for e in clerk.preview(ada, "51")["errors"]] == ["amount"]
    assert [e["field"] for e in clerk.preview(ada, "20", received_on="2026-03-13")["errors"]] == ["received_on"]
    over = clerk.preview(ada, "50", by_hand=[(bill, "31")])
    assert [(e["field"], e["code"]) for e in over["errors"]] == [(f"apply-{bill.pk}", "over_allocation")]
    assert (over["applied"], over["left_over"]) == ("31.00", "19.00")


def test_it_writes_nothing_and_takes_no_lock(clerk: Counter, ada: Customer) -> None:
    three_invoices(ada)
    before = rows_written()
    with CaptureQueriesContext(connection) as queries:
        clerk.preview(ada, "320.00")
    assert rows_written() == before
    assert not [q["sql"] for q in queries if "FOR " in q["sql"] and "UPDATE" in q["sql"]]


def test_its_queries_do_not_grow_with_the_invoices(clerk: Counter, ada: Customer) -> None:
    fields = clerk.fields(ada, "1500.00")
    three_invoices(ada)
    clerk.post("preview/", fields)
    with CaptureQueriesContext(connection) as few:
        clerk.post("preview/", fields)
    for n in range(20):
        builders.invoice(ada, f"{100 + n}.00")
    with CaptureQueriesContext(connection) as many:
        clerk.post("preview/", fields)
    assert len(few) == len(many) <= 14, [q["sql"][:90] for q in many]


def test_the_table_is_sent_again_only_when_other_invoices_are_open(clerk: Counter, ada: Customer) -> None:
    bill = builders.invoice(ada, "100.00")
    first = clerk.preview(ada, "10.00")
    assert bill.number in first["table"]
    shown = f"USD {bill.pk}:100.00"
    assert "table" not in clerk.preview(ada, "10.00", shown=shown)
    builders.pay(ada, "40.00")
    assert "60.00" in clerk.preview(ada, "10.00", shown=shown)["table"]


def test_another_organizations_customer_is_not_found(clerk: Counter) -> None:
    eve = builders.customer(builders.organization(), "Eve", code="EVE")
    errors = clerk.post("preview/", clerk.fields(eve), 404).json()["errors"]
    assert [(e["field"], e["code"]) for e in errors] == [("customer", "unknown_customer")]


def test_money_meets_only_invoices_in_its_currency(clerk: Counter, ada: Customer, school: Organization) -> None:
    builders.policy(school, "payments.currencies", ["EUR"])
    builders.invoice(ada, "100.00")
    euro = builders.invoice(ada, "70.00", currency="EUR")
    answer = clerk.preview(ada, "70.00", currency="EUR")
    assert list(answer["rows"]) == [str(euro.pk)]
    assert [w["code"] for w in answer["warnings"]] == ["unusual"]
    assert Decimal(answer["applied"]) == 70
