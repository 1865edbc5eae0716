from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    name = "billing"
    label = "billing"
    verbose_name = _("Receivables")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from billing.office import notices, policies
        from billing.services import allocating
        from billing.services.chasing.looking import look_again
        from billing.services.chasing.timelines import after_money
        from billing.services.telling.preparing import prepare_due

        allocating.AFTER_MONEY.append(after_money)
        policies.AFTER_CHANGE.append(look_again)
        notices.PREPARING.append(prepare_due)
