from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReconciliationConfig(AppConfig):
    name = "reconciliation"
    label = "reconciliation"
    verbose_name = _("Reconciliation")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from payments.services import voiding
        from reconciliation.services.undoing import void_follows

        voiding.AFTER.append(void_follows)
