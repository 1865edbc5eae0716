""" "Is this your payment?" (moonshot 1, R144): asked in the customer's words, answered once; evidence, no posting."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from billing.models import Customer
from billing.office.models import Notice, Organization
from payments.models import BankAccount, Payment
from reconciliation.models import Match, PayerQuestion, QuestionState, StatementLine
from reconciliation.selectors.bank_gate import heard_until
from reconciliation.services.auto_matching import match_open_lines
from reconciliation.tasks import lapse_payer_questions
from tests import builders
from tests.assertions import assert_books_whole
from tests.billing.chasing.cast import case_of, owed, run, school, steps_of
from tests.builders import NOW, TODAY
from tests.console_desk import Desk, desk, plain
from tests.reconciliation.bank_desk import Booked, Sheet, bank_account, lines, load

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def org() -> Organization:
    return school(dunning__before_days="")


@pytest.fixture
def account(org: Organization) -> BankAccount:
    return bank_account(org)


@pytest.fixture
def boss(org: Organization) -> Desk:
    return desk(org, "supervisor", name="sue")


@pytest.fixture
def ada(org: Organization) -> Customer:
    return builders.customer(org, "Ada", email="ada@example.org", language="en")


def ask(boss: Desk, line: StatementLine, customer: Customer) -> str:
    """Ask, and give the path of the link in the message."""
    boss.post(f"bank-lines/{line.pk}/ask/", customer=str(customer.pk))
    body = Notice.objects.filter(kind="payer_question").latest("pk").body
    found = re.search(r"/payment-question/\S+/", body)
    assert found is not None, body
    return found.group(0)


def test_the_message_and_its_page_tell_amount_and_day_and_nothing_of_the_bank(
    account: BankAccount, boss: Desk, ada: Customer
) -> None:
    (line,) = lines(account, Booked("50.00", name="SECRET PAYER", text="for Ben INV-9", account="DE8937040044"))
    shown = boss.see(f"bank-lines/{line.pk}/ask/?customer={ada.pk}")
    assert "nothing is posted before somebody accepts it" in shown and "Ask Ada about US$50.00" in shown
    path = ask(boss, line, ada)
    notice = Notice.objects.get(kind="payer_question")
    assert (notice.recipient, notice.language, notice.party) == ("ada@example.org", "en", ada.pk)
    page = Client().get(path)
    for text in (notice.body, notice.subject, page.content.decode()):
        assert "SECRET" not in text and "Ben" not in text and "8937" not in text
        assert "US$50.00" in text
    assert page["Referrer-Policy"] == "same-origin" and "no-store" in page["Cache-Control"]
    assert "script-src" in page["Content-Security-Policy"] and "<script" not in page.content.decode()
    question = PayerQuestion.objects.get()
    assert question.token_hash not in notice.body and path.split("/")[2] not in question.token_hash


def test_a_yes_comes_on_top_as_evidence_and_posts_nothing_and_teaches_once_accepted(
    account: BankAccount, boss: Desk, ada: Customer
) -> None:
    first, line = lines(account, Booked("10.00", name="First"), Booked("50.00", name="X 77"))
    path = ask(boss, line, ada)
    thanks = plain(Client().post(path, {"answer": "yes"}))
    assert "We take it that this payment is yours" in thanks
    assert PayerQuestion.objects.get().state == QuestionState.YES
    assert not Payment.objects.exists() and not Match.objects.exists()
    listed = boss.get("bank-lines/").content.decode()
    assert listed.index(f'data-line="{line.pk}"') < listed.index(f'data-line="{first.pk}"')
    assert "the payer said yes" in listed
    boss.post(f"bank-lines/{line.pk}/do/payment/", step="do", customer=str(ada.pk), strategy="fifo")
    assert [(match.customer, match.line) for match in Match.objects.all()] == [(ada, line)]
    assert_books_whole()


def test_an_answer_is_given_once_and_the_other_word_is_too_late(
    account: BankAccount, boss: Desk, ada: Customer
) -> None:
    (line,) = lines(account, Booked("50.00"))
    path = ask(boss, line, ada)
    assert Client().post(path, {"answer": "no"}).status_code == 200
    assert Client().post(path, {"answer": "no"}).status_code == 200
    assert Client().post(path, {"answer": "yes"}).status_code == 410
    assert Client().get(path).status_code == 410
    question = PayerQuestion.objects.get()
    assert question.state == QuestionState.NO and question.answered_at is not None
    boss.post(f"bank-lines/{line.pk}/ask/", status=422, customer=str(ada.pk))


def test_a_guessed_link_a_robot_and_a_forged_form_get_nothing(account: BankAccount, boss: Desk, ada: Customer) -> None:
    (line,) = lines(account, Booked("50.00"))
    path = ask(boss, line, ada)
    wrong = path.swapcase().replace("/PAYMENT-QUESTION/", "/payment-question/")
    assert Client().get(wrong).status_code == 404
    assert Client().get(path).status_code == 200  # what reads links ahead answers nothing
    assert Client(enforce_csrf_checks=True).post(path, {"answer": "yes"}).status_code == 403
    assert Client().post(path, {"answer": "maybe"}).status_code == 200
    assert PayerQuestion.objects.get().state == QuestionState.WAITING


def test_one_customer_is_asked_at_a_time_and_needs_an_address(
    account: BankAccount, boss: Desk, ada: Customer, org: Organization
) -> None:
    ben = builders.customer(org, "Ben", email="ben@example.org")
    silent = builders.customer(org, "Cleo", email="")
    line, other = lines(account, Booked("50.00"), Booked("60.00"))
    path = ask(boss, line, ada)
    refused = boss.post(f"bank-lines/{line.pk}/ask/", status=422, customer=str(ben.pk))
    assert "Asked before: Ada" in plain(refused)
    Client().post(path, {"answer": "no"})
    ask(boss, line, ben)
    boss.post(f"bank-lines/{other.pk}/ask/", status=422, customer=str(silent.pk))
    stranger = builders.customer(builders.organization("else"), email="s@example.org")
    boss.post(f"bank-lines/{other.pk}/ask/", status=422, customer=str(stranger.pk))
    assert PayerQuestion.objects.count() == 2


def test_a_question_lapses_in_time_or_with_its_line(account: BankAccount, boss: Desk, ada: Customer) -> None:
    line, other = lines(account, Booked("50.00"), Booked("60.00"))
    path, late = ask(boss, line, ada), ask(boss, other, ada)
    boss.post(f"bank-lines/{line.pk}/do/suspense/", step="do")
    assert Client().get(path).status_code == 410
    asked = PayerQuestion.objects.get(line=other).asked_at
    assert lapse_payer_questions(asked + 14 * DAY - timedelta(seconds=1)) == 1
    assert lapse_payer_questions(asked + 14 * DAY) == 1
    assert set(PayerQuestion.objects.values_list("state", flat=True)) == {QuestionState.LAPSED}
    assert Client().post(late, {"answer": "yes"}).status_code == 410


class TestReminders:
    def test_moonshot_1_who_was_asked_is_not_reminded_until_the_answer_is_no(
        self, account: BankAccount, boss: Desk, ada: Customer, org: Organization
    ) -> None:
        bill = owed(ada, "120.00", late=1)
        (line,) = lines(account, Booked("120.00", name="X 77"))
        path = ask(boss, line, ada)
        run(org)
        assert (steps_of(bill), case_of(bill).held_because) == ([], "unmatched_line")
        Client().post(path, {"answer": "no"})
        run(org, TODAY + DAY)
        assert steps_of(bill) == ["level_1"]

    def test_moonshot_1_whose_money_a_line_probably_is_is_not_reminded(
        self, account: BankAccount, ada: Customer, org: Organization
    ) -> None:
        builders.policy(org, "matching.automatic", value=False)
        bill, bens = owed(ada, "120.00", late=1), owed(builders.customer(org, "Ben"), "75.00", late=1)
        lines(account, Booked("120.00", name="Ada", text=bill.number))
        match_open_lines(bank_account=account, now=NOW)
        run(org)
        assert (steps_of(bill), case_of(bill).held_because) == ([], "unmatched_line")
        assert steps_of(bens) == ["level_1"]

    @pytest.mark.parametrize(("reach", "held"), [(2, True), (1, False)])
    def test_moonshot_1_the_banks_files_must_reach_far_enough(self, reach: int, held: bool) -> None:
        org = school(dunning__bank_days=1, dunning__before_days="")
        bill = owed(builders.customer(org), late=1)
        last = TODAY - reach * DAY
        load(bank_account(org), Sheet([Booked("5.00", day=last)], first=last, last=last))
        run(org)
        assert (case_of(bill).held_because == "bank_not_loaded") is held

    def test_all_accounts_that_have_files_count_and_none_says_nothing(self, org: Organization) -> None:
        assert heard_until(org) is None
        one, two = bank_account(org), bank_account(org, "SAVE", "DE89370400440532013000")
        bank_account(org, "SAFE", "DE75512108001245126199")
        load(one, Sheet([Booked("5.00", day=TODAY)], first=TODAY, last=TODAY))
        assert heard_until(org) == TODAY
        load(two, Sheet([Booked("5.00", day=TODAY - DAY)], first=TODAY - DAY, last=TODAY - DAY, account=two.number))
        assert heard_until(org) == TODAY - DAY
