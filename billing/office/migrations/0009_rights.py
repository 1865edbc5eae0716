"""Audit rows may lose personal data and stay sealed; documents may be erased; who may erase."""

from django.db import migrations, models

from billing.office.matrix import cells

SEAL = """
CREATE OR REPLACE FUNCTION office_seal() RETURNS trigger LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
  head_position bigint;
  head bytea;
  body bytea;
  n int;
BEGIN
  PERFORM pg_advisory_xact_lock(7340331);
  SELECT position, digest INTO head_position, head FROM office_auditseal
    WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1;
  SELECT count(*), string_agg(DIGEST, ''::bytea ORDER BY e.id)
    INTO n, body FROM office_auditentry e WHERE e.seal_id = NEW.id;
  UPDATE office_auditseal SET position = coalesce(head_position, 0) + 1, row_count = n, previous = head,
    digest = sha256(coalesce(head, ''::bytea) || coalesce(body, ''::bytea)), sealed_at = clock_timestamp()
    WHERE id = NEW.id;
  RETURN NULL;
END $$;
"""
SEALED = "sha256(convert_to(office_audit_text(e), 'UTF8'))"

BLOTTING = """
-- The value of each key is erased, unless it is empty or what the row says now.
CREATE FUNCTION office_blot(j jsonb, keys text[], now jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN j IS NULL OR j = '{}' THEN j ELSE (
    SELECT jsonb_object_agg(key, CASE
      WHEN key <> ALL (keys) OR value IN ('""', 'null') OR value IS NOT DISTINCT FROM now->key THEN value
      ELSE '"(erased)"' END)
    FROM jsonb_each(j)) END
$$;

-- Whether nothing but values became "(erased)".
CREATE FUNCTION office_only_blotted(old jsonb, new jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT old IS NOT DISTINCT FROM new OR old IS NOT NULL AND new IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM jsonb_each(old) o FULL JOIN jsonb_each(new) n USING (key)
    WHERE n.value IS NULL OR o.value IS NULL OR n.value <> o.value AND n.value <> '"(erased)"')
$$;

CREATE FUNCTION office_blot_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.blotted = coalesce(OLD.blotted, sha256(convert_to(office_audit_text(OLD), 'UTF8')))
      AND office_only_blotted(OLD.before, NEW.before) AND office_only_blotted(OLD.after, NEW.after)
      AND (NEW.actor = OLD.actor OR NEW.actor = substring(OLD.actor from '^user:[0-9]+ ') || '(erased)')
      AND (NEW.origin = OLD.origin OR NEW.origin = '(erased)')
      AND (to_jsonb(NEW) - '{before,after,actor,origin,blotted}'::text[])
        = (to_jsonb(OLD) - '{before,after,actor,origin,blotted}'::text[]) THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = '23514', CONSTRAINT = 'append_only';
END $$;
DROP TRIGGER append_only ON office_auditentry;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON office_auditentry
  FOR EACH ROW EXECUTE FUNCTION office_blot_only();

-- A document is erased, once, and never changed in any other way.
CREATE FUNCTION office_document_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL AND NEW.name = '(erased)'
      AND (to_jsonb(NEW) - '{name,erased_at}'::text[]) = (to_jsonb(OLD) - '{name,erased_at}'::text[]) THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23514', CONSTRAINT = 'append_only';
END $$;
DROP TRIGGER append_only ON office_keptdocument;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON office_keptdocument
  FOR EACH ROW EXECUTE FUNCTION office_document_erased();
"""

UNDO = """
DROP TRIGGER append_only ON office_keptdocument;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON office_keptdocument FOR EACH ROW EXECUTE FUNCTION office_append_only();
DROP FUNCTION office_document_erased();
DROP TRIGGER append_only ON office_auditentry;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON office_auditentry FOR EACH ROW EXECUTE FUNCTION office_append_only();
DROP FUNCTION office_blot_only();
DROP FUNCTION office_only_blotted(jsonb, jsonb);
DROP FUNCTION office_blot(jsonb, text[], jsonb);
"""


def fill_matrix(apps, schema_editor):
    grant = apps.get_model("office", "Grant")
    known = set(grant.objects.values_list("role", "action", "mode"))
    grant.objects.bulk_create(
        grant(role=role, action=action, mode=mode)
        for role, action, mode in cells()
        if (role, action, mode) not in known
    )


class Migration(migrations.Migration):
    dependencies = [("office", "0008_signing_in")]
    operations = [
        migrations.AddField(
            model_name="auditentry", name="blotted", field=models.BinaryField(editable=False, null=True)
        ),
        migrations.AddField(
            model_name="keptdocument",
            name="erased_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="erased at"),
        ),
        migrations.RunSQL(BLOTTING, UNDO),
        migrations.RunSQL(SEAL.replace("DIGEST", f"coalesce(e.blotted, {SEALED})"), SEAL.replace("DIGEST", SEALED)),
        migrations.RunPython(fill_matrix, migrations.RunPython.noop),
    ]
