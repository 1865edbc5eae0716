"""Taking money: what is accepted, refused, waits, and is known already (R1-R15, R18; invariants 12, 14, 40)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from billing.errors import BadInput, DomainError, KeyReused, NotFound
from billing.ledger.models import JournalEntry
from billing.ledger.periods import close_period
from billing.models import Allocation, CreditItem, Invoice
from billing.office.models import NumberSeries, Organization
from billing.office.models.audit import AuditEntry
from billing.office.models.user import Role
from payments.models import BankAccount, Cheque, Payment
from payments.services.duplicates import ChequeEntered, LooksAlike, TrueDouble
from payments.services.orders import MethodNotTaken, PastDailyCashLimit, PastLimit
from payments.services.receiving import Received, receive_payments
from receipts.models import Receipt
from receipts.services.counter import take_payments
from tests.assertions import assert_books_whole, assert_posts
from tests.builders import NOW, TODAY, cheque, customer, invoice, order, organization, pay, policy, user
from tests.deeds import void

pytestmark = pytest.mark.django_db
D = Decimal
MONEY = (Payment, CreditItem, Allocation, JournalEntry, Receipt, NumberSeries, Cheque)


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def gas() -> Organization:
    return organization(currency="TWD", zone="Asia/Taipei")


@pytest.fixture
def ada(school):
    return customer(school)


def refused(kind: type[DomainError], payer, amount, **details) -> DomainError:
    """Pay, be refused, and nothing is left behind."""
    before = [model.objects.count() for model in MONEY]
    with pytest.raises(kind) as refusal:
        pay(payer, amount, **details)
    assert [model.objects.count() for model in MONEY] == before
    return refusal.value


def said(refusal: DomainError) -> tuple[str, str, str]:
    return refusal.field, refusal.code, str(refusal)


class TestAmounts:
    """R3, R5, R12, bad input 2, 4, 12."""

    @pytest.mark.parametrize("amount", ["0", "-5"])
    def test_R3_nothing_is_not_taken(self, ada, amount: str) -> None:
        refusal = refused(BadInput, ada, amount)
        assert said(refusal) == ("amount", "not_positive", "The amount must be more than 0.")

    def test_R3_the_smallest_coin_is_taken(self, ada, gas) -> None:
        assert pay(ada, "0.01").payment.amount == D("0.01")
        assert pay(customer(gas), 1).payment.amount == 1

    def test_half_a_taiwan_dollar_is_not_taken(self, gas) -> None:
        refusal = refused(BadInput, customer(gas), "0.50")
        assert said(refusal) == ("amount", "too_many_decimals", "TWD has no such fraction.")

    @pytest.mark.parametrize("method", ["cash", "bank_transfer", "card"])
    def test_R5_the_limit_itself_is_taken_and_a_cent_more_is_not(self, ada, school, method: str) -> None:
        policy(school, f"payments.limit.{method}", "500")
        assert pay(ada, 500, method=method).payment.amount == 500
        refusal = refused(PastLimit, ada, "500.01", method=method)
        label = method.replace("_", " ")
        assert said(refusal) == ("amount", "past_limit", f"At most 500.00 may be taken by {label} at once.")

    def test_R5_a_limit_of_one_method_says_nothing_of_another(self, ada, school) -> None:
        policy(school, "payments.limit.cash", "500")
        assert pay(ada, 501, method="card").payment.amount == 501

    def test_R5_the_cash_of_a_day_has_a_limit(self, gas) -> None:
        policy(gas, "payments.daily_cash_limit", "10000")
        wang = customer(gas)
        pay(wang, 7500)
        refusal = refused(PastDailyCashLimit, wang, 2501)
        assert said(refusal) == (
            "amount", "past_daily_cash_limit", "Cash limit 10,000 per day; 7,500 already taken.",
        )  # fmt: skip
        assert pay(wang, 2500).payment.amount == 2500
        refused(PastDailyCashLimit, wang, 1)

    def test_R5_the_cash_limit_is_the_customers_the_days_and_cashs_own(self, gas) -> None:
        policy(gas, "payments.daily_cash_limit", "1000")
        wang = customer(gas)
        pay(wang, 1000)
        pay(customer(gas, "Li"), 1000)
        pay(wang, 1000, received_on=TODAY - timedelta(days=1), lookalike_reason="-")
        pay(wang, 1000, method="bank_transfer", lookalike_reason="-")

    def test_R5_voided_cash_counts_no_more(self, gas) -> None:
        policy(gas, "payments.daily_cash_limit", "1000")
        wang = customer(gas)
        first = pay(wang, 1000, by=user(gas, Role.CLERK)).payment
        void(first, user(gas, Role.CLERK), user(gas, Role.MANAGER))
        assert pay(wang, 1000).payment.amount == 1000

    def test_R5_the_cash_limit_counts_a_file_row_by_row(self, gas) -> None:
        policy(gas, "payments.daily_cash_limit", "1000")
        wang = customer(gas)
        with transaction.atomic():
            results = receive_payments(
                organization=gas, orders=[order(wang, 600), order(wang, 400), order(wang, 1)], now=NOW, by=None,
                at_counter=False,
            )  # fmt: skip
        assert [type(r) for r in results] == [Received, Received, PastDailyCashLimit]

    def test_limits_are_not_carried_over_to_another_currency(self, gas) -> None:
        policy(gas, "payments.limit.cash", "100")
        policy(gas, "payments.daily_cash_limit", "100")
        policy(gas, "payments.currencies", ["USD"])
        taken = pay(customer(gas), "150.50", currency="USD", by=user(gas, Role.CLERK))
        assert taken.payment.pending_for == "accept_unusual_method"


class TestDays:
    """R6, bad input 21; the day is the organization's."""

    @pytest.mark.parametrize(
        ("zone", "now", "today", "city"),
        [
            ("Asia/Taipei", datetime(2026, 3, 31, 23, 30, tzinfo=UTC), date(2026, 4, 1), "Taipei"),
            ("Asia/Taipei", datetime(2026, 3, 31, 15, 59, tzinfo=UTC), date(2026, 3, 31), "Taipei"),
            ("Asia/Taipei", datetime(2026, 3, 31, 16, 0, tzinfo=UTC), date(2026, 4, 1), "Taipei"),
            ("America/New_York", datetime(2026, 3, 31, 23, 30, tzinfo=UTC), date(2026, 3, 31), "New York"),
            ("America/New_York", datetime(2026, 4, 1, 3, 59, tzinfo=UTC), date(2026, 3, 31), "New York"),
            ("America/New_York", datetime(2026, 4, 1, 4, 0, tzinfo=UTC), date(2026, 4, 1), "New York"),
            ("Asia/Kolkata", datetime(2026, 3, 31, 18, 29, tzinfo=UTC), date(2026, 3, 31), "Kolkata"),
            ("Asia/Kolkata", datetime(2026, 3, 31, 18, 30, tzinfo=UTC), date(2026, 4, 1), "Kolkata"),
        ],
    )
    def test_R6_today_where_the_office_is_the_last_day(self, zone: str, now, today: date, city: str) -> None:
        ada = customer(organization(zone=zone))
        assert pay(ada, 5, received_on=today, now=now).payment.received_on == today
        refusal = refused(BadInput, ada, 5, received_on=today + timedelta(days=1), now=now)
        assert said(refusal) == (
            "received_on", "future_date", f"A receipt cannot be dated in the future (today is {today} in {city}).",
        )  # fmt: skip

    def test_R6_a_receipt_may_be_dated_back(self, ada) -> None:
        assert pay(ada, 5, received_on=date(2025, 1, 1)).payment.entry.entry_date == date(2025, 1, 1)


