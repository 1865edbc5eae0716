"""What a supervisor's approval of a risky post-dated cheque carries out (R116)."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.admin import facts
from billing.admin.deeds import deed, subject_key
from billing.errors import Sentence
from billing.office import clock
from billing.office.models import ApprovalRequest, User
from payments.models.cheque import ChequeKind
from payments.services.bounces import RISKY
from payments.services.risky_cheques import TAKE, carry_out_risky, facts_now

facts.WORDS["deed"] = {**facts.WORDS["deed"], TAKE: gettext_lazy("take a post-dated cheque")}
facts.WORDS["action"] = {**facts.WORDS["action"], RISKY: gettext_lazy("accept a risky cheque")}
facts.WORDS["cheque_kind"] = dict(ChequeKind.choices)
facts.LABELS.update(
    {
        "cheque_number": gettext_lazy("Cheque number"), "bank": gettext_lazy("Bank"), "branch": gettext_lazy("Branch"),
        "cheque_drawer": gettext_lazy("Drawer of the cheque"), "cheque_kind": gettext_lazy("Kind of cheque"),
        "cheque_date": gettext_lazy("Cheque date"), "figures_amount": gettext_lazy("Amount in figures"),
        "came_back": gettext_lazy("Cheques that came back"), "last_came_back": gettext_lazy("The last came back on"),
        "for_invoices": gettext_lazy("Meant for"), "note": gettext_lazy("Note"), "strategy": gettext_lazy("Strategy"),
    }
)  # fmt: skip
facts.AMOUNTS.add("figures_amount")
facts.HIDDEN.update({"customer_key", "request_key", "replaces_key"})


def _facts(asked: ApprovalRequest) -> dict[str, Any]:
    return facts_now(asked, clock.now())


@deed(RISKY, TAKE, label=gettext_lazy("Take the cheque"), facts=_facts, customer=subject_key)
def _take(asked: ApprovalRequest, by: User, now: datetime) -> Sentence | None:
    cheque = carry_out_risky(request=asked, now=now, by=by)
    return _("Approved; cheque {cheque} is in the vault until {day}.").format(cheque=cheque, day=cheque.matures_on)
