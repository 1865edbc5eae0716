"""Matching rules at the console: made of a line, looked at, tried, let act by another, moved, accepted (R144)."""

import re
from typing import Any

import pytest
from django.db import transaction
from django_q.models import OrmQ

from billing.models import Customer
from reconciliation.models import Deed, Match, MatchingRule, RuleTrial, StatementLine
from reconciliation.rules.matching.facts import Action
from reconciliation.services.auto_matching import match_open_lines
from reconciliation.services.undoing import unmatch
from reconciliation.tasks import match_by_rule
from tests import builders
from tests.assertions import assert_books_whole
from tests.builders import NOW
from tests.console_desk import Desk, plain
from tests.reconciliation.bank_desk import Booked, lines
from tests.reconciliation.rule_desk import Office, office

pytestmark = pytest.mark.django_db
FEE = Booked("-5.00", text="Monthly fee")


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billing.office.clock.now", lambda: NOW)
    monkeypatch.setattr("reconciliation.tasks.read_clock", lambda: NOW)


@pytest.fixture
def bank() -> Office:
    return office()


@pytest.fixture
def clerk(bank: Office) -> Desk:
    return Desk(bank.writer)


@pytest.fixture
def boss(bank: Office) -> Desk:
    return Desk(bank.checker)


def typed(bank: Office, **more: str) -> dict[str, Any]:
    return {
        "name": "fees", "bank_account": "", "direction": "out", "text_has": "monthly fee", "deed": "item",
        "ledger_account": bank.fees.code, "reason_code": "bank_fee", "request_key": "k1", **more,
    }  # fmt: skip


def one(rule: MatchingRule, verb: str = "") -> str:
    return f"matching-rules/{rule.pk}/" + (f"{verb}/" if verb else "")


def four_fees(bank: Office) -> list[StatementLine]:
    """Three decided, one open."""
    made = lines(bank.account, *[FEE] * 4)
    bank.decide(made[:3])
    return made


class TestMaking:
    def test_an_empty_list_says_how_the_first_comes_about(self, clerk: Desk) -> None:
        assert "No rule yet" in clerk.see("matching-rules/")

    def test_a_line_fills_the_form(self, clerk: Desk, bank: Office) -> None:
        (line,) = lines(bank.account, FEE)
        assert f"matching-rules/new/?line={line.pk}" in clerk.get(f"bank-lines/{line.pk}/").content.decode()
        text = clerk.get(f"matching-rules/new/?line={line.pk}").content.decode()
        assert re.search(r'name="text_has"[^>]*>Monthly fee</textarea>', text)
        assert '<option value="out" selected' in text
        assert '<option value="MAIN" selected' in text

    def test_a_line_without_text_fills_in_its_payer(self, clerk: Desk, bank: Office) -> None:
        (line,) = lines(bank.account, Booked("5.00", name="Ottilie Grandma"))
        assert 'value="Ottilie Grandma"' in clerk.get(f"matching-rules/new/?line={line.pk}").content.decode()

    def test_it_is_looked_at_before_it_is_kept(self, clerk: Desk, bank: Office) -> None:
        four_fees(bank)
        told = plain(clerk.post("matching-rules/new/", 200, step="look", **typed(bank)))
        assert "Would have explained 4 lines: 3 as people decided, 0 against what they decided, 1 undecided." in told
        assert "1 line, decided as if the rule might act" in told
        assert "done by the rule" in told
        assert (MatchingRule.objects.count(), RuleTrial.objects.count(), Match.objects.count()) == (0, 0, 3)

    def test_kept_once_however_often_it_is_sent(self, clerk: Desk, bank: Office) -> None:
        assert "It suggests from now on" in clerk.follow("matching-rules/new/", step="save", **typed(bank))
        clerk.post("matching-rules/new/", step="save", **typed(bank))
        rule = MatchingRule.objects.get()
        assert (rule.made_by, rule.ledger_account, rule.direction) == (bank.writer, bank.fees, "out")
        assert OrmQ.objects.count() == 2
        assert "the text has “monthly fee”" in clerk.see("matching-rules/")

    @pytest.mark.parametrize(
        ("facts", "sentence"),
        [
            ({"text_has": ""}, "an amount alone is too little"),
            ({"ledger_account": "none"}, "There is none of the code none"),
            ({"amount_from": "abc", "bank_account": "MAIN"}, "Amount from:"),
            ({"amount_from": "5"}, "amounts are in its currency"),
            ({"reason_code": "whim"}, "Choose one of the list"),
            ({"deed": "payment", "customer": "", "direction": "in"}, "Choose a customer"),
            ({"name": "4111 1111 1111 1111"}, "Do not type card numbers"),
        ],
    )
    @pytest.mark.parametrize("step", ["look", "save"])
    def test_a_refusal_stands_at_its_place_and_what_was_typed_stays(
        self, clerk: Desk, bank: Office, facts: dict[str, str], sentence: str, step: str
    ) -> None:
        answer = clerk.post("matching-rules/new/", 422, step=step, **typed(bank, **facts))
        assert sentence in plain(answer)
        assert f'value="{facts.get("name", "fees")}"' in answer.content.decode()
        assert not MatchingRule.objects.exists()

    def test_a_change_is_another_version_and_the_slower_is_told(self, clerk: Desk, boss: Desk, bank: Office) -> None:
        rule = bank.rule(direction="out")
        assert 'value="1"' in clerk.get(one(rule, "change")).content.decode()
        clerk.follow(one(rule, "change"), step="save", version="1", **typed(bank, text_lacks="refund"))
        answer = boss.post(one(rule, "change"), 422, step="save", version="1", **typed(bank, name="charges"))
        assert "Somebody changed this rule meanwhile" in plain(answer)
        rule.refresh_from_db()
        assert (rule.version, rule.name, rule.text_lacks, rule.changed_by) == (2, "fees", "refund", bank.writer)


