"""Words of messages that the console shows besides those of the kinds."""

from django.utils.translation import gettext_lazy as _

from billing.admin import facts
from billing.office.message_kinds import KINDS

facts.NOTICE_KINDS |= {
    **{code: kind.words for code, kind in KINDS.items() if code not in facts.NOTICE_KINDS},
    "undelivered": _("message not delivered"),
}
