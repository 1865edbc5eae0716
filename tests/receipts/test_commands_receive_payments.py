"""receive_payments: what lands with its receipt, what is refused, and that a file can be sent again."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from billing.models import Allocation, Invoice
from billing.office.models import Notice, Organization
from payments.models import Cheque, Payment
from receipts.management.commands import receive_payments
from receipts.models import Receipt
from receipts.services.maturing import mature_cheques
from tests import builders
from tests.commands import Ran, read_csv, row_counts, run, write_csv

HEADER = "reference,customer_code,method,amount,received_on,invoice_numbers,cheque_number,cheque_bank,cheque_date"


@pytest.fixture
def school(db: None) -> Organization:
    """Ada owes N-1 of 100 since January and N-2 of 50 since February; Ben owes N-3 of 30."""
    school = builders.organization("school")
    ada = builders.customer(school, code="ADA", email="ada@example.com")
    ben = builders.customer(school, "Ben", code="BEN")
    builders.invoice(ada, "100.00", number="N-1", issued_on=date(2024, 1, 5), due_on=date(2024, 3, 5))
    builders.invoice(ada, "50.00", number="N-2", issued_on=date(2024, 2, 5), due_on=date(2024, 2, 10))
    builders.invoice(ben, "30.00", number="N-3", issued_on=date(2024, 1, 5))
    return school


def receive(path: Path, *more: object) -> Ran:
    return run("receive_payments", path, "--organization", "school", *more)


def open_amounts() -> dict[str, str]:
    return {number: str(amount) for number, amount in Invoice.objects.values_list("number", "open_amount")}


def test_payments_land_with_receipts_and_pay_what_they_name(school: Organization, tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "p.csv", HEADER, "R-1,ADA,bank_transfer,120.00,2024-02-20,N-2;N-1,,,",
        "R-2,BEN,cheque,45.00,2024-02-21,,000123,First Bank,2024-02-20",
    )  # fmt: skip
    ran = receive(path)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(
        "payments: 2 new, 0 known already, 0 changed, not taken, 0 refused, applied US$150.00, left over US$15.00; "
    )
    assert open_amounts() == {"N-1": "30.00", "N-2": "0.00", "N-3": "0.00"}
    first, second = Payment.objects.order_by("id").select_related("receipt", "cheque")
    assert (first.source_reference, first.request_key, first.channel) == ("R-1", "R-1", "file")
    assert (second.cheque.number, second.receipt.delivery) == ("000123", "none")
    assert Receipt.objects.count() == 2
    assert not Notice.objects.exists()
    assert {a.allocated_on for a in Allocation.objects.all()} == {date(2024, 2, 20), date(2024, 2, 21)}
    assert run("verify_books").code == 0


@pytest.mark.parametrize(
    ("strategy", "left"),
    [("fifo", ("50.00", "50.00")), ("due_date", ("100.00", "0.00")), ("amount", ("100.00", "0.00")),
     ("none", ("100.00", "50.00"))],
)  # fmt: skip
def test_R117_the_strategy_decides_what_a_payment_without_invoices_pays(
    strategy: str, left: tuple[str, str], school: Organization, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "p.csv", HEADER, "R-1,ADA,cash,50.00,2024-02-20,,,,")
    assert receive(path, "--strategy", strategy).code == 0
    assert (open_amounts()["N-1"], open_amounts()["N-2"]) == left


def test_without_a_strategy_the_policy_decides(school: Organization, tmp_path: Path) -> None:
    builders.policy(school, "allocation.strategy", "due_date")
    assert receive(write_csv(tmp_path / "p.csv", HEADER, "R-1,ADA,cash,50.00,2024-02-20,,,,")).code == 0
    assert open_amounts()["N-2"] == "0.00"


def test_a_file_sent_again_changes_nothing_and_other_facts_are_told(school: Organization, tmp_path: Path) -> None:
    row = "R-1,ADA,cash,50.00,2024-02-20,N-2,,,"
    path = write_csv(tmp_path / "p.csv", HEADER, row)
    receive(path)
    before = row_counts()
    assert "0 new, 1 known already" in receive(path).out
    assert "0 new, 1 known already" in receive(path, "--strategy", "due_date").out
    write_csv(path, HEADER, row.replace("50.00", "60.00").replace("N-2", "N-1;N-2"))
    ran = receive(path)
    assert ran.code == 2
    assert "line 2: R-1: was loaded with other facts: amount 50.00 → 60.00" in ran.err
    assert "line 2: R-1: was loaded with other facts: invoice_numbers N-2 → N-1;N-2" in ran.err
    assert row_counts() == before


def test_the_same_reference_twice_in_a_file_is_one_payment(school: Organization, tmp_path: Path) -> None:
    row = "R-1,ADA,cash,50.00,2024-02-20,,,,"
    ran = receive(write_csv(tmp_path / "p.csv", HEADER, row, row, row.replace("50.00", "51.00")))
    assert ran.code == 2
    assert "1 new, 1 known already, 1 changed" in ran.out
    assert Payment.objects.get().amount == Decimal("50.00")


def test_a_settled_invoice_may_be_named_and_the_money_is_kept_or_goes_on(school: Organization, tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "p.csv", HEADER, "R-1,BEN,cash,30.00,2024-02-20,N-3,,,", "R-2,BEN,cash,30.00,2024-02-21,N-3,,,"
    )
    ran = receive(path)
    assert ran.code == 0
    assert "applied US$30.00, left over US$30.00" in ran.out


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("R-9,NOBODY,cash,5.00,2024-02-20,,,,", "customer_code: There is no customer NOBODY."),
        ("R-9,ADA,barter,5.00,2024-02-20,,,,", "method: There is no such method; there are: cash, cheque,"),
        ("R-9,ADA,cash,five,2024-02-20,,,,", "amount: Write the amount in plain digits"),
        ("R-9,ADA,cash,0,2024-02-20,,,,", "amount: The amount must be more than 0."),
        ("R-9,ADA,cash,5.00,2099-01-01,,,,", "received_on: A receipt cannot be dated in the future"),
        ("R-9,ADA,cash,5.00,,,,,", "received_on: Enter a date."),
        (",ADA,cash,5.00,2024-02-20,,,,", "reference: This field is required."),
        ("R-9,ADA,cash,5.00,2024-02-20,N-1;N-77,,,", "invoice_numbers: There is no invoice N-77."),
        ("R-9,ADA,cash,5.00,2024-02-20,N-3,,,", "invoice_numbers: Invoice N-3 is another customer's."),
        ("R-9,ADA,cheque,5.00,2024-02-20,,,First Bank,2024-02-20", "cheque_number: This field is required."),
        ("R-9,ADA,cheque,5.00,2024-02-20,,1,First Bank,", "cheque_date: Enter a date."),
        ("R-9,ADA,cheque,5.00,2024-02-20,,1,First Bank,2023-02-20", "cheque_date: The cheque is stale"),
        ("R-9,ADA,cash,5.00,2024-02-20,,123,,", "cheque_number: Only a cheque has this; the method is cash."),
        ("R-9,ADA,cash,5.00,2024-02-20", "The row has 5 columns; the header has 9."),
    ],
)
def test_a_bad_row_goes_to_the_errors_file_and_the_good_ones_land(
    row: str, said: str, school: Organization, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "p.csv", HEADER, "R-1,ADA,cash,10.00,2024-02-20,,,,", row,
                     "R-2,BEN,cash,10.00,2024-02-20,,,,")  # fmt: skip
    errors = tmp_path / "errors.csv"
    ran = receive(path, "--errors", errors)
    assert ran.code == 2
    assert "2 new, 0 known already, 0 changed, not taken, 1 refused" in ran.out
    (bad,) = read_csv(errors.read_text("utf-8"))
    assert bad["line"] == "3"
    assert bad["reason"].startswith(said)
    assert (bad["reference"], bad["amount"]) == (row.split(",")[0], row.split(",")[3])
    assert Payment.objects.count() == 2


def test_R5_limits_hold_for_files_and_R11_the_same_cheque_is_a_double(school: Organization, tmp_path: Path) -> None:
    builders.policy(school, "payments.limit.cash", "100.00")
    cheque = "cheque,10.00,2024-02-20,,000123,First Bank,2024-02-20"
    path = write_csv(
        tmp_path / "p.csv", HEADER, "R-1,ADA,cash,100.01,2024-02-20,,,,", f"R-2,ADA,{cheque}", f"R-3,ADA,{cheque}"
    )
    ran = receive(path)
    assert ran.code == 2
    assert "line 2: amount: At most 100.00 may be taken by cash at once." in ran.err
    assert "line 4: " in ran.err
    assert [p.reference for p in Payment.objects.all()] == ["R-2"]


def test_a_large_payment_waits_for_a_second_person(school: Organization, tmp_path: Path) -> None:
    builders.policy(school, "payments.verify_above", "100.00")
    ran = receive(write_csv(tmp_path / "p.csv", HEADER, "R-1,ADA,bank_transfer,150.00,2024-02-20,,,,"))
    assert ran.code == 0
    assert "1 waiting for a second person, applied US$0.00" in ran.out
    assert Payment.objects.get().state == "pending"
    assert Receipt.objects.get().is_provisional
    assert run("verify_books").code == 0


def test_a_run_that_was_killed_goes_on_where_it_stopped(school: Organization, tmp_path: Path) -> None:
    rows = [f"R-{n},ADA,cash,0.05,2024-02-20,,,," for n in range(1200)]
    assert receive(write_csv(tmp_path / "half.csv", HEADER, *rows[:1000])).code == 0
    ran = receive(write_csv(tmp_path / "all.csv", HEADER, *rows))
    assert "200 new, 1000 known already" in ran.out
    assert open_amounts()["N-1"] == "40.00"
    assert Receipt.objects.count() == 1200
    assert run("verify_books").code == 0


class TestPostDated:
    """A cheque of the file that is dated after today waits in the vault (R113)."""

    @pytest.fixture(autouse=True)
    def _today(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(receive_payments, "now", lambda: builders.NOW)

    @staticmethod
    def file(tmp_path: Path, day: str, amount: str = "30.00") -> Path:
        return write_csv(tmp_path / "p.csv", HEADER, f"R-9,BEN,cheque,{amount},2026-03-10,N-3,000123,First Bank,{day}")

    def test_R113_it_goes_to_the_vault_and_a_second_load_knows_it(self, school: Organization, tmp_path: Path) -> None:
        ran = receive(self.file(tmp_path, "2026-03-16"))
        assert ran.code == 0
        assert "1 new" in ran.out
        assert "1 of the new are post-dated cheques, put in the vault until their day" in ran.out
        cheque = Cheque.objects.get()
        assert (cheque.state, cheque.for_invoices, cheque.received_on) == ("in_vault", ["N-3"], date(2026, 3, 10))
        assert not Payment.objects.exists()
        before = row_counts()
        assert "0 new, 1 known already" in receive(self.file(tmp_path, "2026-03-16")).out
        assert row_counts() == before

    def test_other_facts_the_second_time_are_told(self, school: Organization, tmp_path: Path) -> None:
        receive(self.file(tmp_path, "2026-03-16"))
        ran = receive(self.file(tmp_path, "2026-03-16", "31.00"))
        assert ran.code == 2
        assert "amount 30.00 → 31.00" in ran.err

    def test_R114_after_its_day_the_file_still_knows_it(
        self, school: Organization, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = self.file(tmp_path, "2026-03-16")
        receive(path)
        later = builders.NOW.replace(day=20)
        assert mature_cheques(as_of=None, now=later).matured == 1
        monkeypatch.setattr(receive_payments, "now", lambda: later)
        assert "0 new, 1 known already" in receive(path).out
        assert Payment.objects.count() == 1
        assert open_amounts()["N-3"] == "0.00"
        assert run("verify_books").code == 0

    @pytest.mark.parametrize(("day", "code"), [("2026-06-10", 0), ("2026-06-11", 2)])
    def test_R113_day_90_is_taken_and_day_91_refused(self, school, tmp_path: Path, day: str, code: int) -> None:
        ran = receive(self.file(tmp_path, day))
        assert ran.code == code
        assert ("cheque_date: Post-dated cheques up to 90 days (until 2026-06-10)." in ran.err) == bool(code)

    def test_a_cheque_of_today_is_a_payment(self, school: Organization, tmp_path: Path) -> None:
        receive(self.file(tmp_path, "2026-03-12"))
        assert Cheque.objects.get().state == "due"
