"""Who alone charges, tries again and reminds, an agreement at a time (requirements §2 row 10, invariant 35)."""

from django.db import migrations, models

BACKENDS = [("native", "here"), ("zoho", "Zoho Billing")]
SQL = """
UPDATE billing_agreement SET dunning_owner = backend WHERE backend <> 'native';
DROP TRIGGER frozen ON billing_agreement;
DROP TRIGGER frozen_whole ON billing_agreement;
SELECT office_protect_frozen('billing_agreement', 'plan_id', 'provider_id', 'basis', 'frequency', 'anchor_on', 'ends_on',
  'package_used', 'expires_on', 'backend', 'dunning_owner', 'external_reference', 'collects_itself', 'state',
  'state_since', 'note');
"""
UNDO = """
DROP TRIGGER frozen ON billing_agreement;
DROP TRIGGER frozen_whole ON billing_agreement;
SELECT office_protect_frozen('billing_agreement', 'plan_id', 'provider_id', 'basis', 'frequency', 'anchor_on', 'ends_on',
  'package_used', 'expires_on', 'backend', 'external_reference', 'collects_itself', 'state', 'state_since', 'note');
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_agreement_guards")]
    operations = [
        migrations.RunSQL("ALTER TABLE billing_agreement DISABLE TRIGGER frozen", migrations.RunSQL.noop),
        migrations.AddField(
            model_name="agreement",
            name="dunning_owner",
            field=models.CharField(
                choices=BACKENDS, default="native", max_length=8, verbose_name="chased and tried again by"
            ),
        ),
        migrations.RunSQL(SQL, UNDO),
        migrations.AddConstraint(
            model_name="agreement",
            constraint=models.CheckConstraint(
                condition=models.Q(("backend", "native"), _negated=True) | models.Q(("dunning_owner", "native")),
                name="agreement_one_owner",
            ),
        ),
    ]
