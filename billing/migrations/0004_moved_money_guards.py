"""What moved money promises whatever program writes to it (invariants 15, 16)."""

from django.db import migrations

SQL = """
DROP TRIGGER frozen ON billing_credititem;
DROP TRIGGER frozen_whole ON billing_credititem;
SELECT office_protect_frozen('billing_credititem', 'applied_amount', 'refunded_amount', 'moved_amount', 'reversed_on',
  'unapplied_amount');

-- Invariant 16 for moved money: what a credit item moved away is the sum of its standing transfers, at commit.
CREATE FUNCTION billing_moved_adds_up(item bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT moved_amount FROM billing_credititem WHERE id = item) <>
     (SELECT coalesce(sum(amount), 0) FROM billing_credittransfer WHERE from_item_id = item AND undone_on IS NULL) THEN
    RAISE EXCEPTION 'credit item %: moved away is not the sum of its transfers', item
      USING ERRCODE = '23514', CONSTRAINT = 'credit_item_moved_adds_up';
  END IF;
END $$;
CREATE FUNCTION billing_transfer_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM billing_moved_adds_up(NEW.from_item_id);
  RETURN NULL;
END $$;
CREATE FUNCTION billing_moved_parent_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM billing_moved_adds_up(NEW.id);
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER moved_adds_up AFTER INSERT OR UPDATE ON billing_credittransfer
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_transfer_adds_up();
CREATE CONSTRAINT TRIGGER moved_adds_up AFTER UPDATE ON billing_credititem DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.moved_amount IS DISTINCT FROM NEW.moved_amount)
  EXECUTE FUNCTION billing_moved_parent_adds_up();
CREATE CONSTRAINT TRIGGER moved_adds_up_new AFTER INSERT ON billing_credititem DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.moved_amount <> 0) EXECUTE FUNCTION billing_moved_parent_adds_up();

SELECT office_protect_frozen('billing_credittransfer', 'undone_on', 'undo_entry_id');
SELECT office_audit_table('billing_credittransfer');
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_cheques_cash_refunds")]
    operations = [migrations.RunSQL(SQL)]
