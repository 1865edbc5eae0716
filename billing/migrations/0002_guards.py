"""What invoices, credit and allocations promise whatever program writes to them (invariants 3, 15-20)."""

from django.db import migrations

SQL = """
ALTER TABLE billing_customer
  ADD CONSTRAINT customer_household_of_organization FOREIGN KEY (household_id, organization_id)
    REFERENCES billing_household (id, organization_id);
ALTER TABLE billing_invoice
  ADD CONSTRAINT invoice_customer_of_organization FOREIGN KEY (customer_id, organization_id)
    REFERENCES billing_customer (id, organization_id),
  ADD CONSTRAINT invoice_entry_of_organization FOREIGN KEY (entry_id, organization_id)
    REFERENCES ledger_journalentry (id, organization_id);
ALTER TABLE billing_credititem
  ADD CONSTRAINT credit_item_customer_of_organization FOREIGN KEY (customer_id, organization_id)
    REFERENCES billing_customer (id, organization_id);
ALTER TABLE billing_allocation
  ADD CONSTRAINT allocation_customer_of_organization FOREIGN KEY (customer_id, organization_id)
    REFERENCES billing_customer (id, organization_id),
  ADD CONSTRAINT allocation_credit_of_customer FOREIGN KEY (credit_item_id, customer_id, currency)
    REFERENCES billing_credititem (id, customer_id, currency),
  ADD CONSTRAINT allocation_invoice_of_customer FOREIGN KEY (invoice_id, customer_id, currency)
    REFERENCES billing_invoice (id, customer_id, currency),
  ADD CONSTRAINT allocation_entry_of_organization FOREIGN KEY (entry_id, organization_id)
    REFERENCES ledger_journalentry (id, organization_id);

-- Invariants 16 and 17: the counters are the sums of their allocations, checked at commit. The rows' own CHECKs
-- refuse over-application at once; their row locks make this race-free.
CREATE FUNCTION billing_credit_item_adds_up(item bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT applied_amount FROM billing_credititem WHERE id = item) <>
     (SELECT coalesce(sum(amount), 0) FROM billing_allocation WHERE credit_item_id = item AND kind = 'credit') THEN
    RAISE EXCEPTION 'credit item %: applied is not the sum of its allocations', item
      USING ERRCODE = '23514', CONSTRAINT = 'credit_item_adds_up';
  END IF;
END $$;
CREATE FUNCTION billing_invoice_adds_up(invoice bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT 1 FROM billing_invoice i CROSS JOIN LATERAL (
      SELECT coalesce(sum(amount) FILTER (WHERE kind = 'credit'), 0) AS applied,
             coalesce(sum(amount) FILTER (WHERE kind = 'discount'), 0) AS discounted,
             coalesce(sum(amount) FILTER (WHERE kind = 'write_off'), 0) AS written_off
      FROM billing_allocation a WHERE a.invoice_id = i.id) s
    WHERE i.id = invoice AND (i.applied_amount, i.discounted_amount, i.written_off_amount)
      IS DISTINCT FROM (s.applied, s.discounted, s.written_off)) THEN
    RAISE EXCEPTION 'invoice %: what is set against it is not the sum of its allocations', invoice
      USING ERRCODE = '23514', CONSTRAINT = 'invoice_adds_up';
  END IF;
END $$;
CREATE FUNCTION billing_allocation_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM billing_credit_item_adds_up(NEW.credit_item_id);
  PERFORM billing_invoice_adds_up(NEW.invoice_id);
  RETURN NULL;
END $$;
CREATE FUNCTION billing_parent_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_TABLE_NAME = 'billing_invoice' THEN PERFORM billing_invoice_adds_up(NEW.id);
  ELSE PERFORM billing_credit_item_adds_up(NEW.id); END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER adds_up AFTER INSERT ON billing_allocation DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION billing_allocation_adds_up();
CREATE CONSTRAINT TRIGGER adds_up_new AFTER INSERT ON billing_invoice DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.applied_amount <> 0 OR NEW.discounted_amount <> 0 OR NEW.written_off_amount <> 0)
  EXECUTE FUNCTION billing_parent_adds_up();
CREATE CONSTRAINT TRIGGER adds_up AFTER UPDATE ON billing_invoice DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN ((OLD.applied_amount, OLD.discounted_amount, OLD.written_off_amount)
    IS DISTINCT FROM (NEW.applied_amount, NEW.discounted_amount, NEW.written_off_amount))
  EXECUTE FUNCTION billing_parent_adds_up();
CREATE CONSTRAINT TRIGGER adds_up_new AFTER INSERT ON billing_credititem DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.applied_amount <> 0) EXECUTE FUNCTION billing_parent_adds_up();
CREATE CONSTRAINT TRIGGER adds_up AFTER UPDATE ON billing_credititem DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.applied_amount IS DISTINCT FROM NEW.applied_amount)
  EXECUTE FUNCTION billing_parent_adds_up();

-- Invariant 19: an undo mirrors exactly one original.
CREATE FUNCTION billing_undo_mirrors() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM billing_allocation o WHERE o.id = NEW.reverses_id AND o.reverses_id IS NULL
      AND (o.credit_item_id, o.invoice_id, o.kind, o.amount)
        = (NEW.credit_item_id, NEW.invoice_id, NEW.kind, -NEW.amount)) THEN
    RAISE EXCEPTION 'undo % does not mirror its allocation', NEW.id
      USING ERRCODE = '23514', CONSTRAINT = 'undo_mirrors';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER undo_mirrors BEFORE INSERT ON billing_allocation FOR EACH ROW
  WHEN (NEW.reverses_id IS NOT NULL) EXECUTE FUNCTION billing_undo_mirrors();

-- Invariant 22: the lines of an invoice add up to it, checked at commit.
CREATE FUNCTION billing_lines_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM billing_invoice i CROSS JOIN LATERAL (
      SELECT coalesce(sum(net_amount), 0) AS net, coalesce(sum(tax_amount), 0) AS tax
      FROM billing_invoiceline WHERE invoice_id = i.id) s
    WHERE i.id = NEW.id AND (i.net_amount, i.tax_amount) IS DISTINCT FROM (s.net, s.tax)) THEN
    RAISE EXCEPTION 'invoice %: its lines do not add up', NEW.id USING ERRCODE = '23514', CONSTRAINT = 'lines_add_up';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER lines_add_up AFTER INSERT ON billing_invoice DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION billing_lines_add_up();

SELECT office_protect_append_only('billing_allocation');
SELECT office_protect_append_only('billing_invoiceline');
SELECT office_protect_append_only('billing_creditmemo');
SELECT office_protect_append_only('billing_creditholdevent');
SELECT office_protect_append_only('billing_promisetopay');
SELECT office_protect_append_only('billing_payerrecord');
SELECT office_protect_frozen('billing_invoice', 'applied_amount', 'discounted_amount', 'written_off_amount',
  'open_amount', 'voided_on', 'void_entry_id', 'is_disputed');
SELECT office_protect_frozen('billing_credititem', 'applied_amount', 'refunded_amount', 'reversed_on',
  'unapplied_amount');
SELECT office_audit_table('billing_household');
SELECT office_audit_table('billing_customer', 'bank_account', 'bank_account_hash');
SELECT office_audit_table('billing_customer_users');
SELECT office_audit_table('billing_invoice');
SELECT office_audit_table('billing_invoiceline');
SELECT office_audit_table('billing_credititem');
SELECT office_audit_table('billing_creditmemo');
SELECT office_audit_table('billing_creditholdevent');
SELECT office_audit_table('billing_allocation');
SELECT office_audit_table('billing_promisetopay');
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("ledger", "0002_guards")]
    operations = [migrations.RunSQL(SQL)]
