"""Invoices, credit, allocations, payments, receipts (invariants 3, 15-20, 22, 36, 37, 39, 45)."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from billing.models import Allocation
from billing.services.allocating import unallocate
from billing.services.invoicing import issue_credit_memo
from tests.builders import NOW, TODAY, cheque, customer, invoice, organization, pay
from tests.guards.conftest import Scene, refused, sql

pytestmark = pytest.mark.django_db


def allocation(scene: Scene, **change: Any) -> None:
    """A row inserted by itself, complete but for `change`."""
    row = {
        "organization_id": scene.school.pk, "customer_id": scene.ada.pk, "credit_item_id": scene.item.pk,
        "invoice_id": scene.invoice.pk, "kind": "credit", "currency": "USD", "amount": 1, "allocated_on": "2026-03-12",
        "strategy": "fifo", "reverses_id": None, "reason": "", "entry_id": scene.entry.pk, "made_at": NOW,
    } | change  # fmt: skip
    names, places = ", ".join(row), ", ".join(["%s"] * len(row))
    sql(f"INSERT INTO billing_allocation ({names}) VALUES ({places})", *row.values())


APPEND_ONLY = (
    "ledger_journalentry", "ledger_journalline", "billing_allocation", "billing_invoiceline", "billing_creditmemo",
    "billing_creditholdevent", "billing_promisetopay", "billing_payerrecord", "office_auditentry",
    "office_policysetting", "payments_paymentvoid", "receipts_receiptdocument", "receipts_receiptcopy",
    "office_keptdocument",
)  # fmt: skip
NEVER_DELETED = (
    "billing_invoice", "billing_credititem", "payments_payment", "payments_cheque", "receipts_receipt",
    "office_approvalrequest", "office_membership", "office_numberseries", "ledger_journalseries", "ledger_period",
)  # fmt: skip


class TestNothingIsTakenBack:
    """Invariant 3. The tables are emptied of all but their guards' own work."""

    @pytest.mark.parametrize("table", [*APPEND_ONLY, *NEVER_DELETED, "office_auditseal"])
    def test_a_table_cannot_be_emptied(self, scene: Scene, table: str) -> None:
        with refused("append_only"):
            sql(f"TRUNCATE {table} CASCADE")

    @pytest.mark.parametrize(
        "table",
        ["ledger_journalentry", "ledger_journalline", "billing_allocation", "billing_invoiceline", "office_auditentry"],
    )
    def test_rows_are_neither_changed_nor_deleted(self, scene: Scene, table: str) -> None:
        with refused("append_only"):
            sql(f"DELETE FROM {table}")
        with refused("append_only"):
            sql(f"UPDATE {table} SET id = id")

    @pytest.mark.parametrize(
        "table",
        ["billing_invoice", "billing_credititem", "payments_payment", "receipts_receipt", "office_numberseries"],
    )
    def test_documents_are_not_deleted(self, scene: Scene, table: str) -> None:
        with refused("never_deleted"):
            sql(f"DELETE FROM {table}")

    def test_an_ended_transactions_seal_is_final(self, scene: Scene) -> None:
        with transaction.atomic():
            sql("SET CONSTRAINTS ALL IMMEDIATE")
        with refused("append_only"):
            sql("UPDATE office_auditseal SET digest = ''")


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("payments_payment", "amount currency customer_id method received_on number transaction_number organization_id"
         " request_key request_hash source_reference reference payer_name recorded_by_id strategy lookalike_reason"),
        ("billing_invoice", "invoiced_amount net_amount tax_amount currency customer_id number issued_on due_on"
         " organization_id terms discount_rate discount_until entry_id kind"),
        ("billing_credititem", "amount currency customer_id number organization_id available_on kind"),
        ("receipts_receipt", "number payment_id organization_id issued_at issued_by_id"),
        ("office_approvalrequest", "shown shown_hash action subject reason requested_by_id requested_at expires_at"
         " amount"),
        ("office_membership", "role user_id organization_id granted_by_id"),
    ],
)  # fmt: skip
def test_invariant_20_R105_what_a_document_says_never_changes(scene: Scene, table: str, columns: str) -> None:
    if table == "office_approvalrequest":
        from tests.deeds import ask_to_void

        ask_to_void(scene.payment, scene.clerk)
    other = {"numeric": "7", "character varying": "'x'", "bigint": "7", "date": "'2020-01-01'", "jsonb": "'[1]'",
             "timestamp with time zone": "'2020-01-01'"}  # fmt: skip
    for column in columns.split():
        kind = sql(
            "SELECT data_type FROM information_schema.columns WHERE table_name = %s AND column_name = %s", table, column
        )[0][0]
        with refused("frozen_column"):
            sql(f"UPDATE {table} SET {column} = {other[kind]}")


