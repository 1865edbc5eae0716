"""Proofs of the books follow each other and are what was signed; what was closed stays so (invariants 3, 12, 46)."""

from collections.abc import Sequence
from typing import Any

from billing.selectors.invariants.office import guards_missing
from billing.selectors.proof import Rule, mine
from reconciliation.selectors.proofs import verify_proofs

NEWEST = 60  # each night's digests and signatures; manage.py verify_proofs asks all there are


def proofs_altered(organization_id: int | None) -> Sequence[dict[str, Any]]:
    """The newest proofs that are no longer what was signed, or saw an audit trail that is no longer there."""
    return [
        {"books_proof_id": fault.proof.pk, "number": fault.proof.number, "what": fault.code}
        for fault in verify_proofs(organization_id, newest=NEWEST)
    ]


APPEND_ONLY = ("reconciliation_booksproof",)

RULES = [
    Rule(
        3, "closing_guards_in_place", "Proofs of the books are guarded against change, in the database itself.",
        guards_missing(APPEND_ONLY, ()),
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
