"""The card of the last nightly proof on the start page."""

from django.utils.translation import gettext as _

from billing.admin.columns import screen_url
from config.console.cards import Card, Desk
from reconciliation.selectors.proofs import is_stale, last_proof


def proof_card(desk: Desk) -> Card:
    """One query."""
    proof = last_proof(desk.organization)
    if proof is None:
        none = _("Every night at 02:00 all rules of the books are asked; what they found would be here.")
        return Card(_("Books proven"), "–", none, screen_url("books_proofs"))
    at = proof.proved_at.astimezone(desk.organization.zone)
    facts = {"number": proof.number, "day": f"{at:%Y-%m-%d}", "rules": proof.rule_count, "broken": proof.broken_count}
    title = _("Books proven at %(time)s") % {"time": f"{at:%H:%M}"}
    link = screen_url("books_proof", proof.position)
    if not proof.holds:
        note = _("%(number)s of %(day)s: %(broken)d of %(rules)d rules are broken") % facts
        return Card(title, _("▲ broken"), note, link, "bad")
    if is_stale(proof, desk.now):
        note = _("%(number)s of %(day)s was good; no proof was made since") % facts
        return Card(title, _("▲ not proven lately"), note, screen_url("books_proofs"), "warn")
    note = _("%(number)s of %(day)s: %(rules)d rules hold") % facts
    return Card(title, _("✓ proven"), note, link, "good")