class TestCounters:
    """Invariants 15-17: the row's own CHECK refuses at once, the sum of the facts at commit."""

    @pytest.mark.parametrize("amount", ["120.01", "-0.01"])
    def test_17_an_invoice_is_neither_over_applied_nor_below_nothing(self, scene: Scene, amount: str) -> None:
        name = "invoice_counters_not_negative" if amount.startswith("-") else "invoice_not_over_applied"
        with refused(name):
            sql("UPDATE billing_invoice SET applied_amount = %s", amount)

    @pytest.mark.parametrize(
        ("change", "name"),
        [
            ("applied_amount = 120.01", "credit_item_not_over_applied"),
            ("refunded_amount = 20.01", "credit_item_not_over_applied"),
            ("refunded_amount = -1", "credit_item_counters_not_negative"),
            ("reversed_on = '2026-03-12'", "credit_item_reversed_is_empty"),
            ("applied_amount = 99", "credit_item_adds_up"),
        ],
    )
    def test_15_16_36_a_payment_gives_no_more_than_it_brought(self, scene: Scene, change: str, name: str) -> None:
        with refused(name):
            sql(f"UPDATE billing_credititem SET {change}")

    @pytest.mark.parametrize("counter", ["applied_amount = 99", "discounted_amount = 0, applied_amount = 0"])
    def test_16_a_counter_moved_alone(self, scene: Scene, counter: str) -> None:
        with refused("invoice_adds_up"):
            sql(f"UPDATE billing_invoice SET {counter}")

    def test_17_discount_and_write_off_count_too(self, scene: Scene) -> None:
        with refused("invoice_not_over_applied"):
            sql("UPDATE billing_invoice SET written_off_amount = 0.01")

    def test_16_an_allocation_inserted_alone(self, scene: Scene) -> None:
        with refused("credit_item_adds_up"):
            allocation(scene)
        with refused("invoice_adds_up"):
            sql("UPDATE billing_credititem SET applied_amount = applied_amount + 1")
            allocation(scene)

    def test_16_a_discount_without_its_counter(self, scene: Scene) -> None:
        with refused("invoice_adds_up"):
            allocation(scene, kind="discount")

    def test_voiding_what_was_paid(self, scene: Scene) -> None:
        with refused("invoice_void_has_nothing_applied"):
            sql("UPDATE billing_invoice SET voided_on = '2026-03-12'")

    def test_a_credit_born_applied(self, scene: Scene) -> None:
        with refused("credit_item_adds_up"):
            sql(
                "INSERT INTO billing_credititem (organization_id, customer_id, kind, number, currency, amount,"
                " available_on, applied_amount, refunded_amount, moved_amount)"
                " VALUES (%s, %s, 'payment', 'X', 'USD', 5, '2026-03-12', 5, 0, 0)",
                scene.school.pk, scene.ada.pk,
            )  # fmt: skip

    def test_22_an_invoice_without_its_lines(self, scene: Scene) -> None:
        with refused("lines_add_up"):
            _invoice(scene)

    @pytest.mark.parametrize(
        ("change", "name"),
        [
            ({"net_amount": 4}, "invoice_total_is_net_and_tax"), ({"due_on": "2026-03-11"}, "invoice_due_after_issue"),
            ({"invoiced_amount": 0, "net_amount": 0}, "invoice_total_positive"),
            ({"currency": "TWD", "net_amount": "5.5", "invoiced_amount": "5.5"}, "invoice_amounts_fit_currency"),
            ({"applied_amount": 5}, "invoice_adds_up"),
        ],
    )  # fmt: skip
    def test_an_invoice_that_does_not_add_up(self, scene: Scene, change: dict[str, Any], name: str) -> None:
        with refused(name):
            _invoice(scene, **change)


def _invoice(scene: Scene, **change: Any) -> None:
    row = {
        "organization_id": scene.school.pk, "customer_id": scene.ada.pk, "number": "X", "kind": "sale",
        "issued_on": "2026-03-12", "due_on": "2026-03-12", "currency": "USD", "net_amount": 5, "tax_amount": 0,
        "invoiced_amount": 5, "applied_amount": 0, "discounted_amount": 0, "written_off_amount": 0, "terms": "",
        "discount_rate": 0, "is_disputed": False, "is_opening": False, "creditor_reference": "", "department": "",
        "project": "", "entry_id": scene.entry.pk, "issued_at": NOW,
    } | change  # fmt: skip
    names, places = ", ".join(row), ", ".join(["%s"] * len(row))
    sql(f"INSERT INTO billing_invoice ({names}) VALUES ({places})", *row.values())


