"""Open lines of an account matched by themselves, posted and explained (R128, R144; source 3)."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.models import Customer, Invoice, PayerRecord
from billing.office.models import Organization, User
from billing.office.secrets import keyed_hash
from payments.models import BankAccount, Payment
from reconciliation.models import BankStatement, Match, MatchKind, MatchProposal, StatementLine
from reconciliation.rules.matching.book import Book
from reconciliation.rules.matching.facts import Action
from reconciliation.rules.words_matching import match_sentences
from reconciliation.selectors import matching_book
from reconciliation.services import auto_matching
from reconciliation.services.auto_matching import Outcome, match_open_lines
from reconciliation.services.matching import PaymentMatch, match_payments
from reconciliation.services.undoing import unmatch
from reconciliation.tasks import MATCH_AT, match_waiting
from tests import builders
from tests.assertions import assert_books_whole
from tests.builders import NOW, TODAY
from tests.commands import run
from tests.reconciliation.bank_desk import Booked, Sheet, bank_account, lines, load

pytestmark = pytest.mark.django_db


@pytest.fixture
def org() -> Organization:
    return builders.organization("recon")


@pytest.fixture
def account(org: Organization) -> BankAccount:
    return bank_account(org)


@pytest.fixture
def clerk(org: Organization) -> User:
    return builders.user(org, "supervisor")


@pytest.fixture
def nord(org: Organization) -> Customer:
    return builders.customer(org, "Nord Foods GmbH", virtual_account="95678000000017")


def match(account: BankAccount) -> Outcome:
    outcome = match_open_lines(bank_account=account, now=NOW)
    assert_books_whole()
    return outcome


def proposal(line: StatementLine) -> MatchProposal:
    return MatchProposal.objects.get(line=line)


def said(line: StatementLine) -> str:
    return " ".join(match_sentences(proposal(line).evidence, "USD"))


def later(account: BankAccount, *entries: Booked, opening: str) -> list[StatementLine]:
    """Lines of a second statement."""
    file = load(account, Sheet(entries, opening=opening, number="2", account=account.number))
    made = list(StatementLine.objects.filter(statement__bank_file=file).order_by("ordinal"))
    assert len(made) == len(entries), file.problems
    return made


def by_hand(account: BankAccount, line: StatementLine, customer: Customer, clerk: User | None) -> Match:
    """As a person at the workbench does it."""
    with transaction.atomic():
        (made,) = match_payments(bank_account=account, matches=[PaymentMatch(line.pk, customer.pk)], now=NOW, by=clerk)
    assert isinstance(made, Match), made
    return made


def test_R144_what_is_sure_is_posted_and_explained(account: BankAccount, nord: Customer) -> None:
    bill = builders.invoice(nord, "120.00")
    (line,) = lines(account, Booked("120.00", name="NORD FOODS GMBH", text=f"thanks {bill.number}", ref="R1"))
    assert match(account).counts == {Action.AUTO: 1}
    made = Match.objects.get()
    assert (made.customer, made.is_automatic, made.made_by, made.kind) == (nord, True, None, MatchKind.PAYMENT)
    assert made.score == Decimal("0.990")
    bill.refresh_from_db()
    assert bill.open_amount == 0
    assert "exactly what invoice" in said(line)
    assert proposal(line).action == "auto"


def test_what_is_not_sure_waits_with_its_reasons_and_candidates(account: BankAccount, nord: Customer) -> None:
    bills = [builders.invoice(nord, "50.00") for _ in range(3)]
    (line,) = lines(account, Booked("100.00", name="Nord Foods GmbH"))
    assert match(account).counts == {Action.SUGGEST: 1}
    assert Payment.objects.count() == 0
    assert "Several sets of invoices fit equally well." in said(line)
    assert proposal(line).customer == nord
    assert [candidate[0] for candidate in proposal(line).candidates] == [nord.pk]
    assert all(Invoice.objects.get(pk=bill.pk).open_amount == 50 for bill in bills)


def test_what_nobody_can_tell_is_left(account: BankAccount, nord: Customer) -> None:
    (unknown, fee) = lines(account, Booked("77.00", name="Peter Schmidt"), Booked("-5.00", text="BANK CHARGES"))
    match(account)
    assert (proposal(unknown).action, proposal(fee).action) == ("none", "ignore")
    assert not Match.objects.exists()


def test_a_second_run_repeats_nothing_and_is_no_bolder(account: BankAccount, nord: Customer) -> None:
    """One of two equal sets is paid by a later line; the other is no surer for that."""
    first, second, third = (builders.invoice(nord, amount) for amount in ("50.00", "50.00", "30.00"))
    unsure, sure = lines(
        account, Booked("80.00", name="Nord Foods GmbH"), Booked("50.00", name="Nord Foods GmbH", text=first.number)
    )
    assert match(account).counts == {Action.SUGGEST: 1, Action.AUTO: 1}
    assert match(account).counts == {Action.SUGGEST: 1}
    assert "no more is known" in said(unsure)
    assert Payment.objects.count() == 1
    assert {Invoice.objects.get(pk=one.pk).open_amount for one in (second, third)} == {50, 30}
    assert proposal(sure).action == "auto"


def test_a_line_left_to_a_person_is_posted_once_more_is_known(account: BankAccount, nord: Customer) -> None:
    (line,) = lines(account, Booked("64.00", name="Nord Foods GmbH", text="INV-7001"))
    assert match(account).counts == {Action.SUGGEST: 1}
    builders.invoice(nord, "64.00", number="INV-7001")
    assert match(account).counts == {Action.AUTO: 1}
    assert proposal(line).action == "auto"


def test_a_payment_the_bank_posted_twice_and_one_it_took_back(account: BankAccount, nord: Customer) -> None:
    one, other = builders.invoice(nord, "120.00"), builders.invoice(nord, "45.00")
    paid = Booked("120.00", name="Nord Foods GmbH", text=one.number, ref="B100200300")
    back = Booked("-45.00", name="Nord Foods GmbH", text="RETURN AC04 B100200301", ref="B9", is_reversal=True)
    second = Booked("45.00", name="Nord Foods GmbH", text=other.number, ref="B100200301")
    _first, twice, _second, returned = lines(account, paid, paid, second, back, opening="1000.00")
    assert match(account).counts == {Action.AUTO: 2, Action.DUPLICATE: 1, Action.REVERSAL: 1}
    kinds = dict(Match.objects.filter(line__in=[twice, returned]).values_list("line_id", "kind"))
    assert kinds == {twice.pk: MatchKind.DUPLICATE, returned.pk: MatchKind.REVERSAL}
    assert Invoice.objects.get(pk=one.pk).open_amount == 0
    assert Invoice.objects.get(pk=other.pk).open_amount == 45


def test_what_came_back_in_a_later_file_is_known_by_the_earlier_one(account: BankAccount, nord: Customer) -> None:
    bill = builders.invoice(nord, "45.00")
    lines(account, Booked("45.00", name="Nord Foods GmbH", text=bill.number, ref="B100200301"))
    match(account)
    later(account, Booked("-45.00", text="RETURN B100200301", ref="B8"), opening="45.00")
    assert match(account).counts == {Action.REVERSAL: 1}
    assert Invoice.objects.get().open_amount == 45


def test_nothing_of_a_flagged_statement_is_posted_by_itself(account: BankAccount, nord: Customer) -> None:
    bill = builders.invoice(nord, "120.00")
    (line,) = lines(account, Booked("120.00", name="Nord Foods GmbH", text=bill.number))
    BankStatement.objects.update(is_flagged=True)
    assert match(account).counts == {Action.SUGGEST: 1}
    assert "to be looked at first" in said(line)


def test_posting_by_itself_can_be_switched_off(org: Organization, account: BankAccount, nord: Customer) -> None:
    builders.policy(org, "matching.automatic", False)
    bill = builders.invoice(nord, "120.00")
    lines(account, Booked("120.00", name="Nord Foods GmbH", text=bill.number))
    assert match(account).counts == {Action.SUGGEST: 1}


@pytest.mark.parametrize(("amount", "action"), [("500.00", Action.AUTO), ("500.01", Action.SUGGEST)])
def test_above_the_limit_a_person_looks(
    org: Organization, account: BankAccount, nord: Customer, amount: str, action: Action
) -> None:
    builders.policy(org, "matching.person_above", "500")
    bill = builders.invoice(nord, amount)
    lines(account, Booked(amount, name="Nord Foods GmbH", text=bill.number))
    assert match(account).counts == {action: 1}


@pytest.mark.parametrize(("amount", "left"), [("118.00", "0.00"), ("117.99", "2.01")])
def test_R125_a_shortage_is_written_off_as_the_house_allows(
    org: Organization, account: BankAccount, nord: Customer, amount: str, left: str
) -> None:
    builders.policy(org, "write_off.below", "2.01")
    bill = builders.invoice(nord, "120.00")
    lines(account, Booked(amount, name="Nord Foods GmbH", text=bill.number))
    assert match(account).counts == {Action.AUTO: 1}
    assert Invoice.objects.get().open_amount == Decimal(left)


def test_R87_a_payment_with_its_discount_settles_the_invoice(account: BankAccount, nord: Customer) -> None:
    builders.invoice(nord, "200.00", issued_on=TODAY, terms="2/10 net 30")
    builders.invoice(nord, "33.00", issued_on=TODAY)
    lines(account, Booked("196.00", name="Nord Foods GmbH", day=TODAY))
    assert match(account).counts == {Action.AUTO: 1}
    assert sorted(Invoice.objects.values_list("open_amount", flat=True)) == [0, 33]


def test_R146_a_transfer_entered_by_a_clerk_is_found_and_not_booked_twice(
    account: BankAccount, nord: Customer, tmp_path: Path
) -> None:
    bill = builders.invoice(nord, "120.00")
    builders.pay(
        nord, "120.00", method="bank_transfer", reference="UTR778899", received_on=date(2026, 3, 9),
        by_hand=[(bill, "120.00")],
    )  # fmt: skip
    lines(account, Booked("120.00", name="Nord Foods GmbH", text="UTR778899"))
    out = tmp_path / "matches.json"
    ran = run("match_statement", "--bank-account", "MAIN", "--out", out)
    assert ran.out == "1 in the books already; 0 open lines\n"
    assert Match.objects.get().payment == Payment.objects.get()
    (record,) = json.loads(out.read_text())["lines"]
    assert (record["action"], record["reason"]) == ("auto", "in_the_books_payment")
    assert record["allocations"] == [{"invoice": bill.number, "cash": "120.00"}]
    assert_books_whole()


def test_what_may_have_been_entered_by_hand_waits_for_a_person(account: BankAccount, nord: Customer) -> None:
    """The same customer and amount, days apart: either a second payment or the same one."""
    bills = [builders.invoice(nord, "120.00") for _ in range(2)]
    builders.pay(nord, "120.00", method="bank_transfer", received_on=date(2026, 3, 9), by_hand=[(bills[0], "120.00")])
    (line,) = lines(account, Booked("120.00", name="Nord Fods GmbH", text=bills[1].number))
    assert match(account).counts == {Action.SUGGEST: 1}
    assert "entered by hand" in said(line)
    assert Payment.objects.count() == 1


class TestPayers:
    def test_a_virtual_account_in_blotted_out_text_is_read_whole(self, account: BankAccount, nord: Customer) -> None:
        """A virtual account may look like a card number; what people are shown has it blotted out."""
        builders.invoice(nord, "64.00")
        (line,) = lines(account, Booked("64.00", name="Maria Rossi", text="for 4111111111111111 95678000000017"))
        assert "4111111111111111" not in line.text
        assert match(account).counts == {Action.AUTO: 1}

    def test_the_account_of_the_customers_record_is_known_by_its_hash(
        self, org: Organization, account: BankAccount
    ) -> None:
        known = builders.customer(org, "Ada", bank_account="DE99 1", bank_account_hash=keyed_hash("DE991234567890"))
        builders.invoice(known, "64.00")
        lines(account, Booked("64.00", name="Somebody else", account="DE991234567890"))
        match(account)
        assert Match.objects.get().customer == known

    def test_loaded_history_tells_who_pays(self, org: Organization, account: BankAccount, nord: Customer) -> None:
        PayerRecord.objects.create(
            organization=org, customer=nord, paid_on=TODAY, payer_name="Maria Rossi", payer_account="IT60X1",
            payer_account_hash=keyed_hash("IT60X0542811101"), amount=5, currency="USD", fingerprint="f1",
        )  # fmt: skip
        builders.invoice(nord, "64.00")
        builders.invoice(nord, "65.00")
        lines(account, Booked("64.00", name="MARIA ROSSI"), Booked("65.00", account="IT60X0542811101"))
        assert match(account).counts == {Action.AUTO: 2}

    def test_R144_it_learns_from_people_from_the_second_time_and_unlearns(
        self, account: BankAccount, nord: Customer, clerk: User
    ) -> None:
        for amount in ("64.00", "65.00", "66.00", "67.00"):
            builders.invoice(nord, amount)
        rossi = [Booked(amount, name="Maria Rossi", ref=f"R{amount}") for amount in ("64.00", "65.00", "66.00")]
        one, two, three = lines(account, *rossi)
        by_hand(account, one, nord, clerk)
        assert match(account).counts == {Action.NONE: 2}
        confirmed = by_hand(account, two, nord, clerk)
        assert match(account).counts == {Action.AUTO: 1}
        assert Match.objects.get(line=three).is_automatic
        with transaction.atomic():
            unmatch(match=confirmed, reason="somebody else's", now=NOW, by=clerk)
        later(account, Booked("67.00", name="Maria Rossi", ref="R67"), opening="195.00")
        assert Action.AUTO not in match(account).counts

    def test_it_does_not_learn_from_itself(self, account: BankAccount, nord: Customer) -> None:
        bills = [builders.invoice(nord, amount) for amount in ("64.00", "65.00", "66.00")]
        lines(account, *(Booked(f"{b.invoiced_amount}", name="Maria Rossi", text=b.number) for b in bills[:2]))
        assert match(account).counts == {Action.AUTO: 2}
        later(account, Booked("66.00", name="Maria Rossi"), opening="129.00")
        assert match(account).counts == {Action.NONE: 1}

    def test_what_people_decided_last_puts_older_history_away(
        self, org: Organization, account: BankAccount, nord: Customer, clerk: User
    ) -> None:
        other = builders.customer(org, "Süd GmbH")
        PayerRecord.objects.create(
            organization=org, customer=other, paid_on="2025-01-01", payer_name="Maria Rossi", amount=5, currency="USD",
            fingerprint="f1",
        )  # fmt: skip
        for amount in ("64.00", "65.00", "66.00"):
            builders.invoice(nord, amount)
        found = lines(account, *(Booked(a, name="Maria Rossi", ref=f"R{a}") for a in ("64.00", "65.00", "66.00")))
        for line in found[:2]:
            by_hand(account, line, nord, clerk)
        match(account)
        assert Match.objects.get(line=found[2]).customer == nord


def test_what_the_rules_refuse_is_suggested_with_the_reason(
    account: BankAccount, nord: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bill = builders.invoice(nord, "120.00")
    (line,) = lines(account, Booked("120.00", name="Nord Foods GmbH", text=bill.number))

    def dispute(*args: Any, **facts: Any) -> Any:
        Invoice.objects.update(is_disputed=True)
        return match_payments(*args, **facts)

    monkeypatch.setattr(auto_matching, "match_payments", dispute)
    outcome = match(account)
    assert (outcome.counts, outcome.refused) == ({Action.SUGGEST: 1}, 1)
    assert "is disputed" in said(line)
    assert Payment.objects.count() == 0


def test_what_moved_in_between_is_seen(account: BankAccount, nord: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the first book was made somebody paid one of two equal invoices at the counter."""
    bills = [builders.invoice(nord, "120.00", due_on=day) for day in (TODAY, TODAY.replace(day=28))]
    lines(account, Booked("120.00", name="Nord Foods GmbH"))
    made: list[Book] = []

    def build(*args: Any) -> Book:
        book = matching_book.build_matching_book(*args)
        if not made:
            builders.pay(nord, "120.00", by_hand=[(bills[0], "120.00")])
        made.append(book)
        return book

    monkeypatch.setattr(auto_matching, "build_matching_book", build)
    assert match(account).counts == {Action.AUTO: 1}
    assert len(made) == 2
    assert set(Invoice.objects.values_list("open_amount", flat=True)) == {Decimal("0.00")}


