from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsConfig(AppConfig):
    name = "payments"
    label = "payments"
    verbose_name = _("Payments")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from billing.services import credit_control
        from payments.selectors.uncleared import uncleared_credit_items

        credit_control.UNCLEARED.append(uncleared_credit_items)
