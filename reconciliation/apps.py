from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReconciliationConfig(AppConfig):
    name = "reconciliation"
    label = "reconciliation"
    verbose_name = _("Reconciliation")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from billing.office import months
        from billing.selectors.chasing import money_around
        from payments.services import voiding
        from reconciliation.selectors.bank_gate import heard_until, maybe_paid
        from reconciliation.services import undoing
        from reconciliation.services.closing_months import check_month, keep_month
        from reconciliation.services.signing_off import check_not_signed

        money_around.MONEY_AROUND.append(maybe_paid)
        money_around.BANK_REACH.append(heard_until)
        voiding.AFTER.append(undoing.void_follows)
        undoing.GUARDS.append(check_not_signed)
        months.BEFORE_CLOSE.append(check_month)
        months.AFTER_CLOSE.append(keep_month)