class TestLettingAct:
    def test_another_person_lets_it_act_and_open_lines_are_booked(self, clerk: Desk, boss: Desk, bank: Office) -> None:
        four_fees(bank)
        clerk.follow("matching-rules/new/", step="save", **typed(bank))
        rule = MatchingRule.objects.get()
        assert "You changed it last" in clerk.see(one(rule))
        clerk.post(one(rule, "act"), 403, version="1")
        told = boss.follow(one(rule, "try"))
        assert "Would have explained 4 lines: 3 as people decided, 0 against" in told
        assert "Let it act by itself" in told
        assert "It acts by itself from now on" in boss.follow(one(rule, "act"), version="1")
        boss.post(one(rule, "act"), version="1")
        assert RuleTrial.objects.count() == 2
        assert match_by_rule(rule.pk) == 1
        assert Match.objects.get(is_automatic=True).rule == rule
        listed = boss.see("matching-rules/")
        assert "acts by itself" in listed
        assert "last 12 Mar 2026" in listed
        assert_books_whole()

    def test_lines_against_it_are_shown_and_it_does_not_act(self, boss: Desk, bank: Office) -> None:
        made = lines(bank.account, *[FEE] * 4)
        bank.decide(made)
        with transaction.atomic():
            unmatch(match=Match.objects.get(line=made[0]), reason="no fee", now=NOW, by=bank.checker)
        rule = bank.rule()
        told = boss.follow(one(rule, "act"), version="1")
        assert "It does not act by itself: see the trial." in told
        assert "3 as people decided, 1 against" in told
        assert f"bank-lines/{made[0].pk}/history/" in boss.get(one(rule)).content.decode()
        rule.refresh_from_db()
        assert (rule.state, RuleTrial.objects.count()) == ("suggests", 1)

    def test_its_writer_is_told_that_another_does_it(self, boss: Desk, bank: Office) -> None:
        rule = bank.rule()
        boss.follow(one(rule, "change"), step="save", version="1", **typed(bank, name="mine"))
        assert "another person lets it act" in plain(boss.post(one(rule, "act"), 422, version="2"))

    def test_why_it_was_put_back_stands_on_its_page(self, boss: Desk, bank: Office) -> None:
        line = four_fees(bank)[3]
        rule = bank.rule()
        bank.let(rule)
        match_open_lines(bank_account=bank.account, now=NOW)
        boss.follow(f"matches/{Match.objects.get(line=line).pk}/unmatch/", reason="a refund of theirs")
        told = boss.see(one(rule))
        assert "Put back" in told
        assert "a refund of theirs" in told
        assert_books_whole()

    def test_switched_off_and_on_once_for_each_click(self, clerk: Desk, bank: Office) -> None:
        rule = bank.rule()
        for on, state in (("no", "off"), ("no", "off"), ("yes", "suggests"), ("yes", "suggests")):
            clerk.follow(one(rule, "switch"), on=on, version="1")
            assert MatchingRule.objects.get().state == state
        assert "Somebody changed this rule" in plain(clerk.post(one(rule, "switch"), 422, on="no", version="9"))

    def test_moved_in_the_list(self, clerk: Desk, bank: Office) -> None:
        first, second = bank.rule("a", name="first"), bank.rule("b", name="second")
        for _click in range(2):
            clerk.follow(one(second, "move"), to="up", place="2")
        assert list(MatchingRule.objects.order_by("place")) == [second, first]


