"""Rules that people make for bank lines: tried over a year, let act by another, put back (bank.md §6; moonshot 5)."""

from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from billing.errors import BadInput, NotPermitted
from billing.ledger.models import JournalLine, LedgerAccount, Role
from billing.models import Customer
from billing.office import approvals
from billing.office.models import AuditEntry
from payments.services.voiding import VOID_RECONCILED, ask_for_void
from receipts.services.voiding import void_with_receipt
from reconciliation.models import (
    BankStatement,
    Deed,
    Match,
    MatchingRule,
    MatchKind,
    MatchProposal,
    RuleState,
    RuleTrial,
    StatementLine,
)
from reconciliation.rules.matching.facts import Action
from reconciliation.rules.words_matching import match_sentences
from reconciliation.services import auto_matching, explaining
from reconciliation.services.matching import PaymentMatch, match_payments
from reconciliation.services.matching_rules import (
    RuleChanged,
    RuleIsOff,
    SameHands,
    change_rule,
    move_rule,
    switch_rule,
)
from reconciliation.services.undoing import unmatch
from tests import builders
from tests.assertions import assert_books_whole
from tests.builders import NOW
from tests.reconciliation.bank_desk import Booked, lines
from tests.reconciliation.rule_desk import FEE, Office, acting_rule, later, match, office

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Office:
    return office()


@pytest.fixture
def acting(desk: Office) -> MatchingRule:
    return acting_rule(desk)


def said(line: StatementLine) -> str:
    return " ".join(match_sentences(MatchProposal.objects.get(line=line).evidence, "USD"))


class TestWriting:
    def test_a_new_rule_is_last_and_only_suggests(self, desk: Office) -> None:
        first, second = desk.rule("a"), desk.rule("b", name="rent", text_has=" rent \n\n office ")
        assert [(one.place, one.state, one.version) for one in (first, second)] == [(1, "suggests", 1)] * 1 + [
            (2, "suggests", 1)
        ]
        assert second.text_has == "rent\noffice"

    def test_the_same_form_twice_is_one_rule(self, desk: Office) -> None:
        assert desk.rule("a") == desk.rule("a")
        assert MatchingRule.objects.count() == 1

    @pytest.mark.parametrize(
        ("facts", "field", "code"),
        [
            ({"text_has": " \n "}, "text_has", "required"),
            ({"text_has": "", "direction": "out"}, "text_has", "required"),
            ({"text_has": "!!"}, "text_has", "no_words"),
            ({"text_has": "x" * 81}, "text_has", "too_long"),
            ({"text_has": "\n".join("abcdefghijk")}, "text_has", "too_many"),
            ({"text_has": "4111 1111 1111 1111"}, "text_has", "card_number"),
            ({"direction": "up"}, "direction", "unknown_choice"),
            ({"amount_from": 5}, "bank_account", "required"),
            ({"deed": "burn"}, "deed", "unknown_choice"),
            ({"ledger_account": None}, "ledger_account", "required"),
            ({"reason_code": ""}, "reason_code", "required"),
            ({"deed": "payment", "direction": "in"}, "customer", "required"),
            ({"name": ""}, "name", "required"),
        ],
    )
    def test_what_is_no_rule_is_refused_at_its_place(
        self, desk: Office, facts: dict[str, Any], field: str, code: str
    ) -> None:
        with pytest.raises(BadInput) as refused:
            desk.rule(**facts)
        assert (refused.value.field, refused.value.code) == (field, code)
        assert not MatchingRule.objects.exists()

    def test_only_money_that_comes_in_is_a_payment(self, desk: Office) -> None:
        ada = builders.customer(desk.org)
        for direction in ("", "out"):
            with pytest.raises(BadInput, match="comes in"):
                desk.rule(deed=Deed.PAYMENT, customer=ada, direction=direction)

    def test_amounts_are_in_order(self, desk: Office) -> None:
        with pytest.raises(BadInput, match="more than the last"):
            desk.rule(bank_account=desk.account, amount_from=2, amount_to=1)
        assert desk.rule(bank_account=desk.account, amount_from=2, amount_to=2).amount_to == 2

    def test_accounts_that_documents_keep_are_not_booked_to(self, desk: Office) -> None:
        with pytest.raises(BadInput, match="ledger account"):
            desk.rule(ledger_account=LedgerAccount.objects.get(organization=desk.org, role=Role.ACCOUNTS_RECEIVABLE))

    def test_45_nothing_of_another_organization(self, desk: Office) -> None:
        other = office("other")
        stranger = builders.customer(other.org)
        for facts in (
            {"ledger_account": other.fees}, {"bank_account": other.account},
            {"deed": Deed.PAYMENT, "customer": stranger, "direction": "in"},
        ):  # fmt: skip
            with pytest.raises(BadInput):
                desk.rule(**facts)
        with pytest.raises(IntegrityError, match="matching_rule_customer_of_organization"), transaction.atomic():
            MatchingRule.objects.filter(pk=desk.rule().pk).update(
                customer=stranger, ledger_account=None, deed="payment", direction="in"
            )

    def test_another_version_suggests_anew_and_two_at_once_are_told(self, desk: Office, acting: MatchingRule) -> None:
        with transaction.atomic():
            same = change_rule(rule=acting, wish=desk.wish(), version=1, now=NOW, by=desk.writer)
            assert (same.version, same.state) == (1, "acts")
            made = change_rule(rule=acting, wish=desk.wish(direction="out"), version=1, now=NOW, by=desk.checker)
        assert (made.version, made.state, made.let_act_by, made.changed_by) == (2, "suggests", None, desk.checker)
        with pytest.raises(RuleChanged), transaction.atomic():
            change_rule(rule=acting, wish=desk.wish(name="x"), version=1, now=NOW, by=desk.writer)
        assert_books_whole()

    def test_what_leaves_lines_to_people_acts_at_once(self, desk: Office) -> None:
        rule = desk.rule(deed=Deed.PERSON)
        assert (rule.state, rule.let_act_by) == ("acts", None)

    def test_it_is_moved_by_one_however_often_it_is_clicked(self, desk: Office) -> None:
        rules = [desk.rule(key) for key in "abc"]
        with transaction.atomic():
            assert move_rule(rule=rules[2], up=True, place=3)
            assert not move_rule(rule=rules[2], up=True, place=3)
            assert not move_rule(rule=rules[0], up=True, place=1)
        assert list(MatchingRule.objects.order_by("place")) == [rules[0], rules[2], rules[1]]
        with transaction.atomic():
            assert move_rule(rule=rules[0], up=False, place=1)
        assert list(MatchingRule.objects.order_by("place")) == [rules[2], rules[0], rules[1]]


