"""Accepting what matching suggests at the workbench (R144): by key and fragment, many at once, by two people."""

from typing import Any

import pytest

from billing.models import Customer, Invoice
from billing.office.models import Organization
from payments.models import BankAccount, Payment
from reconciliation.models import Match, StatementLine
from reconciliation.selectors.workbench_suggestions import suggestions_for
from reconciliation.services.auto_matching import match_open_lines
from tests import builders
from tests.assertions import assert_books_whole
from tests.builders import NOW
from tests.conftest import RunInThreads
from tests.console_desk import Desk, desk, plain
from tests.reconciliation.bank_desk import Booked, bank_account, lines

pytestmark = pytest.mark.django_db
FRAGMENT = {"X-Workbench": "1"}


@pytest.fixture
def org() -> Organization:
    made = builders.organization("recon")
    builders.policy(made, "matching.automatic", value=False)
    return made


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


def suggested(account: BankAccount, *entries: Booked) -> list[StatementLine]:
    made = lines(account, *entries)
    match_open_lines(bank_account=account, now=NOW)
    return made


def sent(line: StatementLine, key: str = "k", **more: str) -> dict[str, Any]:
    """What the form of the best suggestion sends."""
    line.refresh_from_db()
    best = suggestions_for([line])[line.pk][0]
    return {"digest": best.digest, "seen": f"{line.open_amount:f}", "request_key": key, **more}


def sure(bill: Invoice, amount: str = "") -> Booked:
    return Booked(amount or f"{bill.open_amount}", name="Ada Lovelace", text=f"thanks {bill.number}")


def test_R144_a_suggestion_stands_beside_the_line_with_reasons_and_is_accepted(
    account: BankAccount, boss: Desk, ada: Customer
) -> None:
    bill = builders.invoice(ada, "120.00")
    line, following = suggested(account, sure(bill), Booked("5.00"))
    page = boss.get(f"bank-lines/?line={line.pk}").content.decode()
    assert f'<mark class="wb-number">{bill.number}</mark>' in page
    assert "fits exactly" in page and f"Invoice number {bill.number} found in the text." in page
    preview = boss.see(f"bank-lines/{line.pk}/preview/?digest={sent(line)['digest']}")
    assert "Unapplied cash" in preview and "Receivables" in preview and not Payment.objects.exists()
    assert f"line={following.pk}" in boss.post(f"bank-lines/{line.pk}/accept/", **sent(line))["Location"]
    made = Match.objects.get()
    assert (made.made_by, made.is_automatic, made.score is not None) == (boss.user, False, True)
    assert "number_exact" in {step[0] for step in made.evidence}
    assert Invoice.objects.get().open_amount == 0
    assert_books_whole()


def test_R144_what_differs_is_said_in_figures(account: BankAccount, boss: Desk, ada: Customer) -> None:
    bill = builders.invoice(ada, "120.00")
    (line,) = suggested(account, Booked("100.00", name="A. LOVELACE-KING", text=f"{bill.number}"))
    page = boss.get(f"bank-lines/?line={line.pk}").content.decode()
    assert "US$20.00 less than the invoices ask for" in page
    assert '<mark class="wb-differs">LOVELACE-KING</mark>' in page


def test_R144_the_script_gets_the_next_line_and_the_strip_without_the_page(
    account: BankAccount, boss: Desk, ada: Customer
) -> None:
    bill = builders.invoice(ada, "120.00")
    line, following = suggested(account, sure(bill), Booked("5.00", name="Somebody"))
    answer = boss.client.post(f"/console/bank-lines/{line.pk}/accept/", sent(line), headers=FRAGMENT)
    text = answer.content.decode()
    assert answer.status_code == 200 and "<html" not in text
    assert f'data-now="{following.pk}"' in text and f'data-done="{line.pk}"' in text
    assert "Somebody" in text and "wb-new-strip" in text and "Done: US$120.00" in text


def test_R144_a_second_click_does_nothing_twice(account: BankAccount, boss: Desk, ada: Customer) -> None:
    bill = builders.invoice(ada, "120.00")
    (line,) = suggested(account, sure(bill))
    form = sent(line)
    boss.post(f"bank-lines/{line.pk}/accept/", **form)
    again = boss.follow(f"bank-lines/{line.pk}/accept/", **form)
    assert "nothing was done a second time" in again
    assert Payment.objects.count() == 1


def test_R144_the_second_clerk_reads_who_was_quicker(
    account: BankAccount, boss: Desk, clerk: Desk, ada: Customer
) -> None:
    bill = builders.invoice(ada, "120.00")
    (line,) = suggested(account, sure(bill))
    seen_by_both = sent(line, "b")
    boss.post(f"bank-lines/{line.pk}/accept/", **{**seen_by_both, "request_key": "a"})
    late = plain(clerk.post(f"bank-lines/{line.pk}/accept/", status=409, **seen_by_both))
    assert "Somebody was quicker: sue explained this line as payment" in late
    form = clerk.post(f"bank-lines/{line.pk}/do/twice/", status=409, step="do", other="1", seen="120.00")
    assert "Somebody was quicker: sue" in plain(form)
    assert Payment.objects.count() == 1
    assert_books_whole()


