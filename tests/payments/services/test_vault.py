"""Post-dated cheques are taken in, cancelled, replaced and refused (R110, R113; bad inputs 27, 28, 59, 60)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.errors import BadInput, DomainError, KeyReused, NotFound, Refusals
from billing.ledger.models import JournalEntry
from billing.models import Customer
from billing.office.models import Organization
from payments.models import Cheque, ChequePresentation, ChequeRejection, Payment
from payments.services.duplicates import ChequeEntered
from payments.services.orders import MethodNotTaken, PastLimit
from payments.services.vault import CountsAsMoney, NotEndable, cancel_cheque, reject_cheque, replace_cheque
from tests import builders
from tests.assertions import assert_books_whole
from tests.builders import NOW, TODAY
from tests.payments.vault_cast import in_vault, take, vault_order


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization()


@pytest.fixture
def ada(school: Organization) -> Customer:
    return builders.customer(school, "Ada Lovelace")


def refusal(payer: Customer, **details: object) -> DomainError:
    before = Cheque.objects.count()
    result = take(vault_order(payer, **details), payer=payer)[0]  # type: ignore[arg-type]
    assert isinstance(result, DomainError), result
    assert Cheque.objects.count() == before
    return result


class TestTakingIn:
    def test_R113_a_post_dated_cheque_waits_and_is_nothing_in_the_books(self, ada: Customer) -> None:
        builders.invoice(ada, 100)
        entries = JournalEntry.objects.count()
        cheque = in_vault(ada, 100, cheque_date=date(2026, 4, 15), reference="April")
        assert (cheque.state, cheque.payment_id, cheque.drawer) == ("in_vault", None, "Ada Lovelace")
        assert (cheque.matures_on, cheque.reference) == (date(2026, 4, 15), "April")
        assert not Payment.objects.exists()
        assert not ChequePresentation.objects.exists()
        assert JournalEntry.objects.count() == entries
        assert_books_whole()

    def test_R113_twelve_at_once_each_have_a_result_of_their_own(self, school, ada: Customer) -> None:
        builders.policy(school, "cheques.vault_days", 366)
        orders = [vault_order(ada, 50, cheque_date=date(2026 + (3 + n) // 12, (3 + n) % 12 + 1, 1)) for n in range(12)]
        orders[4] = vault_order(ada, 50, number="")
        results = take(*orders, payer=ada)
        assert [isinstance(result, Cheque) for result in results] == [True] * 4 + [False] + [True] * 7
        assert results[4].field == "cheque_number"
        assert Cheque.objects.filter(state="in_vault").count() == 11

    def test_queries_do_not_grow_with_the_number_of_cheques(self, ada: Customer) -> None:
        def made(n: int) -> int:
            orders = [vault_order(ada) for _n in range(n)]
            with CaptureQueriesContext(
                connection,
            ) as found:
                take(*orders, payer=ada)
            return len([query for query in found if not query["sql"].startswith("INSERT")])

        assert made(12) == made(1)

    def test_a_repeat_gives_the_same_cheque_and_other_facts_are_refused(self, ada: Customer) -> None:
        order = vault_order(ada, 100, request_key="form 1", number="777")
        first, again = take(order, payer=ada)[0], take(order, payer=ada)[0]
        assert first.pk == again.pk
        other = take(vault_order(ada, 101, request_key="form 1", number="777"), payer=ada)[0]
        assert isinstance(other, KeyReused)
        assert Cheque.objects.count() == 1

    def test_the_same_key_twice_in_one_call_is_one_cheque(self, ada: Customer) -> None:
        order = vault_order(ada)
        first, second = take(order, order, payer=ada)
        assert first.pk == second.pk

    @pytest.mark.parametrize(("days", "is_taken"), [(1, True), (90, True), (91, False)])
    def test_R113_day_90_is_taken_and_day_91_is_not(self, ada: Customer, days: int, is_taken: bool) -> None:
        result = take(vault_order(ada, cheque_date=TODAY + timedelta(days=days)), payer=ada)[0]
        assert isinstance(result, Cheque) == is_taken
        if not is_taken:
            assert (result.field, result.code) == ("cheque_date", "too_far_ahead")
            assert str(result) == "Post-dated cheques up to 90 days (until 2026-06-10)."

    def test_the_sentence_of_day_91_names_the_last_day(self, ada: Customer) -> None:
        now = NOW.replace(day=3)
        result = take(vault_order(ada, cheque_date=date(2026, 6, 2), received_on=date(2026, 3, 3)), payer=ada, now=now)[
            0
        ]
        assert str(result) == "Post-dated cheques up to 90 days (until 2026-06-01)."

    @pytest.mark.parametrize(
        ("age", "code"), [(0, "not_post_dated"), (1, "not_post_dated"), (180, "not_post_dated"), (181, "stale_cheque")]
    )
    def test_R110_a_current_cheque_belongs_to_receive_payment_and_a_stale_one_nowhere(
        self, ada: Customer, age: int, code: str
    ) -> None:
        found = refusal(ada, cheque_date=TODAY - timedelta(days=age))
        assert (found.field, found.code) == ("cheque_date", code)
        assert ("Receive payment" in str(found)) == (code == "not_post_dated")

    def test_R110_number_and_bank_are_named_together_when_both_are_missing(self, ada: Customer) -> None:
        found = refusal(ada, number=" ", bank="")
        assert isinstance(found, Refusals)
        assert [one.field for one in found.refusals] == ["cheque_number", "cheque_bank"]

    @pytest.mark.parametrize(
        ("details", "field", "code"),
        [
            ({"amount": "0"}, "amount", "not_positive"),
            ({"amount": "-5"}, "amount", "not_positive"),
            ({"amount": "1.005"}, "amount", "too_many_decimals"),
            ({"currency": "EUR"}, "currency", "wrong_currency"),
            ({"received_on": TODAY + timedelta(days=1)}, "received_on", "future_date"),
            ({"kind": "rubber"}, "kind", "unknown_kind"),
            ({"strategy": "manual"}, "strategy", "unknown_strategy"),
            ({"figures_amount": Decimal(0)}, "figures_amount", "not_positive"),
            ({"for_invoices": ("NONE",)}, "for_invoices", "unknown_invoice"),
            ({"number": "1" * 31}, "cheque_number", "too_long"),
            ({"note": "card 4111 1111 1111 1111"}, "note", "card_number"),
        ],
    )  # fmt: skip
    def test_R110_what_is_wrong_is_said_at_its_field(self, ada: Customer, details, field: str, code: str) -> None:
        found = refusal(ada, **details)
        assert (found.field, found.code) == (field, code)

    def test_an_invoice_of_somebody_else_is_refused(self, school, ada: Customer) -> None:
        theirs = builders.invoice(builders.customer(school, "Ben"), 10)
        assert refusal(ada, for_invoices=(theirs.number,)).code == "invoice_of_other"

    def test_a_taken_currency_is_taken(self, school, ada: Customer) -> None:
        builders.policy(school, "payments.currencies", ["EUR"])
        assert in_vault(ada, currency="EUR").currency == "EUR"

    def test_no_cheques_where_the_policy_takes_none(self, school, ada: Customer) -> None:
        builders.policy(school, "payments.methods", ["cash"])
        assert isinstance(refusal(ada), MethodNotTaken)

    def test_R5_the_limit_of_the_method_holds_in_the_vault_too(self, school, ada: Customer) -> None:
        builders.policy(school, "payments.limit.cheque", "500")
        assert in_vault(ada, 500).amount == 500
        assert isinstance(refusal(ada, amount="500.01"), PastLimit)

    def test_a_closed_customer_brings_no_cheques(self, ada: Customer) -> None:
        Customer.objects.filter(pk=ada.pk).update(is_active=False)
        assert refusal(ada).code == "customer_closed"

    def test_60_the_same_paper_is_a_hard_stop_that_says_where_it_is(self, school, ada: Customer) -> None:
        in_vault(ada, number="0042", bank="First Bank", drawer="A. Byron")
        ben = builders.customer(school, "Ben")
        found = refusal(ben, number="0042", bank="FIRST bank", drawer="a. byron")
        assert isinstance(found, ChequeEntered)
        assert str(found) == "This cheque was entered on 2026-03-12 (in the vault)."
        assert in_vault(ben, number="0042", bank="First Bank", drawer="Another").pk

    def test_60_nor_is_it_taken_again_as_a_payment_or_after_one(self, school, ada: Customer) -> None:
        paid = builders.pay(ada, 10, method="cheque", cheque=builders.cheque("0042")).payment
        found = refusal(ada, number="0042")
        assert str(found) == f"This cheque was entered on 2026-03-12 ({paid.number})."
        in_vault(ada, number="0043")
        with pytest.raises(ChequeEntered):
            builders.pay(ada, 10, method="cheque", cheque=builders.cheque("0043"), lookalike_reason="x")

    def test_60_twice_in_one_call_is_stopped_the_second_time(self, ada: Customer) -> None:
        first, second = take(vault_order(ada, number="9"), vault_order(ada, number="9"), payer=ada)
        assert isinstance(first, Cheque)
        assert isinstance(second, ChequeEntered)

    def test_words_win_and_the_figures_are_kept_where_they_differ(self, ada: Customer) -> None:
        cheque = in_vault(ada, "120.00", figures_amount=Decimal("210.00"))
        assert (cheque.amount, cheque.figures_amount) == (120, 210)
        assert in_vault(ada, "120.00", figures_amount=Decimal("120.00")).figures_amount is None

    def test_a_customer_of_another_school_is_not_found(self, ada: Customer) -> None:
        eve = builders.customer(builders.organization(), "Eve")
        with pytest.raises(NotFound):
            take(vault_order(eve), payer=ada)


class TestMaturityDay:
    @pytest.mark.parametrize(
        ("day", "due"),
        [
            (date(2026, 4, 17), date(2026, 4, 17)),  # a Friday
            (date(2026, 4, 18), date(2026, 4, 20)),  # a Saturday
            (date(2026, 4, 19), date(2026, 4, 20)),  # a Sunday
            (date(2026, 5, 25), date(2026, 5, 26)),  # Memorial Day, a Monday
        ],
    )
    def test_R114_a_day_off_gives_the_next_business_day(self, ada: Customer, day: date, due: date) -> None:
        assert in_vault(ada, cheque_date=day).matures_on == due

    def test_R114_peace_memorial_day_in_taiwan(self, db: None) -> None:
        school = builders.organization(currency="TWD", zone="Asia/Taipei")
        mei = builders.customer(school, "Mei")
        now = NOW.replace(year=2025, month=2, day=10)
        cheque = in_vault(mei, cheque_date=date(2025, 2, 28), received_on=date(2025, 2, 10), now=now)
        assert cheque.matures_on == date(2025, 3, 3)

    def test_42_the_29th_of_february(self, ada: Customer) -> None:
        now = NOW.replace(year=2028, month=2, day=1)
        cheque = in_vault(ada, cheque_date=date(2028, 2, 29), received_on=date(2028, 2, 1), now=now)
        assert cheque.matures_on == date(2028, 2, 29)

    def test_a_day_the_office_is_closed_besides(self, school, ada: Customer) -> None:
        builders.policy(school, "calendar.closed_days", "2026-04-17")
        assert in_vault(ada, cheque_date=date(2026, 4, 17)).matures_on == date(2026, 4, 20)


class TestEnding:
    def cancel(self, cheque: Cheque, reason: str = "handed back") -> Cheque:
        with transaction.atomic():
            return cancel_cheque(cheque=cheque, reason=reason, now=NOW, by=None)

    def test_a_cheque_handed_back_may_be_entered_again(self, ada: Customer) -> None:
        ended = self.cancel(in_vault(ada, number="7"))
        assert (ended.state, ended.ended_on, ended.end_reason) == ("cancelled", TODAY, "handed back")
        assert in_vault(ada, number="7").state == "in_vault"

    def test_it_needs_a_reason(self, ada: Customer) -> None:
        with pytest.raises(BadInput) as told:
            self.cancel(in_vault(ada), " ")
        assert told.value.field == "reason"

    def test_one_that_counts_as_money_is_not_handed_back(self, ada: Customer) -> None:
        cheque = builders.pay(ada, 10, method="cheque", cheque=builders.cheque()).received.cheque
        assert cheque is not None
        with pytest.raises(CountsAsMoney, match="void its payment") as told:
            self.cancel(cheque)
        assert "in hand" in str(told.value)

    def test_nor_one_that_ended(self, ada: Customer) -> None:
        cheque = self.cancel(in_vault(ada))
        with pytest.raises(NotEndable):
            self.cancel(cheque)

    def replace(self, cheque: Cheque, **by_what: object) -> Cheque:
        with transaction.atomic():
            return replace_cheque(
                cheque=cheque, order=by_what.get("order"), payment=by_what.get("payment"),  # type: ignore[arg-type]
                reason="wrong date", now=NOW, by=None,
            )  # fmt: skip

    def test_another_cheque_takes_its_place(self, ada: Customer) -> None:
        old, order = in_vault(ada), vault_order(ada, 120)
        ended = self.replace(old, order=order)
        new = Cheque.objects.get(replaces=old)
        assert (ended.state, ended.end_reason, ended.ended_on) == ("replaced", "wrong date", TODAY)
        assert (new.state, new.amount) == ("in_vault", 120)
        assert self.replace(ended, order=order).pk == old.pk
        assert Cheque.objects.count() == 2

    def test_a_refused_cheque_replaces_nothing(self, ada: Customer) -> None:
        old = in_vault(ada)
        with pytest.raises(BadInput):
            self.replace(old, order=vault_order(ada, cheque_date=TODAY + timedelta(days=91)))
        assert Cheque.objects.get().state == "in_vault"

    def test_a_payment_takes_its_place(self, ada: Customer) -> None:
        old, paid = in_vault(ada), builders.pay(ada, 100).payment
        ended = self.replace(old, payment=paid)
        assert (ended.state, ended.replacement_payment) == ("replaced", paid)
        assert_books_whole()

    def test_but_not_somebody_elses_payment(self, school, ada: Customer) -> None:
        paid = builders.pay(builders.customer(school, "Ben"), 100).payment
        with pytest.raises(BadInput) as told:
            self.replace(in_vault(ada), payment=paid)
        assert told.value.field == "payment"

    def test_nor_somebody_elses_cheque(self, school, ada: Customer) -> None:
        with pytest.raises(BadInput, match="same customer"):
            self.replace(in_vault(ada), order=vault_order(builders.customer(school, "Ben")))

    def test_it_must_be_replaced_by_one_thing(self, ada: Customer) -> None:
        cheque = in_vault(ada)
        with pytest.raises(BadInput):
            self.replace(cheque)

    def test_a_cheque_of_somebody_else_cannot_be_replaced_by_naming_it(self, school, ada: Customer) -> None:
        old = in_vault(builders.customer(school, "Ben"))
        assert isinstance(refusal(ada, replaces_id=old.pk), NotFound)


class TestRejecting:
    def reject(self, payer: Customer, **details: object) -> ChequeRejection:
        clerk = builders.user(payer.organization, "clerk", name="clerk")
        return self.again(payer, clerk, **details)

    def again(self, payer: Customer, clerk, **details) -> ChequeRejection:
        facts = {
            "number": "12", "bank": "First Bank", "drawer": "Ada", "cheque_date": None, "amount": None,
            "currency": "USD", "reasons": ["The cheque has no date."],
        } | details  # fmt: skip
        with transaction.atomic():
            return reject_cheque(organization=payer.organization, customer_id=payer.pk, now=NOW, by=clerk, **facts)

    def test_R110_a_refused_cheque_is_kept_with_its_reasons(self, ada: Customer) -> None:
        made = self.reject(ada, reasons=["No date.", "No signature.", "No date."])
        assert (made.reasons, made.rejected_on) == (["No date.", "No signature."], TODAY)

    def test_a_second_click_makes_no_second_slip(self, ada: Customer) -> None:
        first = self.reject(ada)
        assert self.again(ada, first.rejected_by).pk == first.pk
        assert self.again(ada, first.rejected_by, reasons=["Stale."]).pk != first.pk

    @pytest.mark.parametrize("reasons", [[], [" "]])
    def test_it_needs_a_reason(self, ada: Customer, reasons: list[str]) -> None:
        with pytest.raises(BadInput) as told:
            self.reject(ada, reasons=reasons)
        assert told.value.field == "reasons"