class TestLettingAct:
    def test_whoever_changed_it_last_does_not_let_it_act(self, desk: Office) -> None:
        desk.decide(lines(desk.account, *[FEE] * 3))
        rule = desk.rule()
        with transaction.atomic():
            rule = change_rule(rule=rule, wish=desk.wish(direction="out"), version=1, now=NOW, by=desk.checker)
        with pytest.raises(SameHands):
            desk.let(rule)
        assert desk.let(rule, by=builders.user(desk.org, "accountant")) is not None
        assert MatchingRule.objects.get().may_act
        assert_books_whole()

    def test_only_whoever_may_agree_lets_it_act(self, desk: Office) -> None:
        rule = desk.rule()
        for role in ("clerk", "manager"):
            with pytest.raises(NotPermitted):
                desk.let(rule, by=builders.user(desk.org, role))
        with pytest.raises(NotPermitted):
            desk.let(rule, by=office("other").checker)

    def test_a_second_time_changes_nothing(self, desk: Office, acting: MatchingRule) -> None:
        assert desk.let(acting, now=NOW.replace(hour=20)) is None
        assert (MatchingRule.objects.get().let_act_at, RuleTrial.objects.count()) == (NOW, 1)

    def test_another_version_or_one_that_is_off_is_refused(self, desk: Office) -> None:
        rule = desk.rule()
        with transaction.atomic():
            change_rule(rule=rule, wish=desk.wish(name="x"), version=1, now=NOW, by=desk.writer)
        with pytest.raises(RuleChanged):
            desk.let(rule)
        rule.refresh_from_db()
        with transaction.atomic():
            switch_rule(rule=rule, on=False, version=2)
            switch_rule(rule=rule, on=False, version=2)
        with pytest.raises(RuleIsOff):
            desk.let(rule)

    def test_the_database_holds_the_four_eyes(self, desk: Office) -> None:
        rule = desk.rule()
        with pytest.raises(IntegrityError, match="let_act_by_another"), transaction.atomic():
            MatchingRule.objects.filter(pk=rule.pk).update(state="acts", let_act_at=NOW, let_act_by=desk.writer)


