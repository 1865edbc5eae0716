"""Words for fields and tables whose models give none, since the name says it all: "granted by", "decided by".

What migrations know of them stays as it is; the console then says them in the reader's language.
"""

from django.apps import apps
from django.utils.translation import gettext_lazy as _

OURS = ("office", "ledger", "billing", "payments", "reconciliation", "receipts")
FIELDS = {
    "api client": _("API client"),
    "approval": _("approval"),
    "bank account": _("bank account"),
    "changed by": _("changed by"),
    "created at": _("created at"),
    "credit item": _("credit item"),
    "customer": _("customer"),
    "decided by": _("decided by"),
    "entry": _("journal entry"),
    "granted at": _("granted at"),
    "granted by": _("granted by"),
    "invoice": _("invoice"),
    "issued at": _("issued at"),
    "issued by": _("issued by"),
    "ledger account": _("ledger account"),
    "made at": _("made at"),
    "made by": _("made by"),
    "ordinal": _("line"),
    "organization": _("organization"),
    "payment": _("payment"),
    "payout": _("payout"),
    "posted by": _("posted by"),
    "receipt": _("receipt"),
    "reverses": _("reverses"),
    "source": _("source"),
    "taken by": _("taken by"),
    "used at": _("used at"),
    "user": _("user"),
    "void entry": _("entry of the void"),
    "voided by": _("voided by"),
}
TABLES = {
    "api request": _("API requests"),
    "audit seal": _("audit seals"),
    "grant": _("permission matrix"),
    "journal series": _("number series of the journal"),
    "number series": _("number series"),
}


def say_fields() -> None:
    """Once, when the program starts."""
    for label in OURS:
        for model in apps.get_app_config(label).get_models():
            options = model._meta
            if options.verbose_name in TABLES:
                options.verbose_name_plural = TABLES[str(options.verbose_name)]
            for field in options.fields:
                if isinstance(field.verbose_name, str):
                    field.verbose_name = FIELDS.get(field.verbose_name, field.verbose_name)
