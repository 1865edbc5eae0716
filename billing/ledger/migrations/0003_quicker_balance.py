"""The balance check reads the entry's key from the row itself, not from the row turned into JSON: it runs for every
line of every entry."""

from django.db import migrations

SQL = """
CREATE OR REPLACE FUNCTION ledger_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
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
"""
UNDO = SQL.replace("entry bigint;", """entry bigint := CASE TG_TABLE_NAME WHEN 'ledger_journalentry' THEN (to_jsonb(NEW)->>'id')::bigint
                  ELSE (to_jsonb(NEW)->>'entry_id')::bigint END;""").replace(
    "  IF TG_TABLE_NAME = 'ledger_journalentry' THEN entry := NEW.id; ELSE entry := NEW.entry_id; END IF;\n", ""
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_guards")]
    operations = [migrations.RunSQL(SQL, UNDO)]
