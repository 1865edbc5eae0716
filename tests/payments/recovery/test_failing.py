"""A charge failed: what is written, stopped, told and tried again, through the jobs (R62-R71, R34, R44, R49)."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from billing.models import Agreement, Invoice
from payments.management.commands import run_retries
from payments.models import PaymentAttempt, PaymentMethod, RetryDecision
from payments.services.charging import charge
from payments.services.recovery.retrying import retry_due
from payments.services.recovery.workers import Crew
from tests import builders
from tests.assertions import assert_books_whole
from tests.commands import run
from tests.payments.gateways.precisepay.desk import MASTERCARD
from tests.payments.recovery.cast import School, attempts, decision, left, states, told

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
EMPTY, LOST, FRAUD, STOP_ALL, EXPIRED, NO_HONOR = "202", "251", "253", "261", "223", "201"


def owing(place: School, *codes: str, amount: str = "90.00") -> tuple[Any, list[PaymentMethod], Invoice]:
    """A family with one card for each code, whose bank answers with it ("" for yes), and an invoice due today."""
    ada = place.family()
    cards = [place.method(ada, number=MASTERCARD if n % 2 else "4111111111111111") for n, _code in enumerate(codes)]
    for card, code in zip(cards, codes, strict=True):
        place.decline(card, code)
    return ada, cards, place.bill(ada, amount)


class TestNotEnoughMoney:
    def test_R62_R71_the_failure_is_written_with_its_time_code_and_decision(self, place: School) -> None:
        _ada, (card,), due = owing(place, EMPTY)
        assert place.charge() == {"declined": 1}
        failed, found = attempts(due)[0], decision(due)
        assert (failed.reason, failed.raw_code, failed.settled_at) == ("insufficient_funds", EMPTY, place.now)
        assert (found.verdict, found.method, found.try_at) == ("retry", card, place.now + DAY)
        assert [one["code"] for one in found.because] == ["failed", "rule_wait", "chance", "worth"]
        assert found.value == D("30.60")  # 90.00 x 34 %: the only charge of this payer failed
        assert left(due) == D("90.00")

    def test_R63_it_is_tried_after_a_day_and_not_before(self, place: School) -> None:
        _ada, (card,), due = owing(place, EMPTY)
        place.charge()
        place.decline(card, "")
        place.pass_time(days=1, seconds=-1)
        assert place.retry().looked_at == 0
        place.pass_time(seconds=1)
        assert place.retry().came == {"succeeded": 1}
        assert (states(due), left(due)) == (["declined", "succeeded"], D(0))
        first = RetryDecision.objects.get()
        assert (first.used, first.outcome, first.done_at) == (attempts(due)[1], "succeeded", place.now)
        assert attempts(due)[1].follows == attempts(due)[0]
        assert_books_whole()

    def test_R62_R63_three_further_tries_in_seven_days_then_the_payer_is_asked(self, place: School) -> None:
        _ada, _cards, due = owing(place, EMPTY)
        first = place.now
        place.charge()
        days = []
        for _turn in range(4):
            found = decision(due)
            if found.try_at is None:
                break
            place.go_to(found.try_at)
            days.append((place.now - first) / DAY)
            place.retry()
        assert (days, states(due)) == ([1, 3, 7], ["declined"] * 4)
        assert decision(due).verdict == "ask_payer"
        place.pass_time(days=40)
        assert place.retry().looked_at == 0 and place.charge() == {}

    def test_R176_R177_the_payer_reads_why_and_what_to_do_once_for_each_failure(self, place: School) -> None:
        _ada, _cards, due = owing(place, EMPTY)
        place.charge()
        letter = told("charge_failed")[0]
        assert "not enough money" in letter.body and "We try again on 13 Mar 2026" in letter.body
        assert "DECLINE" not in letter.body and "nsufficient" not in letter.body
        assert f"/family/retry/{decision(due).pk}/" in letter.body
        place.pass_time(days=1)
        place.retry()
        assert len(told("charge_failed")) == 2

    def test_twice_is_once(self, place: School) -> None:
        _ada, (card,), due = owing(place, EMPTY)
        place.charge()
        place.decline(card, "")
        place.pass_time(days=1)
        place.retry()
        assert place.retry().looked_at == 0
        assert (states(due), place.captures()) == (["declined", "succeeded"], 1)

    def test_what_was_paid_meanwhile_is_not_tried(self, place: School) -> None:
        ada, _cards, due = owing(place, EMPTY)
        place.charge()
        builders.pay(ada, "90.00", by_hand=[(due, "90.00")])
        place.pass_time(days=1)
        assert place.retry().looked_at == 0
        found = decision(due)
        assert (found.outcome, found.done_at, states(due)) == ("paid", place.now, ["declined"])

    def test_what_is_in_dispute_by_then_is_put_off(self, place: School) -> None:
        _ada, (card,), due = owing(place, EMPTY)
        place.charge()
        place.decline(card, "")
        Invoice.objects.update(is_disputed=True)
        place.pass_time(days=1)
        assert place.retry().came == {"put_off": 1}
        put_off = decision(due).try_at
        assert put_off is not None and place.now < put_off < place.now + DAY
        assert decision(due).because[-1] == {"code": "put_off", "why": "disputed"}
        Invoice.objects.update(is_disputed=False)
        place.pass_time(days=1)
        assert place.retry().came == {"succeeded": 1}

    def test_R69_what_is_worth_too_little_goes_to_a_person(self, place: School) -> None:
        builders.policy(place.org, "recovery.least_value", "30.60")
        _ada, _cards, due = owing(place, EMPTY)
        place.charge()
        assert (decision(due).verdict, decision(due).value) == ("person", D("30.60"))
        assert "a person decides" in told("charge_for_person")[0].body


class TestOtherMethods:
    def test_R34_the_backup_is_charged_within_the_next_minute(self, place: School) -> None:
        _ada, (_card, backup), due = owing(place, EMPTY, "")
        place.charge()
        assert (decision(due).verdict, decision(due).method) == ("backup", backup)
        place.pass_time(minutes=1)
        assert place.retry().came == {"succeeded": 1}
        assert [one.method for one in attempts(due)] == [_card, backup]
        assert (left(due), place.taken()) == (D(0), D("90.00"))
        assert_books_whole()

    def test_R34_all_backups_failed_the_primary_is_tried_after_a_day(self, place: School) -> None:
        _ada, cards, due = owing(place, EMPTY, LOST)
        first = place.now
        place.charge()
        place.retry()
        assert (decision(due).verdict, decision(due).method) == ("retry", cards[0])
        assert decision(due).try_at == first + DAY
        cards[1].refresh_from_db()
        assert (cards[1].state, cards[1].place) == ("disabled", 0)

    def test_R64_an_expired_card_is_not_tried_until_the_updater_has_a_new_date(self, place: School) -> None:
        _ada, (card,), due = owing(place, EXPIRED)
        place.charge()
        assert decision(due).verdict == "ask_payer"
        card.refresh_from_db()
        assert card.state == "active"
        place.pass_time(days=2)
        assert place.retry().reopened == 0
        card.events.create(kind="updated", text="until:2031-12", at=place.now)
        place.decline(card, "")
        place.pass_time(minutes=1)
        assert place.retry().reopened == 1
        assert (states(due), left(due)) == (["declined", "succeeded"], D(0))

    def test_a_new_method_is_a_fresh_try(self, place: School) -> None:
        ada, _cards, due = owing(place, LOST)
        place.charge()
        assert decision(due).verdict == "ask_payer"
        place.pass_time(days=1)
        fresh = place.method(ada, number=MASTERCARD)
        place.pass_time(minutes=1)
        assert place.retry().came == {"succeeded": 1}
        assert attempts(due)[1].method == fresh


class TestWhatStops:
    def test_R66_R49_fraud_stops_the_method_and_all_automation_of_the_customer(self, place: School) -> None:
        ada, (card, _backup), due = owing(place, FRAUD, "")
        other = place.bill(ada, "55.00", due=1)
        place.charge()
        card.refresh_from_db()
        assert (decision(due).verdict, card.state) == ("person", "suspended")
        assert "Fraud is suspected" in told("charge_for_person")[0].body
        place.pass_time(days=2)
        assert place.retry().looked_at == 0 and place.charge() == {}
        assert (states(other), place.captures()) == ([], 0)

    def test_consent_that_is_gone_stops_the_schedule(self, place: School) -> None:
        _ada, (card, _backup), due = owing(place, STOP_ALL, "")
        place.charge()
        card.refresh_from_db()
        assert (decision(due).verdict, card.state) == ("stop", "disabled")
        assert not Agreement.objects.get(invoices=due).collects_itself
        place.pass_time(days=1)
        assert place.retry().looked_at == 0 and len(attempts(due)) == 1

    def test_a_lost_card_is_disabled(self, place: School) -> None:
        _ada, (card,), due = owing(place, LOST)
        place.charge()
        card.refresh_from_db()
        assert (card.state, card.state_reason, decision(due).verdict) == (
            "disabled", "declined:lost_or_stolen", "ask_payer",
        )  # fmt: skip


class TestProcessors:
    def test_R44_F20_failover_only_once_it_is_proven_undone(self, two: School) -> None:
        """No answer: nothing is tried elsewhere while nobody knows; after it is proven absent the other one is."""
        ada = two.family()
        two.method(ada)
        elsewhere = two.method(ada, at="second")
        due = two.bill(ada)
        two.desks["precisepay"].nmi.faults.add("drop_before", path="transact", body="type=sale")
        assert two.charge() == {"unknown": 1}
        assert not RetryDecision.objects.exists()
        two.pass_time(seconds=20)
        assert two.retry().looked_at == 0 and two.captures() == 0
        two.ask()
        assert states(due) == ["not_sent"]
        found = decision(due)
        assert (found.verdict, found.method) == ("failover", elsewhere)
        assert found.try_at is not None
        two.go_to(found.try_at)
        assert two.retry().came == {"succeeded": 1}
        assert [one.gateway_account.name for one in attempts(due)] == ["precisepay", "second"]
        assert (two.captures(), left(due)) == (1, D(0))
        assert_books_whole()

    def test_30_money_that_moved_although_the_answer_was_lost_is_not_taken_twice(self, two: School) -> None:
        ada = two.family()
        two.method(ada)
        two.method(ada, at="second")
        due = two.bill(ada)
        two.desks["precisepay"].nmi.faults.add("drop_after", path="transact", body="type=sale")
        two.charge()
        for _hour in range(3):
            two.retry()
            two.ask()
        assert (states(due), two.captures(), two.taken()) == (["succeeded"], 1, D("90.00"))
        assert not told("charge_failed")
        assert_books_whole()

    def test_R65_a_processor_that_is_down_is_tried_twice_more_then_a_person_looks(self, place: School) -> None:
        _ada, _cards, due = owing(place, "")
        nmi = place.desks["precisepay"].nmi
        nmi.faults.add("rate_limit", path="transact", times=None)
        place.charge()
        for _turn in range(2):
            found = decision(due)
            assert found.verdict == "retry" and found.try_at is not None
            place.go_to(found.try_at)
            place.retry()
        assert (states(due), decision(due).verdict) == (["not_sent"] * 3, "person")
        assert not told("charge_failed")[:-1]  # the payer is not the cause and hears of it once, at the end


class TestBankDebits:
    def test_34_a_return_is_presented_again_with_the_same_amount(self, place: School) -> None:
        ada = place.family()
        place.bank(ada)
        due = place.bill(ada)
        nmi = place.desks["precisepay"].nmi
        assert place.charge() == {"pending": 1}
        assert place.retry().looked_at == 0 and place.charge() == {}
        nmi.do("settle")
        nmi.do("return_check", transaction_id=attempts(due)[0].key, code="R01")
        place.pass_time(hours=13)
        place.ask()
        assert states(due) == ["declined"]
        found = decision(due)
        assert (found.verdict, found.failed.raw_code) == ("retry", "R01")
        builders.pay(ada, "10.00", by_hand=[(due, "10.00")])
        assert found.try_at is not None
        place.go_to(found.try_at)
        assert place.retry().came == {"amount_changed": 1}
        assert decision(due).verdict == "ask_payer"
        assert_books_whole()


class TestByThePayer:
    def test_whoever_was_there_is_not_charged_later_nor_written_to(self, place: School) -> None:
        _ada, (card,), due = owing(place, EMPTY)
        charge(
            method=card, invoices=[(due.pk, D("90.00"))], request_key="page", now=place.now, by=None, by_payer=True,
            channel="portal", decision={},
        )  # fmt: skip
        assert decision(due).verdict == "ask_payer" and not told("charge_failed")
        assert place.charge() == {"declined": 1}  # and autopay still does what was wished of it


class TestTheCommand:
    def test_it_makes_what_is_due_by_a_day(self, place: School, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(run_retries, "now", lambda: place.now)
        _ada, (card,), due = owing(place, EMPTY)
        place.charge()
        place.decline(card, "")
        words = ("run_retries", "--organization", place.org.code)
        assert f"{place.org.code}: 0 tries due" in run(*words).out
        place.pass_time(hours=20)  # the next day there, before the slot
        assert "0 tries due" in run(*words, "--as-of", "2026-03-12").out
        ran = run(*words, "--as-of", "2026-03-13")
        assert (ran.code, "1 tries due (1 succeeded)" in ran.out) == (0, True)
        assert "0 tries due" in run(*words, "--as-of", "2026-03-13").out
        assert (states(due), run(*words, "--as-of", "2026-03-14").code) == (["declined", "succeeded"], 1)


class TestCrashes:
    def test_a_try_whose_worker_died_before_it_left_is_made_next_time(
        self, place: School, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _ada, (card,), due = owing(place, EMPTY)
        place.charge()
        place.decline(card, "")
        place.pass_time(days=1)
        with monkeypatch.context() as patch:
            patch.setattr("payments.services.charging.send_attempt", _die)
            assert place.retry().came == {"failed": 1}
        place.ask()
        assert place.retry().came == {"succeeded": 1}
        assert (states(due), place.captures()) == (["declined", "not_sent", "succeeded"], 1)

    def test_a_try_whose_worker_died_after_it_left_is_not_made_again(
        self, place: School, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _ada, (card,), due = owing(place, EMPTY)
        place.charge()
        place.decline(card, "")
        place.pass_time(days=1)
        with monkeypatch.context() as patch:
            patch.setattr("payments.services.calling.finish", _die)
            assert place.retry().came == {"failed": 1}
        assert (states(due), place.captures()) == (["declined", "sent"], 1)
        assert place.retry().came == {"sent": 1}  # taken in, not sent
        place.ask()
        assert (states(due), place.captures(), left(due)) == (["declined", "succeeded"], 1, D(0))
        assert_books_whole()


def _die(*_args: Any, **_more: Any) -> None:
    raise RuntimeError("killed")


@pytest.mark.parametrize("workers", [1, 3])
def test_F17_two_jobs_at_once_make_each_try_once(place: School, run_in_threads: Any, workers: int) -> None:
    found = [owing(place, EMPTY, amount=f"{60 + n}.00") for n in range(4)]
    place.charge()
    for _ada, (card,), _due in found:
        place.decline(card, "")
    place.pass_time(days=1)
    crew = Crew("race", workers=workers)
    came = run_in_threads(lambda _n: retry_due(now=place.now, crew=crew, organization=place.org), 2)
    assert came.errors == []
    assert [states(due) for _ada, _cards, due in found] == [["declined", "succeeded"]] * 4
    assert (place.captures(), PaymentAttempt.objects.count()) == (4, 8)
    assert_books_whole()


def test_what_follows_cannot_keep_an_outcome_from_being_booked(place: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """The money is here; whatever breaks behind it, a person is called and it is in the books."""
    ada = place.family()
    place.method(ada)
    due = place.bill(ada)
    monkeypatch.setattr("payments.services.recovery.letters.tell_charged", _die)
    assert place.charge() == {"succeeded": 1}
    assert (left(due), place.taken(), len(told("attempt_for_person"))) == (D(0), D("90.00"), 1)
    assert_books_whole()
