from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReceiptsConfig(AppConfig):
    name = "receipts"
    label = "receipts"
    verbose_name = _("Receipts")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from billing.office.notices import ATTACHMENTS
        from receipts.papers import checks  # noqa: F401  registers the system check
        from receipts.services.papers import mail_attachment

        ATTACHMENTS["receipt"] = mail_attachment
