"""The guards that must be there, read from the database itself; and a sentence for each of their refusals."""

import re

import pytest
from django.db import IntegrityError, transaction

from billing.errors import DomainError
from billing.refusals import CODES, SENTENCES, RefusedByDatabase, explain, explained, sentence_of
from tests.guards.conftest import Scene, refused, sql

pytestmark = pytest.mark.django_db

AUDITED = "audit_delete audit_insert audit_update"
KEPT = "append_only append_only_whole"
FROZEN = "frozen frozen_whole"
TRIGGERS = {
    "billing_allocation": f"adds_up {KEPT} {AUDITED} undo_mirrors",
    "billing_creditholdevent": f"{KEPT} {AUDITED}",
    "billing_credititem": f"adds_up adds_up_new moved_adds_up moved_adds_up_new refunded_adds_up {AUDITED} {FROZEN}",
    "billing_credittransfer": f"moved_adds_up {AUDITED} {FROZEN}",
    "billing_creditmemo": f"{KEPT} {AUDITED}",
    "billing_customer": AUDITED,
    "billing_customer_users": AUDITED,
    "billing_household": AUDITED,
    "billing_invitation": f"{AUDITED} {FROZEN}",
    "billing_invoice": f"adds_up adds_up_new {AUDITED} {FROZEN} lines_add_up",
    "billing_invoiceline": f"{KEPT} {AUDITED}",
    "billing_messagepreference": AUDITED,
    "billing_payerrecord": KEPT,
    "billing_paylink": f"{AUDITED} {FROZEN}",
    "billing_promisetopay": f"{KEPT} {AUDITED}",
    "billing_agreement": f"package_adds_up package_adds_up_new {AUDITED} {FROZEN}",
    "billing_agreementchange": f"{KEPT} {AUDITED}",
    "billing_agreementdiscount": f"{AUDITED} {FROZEN}",
    "billing_agreementpause": f"{AUDITED} {FROZEN}",
    "billing_agreementpayer": f"{AUDITED} {FROZEN}",
    "billing_agreementterms": f"{KEPT} {AUDITED}",
    "billing_attendance": f"{KEPT} {AUDITED}",
    "billing_billingprofile": AUDITED,
    "billing_billingrun": f"{AUDITED} {FROZEN}",
    "billing_billingrunitem": f"run_item_stays frozen {AUDITED}",
    "billing_charge": f"{AUDITED} {FROZEN}",
    "billing_collectioncase": f"{AUDITED} {FROZEN}",
    "billing_collectioncase_invoices": f"{KEPT} {AUDITED}",
    "billing_collectionnote": f"{KEPT} {AUDITED}",
    "billing_debtplan": f"{AUDITED} {FROZEN}",
    "billing_debtplan_invoices": f"{KEPT} {AUDITED}",
    "billing_debtplanpart": f"{KEPT} {AUDITED}",
    "billing_discountrule": AUDITED,
    "billing_discountrule_plans": AUDITED,
    "billing_dunningcase": f"{AUDITED} {FROZEN}",
    "billing_dunningpause": f"{AUDITED} {FROZEN}",
    "billing_dunningstep": f"{KEPT} {AUDITED}",
    "billing_earning": f"{AUDITED} {FROZEN}",
    "billing_installment": "billed_stays never_deleted never_deleted_whole",
    "billing_insurancepolicy": f"{AUDITED} {FROZEN}",
    "billing_latefee": f"{KEPT} {AUDITED}",
    "billing_lesson": AUDITED,
    "billing_lessoncredit": f"used_adds_up used_adds_up_new {AUDITED} {FROZEN}",
    "billing_lessoncredituse": f"used_adds_up {KEPT} {AUDITED}",
    "billing_lessonseat": AUDITED,
    "billing_packageuse": f"package_adds_up {KEPT} {AUDITED}",
    "billing_payout": f"{AUDITED} {FROZEN}",
    "billing_payoutbatch": f"{AUDITED} {FROZEN}",
    "billing_plan": AUDITED,
    "billing_planitem": AUDITED,
    "billing_planrequest": f"{AUDITED} {FROZEN}",
    "billing_planrequest_invoices": f"{KEPT} {AUDITED}",
    "billing_planprice": f"{KEPT} {AUDITED}",
    "billing_policyloan": f"{AUDITED} {FROZEN}",
    "billing_policyloanbill": f"{KEPT} {AUDITED}",
    "billing_provider": AUDITED,
    "billing_scheduleregeneration": f"{AUDITED} {FROZEN}",
    "billing_student": AUDITED,
    "billing_taxcode": AUDITED,
    "billing_taxrate": f"{KEPT} {AUDITED}",
    "ledger_adjustmententry": f"{AUDITED} {FROZEN}",
    "ledger_adjustmentline": f"{KEPT} {AUDITED}",
    "ledger_glbatch": f"gl_posted_stays {AUDITED} {FROZEN}",
    "ledger_glbatchentry": f"gl_member_joins_now {KEPT}",
    "ledger_glexport": f"{KEPT} {AUDITED}",
    "ledger_journalentry": f"{KEPT} {AUDITED} entry_balances period_is_open reversal_mirrors",
    "ledger_journalline": f"{KEPT} {AUDITED} line_balances line_joins_now",
    "ledger_journalseries": FROZEN,
    "ledger_ledgeraccount": AUDITED,
    "ledger_period": f"{AUDITED} {FROZEN}",
    "office_accountlink": f"forgets {AUDITED} {FROZEN}",
    "office_apiclient": AUDITED,
    "office_approvalrequest": f"{AUDITED} {FROZEN}",
    "office_auditentry": KEPT,
    "office_auditseal": f"{KEPT} seal",
    "office_authenticator": AUDITED,
    "office_grant": AUDITED,
    "office_keptdocument": f"{KEPT} {AUDITED}",
    "office_membership": f"{AUDITED} {FROZEN}",
    "office_numberseries": FROZEN,
    "office_organization": AUDITED,
    "office_deadaddress": f"{AUDITED} {FROZEN}",
    "office_noticeevent": KEPT,
    "office_policysetting": f"{KEPT} {AUDITED}",
    "office_recoverycode": AUDITED,
    "office_recoveryset": AUDITED,
    "office_signin": f"forgets {FROZEN}",
    "office_user": AUDITED,
    "office_wording": f"{KEPT} {AUDITED}",
    "payments_autopaypreference": f"{AUDITED} {FROZEN}",
    "payments_bankaccount": AUDITED,
    "payments_cashcount": f"{KEPT} {AUDITED}",
    "payments_cashmovement": f"{KEPT} {AUDITED}",
    "payments_cashpoint": AUDITED,
    "payments_cheque": f"{AUDITED} {FROZEN}",
    "payments_chequepresentation": f"{AUDITED} {FROZEN}",
    "payments_chequerejection": f"{KEPT} {AUDITED}",
    "payments_credituse": f"{KEPT} {AUDITED}",
    "payments_deposit": f"{AUDITED} {FROZEN}",
    "payments_dispute": f"refunded_adds_up {AUDITED} {FROZEN}",
    "payments_disputeevent": f"{AUDITED} {FROZEN}",
    "payments_disputestep": f"{AUDITED} {FROZEN}",
    "payments_drawersession": f"{AUDITED} {FROZEN}",
    "payments_methodcode": f"{AUDITED} {FROZEN}",
    "payments_payment": f"reconciled_stays {AUDITED} {FROZEN}",
    "payments_paymentreconciliation": f"{AUDITED} {FROZEN}",
    "payments_refund": f"refunded_adds_up destination_stays {AUDITED} {FROZEN}",
    "payments_refundattempt": f"{AUDITED} {FROZEN}",
    "payments_refundbatch": f"{AUDITED} {FROZEN}",
    "payments_settlement": f"{KEPT} {AUDITED}",
    "payments_settlementline": f"{AUDITED} {FROZEN}",
    "payments_webhookevent": f"{FROZEN} acts_once remembered",
    "payments_vaultcount": f"{KEPT} {AUDITED}",
    "payments_paymentvoid": f"{KEPT} {AUDITED}",
    "receipts_issuedpaper": f"{KEPT} {AUDITED}",
    "receipts_papercopy": f"{KEPT} {AUDITED}",
    "receipts_paperdocument": f"{KEPT} {AUDITED}",
    "receipts_paperrun": f"{AUDITED} {FROZEN}",
    "receipts_receipt": f"{AUDITED} {FROZEN}",
    "receipts_receiptcopy": f"{KEPT} {AUDITED}",
    "receipts_receiptdocument": f"{KEPT} {AUDITED}",
    "receipts_refundreceipt": f"{KEPT} {AUDITED}",
    "receipts_refundreceiptcopy": f"{KEPT} {AUDITED}",
    "receipts_refundreceiptdocument": f"{KEPT} {AUDITED}",
    "reconciliation_bankfile": f"{AUDITED} {FROZEN}",
    "reconciliation_bankstatement": f"{AUDITED} {FROZEN}",
    "reconciliation_payoutoffset": f"{KEPT} {AUDITED}",
    "reconciliation_processordiscrepancy": f"{AUDITED} {FROZEN}",
    "reconciliation_processorproof": f"{AUDITED} {FROZEN}",
    "reconciliation_zohocomparison": f"{AUDITED} {FROZEN}",
    "reconciliation_zohodiscrepancy": f"{AUDITED} {FROZEN}",
    "reconciliation_linedeed": f"{KEPT} {AUDITED}",
    "reconciliation_linework": AUDITED,
    "reconciliation_payerquestion": f"{AUDITED} {FROZEN}",
    "reconciliation_matchingrule": AUDITED,
    "reconciliation_ruletrial": f"{KEPT} {AUDITED}",
    "reconciliation_savedcsvprofile": f"{AUDITED} {FROZEN}",
    "reconciliation_bankreconciliation": f"{AUDITED} {FROZEN}",
    "reconciliation_match": f"adds_up signed_stays {AUDITED} {FROZEN}",
    "reconciliation_reconciliationroutine": AUDITED,
    "reconciliation_variance": f"{AUDITED} {FROZEN}",
    "reconciliation_statementline": f"adds_up {FROZEN}",
    "reconciliation_booksproof": f"{KEPT} {AUDITED}",
    "reconciliation_dayclose": f"{KEPT} {AUDITED} day_closed_once",
    "reconciliation_dayreopening": f"{KEPT} {AUDITED}",
    "reconciliation_monthclose": f"{KEPT} {AUDITED}",
    "reconciliation_monthpack": f"{AUDITED} {FROZEN}",
    "reconciliation_monthstart": f"{KEPT} {AUDITED}",
}
DEFERRED = {
    ("billing_allocation", "adds_up"), ("billing_invoice", "adds_up"), ("billing_invoice", "adds_up_new"),
    ("billing_invoice", "lines_add_up"), ("billing_credititem", "adds_up"), ("billing_credititem", "adds_up_new"),
    ("ledger_journalentry", "entry_balances"), ("ledger_journalentry", "reversal_mirrors"),
    ("ledger_journalline", "line_balances"), ("office_auditseal", "seal"), ("billing_credititem", "moved_adds_up"),
    ("billing_credititem", "moved_adds_up_new"), ("billing_credittransfer", "moved_adds_up"),
    ("billing_credititem", "refunded_adds_up"), ("payments_refund", "refunded_adds_up"),
    ("payments_dispute", "refunded_adds_up"), ("billing_agreement", "package_adds_up"),
    ("billing_packageuse", "package_adds_up"), ("billing_lessoncredit", "used_adds_up"),
    ("billing_lessoncredituse", "used_adds_up"), ("reconciliation_match", "adds_up"),
    ("reconciliation_statementline", "adds_up"),
}  # fmt: skip
# Composite foreign keys keep organization, customer and currency of parent and child the same (18, 45).
TOGETHER = {
    "invitation_customer_of_organization", "invitation_provider_of_organization",
    "allocation_credit_of_customer", "allocation_customer_of_organization", "allocation_entry_of_organization",
    "allocation_invoice_of_customer", "credit_item_customer_of_organization", "customer_household_of_organization",
    "invoice_customer_of_organization", "invoice_entry_of_organization", "journal_line_account_of_organization",
    "journal_line_entry_of_organization", "payment_credit_of_customer", "payment_customer_of_organization",
    "payment_entry_of_organization", "cheque_customer_of_organization", "refund_customer_of_organization",
    "refund_credit_of_customer", "dispute_customer_of_organization", "student_customer_of_organization",
    "tax_rate_code_of_organization", "billing_profile_customer_of_organization",
    "agreement_customer_of_organization", "agreement_plan_of_organization", "agreement_student_of_organization",
    "agreement_provider_of_organization", "agreement_payer_of_organization", "invoice_agreement_of_organization",
    "installment_agreement_of_organization", "charge_agreement_of_organization", "billing_run_item_run_of_organization",
    "billing_run_item_customer_of_organization", "billing_run_item_installment_of_organization",
    "lesson_seat_lesson_of_organization", "lesson_seat_agreement_of_organization",
    "dunning_case_customer_of_organization", "collection_case_customer_of_organization",
    "gl_member_batch_of_organization", "gl_member_entry_of_organization", "adjustment_entry_of_organization",
    "adjustment_reversed_of_organization", "adjustment_line_of_organization", "adjustment_account_of_organization",
    "payer_question_customer_of_organization", "plan_request_customer_of_organization",
    "paper_customer_of_organization", "paper_provider_of_organization",
    "earning_provider_of_organization", "payout_batch_same_organization", "payout_provider_of_organization",
}  # fmt: skip
OURS = "^(office|ledger|billing|payments|receipts|reconciliation)_"