class TestWhoAndHow:
    """R1, R2, R7, R8, R15."""

    @pytest.mark.parametrize(
        ("method", "role"),
        [
            ("cash", "cash"), ("cheque", "cheques_in_hand"), ("bank_transfer", "bank"), ("card", "card_clearing"),
            ("ach", "card_clearing"), ("upi", "card_clearing"), ("net_banking", "card_clearing"),
            ("auto_debit", "card_clearing"),
        ],
    )  # fmt: skip
    def test_R1_R137_each_channel_lands_in_its_account(self, ada, method: str, role: str) -> None:
        taken = pay(ada, 120, method=method, cheque=cheque() if method == "cheque" else None)
        assert_posts([taken.payment.entry], f"2026-03-12  {role} Dr 120  unapplied_cash Cr 120")
        assert_books_whole()

    def test_R137_a_transfer_lands_in_the_account_of_its_bank(self, ada, school) -> None:
        from billing.ledger.chart import open_bank_ledger_account

        ledger = open_bank_ledger_account(school.pk, "First Bank")
        bank = BankAccount.objects.create(
            organization=school, code="first", name="First", currency="USD", ledger_account=ledger
        )
        taken = pay(ada, 120, method="bank_transfer", bank_account=bank)
        assert taken.payment.entry.lines.get(ordinal=1).account == ledger

    def test_R15_a_bank_account_takes_its_own_currency(self, ada, school) -> None:
        from billing.ledger.chart import open_bank_ledger_account

        ledger = open_bank_ledger_account(school.pk, "Euro Bank")
        bank = BankAccount.objects.create(
            organization=school, code="euro", name="Euro", currency="EUR", ledger_account=ledger
        )
        refusal = refused(BadInput, ada, 120, method="bank_transfer", bank_account=bank)
        assert said(refusal) == ("bank_account", "wrong_currency", "This bank account takes EUR.")

    @pytest.mark.parametrize(
        ("details", "field", "sentence"),
        [
            ({"method": "barter"}, "method", "There is no such method."),
            ({"method": "upi"}, "method", "UPI is not taken here."),
            ({"strategy": "lifo"}, "strategy", "There is no such strategy."),
            ({"purpose": "bribe"}, "purpose", "There is no such purpose."),
            ({"currency": "EUR"}, "currency", "This organization works in USD."),
        ],
    )
    def test_R5_R8_R15_what_is_unknown_or_not_taken_is_named(self, ada, school, details, field, sentence) -> None:
        policy(school, "payments.methods", ["cash", "cheque"])
        refusal = refused(DomainError, ada, 5, **details)
        assert (refusal.field, str(refusal)) == (field, sentence)

    def test_R2_a_customer_of_another_organization_is_not_found(self, school) -> None:
        eve = customer(organization(), "Eve")
        with pytest.raises(NotFound), transaction.atomic():
            receive_payments(organization=school, orders=[order(eve, 5)], now=NOW, by=None)

    def test_R2_a_closed_customer_is_not_charged(self, school) -> None:
        refusal = refused(BadInput, customer(school, is_active=False), 5)
        assert said(refusal) == ("customer", "customer_closed", "This customer is closed.")

    def test_R7_the_payer_is_the_customer_unless_named(self, ada) -> None:
        assert pay(ada, 5).payment.payer_name == "Ada Lovelace"
        assert pay(ada, 6, payer_name="Aunt May").payment.payer_name == "Aunt May"

    @pytest.mark.parametrize(
        "purpose",
        [
            "on_account",
            "premium",
            "revival",
            "loan_repayment",
            "rider",
            "late_fee",
            "reinstatement",
            "additional_premium",
        ],
    )
    def test_R8_every_purpose_is_kept(self, ada, purpose: str) -> None:
        assert pay(ada, 5, purpose=purpose).payment.purpose == purpose

    def test_R139_department_and_project_reach_the_journal(self, ada) -> None:
        invoice(ada, 5, department="north", project="roof")
        taken = pay(ada, 5, department="counter", project="p")
        tags = set(taken.payment.entry.lines.values_list("department", "project"))
        applied = set(JournalEntry.objects.get(event="credit_allocated").lines.values_list("department", "project"))
        assert (tags, applied) == ({("counter", "p")}, {("north", "roof")})


