from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsConfig(AppConfig):
    name = "payments"
    label = "payments"
    verbose_name = _("Payments")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from billing.selectors import covered
        from billing.services import credit_control, invoicing, moving
        from payments.selectors.disputes import keep_contested, open_dispute_number
        from payments.selectors.uncleared import uncleared_credit_items
        from payments.selectors.vault import covered_by_cheques

        credit_control.UNCLEARED.append(uncleared_credit_items)
        covered.COVERED.append(covered_by_cheques)
        invoicing.DISPUTE_FILES.append(open_dispute_number)
        moving.KEEPERS.append(keep_contested)
