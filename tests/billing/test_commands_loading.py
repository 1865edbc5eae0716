"""load_customers, load_invoices, load_payer_history: what lands, what is refused and how it is said."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from billing.ledger.models import JournalLine
from billing.models import Customer, Invoice, PayerRecord
from billing.office.models import AuditEntry, Organization
from billing.office.secrets import keyed_hash
from tests import builders
from tests.assertions import assert_posts
from tests.commands import read_csv, row_counts, run, write_csv

INVOICES = "customer_code,customer_name,invoice_number,issued_on,due_on,amount,currency,terms,disputed"


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization("school")


def load(kind: str, path: Path, *more: object) -> tuple[int, str, str]:
    ran = run(f"load_{kind}", path, "--organization", "school", *more)
    return ran.code, ran.out, ran.err


def test_invoices_land_with_their_customers_terms_and_entries(school: Organization, tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "i.csv", INVOICES,
        'C1,"Lovelace, Ada",N-1,2024-01-05,2024-02-04,"1,000.50",USD,2/10 net 30,no',
        "C2,,N-2,2024-01-06,2024-01-06,20,,,yes",
    )  # fmt: skip
    code, out, err = load("invoices", path)
    assert (code, err) == (0, "")
    assert out.startswith("invoices: 2 new, 0 known already, 0 changed, not taken, 0 refused; ")
    first, second = Invoice.objects.order_by("number").select_related("customer")
    assert (first.customer.name, second.customer.name) == ("Lovelace, Ada", "C2")
    assert (first.open_amount, first.discount_rate, first.discount_until) == (
        Decimal("1000.50"), Decimal("0.02"), date(2024, 1, 15),
    )  # fmt: skip
    assert (second.is_disputed, second.currency) == (True, "USD")
    assert_posts(
        school,
        """
        2024-01-05  accounts_receivable Dr 1000.50  revenue Cr 1000.50
        2024-01-06  accounts_receivable Dr 20.00    revenue Cr 20.00""",
    )
    assert AuditEntry.objects.filter(table_name="billing_invoice", origin="command load_invoices").count() == 2


def test_opening_invoices_post_against_opening_balances(school: Organization, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "i.csv", INVOICES, "C1,Ada,N-1,2024-01-05,2024-02-04,30.00,,,")
    assert load("invoices", path, "--opening")[0] == 0
    assert_posts(school, "2024-01-05  accounts_receivable Dr 30.00  opening_balance Cr 30.00")
    assert Invoice.objects.get().is_opening


def test_a_second_load_adds_nothing_and_a_changed_row_is_reported(school: Organization, tmp_path: Path) -> None:
    row = "C1,Ada,N-1,2024-01-05,2024-02-04,30.00,USD,net 30,no"
    path = write_csv(tmp_path / "i.csv", INVOICES, row)
    load("invoices", path)
    before = row_counts()
    assert load("invoices", path)[1].startswith("invoices: 0 new, 1 known already, 0 changed")
    assert row_counts() == before
    write_csv(path, INVOICES, row.replace("30.00", "31.00").replace("2024-02-04", "2024-02-05"))
    code, out, err = load("invoices", path)
    assert code == 2
    assert "1 changed, not taken" in out
    assert "line 2: N-1: was loaded with other facts: amount 30.00 → 31.00" in err
    assert "line 2: N-1: was loaded with other facts: due_on 2024-02-04 → 2024-02-05" in err
    assert row_counts() == before


def test_the_same_invoice_twice_in_one_file_is_one_invoice(school: Organization, tmp_path: Path) -> None:
    row = "C1,Ada,N-1,2024-01-05,2024-02-04,30.00,,,"
    path = write_csv(tmp_path / "i.csv", INVOICES, row, row, row.replace("30.00", "31.00"))
    code, out, err = load("invoices", path)
    assert code == 2
    assert "1 new, 1 known already, 1 changed" in out
    assert "line 4: N-1: was loaded with other facts: amount 30.00 → 31.00" in err
    assert Invoice.objects.get().invoiced_amount == Decimal("30.00")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("C1,Ada,N-9,2024-02-30,2024-03-30,30,,,", "issued_on: There is no "),
        ("C1,Ada,N-9,05/01/2024,2024-03-30,30,,,", "issued_on: Write the date as 2026-02-03"),
        ("C1,Ada,N-9,2024-02-03,2024-02-02,30,,,", "due_on: The due day is before the day of issue."),
        ("C1,Ada,N-9,2024-02-03,,30,,,", "due_on: Enter a date."),
        ("C1,Ada,N-9,2024-02-03,2024-02-03,-30,,,", "amount: The amount must be more than 0."),
        ("C1,Ada,N-9,2024-02-03,2024-02-03,0.005,,,", "amount: USD has 2 decimals."),
        ('C1,Ada,N-9,2024-02-03,2024-02-03,"1,5",,,', "amount: Could be 1.5 or 15"),
        ("C1,Ada,N-9,2024-02-03,2024-02-03,30,TWD,,", "currency: This organization works in USD."),
        ("C1,Ada,N-9,2024-02-03,2024-02-03,30,XXX,,", "currency: Unknown currency XXX."),
        ("C1,Ada,N-9,2024-02-03,2024-02-03,30,,soon,", 'terms: Write terms as "2/10 net 30" or "net 30".'),
        ("C1,Ada,N-9,2024-02-03,2024-02-03,30,,,maybe", "disputed: Say yes or no."),
        ("C1,Ada,,2024-02-03,2024-02-03,30,,,", "invoice_number: This field is required."),
        (",Ada,N-9,2024-02-03,2024-02-03,30,,,", "customer_code: This field is required."),
        (
            "C1,A\x00da,N-9,2024-02-03,2024-02-03,30,,,",
            "customer_name: The text has a character that cannot be stored.",
        ),
        (f"C1,{'x' * 161},N-9,2024-02-03,2024-02-03,30,,,", "customer_name: At most 160 characters (has 161)."),
        (f"C1,{'x' * 30000},N-9,2024-02-03,2024-02-03,30,,,", "The row is too long."),
        (f"C1,{'x' * 200000},N-9,2024-02-03,2024-02-03,30,,,", "The row cannot be read: field larger than field limit"),
        ("C1,Ada,N-9,2024-02-03,2024-02-03,30,,", "The row has 8 columns; the header has 9."),
        ("C1,Ada,N-9,2024-02-03,2024-02-03,30,,,,", "The row has 10 columns; the header has 9."),
        ('C1,"Ada"x,N-9,2024-02-03,2024-02-03,30,,,', "The row cannot be read: ',' expected after '\"'."),
        ("C1,4111 1111 1111 1111,N-9,2024-02-03,2024-02-03,30,,,", "customer_name: Do not type card numbers here"),
        ("C1,Ada,INV-2024-00000001,2024-02-03,2024-02-03,30,,,", "invoice_number: This number is of our own series"),
    ],
)
def test_a_bad_row_is_refused_at_its_line_and_the_good_ones_land(
    row: str, said: str, school: Organization, tmp_path: Path
) -> None:
    good = "C1,Ada,N-{},2024-01-05,2024-02-04,30.00,,,"
    path = write_csv(tmp_path / "i.csv", INVOICES, good.format(1), "", row, good.format(2))
    code, out, err = load("invoices", path)
    assert code == 2
    assert "2 new" in out
    assert "1 refused" in out
    assert f"line 4: {said}" in err
    assert "\x00" not in err
    assert sorted(Invoice.objects.values_list("number", flat=True)) == ["N-1", "N-2"]


def test_the_errors_file_has_line_reason_and_the_row_as_it_was(school: Organization, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "i.csv", INVOICES, "=C1,Ada,N-1,2024-01-05,2024-02-04,thirty,,,",
                     "C1,Ada,N-2,2024-01-05,2024-02-04,30.00,,,")  # fmt: skip
    errors = tmp_path / "errors.csv"
    code, _out, err = load("invoices", path, "--errors", errors)
    assert (code, err) == (2, f"Some rows were not taken. See {errors}.")
    (row,) = read_csv(errors.read_text("utf-8"))
    assert row["line"] == "2"
    assert row["reason"] == "amount: Write the amount in plain digits, for example 1000.00."
    assert (row["customer_code"], row["amount"], row["invoice_number"]) == ("'=C1", "thirty", "N-1")
    assert load("invoices", path, "--errors", path)[0] == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file has no lines."),
        (b"\n", "The file has no lines."),
        (INVOICES.encode() + b"\n\n", "The file has no lines."),
        (b"customer_code,colour,shape\n", "Line 1: unknown column 'colour', 'shape'. Columns are: customer_code,"),
        (b"customer_code,amount\nC1,3\n", "Line 1: column 'invoice_number', 'issued_on', 'due_on' is missing."),
        (b"customer_code,invoice_number,issued_on,due_on,amount,amount\n", "Line 1: column amount is there twice."),
        (INVOICES.encode() + b"\nC1,Bj\xf6rk,N,2024-01-01,2024-01-01,3,,,\n", r"line 2 has C1,Bj\xf6rk,N,2024-"),
        (("\ufeff" + INVOICES).encode("utf-16"), "The file is UTF-16."),
        (b"PK\x03\x04\xff\xfe\x00", "The file is not UTF-8; line 1"),
    ],
)
def test_an_unreadable_file_is_refused_whole(content: bytes, said: str, school: Organization, tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    path.write_bytes(content)
    before = row_counts()
    code, _out, err = load("invoices", path)
    assert code == 1
    assert said in err
    assert row_counts() == before


def test_a_missing_file_and_an_unknown_organization_are_said(school: Organization, tmp_path: Path) -> None:
    assert "cannot be read: No such file or directory." in load("invoices", tmp_path / "none.csv")[2]
    assert "is not a file." in load("invoices", tmp_path)[2]
    ran = run("load_invoices", tmp_path / "none.csv", "--organization", "nobody")
    assert (ran.code, ran.err) == (1, "There is no organization 'nobody'. There are: school.")


def test_a_byte_order_mark_and_columns_in_any_order_are_accepted(school: Organization, tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    path.write_bytes("\ufeffamount,due_on,issued_on,invoice_number,customer_code\r\n30,2024-02-04,2024-01-05,N-1,C1\r\n"
                     .encode())  # fmt: skip
    assert load("invoices", path)[0] == 0
    assert Invoice.objects.get().invoiced_amount == Decimal("30.00")


CUSTOMERS = "customer_code,name,latin_name,tax_id,email,phone,virtual_account,bank_account,credit_limit"


def test_customers_land_and_a_changed_one_is_reported_field_by_field(school: Organization, tmp_path: Path) -> None:
    row = "C1,許怡君,Hsu I Chun,39099603,hsu@example.com,+886 2 1234,95678000000017,81590830166131,500.00"
    path = write_csv(tmp_path / "c.csv", CUSTOMERS, row, "C2,,,,,,,,")
    assert load("customers", path)[0] == 0
    first = Customer.objects.get(code="C1")
    assert (first.name, first.bank_account, first.credit_limit) == ("許怡君", "81590830166131", Decimal("500.00"))
    assert first.bank_account_hash == keyed_hash("81590830166131")
    assert Customer.objects.get(code="C2").credit_limit is None
    before = row_counts()
    assert load("customers", path)[1].startswith("customers: 0 new, 2 known already")
    write_csv(path, CUSTOMERS, row.replace("500.00", "").replace("81590830166131", "999").replace("Chun", "Jun"))
    code, _out, err = load("customers", path)
    assert code == 2
    assert "line 2: C1: was loaded with other facts: latin_name Hsu I Chun → Hsu I Jun" in err
    assert "line 2: C1: was loaded with other facts: credit_limit 500.00 → " in err
    assert "bank_account (kept secret) → (kept secret)" in err
    assert "81590830166131" not in err.split("(kept secret)")[1]
    assert row_counts() == before
    first.refresh_from_db()
    assert first.latin_name == "Hsu I Chun"


def test_customers_with_bad_facts_are_refused(school: Organization, tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "c.csv", CUSTOMERS, "C1,Ada,,,,,V1,,", "C2,Ben,,,,,V1,,", "C3,Cleo,,,not an address,,,,",
        "C4,Dov,,,,,,,-5", "C5,Eve,,,,,,,",
    )  # fmt: skip
    code, _out, err = load("customers", path)
    assert code == 2
    assert "line 3: virtual_account: This virtual account belongs to customer C1." in err
    assert "line 4: email: This is not an e-mail address." in err
    assert "line 5: credit_limit: The amount must not be negative." in err
    assert set(Customer.objects.values_list("code", flat=True)) == {"C1", "C5"}


def test_payer_history_lands_once_and_needs_its_customer(school: Organization, tmp_path: Path) -> None:
    ada = builders.customer(school, code="C1")
    path = write_csv(
        tmp_path / "h.csv", "paid_on,payer_name,payer_account,amount,customer_code",
        "2024-01-05,A LOVELACE,123-456,30.00,C1", "2024-01-05,A LOVELACE,123-456,30.00,C1",
        "2024-01-06,BABBAGE,,10.00,C9",
    )  # fmt: skip
    code, out, err = load("payer_history", path)
    assert code == 2
    assert "1 new, 1 known already" in out
    assert "line 4: customer_code: There is no customer C9." in err
    record = PayerRecord.objects.get()
    assert (record.customer, record.payer_account, record.currency) == (ada, "123-456", "USD")
    assert load("payer_history", path)[1].startswith("payer history: 0 new, 2 known already")


def test_a_file_of_several_chunks_lands_whole_through_copy(school: Organization, tmp_path: Path) -> None:
    rows = [f"C{n % 7},,N-{n},2024-01-05,2024-02-04,{n}.25,,," for n in range(1, 2206)]
    assert load("invoices", write_csv(tmp_path / "i.csv", INVOICES, *rows))[0] == 0
    assert Invoice.objects.count() == 2205
    assert JournalLine.objects.count() == 4410
    numbers = Invoice.objects.order_by("entry__number").values_list("number", flat=True)
    assert list(numbers) == [f"N-{n}" for n in range(1, 2206)]
    assert run("verify_books").code == 0
