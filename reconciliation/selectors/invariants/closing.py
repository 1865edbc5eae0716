"""Proofs of the books follow each other and are what was signed; what was closed stays so (invariants 3, 12, 46)."""

from collections.abc import Sequence
from typing import Any

from billing.office.sealed_files import sealed_path
from billing.selectors.invariants.office import guards_missing
from billing.selectors.proof import Rule, mine
from reconciliation.models import DayClose, MonthClose, MonthPack, PackState
from reconciliation.rules.checklist import signed_digest
from reconciliation.selectors.proofs import verify_proofs

NEWEST = 60  # each night's digests and signatures; manage.py verify_proofs asks all there are


def proofs_altered(organization_id: int | None) -> Sequence[dict[str, Any]]:
    """The newest proofs that are no longer what was signed, or saw an audit trail that is no longer there."""
    return [
        {"books_proof_id": fault.proof.pk, "number": fault.proof.number, "what": fault.code}
        for fault in verify_proofs(organization_id, newest=NEWEST)
    ]


APPEND_ONLY = (
    "reconciliation_booksproof", "reconciliation_dayclose", "reconciliation_dayreopening", "reconciliation_monthclose",
    "reconciliation_monthstart",
)  # fmt: skip
FROZEN = ("reconciliation_monthpack",)
BESIDES = {"reconciliation_dayclose": "day_closed_once"}


def closes_altered(organization_id: int | None) -> Sequence[dict[str, Any]]:
    """Closes whose checklist or figures are no longer what was signed."""
    found = []
    for model in (DayClose, MonthClose):
        rows = model.objects.order_by("pk").values("pk", "checks", "figures", "digest")
        if organization_id is not None:
            rows = rows.filter(organization_id=organization_id)
        name = "day_close_id" if model is DayClose else "month_close_id"
        found += [
            {name: row["pk"]}
            for row in rows.iterator(chunk_size=500)
            if signed_digest(row["checks"], row["figures"]) != row["digest"]
        ]
    return found


def packs_gone(organization_id: int | None) -> Sequence[dict[str, Any]]:
    """Packs of locked months whose file is no longer on disk."""
    rows = MonthPack.objects.filter(state=PackState.MADE).order_by("pk")
    if organization_id is not None:
        rows = rows.filter(organization_id=organization_id)
    names = rows.values_list("pk", "month", "stored_as")
    return [{"month_pack_id": pk, "month": month} for pk, month, name in names if not sealed_path(name).exists()]


RULES = [
    Rule(
        12, "locked_month_has_its_pack", "A month is locked when its pack was made, and not otherwise.",
        f"""
        SELECT coalesce(p.organization_id, k.organization_id) AS organization_id, coalesce(p.month, k.month) AS month,
          p.state, k.id AS month_pack_id
        FROM (SELECT * FROM ledger_period WHERE state = 'locked') p
        FULL JOIN (SELECT * FROM reconciliation_monthpack WHERE state = 'made') k
          ON k.organization_id = p.organization_id AND k.month = p.month
        WHERE (p.id IS NULL OR k.id IS NULL) AND {mine("coalesce(p.organization_id, k.organization_id)")}""",
    ),
    Rule(12, "pack_is_kept", "The pack of a locked month lies on disk.", ask=packs_gone),
    Rule(
        12, "day_closed_once", "A day is closed once, until it is reopened.",
        f"""
        SELECT c.id AS day_close_id, c.day, c.round FROM reconciliation_dayclose c
        WHERE {mine("c.organization_id")} AND c.round > 1 AND NOT EXISTS (
          SELECT 1 FROM reconciliation_dayclose b JOIN reconciliation_dayreopening r ON r.day_close_id = b.id
          WHERE b.organization_id = c.organization_id AND b.day = c.day AND b.round = c.round - 1)""",
    ),
    Rule(46, "close_is_what_was_signed", "The figures of a closed day or month are those that were signed.",
         ask=closes_altered),
    Rule(
        3, "closing_guards_in_place", "Proofs and closes are guarded against change, in the database itself.",
        guards_missing(APPEND_ONLY, FROZEN, BESIDES),
    ),
    Rule(
        46, "proof_chain", "Proofs of the books are numbered without holes, each with the digest of the one before.",
        f"""
        SELECT p.id AS books_proof_id, p.position, p.place, p.previous_digest, p.before
        FROM (SELECT *, row_number() OVER w AS place, coalesce(lag(digest) OVER w, '') AS before
              FROM reconciliation_booksproof WINDOW w AS (PARTITION BY organization_id ORDER BY position)) p
        WHERE {mine("p.organization_id")} AND (p.position <> p.place OR p.previous_digest <> p.before)""",
    ),
    Rule(46, "proof_is_what_was_signed", "A proof of the books still is what was signed.", ask=proofs_altered),
]  # fmt: skip
