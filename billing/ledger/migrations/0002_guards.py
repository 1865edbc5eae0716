"""What the journal promises whatever program writes to it (invariants 1-4, 12, 13)."""

from django.db import migrations

SQL = """
ALTER TABLE ledger_journalline
  ADD CONSTRAINT journal_line_entry_of_organization FOREIGN KEY (entry_id, organization_id)
    REFERENCES ledger_journalentry (id, organization_id),
  ADD CONSTRAINT journal_line_account_of_organization FOREIGN KEY (account_id, organization_id)
    REFERENCES ledger_ledgeraccount (id, organization_id),
  ADD CONSTRAINT journal_line_fits_currency CHECK (money_fits(debit, currency) AND money_fits(credit, currency));
-- Survives savepoints, unlike xmin: the top-level transaction that made the entry.
ALTER TABLE ledger_journalentry ADD COLUMN made_in xid8 NOT NULL DEFAULT pg_current_xact_id();

-- Invariant 1: at commit each entry balances per currency and has two lines or more.
CREATE FUNCTION ledger_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  entry bigint;
  lines int;
  crooked int;
BEGIN
  IF TG_TABLE_NAME = 'ledger_journalentry' THEN entry := NEW.id; ELSE entry := NEW.entry_id; END IF;
  SELECT coalesce(sum(n), 0), count(*) FILTER (WHERE difference <> 0) INTO lines, crooked FROM (
    SELECT count(*) AS n, sum(debit) - sum(credit) AS difference FROM ledger_journalline
    WHERE entry_id = entry GROUP BY currency) q;
  IF lines < 2 OR crooked > 0 THEN
    RAISE EXCEPTION 'journal entry % does not balance', entry USING ERRCODE = '23514', CONSTRAINT = 'entry_balances';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON ledger_journalentry DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();

-- Invariant 3: no line joins an entry after its transaction. So the entry's own check at commit covers its lines,
-- unless constraints were set immediate in between; then the line's check does.
CREATE FUNCTION ledger_line_joins_now() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM added a JOIN ledger_journalentry e ON e.id = a.entry_id
             WHERE e.made_in <> pg_current_xact_id()) THEN
    RAISE EXCEPTION 'a posted entry takes no more lines' USING ERRCODE = '23514', CONSTRAINT = 'line_joins_now';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER line_joins_now AFTER INSERT ON ledger_journalline REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_line_joins_now();
CREATE CONSTRAINT TRIGGER line_balances AFTER INSERT ON ledger_journalline DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();

-- Invariant 12: the month must be open; the share lock makes closing wait for posts in flight.
CREATE FUNCTION ledger_period_is_open() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE closed date;
BEGIN
  PERFORM 1 FROM ledger_period p WHERE (p.organization_id, p.month) IN (
    SELECT organization_id, date_trunc('month', entry_date)::date FROM added) ORDER BY p.id FOR SHARE;
  SELECT a.entry_date INTO closed FROM added a
    LEFT JOIN ledger_period p ON p.organization_id = a.organization_id
      AND p.month = date_trunc('month', a.entry_date)::date AND p.state = 'open'
    WHERE p.id IS NULL LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'the month of % is not open', closed USING ERRCODE = '23514', CONSTRAINT = 'period_is_open';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER period_is_open AFTER INSERT ON ledger_journalentry REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_period_is_open();

-- Invariant 13: a reversal mirrors its original, line by line, and is not itself reversed.
CREATE FUNCTION ledger_reversal_mirrors() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    (SELECT account_id, party, currency, debit, credit, count(*) FROM ledger_journalline
       WHERE entry_id = NEW.id GROUP BY 1, 2, 3, 4, 5)
    EXCEPT
    (SELECT account_id, party, currency, credit, debit, count(*) FROM ledger_journalline
       WHERE entry_id = NEW.reverses_id GROUP BY 1, 2, 3, 4, 5))
    OR (SELECT count(*) FROM ledger_journalline WHERE entry_id = NEW.id)
       <> (SELECT count(*) FROM ledger_journalline WHERE entry_id = NEW.reverses_id)
    OR EXISTS (SELECT 1 FROM ledger_journalentry WHERE id = NEW.reverses_id
               AND (reverses_id IS NOT NULL OR organization_id <> NEW.organization_id)) THEN
    RAISE EXCEPTION 'entry % does not mirror %', NEW.id, NEW.reverses_id
      USING ERRCODE = '23514', CONSTRAINT = 'reversal_mirrors';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER reversal_mirrors AFTER INSERT ON ledger_journalentry DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.reverses_id IS NOT NULL) EXECUTE FUNCTION ledger_reversal_mirrors();

SELECT office_protect_append_only('ledger_journalentry');
SELECT office_protect_append_only('ledger_journalline');
SELECT office_protect_frozen('ledger_journalseries', 'last');
SELECT office_protect_frozen('ledger_period', 'state', 'changed_at', 'changed_by_id', 'reason');
SELECT office_audit_table('ledger_journalentry');
SELECT office_audit_table('ledger_journalline');
SELECT office_audit_table('ledger_period');
SELECT office_audit_table('ledger_ledgeraccount');
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial"), ("office", "0002_guards")]
    operations = [migrations.RunSQL(SQL)]