class TestActing:
    def test_it_books_what_it_fits_and_says_so(self, desk: Office) -> None:
        made = desk.decide(lines(desk.account, *[FEE] * 3), department="office", project="p1")
        rule = desk.rule(department="office", project="p1")
        desk.let(rule)
        (line,) = later(desk, FEE)
        assert match(desk) == {Action.AUTO: 1}
        posted = Match.objects.get(line=line)
        assert (posted.kind, posted.ledger_account, posted.is_automatic, posted.made_by) == (
            MatchKind.BANK_ITEM, desk.fees, True, None,
        )  # fmt: skip
        assert (posted.rule, posted.rule_version, posted.reason_code, posted.note) == (rule, 1, "bank_fee", "fees")
        booked = JournalLine.objects.get(entry=posted.entry, account=desk.fees)
        assert (booked.debit, booked.department, booked.project) == (made[0].amount, "office", "p1")
        assert said(line) == "The matching rule “fees” says so."
        assert match(desk) == {}

    def test_it_holds_in_suspense(self, desk: Office) -> None:
        entries = [Booked("9.00", text="unknown gift", ref=f"G{n}") for n in range(4)]
        *known, line = lines(desk.account, *entries)
        with transaction.atomic():
            for one in known:
                explaining.send_to_suspense(line=one, now=NOW, by=desk.checker)
        desk.let(desk.rule(text_has="unknown gift", deed=Deed.SUSPENSE))
        assert match(desk) == {Action.AUTO: 1}
        assert Match.objects.get(line=line).kind == MatchKind.SUSPENSE

    def test_it_makes_a_payment_of_its_customer(self, desk: Office) -> None:
        ada = builders.customer(desk.org, "Ada")
        bill = builders.invoice(ada, "64.00")
        rule = self.of_grandma(desk, ada)
        (line,) = later(desk, Booked("64.00", name="Ottilie Grandma", ref="G9"))
        assert match(desk) == {Action.AUTO: 1}
        made = Match.objects.get(line=line)
        assert (made.customer, made.rule, made.made_payment) == (ada, rule, True)
        bill.refresh_from_db()
        assert bill.open_amount == 0

    @staticmethod
    def of_grandma(desk: Office, ada: Customer) -> MatchingRule:
        entries = [Booked(f"{n}.00", name="Ottilie Grandma", ref=f"G{n}") for n in (1, 2, 3)]
        known = lines(desk.account, *entries)
        with transaction.atomic():
            wishes = [PaymentMatch(one.pk, ada.pk) for one in known]
            match_payments(bank_account=desk.account, matches=wishes, now=NOW, by=desk.checker)
        builders.policy(desk.org, "matching.learn_after", 9)
        rule = desk.rule(text_has="", payer_has="grandma", deed=Deed.PAYMENT, customer=ada, direction="in")
        desk.let(rule)
        return rule

    def test_one_that_suggests_is_shown_and_posts_nothing(self, desk: Office) -> None:
        rule = desk.rule()
        (line,) = lines(desk.account, FEE)
        assert match(desk) == {Action.SUGGEST: 1}
        found = MatchProposal.objects.get(line=line)
        assert (found.rule, found.rule_version, found.reason) == (rule, 1, "rule+item")

    @pytest.mark.parametrize(
        ("put", "sentence"),
        [
            ("flagged", "to be looked at first"),
            ("off", "switched off"),
            ("limit", "a person always looks"),
        ],
    )
    def test_what_holds_other_matches_holds_it(
        self, desk: Office, acting: MatchingRule, put: str, sentence: str
    ) -> None:
        (line,) = later(desk, FEE)
        if put == "flagged":
            BankStatement.objects.filter(pk=line.statement_id).update(is_flagged=True)
        elif put == "off":
            builders.policy(desk.org, "matching.automatic", value=False)
        else:
            builders.policy(desk.org, "matching.person_above", "4.99")
        assert match(desk) == {Action.SUGGEST: 1}
        assert sentence in said(line)

    def test_R146_what_may_be_in_the_books_already_waits_for_a_person(self, desk: Office) -> None:
        """A transfer of the same amount was entered; nothing says that it is this line, and nothing that it is not."""
        entries = [Booked("5.00", text="Monthly fee", ref=f"F{n}") for n in range(3)]
        desk.decide(lines(desk.account, *entries))
        desk.let(desk.rule())
        paid = builders.pay(
            builders.customer(desk.org, "Ada"), "5.00", method="bank_transfer", received_on=date(2026, 3, 9)
        )
        (line,) = later(desk, Booked("5.00", text="Monthly fee", ref="F9"))
        assert match(desk) == {Action.SUGGEST: 1}
        assert f"{paid.payment.number} in the books has the same amount" in said(line)

    def test_off_is_as_if_it_were_not_there(self, desk: Office, acting: MatchingRule) -> None:
        with transaction.atomic():
            switch_rule(rule=acting, on=False, version=1)
        (line,) = later(desk, FEE)
        assert match(desk) == {Action.NONE: 1}
        with transaction.atomic():
            assert switch_rule(rule=acting, on=True, version=1).state == "suggests"
        assert match(desk) == {Action.SUGGEST: 1}
        assert MatchProposal.objects.get(line=line).rule == acting

    def test_changed_while_matching_runs_it_posts_nothing(
        self, desk: Office, acting: MatchingRule, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Decided by version 1, and version 2 is there before anything is posted."""
        decided = auto_matching._decided
        moved: list[MatchingRule] = []

        def changed_meanwhile(run: Any, line: StatementLine) -> Any:
            made = decided(run, line)
            if not moved:
                moved.append(
                    change_rule(rule=acting, wish=desk.wish(text_lacks="x"), version=1, now=NOW, by=desk.writer)
                )
            return made

        later(desk, FEE)
        monkeypatch.setattr(auto_matching, "_decided", changed_meanwhile)
        with transaction.atomic():
            assert match(desk) == {Action.SUGGEST: 1}
        assert not Match.objects.filter(rule=acting).exists()


class TestPuttingBack:
    def test_undoing_what_it_posted_puts_it_back_with_the_reason(self, desk: Office, acting: MatchingRule) -> None:
        (line,) = later(desk, FEE)
        match(desk)
        with transaction.atomic():
            unmatch(match=Match.objects.get(line=line), reason="a refund", now=NOW, by=desk.checker)
        acting.refresh_from_db()
        assert (acting.state, acting.put_back_at) == ("suggests", NOW)
        assert "a refund" in acting.put_back_why
        assert str(desk.checker) in acting.put_back_why
        assert AuditEntry.objects.filter(
            table_name="reconciliation_matchingrule", operation="update", after__state="suggests"
        ).exists()
        assert match(desk) == {Action.SUGGEST: 1}
        trial = desk.let(acting, now=NOW.replace(hour=21))
        assert trial is not None
        assert trial.lines_against == [line.pk]

    def test_a_void_of_its_payment_does_too(self, desk: Office) -> None:
        ada = builders.customer(desk.org, "Ada")
        builders.invoice(ada, "64.00")
        rule = TestActing.of_grandma(desk, ada)
        later(desk, Booked("64.00", name="Ottilie Grandma", ref="G9"))
        match(desk)
        _void(desk, Match.objects.get(rule=rule, is_automatic=True))
        rule.refresh_from_db()
        assert (rule.state, rule.put_back_at is None) == (RuleState.SUGGESTS, False)

    def test_undoing_what_a_person_accepted_or_an_older_version_posted_does_not(
        self, desk: Office, acting: MatchingRule
    ) -> None:
        (line,) = later(desk, FEE)
        match(desk)
        with transaction.atomic():
            changed = change_rule(rule=acting, wish=desk.wish(direction="out"), version=1, now=NOW, by=desk.writer)
        desk.let(changed)
        with transaction.atomic():
            unmatch(match=Match.objects.get(line=line), reason="no", now=NOW, by=desk.checker)
        assert MatchingRule.objects.get().may_act


def _void(desk: Office, made: Match) -> None:
    """Of a payment that is matched, as the finance manager allows it."""
    assert made.payment is not None
    manager, finance = builders.user(desk.org, "manager"), builders.user(desk.org, "finance_manager")
    with transaction.atomic():
        request = ask_for_void(payment=made.payment, reason="not hers", by=manager, now=NOW, action=VOID_RECONCILED)
        approvals.decide(request=request, approve=True, shown_hash=request.shown_hash, by=finance, now=NOW)
        request.refresh_from_db()
        void_with_receipt(payment=made.payment, approval=request, by=finance, now=NOW)
