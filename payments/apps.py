from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsConfig(AppConfig):
    name = "payments"
    label = "payments"
    verbose_name = _("Payments")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from billing.selectors import covered, forecast
        from billing.selectors.chasing import money_around
        from billing.services import credit_control, invoicing, moving
        from payments.selectors.disputes import keep_contested, open_dispute_number
        from payments.selectors.uncleared import pending_payments, uncleared_credit_items
        from payments.selectors.vault import covered_by_cheques, papers_in_vault

        credit_control.UNCLEARED.append(uncleared_credit_items)
        covered.COVERED.append(covered_by_cheques)
        forecast.PAPERS.append(papers_in_vault)
        invoicing.DISPUTE_FILES.append(open_dispute_number)
        moving.KEEPERS.append(keep_contested)
        money_around.MONEY_AROUND.append(pending_payments)