class TestCheques:
    """R6, R7, R110, bad input 27, 28, 59, 60."""

    @pytest.mark.parametrize(
        ("details", "field", "sentence"),
        [
            ({"number": ""}, "cheque_number", "A cheque has a number; enter it."),
            ({"bank": ""}, "cheque_bank", "Enter the bank the cheque is drawn on."),
            ({"cheque_date": TODAY - timedelta(days=181)}, "cheque_date",
             "The cheque is stale (older than 180 days). Hand it back and ask for a new one."),
            ({"cheque_date": TODAY + timedelta(days=1)}, "cheque_date",
             "The cheque is dated 2026-03-13; it is no payment before that day. Put it in the vault instead."),
        ],
    )  # fmt: skip
    def test_R110_an_invalid_cheque_is_not_taken(self, ada, details, field: str, sentence: str) -> None:
        refusal = refused(BadInput, ada, 5, method="cheque", cheque=cheque(**details))
        assert (refusal.field, str(refusal)) == (field, sentence)

    def test_R7_a_cheque_has_its_details(self, ada) -> None:
        assert refused(BadInput, ada, 5, method="cheque").field == "cheque_number"

    @pytest.mark.parametrize("age", [0, 180])
    def test_R110_a_cheque_of_today_and_of_180_days_ago_is_taken(self, ada, age: int) -> None:
        taken = pay(ada, 5, method="cheque", cheque=cheque(cheque_date=TODAY - timedelta(days=age)))
        assert (taken.payment.cheque.drawer, taken.payment.cheque.state) == ("Ada Lovelace", "due")

    @pytest.mark.parametrize("named", [{}, {"payer_name": "ADA LOVELACE"}, {"drawer": "ada lovelace"}])
    def test_R11_the_same_paper_is_not_taken_twice(self, ada, school, named: dict[str, str]) -> None:
        first = pay(ada, 5, method="cheque", cheque=cheque()).payment
        ben = customer(school, "Ada Lovelace")  # another customer of that name hands in the same cheque
        payer = {k: v for k, v in named.items() if k == "payer_name"}
        drawn = {k: v for k, v in named.items() if k == "drawer"}
        again = cheque(bank="FIRST BANK", **drawn)
        refusal = refused(ChequeEntered, ben, 7, method="cheque", cheque=again, lookalike_reason="sure", **payer)
        assert said(refusal) == (
            "cheque_number", "duplicate_cheque", f"This cheque was entered on 2026-03-12 ({first.number}).",
        )  # fmt: skip

    @pytest.mark.parametrize("other", [{"number": "000124"}, {"bank": "Second Bank"}, {"drawer": "Ben"}])
    def test_R11_another_number_bank_or_drawer_is_another_cheque(self, ada, other: dict[str, str]) -> None:
        pay(ada, 5, method="cheque", cheque=cheque())
        assert pay(ada, 6, method="cheque", cheque=cheque(**other)).payment.state == "processed"

    def test_R11_after_a_void_the_paper_may_be_entered_again(self, ada, school) -> None:
        first = pay(ada, 5, method="cheque", cheque=cheque(), by=user(school, Role.CLERK)).payment
        void(first, user(school, Role.CLERK), user(school, Role.MANAGER))
        assert pay(ada, 5, method="cheque", cheque=cheque()).payment.state == "processed"

    def test_R11_twice_in_one_file_only_the_first_lands(self, ada, school) -> None:
        rows = [
            order(ada, 5, method="cheque", cheque=cheque()),
            order(ada, 5, method="cheque", cheque=cheque(bank="FIRST bank")),
        ]
        with transaction.atomic():
            results = receive_payments(organization=school, orders=rows, now=NOW, by=None, at_counter=False)
        assert isinstance(results[0], Received) and isinstance(results[1], DomainError)
        assert results[1].code == "duplicate_in_file"