class TestWhoseMoney:
    """Invariants 18 and 45."""

    def test_18_another_customers_invoice(self, scene: Scene) -> None:
        with refused("allocation_invoice_of_customer"):
            allocation(scene, invoice_id=invoice(scene.ben, 10).pk)

    def test_18_another_customers_money(self, scene: Scene) -> None:
        bens = invoice(scene.ben, 10)
        with refused("allocation_credit_of_customer"):
            allocation(scene, customer_id=scene.ben.pk, invoice_id=bens.pk)

    def test_18_another_currency(self, scene: Scene) -> None:
        with refused("allocation_invoice_of_customer"):
            allocation(scene, invoice_id=invoice(scene.ada, 10, currency="EUR").pk)
        with refused("allocation_credit_of_customer"):
            allocation(scene, invoice_id=invoice(scene.ada, 10, currency="EUR").pk, currency="EUR")

    def test_18_another_organization(self, scene: Scene) -> None:
        with refused("allocation_invoice_of_customer"):
            allocation(scene, invoice_id=invoice(scene.eve, 10).pk)
        with refused("allocation_customer_of_organization"):
            allocation(scene, organization_id=scene.other.pk, entry_id=invoice(scene.eve, 10).entry_id)
        with refused("allocation_entry_of_organization"):
            allocation(scene, entry_id=invoice(scene.eve, 11).entry_id)

    @pytest.mark.parametrize("amount", ["0", "-1", "0.005"])
    def test_an_allocation_of_nothing_or_less(self, scene: Scene, amount: str) -> None:
        with refused("allocation_undo_is_negative" if amount != "0.005" else "credit_item_adds_up"):
            allocation(scene, amount=amount)

    def test_half_a_taiwan_dollar(self) -> None:
        org = organization(currency="TWD")
        wang = customer(org)
        due = invoice(wang, 10)
        payment = pay(wang, 5, strategy="none").payment
        with refused("allocation_amount_fits_currency"):
            sql(
                "INSERT INTO billing_allocation (organization_id, customer_id, credit_item_id, invoice_id, kind,"
                " currency, amount, allocated_on, strategy, reason, entry_id, made_at)"
                " VALUES (%s, %s, %s, %s, 'credit', 'TWD', 0.5, '2026-03-12', '', '', %s, now())",
                org.pk, wang.pk, payment.credit_item_id, due.pk, payment.entry_id,
            )  # fmt: skip

    def test_45_a_payment_of_a_customer_of_another_organization(self, scene: Scene) -> None:
        with refused("payment_customer_of_organization"):
            _payment(scene, customer_id=scene.eve.pk)

    def test_45_an_invoice_of_a_customer_of_another_organization(self, scene: Scene) -> None:
        with refused("invoice_customer_of_organization"):
            _invoice(scene, customer_id=scene.eve.pk)

    def test_45_a_customer_in_a_household_of_another_organization(self, scene: Scene) -> None:
        made = sql(
            "INSERT INTO billing_household (organization_id, name) VALUES (%s, 'X') RETURNING id", scene.other.pk
        )
        with refused("customer_household_of_organization"):
            sql("UPDATE billing_customer SET household_id = %s WHERE id = %s", made[0][0], scene.ada.pk)


def _payment(scene: Scene, **change: Any) -> None:
    row = {
        "organization_id": scene.school.pk, "customer_id": scene.ada.pk, "number": "X", "transaction_number": "X",
        "state": "pending", "method": "cash", "channel": "counter", "purpose": "on_account", "currency": "USD",
        "amount": 5, "received_on": "2026-03-12", "recorded_at": NOW, "payer_name": "X", "reference": "",
        "source_reference": "", "request_key": "X", "request_hash": "", "note": "", "lookalike_reason": "",
        "strategy": "fifo", "plan": "[]", "breakdown": "{}", "denominations": "[]", "department": "", "project": "",
        "pending_for": "",
    } | change  # fmt: skip
    names, places = ", ".join(row), ", ".join(["%s"] * len(row))
    sql(f"INSERT INTO payments_payment ({names}) VALUES ({places})", *row.values())


