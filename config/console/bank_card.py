"""The card of the reconciliation of bank accounts on the start page."""

from django.utils.translation import gettext as _

from billing.admin.columns import screen_url
from config.console.cards import Card, Desk
from reconciliation.selectors.reconciliations import list_due


def bank_card(desk: Desk) -> Card:
    """Accounts whose reconciliation is due. Two queries."""
    rows = list_due(desk.organization, desk.today)
    due = sorted((one.due_since, one.code) for one in rows if one.due_since is not None)
    title, link = _("Bank accounts to reconcile"), screen_url("reconciliations")
    if due:
        note = _("%(account)s is due since %(day)s") % {"account": due[0][1], "day": due[0][0]}
        return Card(title, str(len(due)), note, link, "warn")
    waiting = sum(1 for one in rows if one.waiting)
    if waiting:
        return Card(title, "0", _("%(count)d wait for the second signature") % {"count": waiting}, link)
    if any(one.begun for one in rows):
        return Card(title, "0", _("every account is signed up to date"), link, "good")
    return Card(title, "–", _("Once statements are loaded, what is due would be here."), link)