class TestPreview:
    def test_it_tells_what_is_not_the_rules(self, clerk: Desk, bank: Office) -> None:
        ada = builders.customer(bank.org, "Nord Foods GmbH")
        bill = builders.invoice(ada, "120.00")
        lines(
            bank.account, FEE, Booked("120.00", name="Nord Foods GmbH", text=f"monthly fee {bill.number}", ref="R1"),
            Booked("-5.00", text="monthly fee", is_reversal=True),
        )  # fmt: skip
        bank.rule("a", name="above", direction="out")
        told = clerk.see(one(bank.rule("b")))
        assert "taken by the rule above it, above" in told
        assert "only suggested" in told
        assert "Without the rule it would be the payment of Nord Foods GmbH." in told
        assert "not the rule's" in told
        assert not Match.objects.exists()

    def test_a_payment_posted_anyway(self, clerk: Desk, bank: Office) -> None:
        ada = builders.customer(bank.org, "Nord Foods GmbH")
        bill = builders.invoice(ada, "120.00")
        lines(bank.account, Booked("120.00", name="Nord Foods GmbH", text=f"monthly fee {bill.number}", ref="R1"))
        rule = bank.rule(deed=Deed.PAYMENT, customer=ada, direction="in")
        assert "posted the same without the rule" in clerk.see(one(rule))


