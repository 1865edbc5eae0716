"""A voided invoice of a run: its charges and its period can be billed again, once (R52)."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from billing.errors import BadInput, IllegalTransition, KeyReused
from billing.models import Agreement, AgreementChange, Charge, Customer, Installment, Invoice
from billing.models.billing_run import BillingRunItem, RunKind
from billing.models.installment import ChargeKind
from billing.office.models import Organization
from billing.services.runs.charging import BilledElsewhere, ChargeOrder, NotOneOff, charge_once, take_charge_back
from billing.services.runs.voiding import NotRunning, StillBilled, plan_again
from tests import builders
from tests.agreements import agreement
from tests.assertions import assert_books_whole
from tests.billing.runs.cast import DAY, bill, charge, monthly, prepare, shared, void
from tests.builders import NOW, TODAY


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization("school")


@pytest.fixture
def ada(school: Organization) -> Customer:
    return builders.customer(school, "Ada")


def again(period: Installment, reason: str = "right after all") -> AgreementChange:
    with transaction.atomic():
        return plan_again(installment=period, reason=reason, now=NOW, by=None)


class TestVoiding:
    def test_R52_voided_planned_again_it_is_billed_once(self, school: Organization, ada: Customer) -> None:
        of = monthly(ada)
        made = charge(of, "5.00", kind=ChargeKind.ONE_OFF)
        bill(school)
        invoice = Invoice.objects.get()
        void(invoice)
        item, period = BillingRunItem.objects.get(), Installment.objects.get()
        made.refresh_from_db()
        assert (item.state, item.reason, made.state, made.item) == ("voided", "wrong month", "unbilled", None)
        assert (period.state, period.skipped_because) == ("skipped", f"{invoice.number} was voided: wrong month")
        assert_books_whole()
        assert prepare(school) is None  # neither by itself nor by a regular run
        change = again(period)
        assert change.difference == [
            {"period_start": period.period_start.isoformat(), "due_on": period.due_on.isoformat(), "was": None,
             "is": "90.00"},
        ]  # fmt: skip
        assert prepare(school) is None
        bill(school, kind=RunKind.SUPPLEMENT)
        assert [i.invoiced_amount for i in Invoice.objects.filter(voided_on=None)] == [Decimal("95.00")]
        assert prepare(school, kind=RunKind.SUPPLEMENT) is None
        assert_books_whole()

    def test_while_another_payers_invoice_stands_the_charges_belong_to_it(
        self, school: Organization, ada: Customer
    ) -> None:
        ben = builders.customer(school, "Ben")
        of = monthly(ada)
        shared(of, (ada, "1"), (ben, "1"))
        made = charge(of, "5.00", kind=ChargeKind.ONE_OFF)
        bill(school)
        first, second = Invoice.objects.order_by("id")
        void(first)
        made.refresh_from_db()
        assert made.state == "billed" and made.item is not None and made.item.invoice == second
        assert_books_whole()
        with pytest.raises(StillBilled, match=second.number):
            again(Installment.objects.get())
        void(second)
        made.refresh_from_db()
        assert made.state == "unbilled"
        again(Installment.objects.get())
        assert bill(school, kind=RunKind.SUPPLEMENT).invoices == 2
        assert_books_whole()

    def test_an_invoice_no_run_billed_is_voided_as_ever(self, ada: Customer) -> None:
        assert void(builders.invoice(ada)).voided_on == TODAY

    def test_planning_again_needs_a_reason_and_a_running_agreement(self, school: Organization, ada: Customer) -> None:
        of = monthly(ada)
        bill(school)
        void(Invoice.objects.get())
        with pytest.raises(BadInput, match="required"):
            again(Installment.objects.get(), " ")
        Agreement.objects.filter(pk=of.pk).update(state="cancelled")
        with pytest.raises(NotRunning):
            again(Installment.objects.get())

    def test_a_planned_period_is_not_planned_again(self, ada: Customer) -> None:
        monthly(ada)
        with pytest.raises(IllegalTransition):
            again(Installment.objects.get())


class TestChargingOnce:
    def test_the_next_run_bills_it_with_its_words(self, school: Organization, ada: Customer) -> None:
        made = self._charge(agreement(ada))
        assert (made.source, made.bill_on) == ("one_off:k1", TODAY)
        bill(school)
        line = Invoice.objects.get().lines.get()
        assert (line.description, line.explanation) == ("Recital", "Charged once, on 12 Mar 2026: US$25.00.")
        assert_books_whole()

    def test_the_same_key_again_is_the_same_charge(self, ada: Customer) -> None:
        of = agreement(ada)
        assert self._charge(of) == self._charge(of)
        assert self._charge(of) == self._charge(of, amount="25")

    @pytest.mark.parametrize("other", [{"amount": "26.00"}, {"bill_on": TODAY + DAY}, {"tax_code_id": 4711}])
    def test_the_same_key_for_something_else_is_refused(self, ada: Customer, other: dict[str, Any]) -> None:
        of = agreement(ada)
        self._charge(of)
        with pytest.raises(KeyReused):
            self._charge(of, **other)

    @pytest.mark.parametrize(("field", "wrong"), [("text", " "), ("amount", "0"), ("request_key", "")])
    def test_bad_input_is_named(self, ada: Customer, field: str, wrong: str) -> None:
        with pytest.raises(BadInput) as refusal:
            self._charge(agreement(ada), **{field: wrong})
        assert refusal.value.field == field

    def test_what_is_billed_elsewhere_is_charged_there(self, ada: Customer) -> None:
        with pytest.raises(BilledElsewhere):
            self._charge(agreement(ada, backend="zoho"))

    def test_it_is_taken_back_until_it_is_billed(self, school: Organization, ada: Customer) -> None:
        made = self._charge(agreement(ada))
        with transaction.atomic():
            take_charge_back(charge=made, reason="typed twice")
        assert prepare(school) is None
        other = self._charge(agreement(ada), request_key="k2")
        bill(school)
        with pytest.raises(IllegalTransition), transaction.atomic():
            take_charge_back(charge=other, reason="typed twice")

    def test_a_lesson_is_corrected_where_it_was_told(self, ada: Customer) -> None:
        with pytest.raises(NotOneOff), transaction.atomic():
            take_charge_back(charge=charge(agreement(ada), "5.00", on=TODAY - DAY), reason="no")

    def _charge(self, of: Agreement, **details: Any) -> Charge:
        order = ChargeOrder(
            text=details.get("text", "Recital"), amount=Decimal(details.get("amount", "25.00")), on=TODAY,
            request_key=details.get("request_key", "k1"), bill_on=details.get("bill_on"),
            tax_code_id=details.get("tax_code_id"),
        )  # fmt: skip
        with transaction.atomic():
            return charge_once(agreement=of, order=order, now=NOW, by=None)
