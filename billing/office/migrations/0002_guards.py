"""The audit trail, what may not change, and the permission matrix."""

from django.db import migrations

from billing.office.matrix import cells

AUDIT = """
-- Each statement's changed rows become audit rows of this transaction's open seal.
CREATE FUNCTION office_audit() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE FUNCTION office_audit_table(target regclass, VARIADIC secret text[] DEFAULT '{}') RETURNS void LANGUAGE plpgsql AS $$
DECLARE args text := (SELECT coalesce(string_agg(quote_literal(c), ','), '') FROM unnest(secret) c);
BEGIN
  EXECUTE format('CREATE TRIGGER audit_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION office_audit(%s)', target, args);
  EXECUTE format('CREATE TRIGGER audit_update AFTER UPDATE ON %s REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION office_audit(%s)', target, args);
  EXECUTE format('CREATE TRIGGER audit_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION office_audit(%s)', target, args);
END $$;

-- What a seal covers of one audit row, in a text that does not depend on time zone or date style.
CREATE FUNCTION office_audit_text(e office_auditentry) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_array(e.id, e.seal_id, e.organization_id, extract(epoch FROM e.at), e.table_name, e.row_id,
    e.operation, e.before, e.after, e.actor, e.origin, e.reason)::text
$$;

-- Runs once per transaction, at commit, so the chain's lock is held for a moment only.
CREATE FUNCTION office_seal() RETURNS trigger LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
  head_position bigint;
  head bytea;
  body bytea;
  n int;
BEGIN
  PERFORM pg_advisory_xact_lock(7340331);
  SELECT position, digest INTO head_position, head FROM office_auditseal
    WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1;
  SELECT count(*), string_agg(sha256(convert_to(office_audit_text(e), 'UTF8')), ''::bytea ORDER BY e.id)
    INTO n, body FROM office_auditentry e WHERE e.seal_id = NEW.id;
  UPDATE office_auditseal SET position = coalesce(head_position, 0) + 1, row_count = n, previous = head,
    digest = sha256(coalesce(head, ''::bytea) || coalesce(body, ''::bytea)), sealed_at = clock_timestamp()
    WHERE id = NEW.id;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER seal AFTER INSERT ON office_auditseal DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION office_seal();

CREATE FUNCTION office_sealed_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.position IS NOT NULL THEN
    RAISE EXCEPTION 'a seal is final' USING ERRCODE = '23514', CONSTRAINT = 'append_only';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON office_auditseal FOR EACH ROW EXECUTE FUNCTION office_sealed_once();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON office_auditseal FOR EACH STATEMENT EXECUTE FUNCTION office_append_only();

SELECT office_protect_append_only('office_auditentry');
SELECT office_protect_append_only('office_policysetting');
SELECT office_protect_frozen('office_approvalrequest', 'state', 'decided_by_id', 'decided_at', 'decision_reason', 'used_at');
SELECT office_protect_frozen('office_membership', 'withdrawn_at');
SELECT office_protect_frozen('office_numberseries', 'last');

SELECT office_audit_table('office_organization');
SELECT office_audit_table('office_user', 'password');
SELECT office_audit_table('office_membership');
SELECT office_audit_table('office_grant');
SELECT office_audit_table('office_policysetting');
SELECT office_audit_table('office_approvalrequest');
SELECT office_audit_table('office_apiclient', 'token_hash');
"""

UNDO = """
DO $$ DECLARE t text; n text; BEGIN
  FOR t, n IN SELECT event_object_table, trigger_name FROM information_schema.triggers
    WHERE event_object_table LIKE 'office\\_%' GROUP BY 1, 2
  LOOP EXECUTE format('DROP TRIGGER IF EXISTS %I ON %I', n, t); END LOOP;
END $$;
DROP TRIGGER append_only_whole ON office_auditseal;
DROP FUNCTION office_sealed_once() CASCADE;
DROP FUNCTION office_seal() CASCADE;
DROP FUNCTION office_audit_text(office_auditentry);
DROP FUNCTION office_audit_table(regclass, VARIADIC text[]);
DROP FUNCTION office_audit() CASCADE;
"""


def fill_matrix(apps, schema_editor):
    grant = apps.get_model("office", "Grant")
    grant.objects.bulk_create(grant(role=role, action=action, mode=mode) for role, action, mode in cells())


class Migration(migrations.Migration):
    dependencies = [("office", "0001_initial")]
    operations = [
        migrations.RunPython(fill_matrix, migrations.RunPython.noop),
        migrations.RunSQL(AUDIT, UNDO),
    ]