def test_every_guard_is_in_its_place_and_awake() -> None:
    rows = sql(
        "SELECT c.relname, t.tgname, t.tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace"
    )
    found: dict[str, set[str]] = {}
    for table, name, enabled in rows:
        found.setdefault(table, set()).add(name)
        assert enabled == "O", f"{name} on {table} sleeps"
    missing = {
        table: names for table, words in TRIGGERS.items() if (names := set(words.split()) - found.get(table, set()))
    }
    assert not missing


def test_sums_are_judged_at_commit() -> None:
    rows = sql(
        "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE NOT t.tgisinternal AND t.tgdeferrable AND t.tginitdeferred"
    )
    assert set(rows) >= DEFERRED


def test_18_45_parent_and_child_belong_together_and_the_constraints_are_valid() -> None:
    rows = sql("SELECT conname, convalidated FROM pg_constraint WHERE contype = 'f' AND array_length(conkey, 1) > 1")
    assert {name for name, valid in rows if valid} >= TOGETHER


def test_no_money_column_is_wider_or_finer_than_14_2() -> None:
    """Invariant 23: numeric(14,2), and never a binary float, in any table of ours."""
    rows = sql(
        "SELECT table_name, column_name, data_type, numeric_precision, numeric_scale FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name ~ %s"
        " AND (data_type IN ('real', 'double precision', 'money') OR column_name ~ '(amount|debit|credit)$')",
        OURS,
    )
    assert len(rows) > 15
    assert [row for row in rows if row[2:] != ("numeric", 14, 2)] == []