class TestWorkbench:
    def shown(self, who: Desk, line: StatementLine) -> dict[str, Any]:
        text = who.get(f"bank-lines/?line={line.pk}").content.decode()
        best = text.split("wb-best")[1].split("</form>")[0]
        return dict(re.findall(r'name="(digest|seen|request_key)" value="([^"]*)"', best))

    def test_the_suggestion_is_accepted_as_it_stands(self, boss: Desk, bank: Office) -> None:
        rule = bank.rule(department="office", reason_code="other")
        (line,) = lines(bank.account, FEE)
        assert match_open_lines(bank_account=bank.account, now=NOW).counts == {Action.SUGGEST: 1}
        told = boss.see(f"bank-lines/?line={line.pk}")
        assert "The matching rule “fees” says so." in told
        assert str(bank.fees) in told
        boss.post(f"bank-lines/{line.pk}/accept/", account="MAIN", **self.shown(boss, line))
        made = Match.objects.get()
        assert (made.rule, made.rule_version, made.is_automatic, made.made_by) == (rule, 1, False, bank.checker)
        assert (made.reason_code, made.note) == ("other", "fees")
        assert made.entry is not None
        assert made.entry.lines.get(account=bank.fees).department == "office"
        assert "fees" in boss.see(f"bank-lines/{line.pk}/")
        assert_books_whole()

    @pytest.mark.parametrize("deed", [Deed.ITEM, Deed.SUSPENSE])
    def test_a_clerk_does_not_accept_what_the_clerks_own_rule_says(
        self, clerk: Desk, boss: Desk, bank: Office, deed: Deed
    ) -> None:
        """Nobody writes a rule and does by it alone what a supervisor is asked for."""
        bank.rule(deed=deed)
        (line,) = lines(bank.account, FEE)
        match_open_lines(bank_account=bank.account, now=NOW)
        assert "Less than sure: a supervisor decides." in clerk.see(f"bank-lines/?line={line.pk}")
        shown = self.shown(boss, line)
        answer = clerk.post(f"bank-lines/{line.pk}/accept/", 422, account="MAIN", **shown)
        assert "less than sure" in plain(answer)
        assert not Match.objects.exists()

    def test_what_is_likelier_than_a_rule_comes_before_it(self, boss: Desk, bank: Office) -> None:
        ada = builders.customer(bank.org, "Nord Foods GmbH")
        bill = builders.invoice(ada, "120.00")
        text = f"monthly fee {bill.number}"
        (line,) = lines(bank.account, Booked("120.00", name="Nord Foods GmbH", text=text, ref="R1"))
        bank.rule()
        match_open_lines(bank_account=bank.account, now=NOW)
        boss.post(f"bank-lines/{line.pk}/accept/", account="MAIN", **self.shown(boss, line))
        assert Match.objects.get().customer == ada
        assert_books_whole()

    def test_a_changed_rule_suggests_nothing_until_lines_are_looked_at_anew(self, boss: Desk, bank: Office) -> None:
        rule = bank.rule()
        (line,) = lines(bank.account, FEE)
        match_open_lines(bank_account=bank.account, now=NOW)
        shown = self.shown(boss, line)
        boss.follow(one(rule, "switch"), on="no", version="1")
        answer = boss.post(f"bank-lines/{line.pk}/accept/", 422, account="MAIN", **shown)
        assert "no longer what is suggested" in plain(answer)
        assert not Match.objects.exists()

    def test_a_suggested_payment_of_a_rule(self, boss: Desk, bank: Office) -> None:
        ada: Customer = builders.customer(bank.org, "Ada")
        builders.invoice(ada, "64.00")
        rule = bank.rule(deed=Deed.PAYMENT, customer=ada, direction="in")
        (line,) = lines(bank.account, Booked("64.00", text="monthly fee"))
        match_open_lines(bank_account=bank.account, now=NOW)
        boss.post(f"bank-lines/{line.pk}/accept/", account="MAIN", **self.shown(boss, line))
        made = Match.objects.get()
        assert (made.customer, made.rule, made.made_payment) == (ada, rule, True)
        assert_books_whole()


class TestWho:
    @pytest.mark.parametrize("verb", ["", "change", "try", "act", "switch", "move"])
    def test_another_organizations_rule_is_not_found(self, boss: Desk, verb: str) -> None:
        rule = office("other").rule()
        if verb in ("", "change"):
            boss.get(one(rule, verb), 404)
        else:
            boss.post(one(rule, verb), 404, version="1", on="no", to="up", place="1")

    def test_another_organizations_line_fills_nothing(self, boss: Desk) -> None:
        (line,) = lines(office("other").account, FEE)
        for key in (str(line.pk), "x", "9" * 19):
            boss.get(f"matching-rules/new/?line={key}", 404)

    def test_another_organizations_records_are_none(self, clerk: Desk, bank: Office) -> None:
        other: Any = office("other")
        stranger = builders.customer(other.org, "Eve")
        sent: Any = typed(bank, deed="payment", direction="in", customer=stranger.code)
        assert "There is none of the code" in plain(clerk.post("matching-rules/new/", 422, step="save", **sent))

    def test_who_does_not_work_on_bank_lines_sees_none(self, bank: Office) -> None:
        stranger = Desk(builders.user(bank.org, "manager"))
        stranger.get("matching-rules/", 403)
        stranger.get("matching-rules/new/", 403)
