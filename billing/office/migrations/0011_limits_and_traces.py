"""Requests counted for all web processes together; traces of signing in that may be emptied, and only that."""

from django.db import migrations, models

SQL = """
CREATE FUNCTION office_forgets() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY TG_ARGV LOOP
    IF coalesce(to_jsonb(NEW) ->> name, '') NOT IN ('', coalesce(to_jsonb(OLD) ->> name, '')) THEN
      RAISE EXCEPTION '% %: % may only be emptied', TG_TABLE_NAME, OLD.id, name
        USING ERRCODE = '23514', CONSTRAINT = 'frozen_column';
    END IF;
  END LOOP;
  RETURN NEW;
END $$;

DROP TRIGGER frozen ON office_signin;
DROP TRIGGER frozen_whole ON office_signin;
SELECT office_protect_frozen('office_signin', 'session_key', 'seen_at', 'proven_at', 'ended_at', 'end', 'device_hash',
                             'user_agent', 'address');
CREATE TRIGGER forgets BEFORE UPDATE ON office_signin
  FOR EACH ROW EXECUTE FUNCTION office_forgets('device_hash', 'user_agent', 'address');

DROP TRIGGER frozen ON office_accountlink;
DROP TRIGGER frozen_whole ON office_accountlink;
SELECT office_protect_frozen('office_accountlink', 'used_at', 'voided_at', 'recipient', 'asked_from');
CREATE TRIGGER forgets BEFORE UPDATE ON office_accountlink
  FOR EACH ROW EXECUTE FUNCTION office_forgets('recipient', 'asked_from');
"""

UNDO = """
DROP FUNCTION office_forgets() CASCADE;
DROP TRIGGER frozen ON office_signin;
DROP TRIGGER frozen_whole ON office_signin;
SELECT office_protect_frozen('office_signin', 'session_key', 'seen_at', 'proven_at', 'ended_at', 'end');
DROP TRIGGER frozen ON office_accountlink;
DROP TRIGGER frozen_whole ON office_accountlink;
SELECT office_protect_frozen('office_accountlink', 'used_at', 'voided_at');
"""


class Migration(migrations.Migration):
    dependencies = [("office", "0010_messages")]

    operations = [
        migrations.CreateModel(
            name="AskedCount",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("begun_at", models.DateTimeField(db_index=True, verbose_name="since")),
                ("asked", models.PositiveIntegerField(verbose_name="asked")),
            ],
            options={
                "verbose_name": "count of requests",
                "verbose_name_plural": "counts of requests",
            },
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
