"""Proving the books: every invariant asked, what was found kept, chained, signed and told (moonshot 3)."""

import time
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import structlog
from django.db.models import Q

from billing.office import seals
from billing.office.access import people_who
from billing.office.models import Organization, User
from billing.office.models.notice import Channel
from billing.office.models.user import Mode
from billing.office.notices import Message, queue_notices
from billing.selectors.proof import Finding, Proof, prove
from billing.transactions import in_transaction, transaction_required
from reconciliation.models import BooksProof, ProofRequest
from reconciliation.rules.proof_content import digest_of, plain
from reconciliation.selectors.proofs import signed_content

log = structlog.get_logger(__name__)

PROVE_AT = 2  # o'clock where the organization is: its day is over, the next has not begun
ROWS_KEPT = 20
ROWS_TOLD = 3
LEASE = timedelta(hours=1)


def prove_organization(
    *, organization: Organization, now: datetime, nightly: bool = False, by: User | None = None
) -> BooksProof:
    """Ask everything of one snapshot, then keep what was found. A journey: nothing is written inside the snapshot.

    nightly: at most one for each day of the organization's calendar; if somebody was quicker, theirs is returned.
    """
    found = prove(organization.pk)
    return in_transaction(partial(keep_proof, organization=organization, found=found, now=now, nightly=nightly, by=by))


@transaction_required
def keep_proof(
    *, organization: Organization, found: Proof, now: datetime, nightly: bool, by: User | None
) -> BooksProof:
    """Write a proof behind the last one of the organization, sign it, and raise the alarm if a rule is broken."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)  # one link at a time
    day = organization.today(now)
    rows = BooksProof.objects.filter(organization=organization)
    if nightly and (there := rows.filter(day=day, is_nightly=True).first()) is not None:
        return there
    last = rows.order_by("-position").only("position", "digest").first()
    proof = _built(organization, found, last, day, now)
    proof.is_nightly, proof.asked_by = nightly, by
    proof.digest = digest_of(signed_content(proof))
    kept = seals.seal(proof.digest.encode())
    proof.signature, proof.certificate = kept.signature, kept.certificate
    proof.save(force_insert=True)
    if not proof.holds:
        _alarm(proof, found, now)
    return proof


def _built(
    organization: Organization, found: Proof, last: BooksProof | None, day: date, now: datetime
) -> BooksProof:  # fmt: skip
    return BooksProof(
        organization=organization, position=last.position + 1 if last else 1, day=day, proved_at=now,
        findings=[_kept(finding) for finding in found.findings], counts=plain(found.counts),
        rule_count=len(found.findings), broken_count=len(found.broken), seconds=Decimal(f"{found.seconds:.3f}"),
        audit_position=found.position, audit_head=found.head, previous_digest=last.digest if last else "",
    )  # fmt: skip


def _kept(finding: Finding) -> dict[str, Any]:
    return {
        "number": finding.rule.number, "name": finding.rule.name, "sentence": str(finding.rule.sentence),
        "broken": finding.broken, "rows": plain(finding.rows[:ROWS_KEPT]), "seconds": f"{finding.seconds:.3f}",
    }  # fmt: skip


def _alarm(proof: BooksProof, found: Proof, now: datetime) -> None:
    """One message to the office and one to each finance manager and accountant. In English, as stored notes are."""
    organization = proof.organization
    rules = ", ".join(f"{finding.rule.number} {finding.rule.name}" for finding in found.broken)
    lines = [line for finding in found.broken for line in _told(finding)]
    told: dict[str, Any] = {
        "kind": "books_broken", "subject": f"The books are broken ({proof.number}): {rules}"[:200],
        "body": "\n".join([f"{proof.number} of {proof.day}: {proof.broken_count} rules are broken.", *lines]),
    }  # fmt: skip
    messages = [Message(fact=f"proof:{proof.pk}", recipient="finance", channel=Channel.OFFICE, **told)]
    people = {
        user.pk: user
        for mode in (Mode.CHECK, Mode.MAKE)
        for user in people_who(organization, "close_period", mode)
        if user.email
    }
    messages += [Message(fact=f"proof:{proof.pk}:{user.pk}", recipient=user.email, **told) for user in people.values()]
    queue_notices(organization, messages, now)


def _told(finding: Finding) -> list[str]:
    head = f"{finding.rule.number} {finding.rule.name}: {finding.rule.sentence} {finding.broken} found."
    rows = [", ".join(f"{name} {value}" for name, value in row.items()) for row in finding.rows[:ROWS_TOLD]]
    return [head, *(f"  {row}" for row in rows)]


# By the clock, and on request


def prove_due(*, now: datetime, seconds: int) -> int:
    """Prove whoever's night it is, and who asked; begin nothing after `seconds`. Returns how many were proved.

    Each is claimed and the claim committed before it is begun: books whose proof kills its worker are tried again
    after LEASE and keep no other waiting meanwhile. While nothing is due: three queries.
    """
    started, done = time.monotonic(), 0
    _plan_nights(now)
    for asked in _waiting(now):
        if time.monotonic() - started > seconds:
            break
        if _claim(asked, now):
            done += _try(asked, now)
    return done


def _plan_nights(now: datetime) -> None:
    """A request for each organization whose night has come and has none yet."""
    owners = Organization.objects.filter(is_active=True).order_by("pk")
    night = [(one.pk, one.today(now)) for one in owners if now.astimezone(one.zone).hour >= PROVE_AT]
    recent = ProofRequest.objects.filter(day__gte=now.date() - timedelta(days=1))
    missing = set(night) - set(recent.values_list("organization", "day"))
    if missing:
        rows = [ProofRequest(organization_id=pk, day=day, asked_at=now) for pk, day in sorted(missing)]
        ProofRequest.objects.bulk_create(rows, ignore_conflicts=True)


def _waiting(now: datetime) -> list[ProofRequest]:
    """Those nobody works on, of nights only the present one's."""
    free = Q(tried_at=None) | Q(tried_at__lt=now - LEASE)
    rows = ProofRequest.objects.filter(free, proof=None).select_related("organization", "asked_by").order_by("pk")
    return [one for one in rows if one.day is None or one.day == one.organization.today(now)]


def _claim(asked: ProofRequest, now: datetime) -> bool:
    rows = ProofRequest.objects.filter(pk=asked.pk, proof=None, tried_at=asked.tried_at)
    return bool(rows.update(tried_at=now))


def _try(asked: ProofRequest, now: datetime) -> int:
    try:
        proof = prove_organization(
            organization=asked.organization, now=now, nightly=asked.day is not None, by=asked.asked_by
        )
    except Exception:  # the border between organizations: whatever one's books do, the next must be proved
        log.exception("books_not_proved", organization=asked.organization.code)
        return 0
    ProofRequest.objects.filter(pk=asked.pk).update(proof=proof)
    return 1


@transaction_required
def ask_for_proof(*, organization: Organization, now: datetime, by: User) -> ProofRequest:
    """Have the books proved within a minute or two. Asked again while one waits, the same is returned."""
    ProofRequest.objects.bulk_create(
        [ProofRequest(organization=organization, asked_at=now, asked_by=by)], ignore_conflicts=True
    )
    return ProofRequest.objects.get(organization=organization, proof=None, day=None)
