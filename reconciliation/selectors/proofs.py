"""The proofs of the books there are, and whether they still are what was signed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from billing.office import seals
from billing.office.models import AuditSeal, Organization
from reconciliation.models import BooksProof
from reconciliation.rules.proof_content import content_of, digest_of

STALE_AFTER = timedelta(hours=30)  # a night without a proof is told about


def last_proof(organization: Organization) -> BooksProof | None:
    """The newest proof: its `number` is what exports and pages name, `holds` whether it was green. One query."""
    return proofs_of(organization).first()


def proofs_of(organization: Organization) -> QuerySet[BooksProof]:
    """Newest first, without what they found."""
    rows = BooksProof.objects.filter(organization=organization)
    return rows.defer("findings", "counts", "signature", "certificate").order_by("-position")


def is_stale(proof: BooksProof | None, now: datetime) -> bool:
    return proof is None or now - proof.proved_at > STALE_AFTER


@dataclass(frozen=True)
class ProofFault:
    """Why a proof is not what it was. code: position, chain, digest, signature or audit."""

    proof: BooksProof
    code: str


FAULTS: dict[str, Sentence] = {
    "position": _("A proof before this one is missing."),
    "chain": _("It does not follow the proof before it."),
    "digest": _("What it says was changed after it was signed."),
    "signature": _("Its signature is not of its content."),
    "audit": _("The audit trail that it saw is no longer the one there is."),
}


def verify_proofs(organization_id: int | None, *, newest: int | None = None) -> Iterator[ProofFault]:
    """Every fault of an organization's proofs, or of all, oldest first; newest: only so many of each organization.

    Two queries and one for each thousand proofs.
    """
    owners = Organization.objects.order_by("pk")
    if organization_id is not None:
        owners = owners.filter(pk=organization_id)
    for key in owners.values_list("pk", flat=True):
        yield from _verify_one(key, newest)


def _verify_one(organization_id: int, newest: int | None) -> Iterator[ProofFault]:
    rows = BooksProof.objects.filter(organization_id=organization_id)
    positions = list(rows.order_by("-position").values_list("position", flat=True)[:newest])
    if not positions:
        return
    first = positions[-1]
    before = rows.filter(position=first - 1).values_list("digest", flat=True).first() or ""
    heads = dict(
        AuditSeal.objects.filter(
            position__in=rows.filter(position__gte=first).values("audit_position")
        ).values_list("position", "digest")
    )  # fmt: skip
    place = first if newest is not None else 1
    for proof in rows.filter(position__gte=first).order_by("position").iterator(chunk_size=200):
        for code in faults_of(proof, place=place, before=before, heads=heads):
            yield ProofFault(proof, code)
        place, before = proof.position + 1, proof.digest


def faults_of(proof: BooksProof, *, place: int, before: str, heads: Mapping[int | None, Any]) -> list[str]:
    """place: the position it should have; before: the digest of the one before; heads: seals of the audit trail."""
    found = []
    if proof.position != place:
        found.append("position")
    if proof.previous_digest != before:
        found.append("chain")
    if digest_of(signed_content(proof)) != proof.digest:
        found.append("digest")
    if not seals.is_sealed(proof.digest.encode(), seals.Seal(proof.signature, proof.certificate)):
        found.append("signature")
    head = heads.get(proof.audit_position)
    if proof.audit_position and (head is None or bytes(head).hex() != proof.audit_head):
        found.append("audit")
    return found


def signed_content(proof: BooksProof) -> bytes:
    return content_of(
        organization_id=proof.organization_id, position=proof.position, day=proof.day.isoformat(),
        proved_at=proof.proved_at, findings=proof.findings, counts=proof.counts, seconds=proof.seconds,
        audit_position=proof.audit_position, audit_head=proof.audit_head, previous_digest=proof.previous_digest,
    )  # fmt: skip


@dataclass(frozen=True)
class Verified:
    """What the page of a proof says of it. is_ours: signed with the key that signs now."""

    faults: list[Sentence]
    is_ours: bool
    fingerprint: str


def verify_proof(proof: BooksProof) -> Verified:
    """One proof, beside the one before it and the audit trail. Two queries."""
    before = BooksProof.objects.filter(organization=proof.organization_id, position=proof.position - 1)
    digest = before.values_list("digest", flat=True).first() or ""
    heads = dict(AuditSeal.objects.filter(position=proof.audit_position).values_list("position", "digest"))
    place = proof.position if digest or proof.position == 1 else 1
    codes = faults_of(proof, place=place, before=digest, heads=heads)
    mark = seals.fingerprint(proof.certificate)
    return Verified([FAULTS[code] for code in codes], mark == seals.own_fingerprint(), mark)