class TestDoubles:
    """R11, requirements §2 row 19, invariant 40."""

    @pytest.mark.parametrize("days", [-3, 0, 3])
    def test_R11_the_same_sum_within_three_days_asks_for_a_reason(self, ada, days: int) -> None:
        first = pay(ada, 5, received_on=date(2026, 3, 8)).payment
        refusal = refused(LooksAlike, ada, 5, received_on=date(2026, 3, 8) + timedelta(days=days))
        assert said(refusal) == (
            "lookalike_reason", "looks_like_duplicate",
            f"Looks like {first.number} of 2026-03-08 (same customer and amount); enter a reason to go on.",
        )  # fmt: skip

    @pytest.mark.parametrize("days", [-4, 4])
    def test_R11_four_days_apart_nothing_is_asked(self, ada, days: int) -> None:
        pay(ada, 5, received_on=date(2026, 3, 8))
        assert pay(ada, 5, received_on=date(2026, 3, 8) + timedelta(days=days)).payment.lookalike_reason == ""

    def test_R11_with_a_reason_it_goes_on_and_the_reason_is_kept(self, ada) -> None:
        pay(ada, 5)
        again = pay(ada, 5, lookalike_reason="two children").payment
        assert Payment.objects.get(pk=again.pk).lookalike_reason == "two children"
        trail = AuditEntry.objects.get(table_name="payments_payment", row_id=again.pk, operation="insert")
        assert trail.after is not None
        assert trail.after["lookalike_reason"] == "two children"

    def test_R11_another_sum_customer_or_currency_is_no_look_alike(self, ada, school) -> None:
        pay(ada, 5)
        pay(ada, "5.01")
        pay(customer(school, "Ben"), 5)

    def test_R11_a_voided_payment_is_no_look_alike(self, ada, school) -> None:
        first = pay(ada, 5, by=user(school, Role.CLERK)).payment
        void(first, user(school, Role.CLERK), user(school, Role.MANAGER))
        pay(ada, 5)

    def test_R11_how_near_is_a_setting(self, ada, school) -> None:
        policy(school, "payments.lookalike_days", 0)
        pay(ada, 5, received_on=date(2026, 3, 8))
        pay(ada, 5, received_on=date(2026, 3, 9))
        refused(LooksAlike, ada, 5, received_on=date(2026, 3, 9))

    def test_R11_the_same_reference_of_a_source_is_a_hard_stop_whatever_the_reason(self, ada, school) -> None:
        first = pay(ada, 5, source_reference="bank:77", by=user(school, Role.CLERK)).payment
        refusal = refused(TrueDouble, ada, 9, source_reference="bank:77", lookalike_reason="sure")
        assert said(refusal) == (
            "reference", "duplicate_payment", f"This payment was already entered: {first.number} of 2026-03-12.",
        )  # fmt: skip
        void(first, user(school, Role.CLERK), user(school, Role.MANAGER))
        refused(TrueDouble, ada, 9, source_reference="bank:77")

    def test_R11_another_organization_has_its_own_references(self, ada) -> None:
        pay(ada, 5, source_reference="bank:77")
        pay(customer(organization()), 5, source_reference="bank:77")

    def test_invariant_40_the_same_key_gives_the_first_payment(self, ada) -> None:
        invoice(ada, 120)
        first = pay(ada, 120, request_key="k")
        before = [model.objects.count() for model in MONEY]
        again = pay(ada, 120, request_key="k")
        assert (again.payment, again.receipt, again.received.is_new) == (first.payment, first.receipt, False)
        assert [model.objects.count() for model in MONEY] == before

    @pytest.mark.parametrize(
        "change",
        [{"method": "card"}, {"received_on": TODAY - timedelta(days=1)}, {"reference": "x"}, {"strategy": "none"},
         {"first": ("A",)}, {"purpose": "late_fee"}, {"source_reference": "s"}],
    )  # fmt: skip
    def test_invariant_40_the_same_key_for_something_else_is_refused(self, ada, change) -> None:
        pay(ada, 120, request_key="k")
        assert said(refused(KeyReused, ada, 120, request_key="k", **change))[:2] == ("request_key", "key_reused")

    def test_invariant_40_the_same_key_for_another_customer_or_sum_is_refused(self, ada, school) -> None:
        pay(ada, 120, request_key="k")
        refused(KeyReused, ada, 121, request_key="k")
        refused(KeyReused, customer(school, "Ben"), 120, request_key="k")

    def test_invariant_40_the_same_key_twice_in_one_file_is_one_payment(self, ada, school) -> None:
        rows = [order(ada, 5, request_key="k"), order(ada, 5, request_key="k"), order(ada, 6, request_key="k")]
        with transaction.atomic():
            first, second, third = receive_payments(
                organization=school, orders=rows, now=NOW, by=None, at_counter=False
            )
        assert isinstance(first, Received) and isinstance(second, Received) and isinstance(third, KeyReused)
        assert (first.payment, first.is_new, second.is_new) == (second.payment, True, False)
        assert Payment.objects.count() == 1


