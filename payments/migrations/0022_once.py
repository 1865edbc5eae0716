"""Cards that are given for one payment and forgotten."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0010_pay_links"),
        ("office", "0007_match_actions"),
        ("payments", "0021_questions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="paymentmethod",
            name="is_once",
            field=models.BooleanField(default=False, verbose_name="for one payment"),
        ),
        migrations.AddIndex(
            model_name="paymentmethod",
            index=models.Index(
                condition=models.Q(("is_once", True), models.Q(("state", "removed"), _negated=True)),
                fields=["made_at"],
                name="method_once_to_forget",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentmethod",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_once", False), ("place", 0), _connector="OR"), name="method_once_has_no_place"
            ),
        ),
    ]
