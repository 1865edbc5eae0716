"""The audit trigger turns each row into JSON once. It used to for every column it compared, which made an UPDATE of
many invoices ten times as slow as the rows themselves."""

from importlib import import_module

from django.db import migrations

before = import_module("billing.office.migrations.0003_audit_content")

SQL = """
CREATE OR REPLACE FUNCTION office_audit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  this_xid text := pg_current_xact_id()::text;
  seal bigint;
  secret text[] := coalesce(TG_ARGV::text[], '{}');
  who text := coalesce(current_setting('quittance.actor', true), '');
  wherefrom text := coalesce(current_setting('quittance.origin', true), '');
  why text := coalesce(current_setting('quittance.reason', true), '');
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NOT EXISTS (SELECT 1 FROM added) THEN RETURN NULL; END IF;
  ELSIF NOT EXISTS (SELECT 1 FROM removed) THEN RETURN NULL;
  END IF;
  SELECT id INTO seal FROM office_auditseal WHERE xid = this_xid AND position IS NULL;
  IF seal IS NULL THEN
    INSERT INTO office_auditseal (xid) VALUES (this_xid) RETURNING id INTO seal;
  END IF;
  -- MATERIALIZED: else the planner pulls to_jsonb() up to each of its uses.
  IF TG_OP = 'INSERT' THEN
    WITH rows AS MATERIALIZED (SELECT to_jsonb(n) AS j FROM added n)
    INSERT INTO office_auditentry
      (seal_id, organization_id, at, table_name, row_id, operation, before, after, actor, origin, reason)
    SELECT seal, (j->>'organization_id')::bigint, clock_timestamp(), TG_TABLE_NAME, (j->>'id')::bigint, 'insert',
      NULL, j - secret, who, wherefrom, why
    FROM rows;
  ELSIF TG_OP = 'DELETE' THEN
    WITH rows AS MATERIALIZED (SELECT to_jsonb(o) AS j FROM removed o)
    INSERT INTO office_auditentry
      (seal_id, organization_id, at, table_name, row_id, operation, before, after, actor, origin, reason)
    SELECT seal, (j->>'organization_id')::bigint, clock_timestamp(), TG_TABLE_NAME, (j->>'id')::bigint, 'delete',
      j - secret, NULL, who, wherefrom, why
    FROM rows;
  ELSE
    WITH o AS MATERIALIZED (SELECT id, to_jsonb(r) AS j FROM removed r),
         n AS MATERIALIZED (SELECT id, to_jsonb(a) AS j FROM added a)
    INSERT INTO office_auditentry
      (seal_id, organization_id, at, table_name, row_id, operation, before, after, actor, origin, reason)
    SELECT seal, (n.j->>'organization_id')::bigint, clock_timestamp(), TG_TABLE_NAME, coalesce(n.id, o.id), 'update',
      (SELECT jsonb_object_agg(key, CASE WHEN key = ANY (secret) THEN '"(kept secret)"' ELSE value END)
         FROM jsonb_each(o.j) WHERE n.j->key IS DISTINCT FROM value),
      (SELECT jsonb_object_agg(key, CASE WHEN key = ANY (secret) THEN '"(kept secret)"' ELSE value END)
         FROM jsonb_each(n.j) WHERE o.j->key IS DISTINCT FROM value),
      who, wherefrom, why
    -- FULL, which no nested loop can do: the plan is kept from small statements and must not be square for large ones.
    FROM o FULL JOIN n ON n.id = o.id
    WHERE (n.j = o.j) IS NOT TRUE;
  END IF;
  RETURN NULL;
END $$;
"""
UNDO = before.SQL.replace("j - TG_ARGV::text[]", "j - coalesce(TG_ARGV::text[], '{}')")


class Migration(migrations.Migration):
    dependencies = [("office", "0003_audit_content")]
    operations = [migrations.RunSQL(SQL, UNDO)]