class TestFiles:
    """R17, R18: rows that are refused leave nothing, the others land; what one row takes the next cannot."""

    def test_R18_good_rows_land_and_bad_rows_come_back_in_their_places(self, ada, school) -> None:
        due = invoice(ada, 100)
        rows = [order(ada, 60), order(ada, 0), order(ada, 50), order(ada, 5, method="barter"), order(ada, 7)]
        with transaction.atomic():
            results = take_payments(
                organization=school, orders=[(row, _print()) for row in rows], now=NOW, by=None, at_counter=False
            )
        assert [getattr(r, "code", "landed") for r in results] == [
            "landed", "not_positive", "landed", "unknown_method", "landed",
        ]  # fmt: skip
        due.refresh_from_db()
        assert due.open_amount == 0
        assert list(Payment.objects.order_by("id").values_list("number", flat=True)) == [
            f"PAY-2026-03-{n:08d}" for n in (1, 2, 3)
        ]
        assert sum(CreditItem.objects.values_list("unapplied_amount", flat=True)) == 17
        assert Receipt.objects.count() == 3
        assert_books_whole()

    def test_rows_keep_their_order_of_paying(self, ada, school) -> None:
        invoice(ada, 10, number="old", issued_on=date(2026, 1, 1)), invoice(ada, 10, number="young")
        with transaction.atomic():
            first, second = receive_payments(
                organization=school, orders=[order(ada, 10), order(ada, 10)], now=NOW, by=None, at_counter=False
            )
        assert isinstance(first, Received) and isinstance(second, Received)
        assert [r.proposal.slices[0].invoice.number for r in (first, second)] == ["old", "young"]
        assert second.open_after == 0


