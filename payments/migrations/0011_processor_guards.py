"""What methods, attempts, webhooks and settlements promise whatever program writes to them."""

from django.db import migrations

SQL = """
ALTER TABLE payments_gatewayaccount ADD CONSTRAINT gateway_account_of_organization UNIQUE (id, organization_id),
  ADD CONSTRAINT gateway_provider_of_organization FOREIGN KEY (provider_id, organization_id)
    REFERENCES billing_provider (id, organization_id);
ALTER TABLE payments_paymentmethod ADD CONSTRAINT method_of_customer UNIQUE (id, customer_id),
  ADD CONSTRAINT method_customer_of_organization FOREIGN KEY (customer_id, organization_id)
    REFERENCES billing_customer (id, organization_id),
  ADD CONSTRAINT method_gateway_of_organization FOREIGN KEY (gateway_account_id, organization_id)
    REFERENCES payments_gatewayaccount (id, organization_id);
ALTER TABLE payments_paymentattempt
  ADD CONSTRAINT attempt_customer_of_organization FOREIGN KEY (customer_id, organization_id)
    REFERENCES billing_customer (id, organization_id),
  ADD CONSTRAINT attempt_gateway_of_organization FOREIGN KEY (gateway_account_id, organization_id)
    REFERENCES payments_gatewayaccount (id, organization_id),
  ADD CONSTRAINT attempt_method_of_customer FOREIGN KEY (method_id, customer_id)
    REFERENCES payments_paymentmethod (id, customer_id);
ALTER TABLE payments_payment
  ADD CONSTRAINT payment_gateway_of_organization FOREIGN KEY (gateway_account_id, organization_id)
    REFERENCES payments_gatewayaccount (id, organization_id);

-- Invariant 29: the only ways from state to state; what is final stays.
CREATE FUNCTION payments_attempt_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.state, NEW.state) NOT IN (
    ('created', 'sent'), ('created', 'not_sent'),
    ('sent', 'succeeded'), ('sent', 'declined'), ('sent', 'pending'), ('sent', 'unknown'), ('sent', 'not_sent'),
    ('pending', 'succeeded'), ('pending', 'declined'), ('pending', 'not_sent'),
    ('unknown', 'succeeded'), ('unknown', 'declined'), ('unknown', 'not_sent'), ('unknown', 'pending')) THEN
    RAISE EXCEPTION 'attempt % is % and cannot become %', NEW.id, OLD.state, NEW.state
      USING ERRCODE = '23514', CONSTRAINT = 'attempt_moves';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER attempt_moves BEFORE UPDATE ON payments_paymentattempt FOR EACH ROW
  WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION payments_attempt_moves();

SELECT office_protect_frozen('payments_gatewayaccount', 'name', 'instruments', 'rank', 'cost_percent', 'cost_fixed',
  'is_active', 'paused_until', 'pause_reason');
SELECT office_protect_frozen('payments_paymentmethod', 'state', 'state_reason', 'place', 'token', 'token_hash',
  'payer_id', 'fingerprint', 'number_hash', 'likeness', 'brand', 'last4', 'exp_month', 'exp_year', 'bank_name',
  'holder', 'postal_code', 'shown_handle', 'ach_status', 'micro_tries', 'avs', 'cvv', 'risk_score', 'risk_reasons',
  'network_ref', 'verified_at', 'stepped_up_at', 'expiry_told_on', 'last_used_at', 'removed_at');
SELECT office_protect_frozen('payments_mandate', 'number', 'is_on', 'ends_on');
SELECT office_protect_frozen('payments_paymentattempt', 'state', 'approved_amount', 'gateway_ref', 'related_ref',
  'network_ref', 'auth_code', 'money_state', 'reason', 'raw_code', 'raw_text', 'advice', 'retry_after', 'redirect',
  'avs', 'cvv', 'needs_person', 'ask_at', 'asked', 'absences', 'absent_since', 'payment_id', 'method_id', 'sent_at',
  'settled_at', 'settled_from');
SELECT office_protect_frozen('payments_attemptclaim', 'holds');
SELECT office_protect_frozen('payments_retrydecision', 'verdict', 'try_at', 'method_id', 'because', 'chosen_by_id',
  'chosen_at', 'done_at', 'used_id', 'outcome');
SELECT office_protect_frozen('payments_webhookevent', 'state', 'repeats', 'tries', 'next_at', 'trouble', 'effect',
  'processed_at');
SELECT office_protect_frozen('payments_settlementline', 'attempt_id', 'trouble');
SELECT office_protect_append_only('payments_settlement');
SELECT office_protect_append_only('payments_methodevent');
SELECT office_protect_append_only('payments_gatewayerror');
SELECT office_protect_append_only('payments_gatewayexchange');

SELECT office_audit_table(t::regclass) FROM unnest(ARRAY['payments_gatewayaccount', 'payments_mandate',
  'payments_paymentattempt', 'payments_attemptclaim', 'payments_methodevent', 'payments_retrydecision',
  'payments_settlement', 'payments_settlementline']) AS t;
SELECT office_audit_table('payments_paymentmethod', 'token', 'payer_id');
DROP TRIGGER frozen ON payments_refundattempt;
DROP TRIGGER frozen_whole ON payments_refundattempt;
SELECT office_protect_frozen('payments_refundattempt', 'state', 'reference', 'outcome', 'settled_at', 'settled_by_id',
  'gateway_attempt_id');
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0010_processors"), ("billing", "0006_agreement_guards")]
    operations = [migrations.RunSQL(SQL)]