def test_queries_do_not_grow_with_lines(account: BankAccount, nord: Customer) -> None:
    counts = []
    for many, take in ((3, lines), (30, later)):
        bills = [builders.invoice(nord, f"{100 + many * 10 + n}.00") for n in range(many)]
        total = sum((line.amount for line in StatementLine.objects.all()), Decimal(0))
        booked = [Booked(f"{b.invoiced_amount}", name="Nord Foods GmbH", text=b.number, ref=b.number) for b in bills]
        take(account, *booked, opening=f"{total}")
        with CaptureQueriesContext(connection) as queries:
            assert match_open_lines(bank_account=account, now=NOW).counts == {Action.AUTO: many}
        counts.append(len(queries))
    assert counts[1] <= counts[0] + 12, counts


class TestCommand:
    def test_it_matches_and_writes_one_record_a_line(
        self, account: BankAccount, nord: Customer, tmp_path: Path
    ) -> None:
        bill = builders.invoice(nord, "120.00")
        paid = Booked("120.00", name="Nord Foods GmbH", text=bill.number, ref="B100200300")
        lines(account, paid, paid, Booked("77.00", name="Peter Schmidt"))
        out = tmp_path / "matches.json"
        ran = run("match_statement", "--bank-account", "MAIN", "--out", out)
        assert (ran.code, ran.out) == (0, "3 open lines: 1 auto, 1 duplicate, 1 none\n")
        first, second, third = json.loads(out.read_text())["lines"]
        assert (first["line"], first["action"], first["customer"]) == (1, "auto", nord.code)
        assert first["allocations"] == [
            {"invoice": bill.number, "cash": "120.00", "discount": "0.00", "writeoff": "0.00"}
        ]
        assert (first["score"], first["reason"]) == ("0.990", "number_and_payer+equal")
        assert (second["action"], second["duplicate_of"]) == ("duplicate", 1)
        assert (third["action"], third["customer"]) == ("none", None)
        again = run("match_statement", "--bank-account", "MAIN", "--out", out)
        assert again.out == "1 open lines: 1 none\n"
        assert json.loads(out.read_text())["lines"] == [first, second, third]

    def test_a_line_that_a_person_matched_is_told_as_theirs(
        self, account: BankAccount, nord: Customer, clerk: User, tmp_path: Path
    ) -> None:
        bill = builders.invoice(nord, "77.00")
        (line,) = lines(account, Booked("77.00", name="Peter Schmidt"))
        with transaction.atomic():
            match_payments(
                bank_account=account, now=NOW, by=clerk,
                matches=[PaymentMatch(line.pk, nord.pk, ((bill.pk, Decimal("77.00")),))],
            )  # fmt: skip
        out = tmp_path / "matches.json"
        assert run("match_statement", "--bank-account", "MAIN", "--out", out).out == "0 open lines\n"
        (record,) = json.loads(out.read_text())["lines"]
        assert (record["action"], record["customer"], record["reason"]) == ("auto", nord.code, "by_person_payment")
        assert record["allocations"] == [{"invoice": bill.number, "cash": "77.00"}]

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (("--bank-account", "NONE"), "There is no bank account NONE."),
            (("--bank-account", "MAIN", "--out", "/nowhere/matches.json"), "/nowhere/matches.json: No such file"),
        ],
    )
    def test_it_says_what_it_cannot_do(self, account: BankAccount, words: tuple[str, ...], sentence: str) -> None:
        ran = run("match_statement", *words)
        assert ran.code == 1
        assert sentence in ran.err