def _print():
    from receipts.services.counter import ReceiptWish

    return ReceiptWish("print")


class TestNumbers:
    """R9, R153, invariants 14 and 39, requirements §2 row 33."""

    def test_R9_R153_formats(self, ada) -> None:
        taken = pay(ada, 5)
        assert (taken.payment.number, taken.payment.transaction_number, taken.receipt.number) == (
            "PAY-2026-03-00000001", "TXN-20260312-000001", "RCP-2026-00000001",
        )  # fmt: skip

    def test_R9_PAY_restarts_monthly_TXN_daily_RCP_yearly(self, ada) -> None:
        days = [NOW, NOW + timedelta(days=1), NOW + timedelta(days=20), NOW + timedelta(days=300)]
        taken = [pay(ada, n, now=now) for n, now in enumerate(days, 1)]
        assert [(t.payment.number, t.payment.transaction_number, t.receipt.number) for t in taken] == [
            ("PAY-2026-03-00000001", "TXN-20260312-000001", "RCP-2026-00000001"),
            ("PAY-2026-03-00000002", "TXN-20260313-000001", "RCP-2026-00000002"),
            ("PAY-2026-04-00000001", "TXN-20260401-000001", "RCP-2026-00000003"),
            ("PAY-2027-01-00000001", "TXN-20270106-000001", "RCP-2027-00000001"),
        ]

    @pytest.mark.parametrize(
        ("zone", "numbers"),
        [("Asia/Taipei", ("PAY-2026-04-00000001", "TXN-20260401-000001")),
         ("America/New_York", ("PAY-2026-03-00000001", "TXN-20260331-000001"))],
    )  # fmt: skip
    def test_R9_the_calendar_is_that_of_the_office(self, zone: str, numbers: tuple[str, str]) -> None:
        payment = pay(customer(organization(zone=zone)), 5, now=datetime(2026, 3, 31, 23, 30, tzinfo=UTC)).payment
        assert (payment.number, payment.transaction_number) == numbers

    @pytest.mark.parametrize(("zone", "number"), [("Asia/Taipei", "RCP-2027-00000001"), ("UTC", "RCP-2026-00000001")])
    def test_R153_so_is_the_year(self, zone: str, number: str) -> None:
        now = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
        assert pay(customer(organization(zone=zone)), 5, now=now).receipt.number == number

    def test_each_organization_counts_for_itself(self, ada) -> None:
        pay(ada, 5)
        assert pay(customer(organization()), 5).payment.number == "PAY-2026-03-00000001"

    def test_what_was_refused_or_rolled_back_leaves_no_hole(self, ada) -> None:
        pay(ada, 1)
        refused(BadInput, ada, 0)
        with pytest.raises(RuntimeError), transaction.atomic():
            pay(ada, 2)
            raise RuntimeError
        taken = pay(ada, 3)
        assert (taken.payment.number, taken.receipt.number) == ("PAY-2026-03-00000002", "RCP-2026-00000002")
        assert taken.payment.entry.number == 2