class TestPayments:
    @pytest.mark.parametrize(
        ("change", "name"),
        [
            ({"amount": 0}, "payment_amount_positive"), ({"amount": -5}, "payment_amount_positive"),
            ({"amount": "0.5", "currency": "TWD"}, "payment_amount_fits_currency"),
            ({"state": "processed"}, "payment_processed_is_booked"),
            ({"state": "voided"}, "payment_processed_is_booked"),
        ],
    )  # fmt: skip
    def test_a_payment_is_of_something_and_processed_only_with_its_entry(self, scene, change, name: str) -> None:
        with refused(name):
            _payment(scene, **change)

    @pytest.mark.parametrize(
        ("column", "name"),
        [("number", "payment_number_once"), ("transaction_number", "payment_transaction_once"),
         ("request_key", "payment_request_once")],
    )  # fmt: skip
    def test_39_40_a_number_and_a_key_are_used_once(self, scene: Scene, column: str, name: str) -> None:
        with refused(name):
            _payment(scene, **{column: getattr(scene.payment, column)})

    def test_a_reference_of_a_source_is_used_once_and_none_any_number_of_times(self, scene: Scene) -> None:
        _payment(scene, source_reference="s")
        _payment(scene, number="Y", transaction_number="Y", request_key="Y")
        with refused("payment_source_reference_once"):
            _payment(scene, number="Z", transaction_number="Z", request_key="Z", source_reference="s")

    def test_a_payment_is_not_given_the_credit_of_another_customer(self, scene: Scene) -> None:
        memo = issue_credit_memo(
            organization=scene.school, customer_id=scene.ben.pk, net=Decimal(5), tax=Decimal(0), currency="USD",
            issued_on=TODAY, reason="gift", now=NOW, by=None,
        )  # fmt: skip
        with refused("payment_credit_of_customer"):
            sql("UPDATE payments_payment SET credit_item_id = %s WHERE id = %s", memo.credit_item_id, scene.payment.pk)

    def test_the_same_cheque(self, scene: Scene) -> None:
        pay(scene.ada, 5, method="cheque", cheque=cheque())
        with refused("cheque_once"):
            sql(
                "INSERT INTO payments_cheque"
                " (organization_id, customer_id, payment_id, kind, number, bank, branch, drawer, cheque_date, currency,"
                " amount, state, received_on, recorded_at, matures_on, for_invoices, strategy, reference, note,"
                " request_key, trouble, end_reason)"
                " SELECT organization_id, customer_id, %s, kind, number, bank, branch, drawer, cheque_date, currency,"
                " amount, state, received_on, recorded_at, matures_on, for_invoices, strategy, reference, note,"
                " request_key, trouble, end_reason FROM payments_cheque",
                scene.payment.pk,
            )

    def test_39_a_receipt_has_one_payment_and_one_number(self, scene: Scene) -> None:
        with refused("receipts_receipt_payment_id_key"):
            _receipt(scene, scene.payment.pk, "X")
        _payment(scene)
        other = sql("SELECT id FROM payments_payment WHERE number = 'X'")[0][0]
        with refused("receipt_number_once"):
            _receipt(scene, other, scene.receipt.number)


def _receipt(scene: Scene, payment_id: int, number: str) -> None:
    sql(
        "INSERT INTO receipts_receipt (organization_id, payment_id, number, form_number, issued_at, delivery, email,"
        " content, is_provisional) VALUES (%s, %s, %s, '', now(), 'none', '', '{}', false)",
        scene.school.pk, payment_id, number,
    )  # fmt: skip


class TestUndoing:
    """Invariant 19."""

    def _undo(self, scene: Scene, **change: Any) -> None:
        allocation(scene, **({"amount": -100, "reverses_id": scene.allocation.pk} | change))

    @pytest.mark.parametrize("change", [{"amount": -99}, {"kind": "write_off"}], ids=["less of it", "another kind"])
    def test_it_mirrors_its_original(self, scene: Scene, change: dict[str, Any]) -> None:
        with refused("undo_mirrors"):
            self._undo(scene, **change)

    def test_another_invoice(self, scene: Scene) -> None:
        with refused("undo_mirrors"):
            self._undo(scene, invoice_id=invoice(scene.ada, 100).pk)

    def test_twice(self, scene: Scene) -> None:
        unallocate(allocations=[scene.allocation], now=NOW, by=None, reason="x")
        with refused("billing_allocation_reverses_id_key"):
            self._undo(scene)

    def test_an_undo_is_not_undone(self, scene: Scene) -> None:
        (undone,) = unallocate(allocations=[scene.allocation], now=NOW, by=None, reason="x")
        with refused("undo_mirrors"):
            allocation(scene, amount=-100, reverses_id=undone.pk)
        assert Allocation.objects.count() == 2


class TestApprovals:
    """Invariant 37."""

    def test_maker_and_checker_are_two(self, scene: Scene) -> None:
        from tests.deeds import ask_to_void

        request = ask_to_void(scene.payment, scene.clerk)
        with refused("approval_maker_is_not_checker"):
            sql(
                "UPDATE office_approvalrequest SET state = 'approved', decided_by_id = requested_by_id WHERE id = %s",
                request.pk,
            )
        with refused("approval_decision_has_decider"):
            sql("UPDATE office_approvalrequest SET state = 'approved' WHERE id = %s", request.pk)

    def test_a_role_is_held_once(self, scene: Scene) -> None:
        with refused("membership_once"):
            sql(
                "INSERT INTO office_membership (user_id, organization_id, role, granted_at)"
                " SELECT user_id, organization_id, role, now() FROM office_membership"
            )


def test_the_orm_is_held_to_it_too(scene: Scene) -> None:
    scene.payment.amount = 1
    with refused("frozen_column"):
        scene.payment.save()
    with refused("append_only"):
        Allocation.objects.all().delete()