def test_what_one_account_fails_at_keeps_no_other_waiting(org: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = bank_account(org, "A"), bank_account(org, "B", number="DE89370400440532013000")
    bill = builders.invoice(builders.customer(org, "Nord Foods GmbH"), "120.00")
    lines(first, Booked("9.00"))
    (line,) = lines(second, Booked("120.00", name="Nord Foods", text=bill.number, ref=bill.number))
    decided = auto_matching.match_open_lines

    def fails_at_first(*, bank_account: BankAccount, **facts: Any) -> Outcome:
        if bank_account == first:
            raise ValueError("a line nobody thought of")
        return decided(bank_account=bank_account, **facts)

    monkeypatch.setattr("reconciliation.tasks.match_open_lines", fails_at_first)
    assert match_waiting(NOW.replace(minute=MATCH_AT)) == 1
    assert Match.objects.get().line == line


def test_what_there_was_no_time_for_is_gone_on_with_in_the_next_minute(
    org: Organization, account: BankAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines(account, *(Booked(f"{n}.00", text=f"no. {n}") for n in range(1, 6)))
    monkeypatch.setattr(auto_matching, "AT_ONCE", 2)
    monkeypatch.setattr("reconciliation.tasks.MATCH_SECONDS", -1)
    looked_at = []
    for minute in (1, 2):
        match_waiting(NOW.replace(minute=minute))
        looked_at.append(MatchProposal.objects.count())
    assert looked_at == [2, 2], "one part a call where there is no time at all"
    monkeypatch.setattr("reconciliation.tasks.MATCH_SECONDS", 30)
    assert match_waiting(NOW.replace(minute=3)) == 5
    assert match_waiting(NOW.replace(minute=4)) == 0, "looked at, all of them"
    assert match_waiting(NOW.replace(minute=MATCH_AT)) == 5