class TestClosedMonths:
    """R138, R141, bad input 26, fault 26, invariant 12."""

    def test_money_of_a_closed_month_is_booked_on_the_first_open_day_and_keeps_its_own(self, ada, school) -> None:
        due = invoice(ada, 100, issued_on=date(2026, 1, 5))
        for month in (date(2026, 1, 1), date(2026, 2, 1)):
            close_period(organization_id=school.pk, month=month, now=NOW, by_id=None)
        taken = pay(ada, 100, received_on=date(2026, 2, 27))
        assert_posts(JournalEntry.objects.exclude(event="invoice_issued"), """
            2026-03-01  cash Dr 100            unapplied_cash Cr 100
            2026-03-01  unapplied_cash Dr 100  accounts_receivable Cr 100""")  # fmt: skip
        assert taken.payment.received_on == date(2026, 2, 27)
        assert Allocation.objects.get(invoice=due).allocated_on == date(2026, 2, 27)
        assert_books_whole()

    def test_december_rolls_into_the_new_year(self, ada, school) -> None:
        pay(ada, 1, received_on=date(2025, 12, 30))
        close_period(organization_id=school.pk, month=date(2025, 12, 1), now=NOW, by_id=None)
        entry = pay(ada, 2, received_on=date(2025, 12, 31)).payment.entry
        assert (entry.entry_date, str(entry)) == (date(2026, 1, 1), "JE-2026-00000001")

    def test_R142_each_payment_names_its_entry_the_same_day(self, ada) -> None:
        invoice(ada, 5)
        payment = pay(ada, 5).payment
        assert (payment.entry.key, payment.entry.posted_at) == (f"payment:{payment.number}:received", NOW)
        assert all(a.entry.event == "credit_allocated" for a in Allocation.objects.select_related("entry"))


def test_R18_a_failure_half_way_leaves_nothing(ada, monkeypatch) -> None:
    invoice(ada, 100)
    before = [model.objects.count() for model in (*MONEY, Invoice)]

    def broken(**_facts: object) -> None:
        raise RuntimeError("the printer is on fire")

    monkeypatch.setattr("receipts.services.counter.receipt_content", broken)
    with pytest.raises(RuntimeError):
        pay(ada, 100)
    assert [model.objects.count() for model in (*MONEY, Invoice)] == before
    assert Invoice.objects.get().open_amount == 100


def test_R11_methods_not_taken_are_refused_before_anything_else(ada, school) -> None:
    policy(school, "payments.methods", ["card"])
    refused(MethodNotTaken, ada, 5)
