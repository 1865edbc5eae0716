"""What cheques, cash, deposits, refunds and disputes promise whatever program writes to them."""

from django.db import migrations

SQL = """
ALTER TABLE payments_cheque
  ADD CONSTRAINT cheque_customer_of_organization FOREIGN KEY (customer_id, organization_id)
    REFERENCES billing_customer (id, organization_id);
ALTER TABLE payments_refund
  ADD CONSTRAINT refund_customer_of_organization FOREIGN KEY (customer_id, organization_id)
    REFERENCES billing_customer (id, organization_id),
  ADD CONSTRAINT refund_credit_of_customer FOREIGN KEY (credit_item_id, customer_id, currency)
    REFERENCES billing_credititem (id, customer_id, currency);
ALTER TABLE payments_dispute
  ADD CONSTRAINT dispute_customer_of_organization FOREIGN KEY (customer_id, organization_id)
    REFERENCES billing_customer (id, organization_id);

DROP TRIGGER frozen ON payments_cheque;
DROP TRIGGER frozen_whole ON payments_cheque;
SELECT office_protect_frozen('payments_cheque', 'state', 'payment_id', 'trouble', 'replacement_payment_id', 'ended_on',
  'end_reason');
SELECT office_protect_frozen('payments_chequepresentation', 'deposit_id', 'result', 'result_on', 'reason', 'note',
  'entry_id', 'fee_invoice_id', 'recovery_invoice_id', 'approval_id', 'recorded_at', 'recorded_by_id');
SELECT office_protect_append_only('payments_chequerejection');
SELECT office_protect_append_only('payments_vaultcount');
SELECT office_protect_append_only('payments_cashcount');
SELECT office_protect_append_only('payments_cashmovement');
SELECT office_protect_frozen('payments_deposit', 'state', 'deposited_on', 'slip_reference', 'deposited_at',
  'deposited_by_id', 'entry_id');
SELECT office_protect_frozen('payments_drawersession', 'state', 'expected_amount', 'counted_amount', 'variance',
  'variance_reason', 'closed_at', 'closed_by_id', 'approval_id', 'entry_id');
SELECT office_protect_frozen('payments_refund', 'state', 'destination', 'destination_reason', 'consent', 'payee_name',
  'payee_account', 'payee_account_tail', 'credit_memo_id', 'expected_on', 'approval_id', 'approved_at',
  'decision_reason', 'entry_id', 'paid_entry_id', 'processed_on', 'processed_at');
SELECT office_protect_frozen('payments_refundattempt', 'state', 'reference', 'outcome', 'settled_at', 'settled_by_id');
SELECT office_protect_frozen('payments_refundbatch', 'approval_id');
SELECT office_protect_frozen('payments_dispute', 'state', 'deadline_on', 'assigned_to_id', 'escalated_at',
  'outcome_entry_id', 'credit_memo_id', 'approval_id', 'lost_amount', 'outcome_reason', 'closed_on', 'closed_at',
  'closed_by_id');
SELECT office_protect_frozen('payments_disputeevent', 'done_at', 'done_by_id');
SELECT office_protect_frozen('payments_disputestep', 'applies', 'reference', 'done_at', 'done_by_id');
SELECT office_protect_frozen('payments_paymentreconciliation', 'opened_at', 'opened_by_id', 'open_reason',
  'open_approval_id');

-- Invariant 38: where a refund goes is part of what was approved.
CREATE FUNCTION payments_refund_destination_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'refund % was decided; its destination stays', NEW.id
    USING ERRCODE = '23514', CONSTRAINT = 'refund_destination_stays';
END $$;
CREATE TRIGGER destination_stays BEFORE UPDATE ON payments_refund FOR EACH ROW
  WHEN (OLD.state <> 'requested' AND (OLD.destination, OLD.destination_reason, OLD.payee_name, OLD.payee_account)
    IS DISTINCT FROM (NEW.destination, NEW.destination_reason, NEW.payee_name, NEW.payee_account))
  EXECUTE FUNCTION payments_refund_destination_stays();

-- Invariant 16: what a credit item has refunded is the sum of its reserved refunds and of lost chargebacks, at commit.
CREATE FUNCTION payments_refunded_adds_up(item bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT refunded_amount FROM billing_credititem WHERE id = item) <>
     (SELECT coalesce(sum(gross_amount), 0) FROM payments_refund
        WHERE credit_item_id = item AND state IN ('approved', 'submitted', 'processed'))
     + (SELECT coalesce(sum(d.lost_amount), 0) FROM payments_dispute d JOIN payments_payment p ON p.id = d.payment_id
          WHERE p.credit_item_id = item) THEN
    RAISE EXCEPTION 'credit item %: refunded is not the sum of its refunds', item
      USING ERRCODE = '23514', CONSTRAINT = 'credit_item_refunded_adds_up';
  END IF;
END $$;
CREATE FUNCTION payments_refund_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM payments_refunded_adds_up(NEW.credit_item_id);
  RETURN NULL;
END $$;
CREATE FUNCTION payments_dispute_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM payments_refunded_adds_up((SELECT credit_item_id FROM payments_payment WHERE id = NEW.payment_id));
  RETURN NULL;
END $$;
CREATE FUNCTION payments_credit_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM payments_refunded_adds_up(NEW.id);
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER refunded_adds_up AFTER INSERT OR UPDATE ON payments_refund DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION payments_refund_adds_up();
CREATE CONSTRAINT TRIGGER refunded_adds_up AFTER UPDATE ON payments_dispute DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.payment_id IS NOT NULL) EXECUTE FUNCTION payments_dispute_adds_up();
CREATE CONSTRAINT TRIGGER refunded_adds_up AFTER UPDATE ON billing_credititem DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.refunded_amount IS DISTINCT FROM NEW.refunded_amount)
  EXECUTE FUNCTION payments_credit_adds_up();

-- Invariant 44: a reconciled payment is voided only after its match was opened.
CREATE FUNCTION payments_reconciled_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM payments_paymentreconciliation WHERE payment_id = NEW.id AND opened_at IS NULL) THEN
    RAISE EXCEPTION 'payment % is reconciled', NEW.id USING ERRCODE = '23514', CONSTRAINT = 'reconciled_stays';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER reconciled_stays BEFORE UPDATE ON payments_payment FOR EACH ROW
  WHEN (NEW.state = 'voided' AND OLD.state <> 'voided') EXECUTE FUNCTION payments_reconciled_stays();

SELECT office_audit_table(t::regclass) FROM unnest(ARRAY['payments_chequepresentation', 'payments_chequerejection',
  'payments_vaultcount', 'payments_cashpoint', 'payments_drawersession', 'payments_cashcount', 'payments_cashmovement',
  'payments_deposit', 'payments_refundattempt', 'payments_refundbatch', 'payments_dispute', 'payments_disputeevent',
  'payments_disputestep', 'payments_paymentreconciliation']) AS t;
SELECT office_audit_table('payments_refund', 'payee_account');

-- Cheques taken earlier were presented once; written down only now, so that the audit trail knows.
INSERT INTO payments_chequepresentation (organization_id, cheque_id, payment_id, ordinal, result, reason, note)
SELECT organization_id, id, payment_id, 1, '', '', '' FROM payments_cheque;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0005_cheques_whole"), ("billing", "0004_moved_money_guards")]
    operations = [migrations.RunSQL(SQL)]
