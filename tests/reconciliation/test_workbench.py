"""The matching workbench through its door, without a script (R144): found, looked at, done once, and by whom."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.ledger.models import JournalEntry, LedgerAccount, Role
from billing.models import Customer, Invoice
from billing.office.models import ApprovalRequest, Organization
from payments.models import BankAccount, Payment, PaymentState
from reconciliation.models import LineDeed, Match, MatchKind, StatementLine
from tests import builders
from tests.assertions import assert_books_whole
from tests.console_desk import Desk, desk
from tests.reconciliation.bank_desk import Booked, bank_account, lines

pytestmark = pytest.mark.django_db


@pytest.fixture
def org() -> Organization:
    return builders.organization("recon")


@pytest.fixture
def account(org: Organization) -> BankAccount:
    return bank_account(org)


@pytest.fixture
def boss(org: Organization) -> Desk:
    return desk(org, "supervisor", name="sue")


@pytest.fixture
def clerk(org: Organization) -> Desk:
    return desk(org, "clerk", name="clara")


@pytest.fixture
def ada(org: Organization) -> Customer:
    return builders.customer(org, "Ada Lovelace", email="ada@example.org")


def do(line: StatementLine, verb: str) -> str:
    return f"bank-lines/{line.pk}/do/{verb}/"


def left(line: StatementLine) -> Decimal:
    line.refresh_from_db()
    amount: Decimal = line.open_amount
    return amount


def test_R144_the_list_tells_what_is_to_do_and_the_line_what_the_bank_wrote(account: BankAccount, boss: Desk) -> None:
    assert "Every line is explained" in boss.see("bank-lines/")
    first, second = lines(account, Booked("120.00", name="A LOVELACE", text="piano"), Booked("-3.50", text="fee"),
                          opening="100.00")  # fmt: skip
    page = boss.see("bank-lines/")
    assert "US$120.00" in page and "A LOVELACE" in page and "−US$3.50" in page
    assert "To do 2 +US$120.00 −US$3.50" in page
    assert "bank US$216.50, books US$0.00" in page
    assert "fee" in boss.see(f"bank-lines/?line={second.pk}")
    boss.get(f"bank-lines/?line={first.pk}9", status=404)
    boss.get("bank-lines/?line=x", status=404)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=120.00", {"ADA"}), ("q=120", {"ADA"}), ("q=ben", {"BEN"}), ("q=piano", {"ADA"}), ("q=R-7", {"BEN"}),
        ("q=119", set()), ("direction=out", {"FEE"}), ("direction=in", {"ADA", "BEN"}), ("from=2026-03-11", {"BEN"}),
        ("to=2026-03-10", {"ADA", "FEE"}), ("from=nonsense", {"ADA", "BEN", "FEE"}), ("state=done", set()),
        ("state=all", {"ADA", "BEN", "FEE"}), ("state=mine", set()),
    ],
)  # fmt: skip
def test_R144_lines_are_found_by_amount_name_text_reference_day_and_direction(
    account: BankAccount, boss: Desk, query: str, found: set[str]
) -> None:
    lines(account, Booked("120.00", name="ADA", text="piano"), Booked("80.00", name="BEN", ref="R-7",
          day=date(2026, 3, 11)), Booked("-3.50", name="FEE"), opening="10.00")  # fmt: skip
    text = boss.get(f"bank-lines/?{query}").content.decode()
    listed = text[text.index('id="wb-list-title"') : text.index('id="wb-line"')]
    assert {name for name in ("ADA", "BEN", "FEE") if f">{name}<" in listed} == found


def test_R144_a_payment_is_looked_at_made_once_and_the_next_line_follows(
    account: BankAccount, boss: Desk, ada: Customer
) -> None:
    bill, other = builders.invoice(ada, "70.00"), builders.invoice(ada, "60.00")
    line, following = lines(account, Booked("120.00", name="Ada"), Booked("5.00"))
    assert f"bank-lines/{line.pk}/find/" in boss.get(do(line, "payment"), status=302)["Location"]
    form = boss.get(f"{do(line, 'payment')}?customer={ada.pk}").content.decode()
    key = form.split('name="request_key" value="')[1].split('"')[0]
    assert bill.number in form and other.number in form
    typed = {"customer": str(ada.pk), "strategy": "manual", f"invoice-{bill.pk}": "70.00",
             f"invoice-{other.pk}": "30.00", "request_key": key, "seen": "120.00"}  # fmt: skip
    looked = boss.post(do(line, "payment"), status=200, step="look", **typed)
    assert "US$20.00 is kept as the customer's credit" in looked.content.decode()
    assert "US$30.00 stays open" in looked.content.decode()
    assert not Payment.objects.exists() and not LineDeed.objects.exists()
    answer = boss.post(do(line, "payment"), step="do", **typed)
    assert f"line={following.pk}" in answer["Location"]
    again = boss.post(do(line, "payment"), step="do", **typed)
    assert again.status_code == 302 and Payment.objects.count() == 1
    assert {one.open_amount for one in Invoice.objects.all()} == {0, 30}
    assert (left(line), Match.objects.get().made_by) == (0, boss.user)
    assert_books_whole()


def test_R144_a_form_that_is_not_understood_says_so_beside_its_field(
    account: BankAccount, boss: Desk, ada: Customer
) -> None:
    bill = builders.invoice(ada, "70.00")
    (line,) = lines(account, Booked("120.00"))
    typed: dict[str, Any] = {"customer": str(ada.pk), "strategy": "manual", "seen": "120.00", "step": "do"}
    for wrong in ({f"invoice-{bill.pk}": "many"}, {f"invoice-{bill.pk}": "70.01"}, {"strategy": "magic"},
                  {"amount": "120.01"}, {"invoice-x": "1.00"}):  # fmt: skip
        page = boss.post(do(line, "payment"), status=422, **{**typed, **wrong}).content.decode()
        assert "Nothing was done" in page
    assert not Payment.objects.exists() and left(line) == 120


def test_R144_a_line_is_split_over_customers_and_a_bank_item_with_the_rest_told(
    account: BankAccount, boss: Desk, ada: Customer
) -> None:
    ben = builders.customer(ada.organization, "Ben")
    bill = builders.invoice(ada, "70.00")
    item = LedgerAccount.objects.get(organization=ada.organization, role=Role.SMALL_DIFFERENCES)
    (line,) = lines(account, Booked("120.00"))
    typed: dict[str, Any] = {"for-1": bill.number.lower(), "amount-1": "70.00", "for-2": ben.code, "amount-2": "40.00",
             "for-3": item.code, "amount-3": "1.50", "seen": "120.00", "request_key": "s1"}  # fmt: skip
    assert (
        "US$8.50 stays to be explained"
        in boss.post(do(line, "split"), status=200, step="look", **typed).content.decode()
    )
    boss.post(do(line, "split"), step="do", **typed)
    assert left(line) == Decimal("8.50")
    kinds = sorted((match.kind, match.amount) for match in Match.objects.all())
    assert kinds == [("bank_item", Decimal("1.50")), ("payment", 40), ("payment", 70)]
    too_much: dict[str, Any] = {
        "for-1": ben.code,
        "amount-1": "8.51",
        "seen": "8.50",
        "request_key": "s2",
        "step": "do",
    }
    boss.post(do(line, "split"), status=422, **too_much)
    unknown = boss.post(do(line, "split"), status=422, step="look", **{"for-1": "nobody", "amount-1": "1.00"})
    assert "nobody is no invoice number" in unknown.content.decode()
    empty = boss.post(do(line, "split"), status=422, step="look")
    assert "Say for whom" in empty.content.decode()
    assert_books_whole()


def test_R144_a_bank_item_needs_an_account_and_a_reason(account: BankAccount, boss: Desk, org: Organization) -> None:
    (line,) = lines(account, Booked("-3.50"), opening="10.00")
    item = LedgerAccount.objects.get(organization=org, role=Role.SMALL_DIFFERENCES)
    control = LedgerAccount.objects.get(organization=org, role=Role.ACCOUNTS_RECEIVABLE)
    boss.post(do(line, "item"), status=422, step="do", ledger_account=str(item.pk), reason_code="")
    boss.post(do(line, "item"), status=422, step="do", ledger_account=str(item.pk), reason_code="other")
    boss.post(do(line, "item"), status=422, step="do", ledger_account=str(control.pk), reason_code="bank_fee")
    boss.post(do(line, "item"), step="do", ledger_account=str(item.pk), reason_code="bank_fee")
    made = Match.objects.get()
    assert (made.kind, made.reason_code, left(line)) == ("bank_item", "bank_fee", 0)
    assert_books_whole()


def test_R146_what_is_in_the_books_already_is_offered_before_it_is_made_again(
    account: BankAccount, boss: Desk, ada: Customer
) -> None:
    taken = builders.pay(ada, "75.00", method="bank_transfer", strategy="none")
    (line,) = lines(account, Booked("75.00"))
    assert taken.payment.number in boss.see(f"bank-lines/?line={line.pk}")
    chosen = f"{do(line, 'record')}?kind=payment&record={taken.payment.pk}"
    assert "Nothing is posted." in boss.see(chosen)
    before = JournalEntry.objects.count()
    boss.post(do(line, "record"), step="do", kind="payment", record=str(taken.payment.pk), request_key="k")
    assert (left(line), JournalEntry.objects.count()) == (0, before)
    assert "Nothing was found" in boss.see(f"bank-lines/{line.pk}/find/?find={taken.payment.number}")
    assert_books_whole()


def test_R144_customers_and_invoices_are_found_by_name_and_number(
    account: BankAccount, boss: Desk, ada: Customer
) -> None:
    bill = builders.invoice(ada, "70.00")
    (line,) = lines(account, Booked("70.00"))
    assert bill.number in boss.see(f"bank-lines/{line.pk}/find/")
    found = boss.see(f"bank-lines/{line.pk}/find/?find=lovelac")
    assert ada.code in found and bill.number in found
    assert "Nothing was found" in boss.see(f"bank-lines/{line.pk}/find/?find=zzzz")


def test_R144_own_transfers_reversals_and_repetitions_are_found_and_marked(account: BankAccount, boss: Desk) -> None:
    second = bank_account(account.organization, "SAVE", "DE89370400440532013000")
    (came,) = lines(second, Booked("50.00", name="own"))
    out, back, one, two = lines(account, Booked("-50.00"), Booked("50.00"), Booked("7.00", ref="T"),
                                Booked("7.00", ref="U"), opening="90.00")  # fmt: skip
    found = boss.see(f"bank-lines/{out.pk}/find/")
    assert "our own transfer" in found and "takes this line back" in found
    boss.post(do(out, "transfer"), step="do", other=str(came.pk))
    assert (left(out), left(came)) == (0, 0)
    boss.post(do(two, "twice"), step="do", other=str(one.pk))
    assert Match.objects.get(line=two).kind == MatchKind.DUPLICATE
    boss.post(do(back, "reversal"), status=422, step="do", other=str(one.pk))
    assert_books_whole()


def test_R13_a_large_amount_waits_for_a_second_person(account: BankAccount, boss: Desk, ada: Customer) -> None:
    builders.policy(account.organization, "payments.verify_above", "100")
    small, large = lines(account, Booked("100.00"), Booked("100.01"))
    told = boss.post(do(large, "payment"), status=200, step="look", customer=str(ada.pk), strategy="none")
    assert "once a second person has looked" in told.content.decode()
    for line in (small, large):
        boss.post(do(line, "payment"), step="do", customer=str(ada.pk), strategy="none")
    states = dict(Payment.objects.values_list("amount", "state"))
    assert states == {Decimal("100.00"): PaymentState.PROCESSED, Decimal("100.01"): PaymentState.PENDING}
    assert_books_whole()


class TestClerk:
    def test_R167_what_moves_money_by_hand_is_asked_of_a_supervisor(
        self, account: BankAccount, clerk: Desk, boss: Desk, ada: Customer
    ) -> None:
        bill = builders.invoice(ada, "70.00")
        (line,) = lines(account, Booked("70.00"))
        bills = {f"invoice-{bill.pk}": "70.00"}
        typed: dict[str, Any] = {"customer": str(ada.pk), "strategy": "manual", "seen": "70.00", **bills}
        looked = clerk.post(do(line, "payment"), status=200, step="look", **typed).content.decode()
        assert "Ask a supervisor" in looked
        clerk.post(do(line, "payment"), status=422, step="do", **typed)  # without a reason
        clerk.post(do(line, "payment"), step="do", reason="she called", **typed)
        asked = ApprovalRequest.objects.get()
        assert not Payment.objects.exists() and asked.requested_by == clerk.user
        page = boss.see(f"approvals/{asked.pk}/")
        assert "create the payment" in page and bill.number in page and "she called" in page
        boss.post(f"approvals/{asked.pk}/", decision="approve", shown_hash=asked.shown_hash)
        assert (left(line), Match.objects.get().made_by) == (0, boss.user)
        assert Invoice.objects.get().open_amount == 0
        assert_books_whole()

    def test_R167_an_approval_of_a_line_that_was_worked_meanwhile_does_nothing(
        self, account: BankAccount, clerk: Desk, boss: Desk, ada: Customer
    ) -> None:
        (line,) = lines(account, Booked("70.00"))
        clerk.post(do(line, "suspense"), step="do", reason="nobody knows", seen="70.00")
        asked = ApprovalRequest.objects.get()
        boss.post(do(line, "payment"), step="do", customer=str(ada.pk), strategy="none")
        boss.get(f"approvals/{asked.pk}/")
        boss.post(f"approvals/{asked.pk}/", status=422, decision="approve", shown_hash=asked.shown_hash)
        assert [match.kind for match in Match.objects.all()] == ["payment"]
        assert_books_whole()

    def test_R167_nobody_else_sees_bank_lines(self, account: BankAccount, org: Organization) -> None:
        (line,) = lines(account, Booked("70.00"))
        manager = desk(org, "manager", name="mona")
        manager.get("bank-lines/", status=403)
        manager.post(do(line, "suspense"), status=403, step="do")


def test_R168_lines_of_another_organization_do_not_exist(account: BankAccount, ada: Customer) -> None:
    (line,) = lines(account, Booked("70.00"))
    stranger = desk(builders.organization("other"), "supervisor", name="eve")
    stranger.get(do(line, "item"), status=404)
    for page in ("", "find/", "ask/", "history/", "work/", "preview/"):
        stranger.get(f"bank-lines/{line.pk}/{page}", status=404)
    stranger.post(f"bank-lines/{line.pk}/accept/", status=404)
    stranger.get("bank-lines/?account=MAIN", status=404)
    org = builders.organization("third")
    (own,) = lines(bank_account(org, "MAIN", "DE89370400440532013000"), Booked("70.00"))
    third = desk(org, "supervisor", name="tom")
    third.post(do(own, "payment"), status=422, step="do", customer=str(ada.pk), strategy="none")
    third.post(do(own, "twice"), status=422, step="do", other=str(line.pk))
    assert left(own) == 70