def test_no_foreign_key_deletes_along() -> None:
    rows = sql(
        "SELECT conname FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid"
        " WHERE contype = 'f' AND confdeltype <> 'a' AND t.relname ~ %s", OURS,
    )  # fmt: skip
    assert rows == []


class TestSentences:
    def test_every_constraint_has_one(self) -> None:
        named = sql(
            "SELECT conname FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid WHERE t.relname ~ %s"
            " AND c.contype IN ('c', 'u', 'x') OR (t.relname ~ %s AND c.contype = 'f' AND array_length(conkey, 1) > 1)"
            " UNION SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " JOIN pg_class t ON t.oid = i.indrelid WHERE i.indisunique AND NOT i.indisprimary AND t.relname ~ %s",
            OURS, OURS, OURS,
        )  # fmt: skip
        bodies = " ".join(row[0] for row in sql("SELECT prosrc FROM pg_proc WHERE proname ~ %s", OURS))
        raised = set(re.findall(r"CONSTRAINT = '(\w+)'", bodies))
        assert {"append_only", "frozen_column", "entry_balances", "undo_mirrors", "period_is_open"} <= raised
        mute = {name for name in {row[0] for row in named} | raised if sentence_of(name) is None}
        assert mute == set()

    def test_none_is_of_a_constraint_that_is_gone(self) -> None:
        names = {row[0] for row in sql("SELECT conname FROM pg_constraint UNION SELECT relname FROM pg_class")}
        bodies = " ".join(row[0] for row in sql("SELECT prosrc FROM pg_proc WHERE proname ~ %s", OURS))
        assert set(SENTENCES) - names - set(re.findall(r"CONSTRAINT = '(\w+)'", bodies)) == set()
        assert set(CODES) <= set(SENTENCES)

    @pytest.mark.parametrize("sentence", SENTENCES.values(), ids=SENTENCES)
    def test_each_is_a_sentence_for_people(self, sentence: object) -> None:
        text = str(sentence)
        assert text[0].isupper() and text.endswith(".") and "_" not in text

    def test_a_refusal_is_told_as_a_domain_error(self, scene: Scene) -> None:
        with pytest.raises(RefusedByDatabase) as refusal, explained(), transaction.atomic():
            sql("UPDATE billing_credititem SET applied_amount = 121")
        assert (refusal.value.code, str(refusal.value)) == (
            "more_than_paid", "Less than that is left of the payment; somebody may have been quicker.",
        )  # fmt: skip
        assert isinstance(refusal.value.__cause__, IntegrityError)

    def test_so_is_one_that_only_the_commit_could_see(self, scene: Scene) -> None:
        with pytest.raises(RefusedByDatabase) as refusal, explained(), transaction.atomic():
            sql("UPDATE billing_credititem SET applied_amount = 99")
            sql("SET CONSTRAINTS ALL IMMEDIATE")
        assert refusal.value.code == "credit_item_adds_up"

    def test_a_foreign_key_says_something_too(self, scene: Scene) -> None:
        with pytest.raises(DomainError, match="The books do not allow this"), explained(), transaction.atomic():
            sql("INSERT INTO billing_household (organization_id, name) VALUES (0, 'x')")
            sql("SET CONSTRAINTS ALL IMMEDIATE")

    def test_an_error_without_a_name_is_still_explained(self) -> None:
        assert str(explain(IntegrityError("?"))) == "The books do not allow this."

    def test_what_is_no_refusal_passes(self, scene: Scene) -> None:
        with pytest.raises(ZeroDivisionError), explained():
            _ = 1 / 0
        with refused("append_only"):
            sql("DELETE FROM billing_allocation")
