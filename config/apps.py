from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate
from django.forms.renderers import get_default_renderer


class ConfigConfig(AppConfig):
    """The ground: settings, addresses, the console site, schedules, the bundled database."""

    name = "config"
    label = "config"
    verbose_name = "Quittance"

    def ready(self) -> None:
        from config import checks  # noqa: F401  registers the system checks
        from config.console.field_words import say_fields
        from config.schedules import ensure_tick_after_migrate

        say_fields()

        # The queue's own app config: Django sends this signal only for apps that have models.
        post_migrate.connect(ensure_tick_after_migrate, sender=apps.get_app_config("django_q"))


class ConsoleAdminConfig(admin_apps.AdminConfig):
    """Makes our console the default admin site, so that apps register with it without knowing it."""

    default = False
    default_site = "config.console.site.ConsoleSite"

    def ready(self) -> None:
        # The theme draws a checkbox while it loads; that loads every template tag, and ours need the theme. Loading the
        # tags first lets each find the other whole.
        get_default_renderer().get_template("django/forms/widgets/checkbox.html")
        super().ready()
