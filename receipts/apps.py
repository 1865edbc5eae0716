from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReceiptsConfig(AppConfig):
    name = "receipts"
    label = "receipts"
    verbose_name = _("Receipts")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from billing.office.months import PAPERS
        from billing.office.notices import ATTACHMENTS
        from payments.services import debit_returns, settling, transfers, voiding
        from receipts.papers import checks  # noqa: F401  registers the system check
        from receipts.selectors.month_papers import receipts_between
        from receipts.services.charged import take_charged, take_transferred
        from receipts.services.debit_returns import mark_returned
        from receipts.services.paper_files import mail_paper
        from receipts.services.papers import mail_attachment
        from receipts.services.refund_papers import mail_refund_receipt
        from receipts.services.voiding import receipt_follows

        PAPERS["receipts.csv"] = receipts_between
        ATTACHMENTS["paper"] = mail_paper
        ATTACHMENTS["receipt"] = mail_attachment
        ATTACHMENTS["refund_receipt"] = mail_refund_receipt
        debit_returns.FOLLOWS.append(mark_returned)
        settling.TAKE.append(take_charged)
        transfers.TAKE.append(take_transferred)
        voiding.FOLLOWS.append(receipt_follows)
