"""What payments promise whatever program writes to them (invariants 18, 20)."""

from django.db import migrations

SQL = """
ALTER TABLE payments_payment
  ADD CONSTRAINT payment_customer_of_organization FOREIGN KEY (customer_id, organization_id)
    REFERENCES billing_customer (id, organization_id),
  ADD CONSTRAINT payment_credit_of_customer FOREIGN KEY (credit_item_id, customer_id, currency)
    REFERENCES billing_credititem (id, customer_id, currency),
  ADD CONSTRAINT payment_entry_of_organization FOREIGN KEY (entry_id, organization_id)
    REFERENCES ledger_journalentry (id, organization_id);
SELECT office_protect_frozen('payments_payment', 'state', 'credit_item_id', 'entry_id', 'processed_at', 'pending_for');
SELECT office_protect_frozen('payments_cheque', 'state');
SELECT office_protect_append_only('payments_paymentvoid');
SELECT office_audit_table('payments_payment');
SELECT office_audit_table('payments_cheque');
SELECT office_audit_table('payments_paymentvoid');
SELECT office_audit_table('payments_bankaccount', 'number', 'number_hash');
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial"), ("billing", "0002_guards")]
    operations = [migrations.RunSQL(SQL)]