def test_R144_what_was_shown_and_is_no_longer_suggested_is_not_done(
    account: BankAccount, boss: Desk, ada: Customer
) -> None:
    bill = builders.invoice(ada, "120.00")
    (line,) = suggested(account, sure(bill))
    stale = {**sent(line), "digest": "0" * 32}
    assert "no longer what is suggested" in plain(boss.post(f"bank-lines/{line.pk}/accept/", status=422, **stale))
    form = sent(line)
    builders.pay(ada, "30.00", strategy="fifo")
    refused = plain(boss.post(f"bank-lines/{line.pk}/accept/", status=422, **form))
    assert "more than" in refused or "open" in refused
    assert Match.objects.count() == 0
    assert_books_whole()


def test_R167_a_clerk_accepts_what_is_sure_and_asks_for_the_rest(
    account: BankAccount, clerk: Desk, ada: Customer
) -> None:
    bill, other = builders.invoice(ada, "120.00"), builders.invoice(ada, "55.00")
    certain, doubtful = suggested(account, sure(bill), Booked("55.00", name="Somebody else", text=other.number))
    found = suggestions_for([certain, doubtful])
    assert (found[certain.pk][0].is_sure, found[doubtful.pk][0].is_sure) == (True, True)
    builders.policy(account.organization, "matching.post_from", int(found[doubtful.pk][0].score * 100) + 1)
    clerk.post(f"bank-lines/{certain.pk}/accept/", **sent(certain))
    assert Match.objects.get().made_by == clerk.user
    assert "Ask a supervisor" in clerk.see(f"bank-lines/?line={doubtful.pk}")
    asking = clerk.get(f"bank-lines/{doubtful.pk}/do/payment/?customer={ada.pk}&invoice-{other.pk}=55.00")
    assert 'value="55.00"' in asking.content.decode() and "Why, for the supervisor" in plain(asking)
    refused = clerk.post(f"bank-lines/{doubtful.pk}/accept/", status=422, **sent(doubtful, "h"))
    assert "supervisor" in plain(refused)
    assert Payment.objects.count() == 1
    assert_books_whole()


class TestTogether:
    def test_R144_ticked_lines_are_matched_each_by_itself_and_told_one_by_one(
        self, account: BankAccount, boss: Desk, ada: Customer
    ) -> None:
        bills = [builders.invoice(ada, amount) for amount in ("120.00", "80.00", "40.00")]
        made = suggested(account, *(sure(bill) for bill in bills))
        picks = [f"{line.pk}:{sent(line)['digest']}" for line in made]
        builders.pay(ada, "10.00", strategy="manual", by_hand=((bills[1], "10.00"),))
        page = boss.post("bank-lines/accept/", status=200, pick=picks, account=account.code, request_key="many")
        text = plain(page)
        assert "2 lines matched, US$160.00." in text and "1 line was left as it is." in text
        assert {match.line_id for match in Match.objects.all()} == {made[0].pk, made[2].pk}
        again = plain(boss.post("bank-lines/accept/", status=200, pick=picks, account=account.code, request_key="many"))
        assert "0 lines matched" in again and Match.objects.count() == 2
        assert_books_whole()

    def test_nothing_ticked_says_so(self, account: BankAccount, boss: Desk) -> None:
        assert "No line was ticked" in plain(boss.post("bank-lines/accept/", status=200, account=account.code))

    def test_R168_a_line_of_another_organization_is_not_found(self, account: BankAccount, ada: Customer) -> None:
        bill = builders.invoice(ada, "120.00")
        (line,) = suggested(account, sure(bill))
        stranger = desk(builders.organization("other"), "supervisor", name="eve")
        stranger.post("bank-lines/accept/", status=404, pick=f"{line.pk}:{sent(line)['digest']}")


def test_a_page_of_a_hundred_lines_takes_at_most_25_queries(
    account: BankAccount, boss: Desk, ada: Customer, django_assert_max_num_queries: Any
) -> None:
    bills = [builders.invoice(ada, f"{n}.00") for n in range(100, 130)]
    made = suggested(account, *(sure(bill) for bill in bills))
    boss.get("bank-lines/")
    with django_assert_max_num_queries(25):
        boss.get(f"bank-lines/?line={made[3].pk}")
    with django_assert_max_num_queries(25):
        boss.client.get(f"/console/bank-lines/{made[4].pk}/", headers=FRAGMENT)


@pytest.mark.django_db(transaction=True)
def test_R144_eight_clerks_accept_one_line_and_one_payment_is_made(run_in_threads: RunInThreads) -> None:
    org = builders.organization("recon")
    builders.policy(org, "matching.automatic", value=False)
    account, ada = bank_account(org), builders.customer(org)
    bill = builders.invoice(ada, "120.00")
    (line,) = suggested(account, sure(bill))
    form = sent(line)
    desks = [desk(org, "supervisor", name=f"s{n}") for n in range(8)]

    def accept(n: int) -> int:
        answer = desks[n].client.post(f"/console/bank-lines/{line.pk}/accept/", {**form, "request_key": f"k{n}"})
        return int(answer.status_code)

    outcomes = run_in_threads(accept, 8)
    assert not outcomes.errors
    assert sorted(outcomes.results) == [302] + [409] * 7
    assert Payment.objects.count() == 1
    assert_books_whole()
