from django.apps import AppConfig


class OfficeConfig(AppConfig):
    name = "billing.office"
    label = "office"
    verbose_name = "Office"
    default_auto_field = "django.db.models.BigAutoField"
