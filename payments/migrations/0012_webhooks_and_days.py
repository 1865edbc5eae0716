"""How far settlements were fetched; how long webhooks are remembered, and that what was worked on stays so."""

import django.db.models.deletion
from django.db import migrations, models

SQL = """
-- Remembered for thirteen months, so that a replay is known (fault F25); what was never worked on stays for a person.
DROP TRIGGER frozen ON payments_webhookevent;
CREATE TRIGGER frozen BEFORE UPDATE ON payments_webhookevent FOR EACH ROW
  EXECUTE FUNCTION office_frozen('state', 'repeats', 'tries', 'next_at', 'trouble', 'effect', 'processed_at');
CREATE TRIGGER remembered BEFORE DELETE ON payments_webhookevent FOR EACH ROW
  WHEN (OLD.state <> 'processed' OR OLD.received_at > now() - interval '13 months')
  EXECUTE FUNCTION office_frozen();

-- Invariant 41: an event acts once.
CREATE FUNCTION payments_webhook_acts_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'webhook % was worked on', OLD.id USING ERRCODE = '23514', CONSTRAINT = 'webhook_acts_once';
END $$;
CREATE TRIGGER acts_once BEFORE UPDATE ON payments_webhookevent FOR EACH ROW
  WHEN (OLD.state = 'processed' AND (OLD.state, OLD.effect, OLD.processed_at)
    IS DISTINCT FROM (NEW.state, NEW.effect, NEW.processed_at))
  EXECUTE FUNCTION payments_webhook_acts_once();
"""
UNDO = """
DROP TRIGGER acts_once ON payments_webhookevent;
DROP FUNCTION payments_webhook_acts_once();
DROP TRIGGER remembered ON payments_webhookevent;
DROP TRIGGER frozen ON payments_webhookevent;
CREATE TRIGGER frozen BEFORE UPDATE OR DELETE ON payments_webhookevent FOR EACH ROW
  EXECUTE FUNCTION office_frozen('state', 'repeats', 'tries', 'next_at', 'trouble', 'effect', 'processed_at');
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0011_processor_guards")]
    operations = [
        migrations.CreateModel(
            name="SettlementDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(verbose_name="day")),
                ("fetched_at", models.DateTimeField(blank=True, null=True, verbose_name="fetched at")),
                ("times", models.PositiveSmallIntegerField(default=0, verbose_name="times fetched")),
                ("tries", models.PositiveSmallIntegerField(default=0, verbose_name="tries")),
                ("ask_at", models.DateTimeField(blank=True, null=True)),
                ("trouble", models.CharField(blank=True, max_length=200, verbose_name="trouble")),
                (
                    "gateway_account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settlement_days",
                        to="payments.gatewayaccount",
                    ),
                ),
            ],
            options={
                "verbose_name": "day of settlements",
                "verbose_name_plural": "days of settlements",
                "ordering": ["-day", "gateway_account_id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("ask_at__isnull", False)), fields=["ask_at"], name="settlement_day_due"
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("gateway_account", "day"), name="settlement_day_once")],
            },
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
