"""Standing mandates at the sponsor bank: registered, agreed to, ended."""

import re
from base64 import b64encode
from datetime import datetime

from payments.gateways.base import (
    GatewayDown,
    Kind,
    MandateTerms,
    MethodRef,
    MethodUpdate,
    Outcome,
    PayerRef,
    Reason,
    Result,
)
from payments.gateways.json_line import Line, Row, Unanswered, not_done, unanswered
from payments.gateways.nach import reading
from payments.gateways.rupees import CURRENCY, rupees

MANDATES = "/mandates"
FREQUENCIES = {
    "monthly": "MNTH", "quarterly": "QURT", "half_yearly": "MIAN", "annual": "YEAR", "any": "ADHO",
}  # fmt: skip
PROOFS = {"netbanking": "NETBANKING", "debit_card": "DEBIT_CARD", "aadhaar": "AADHAAR"}
KINDS = {"savings": "SB", "current": "CA"}
IFSC, NUMBER = re.compile(r"[A-Z]{4}0[A-Z0-9]{6}"), re.compile(r"\d{9,18}")
LAST_DAY = 28  # of a month that a mandate may name


def create(line: Line, terms: MandateTerms, payer: PayerRef, key: str) -> Result:
    """Pending, with where the payer agrees; on paper there is nothing to be followed."""
    trouble = _trouble(terms)
    if trouble:
        return not_done(Kind.MANDATE, key, Unanswered(trouble))
    body = _body(terms, payer, key)
    if body is None:
        return Result(
            Outcome.DECLINED, Kind.MANDATE, key, reason=Reason.INVALID_ACCOUNT, raw_code="account",
            raw_text="That is no Indian account number or IFSC.",
        )  # fmt: skip
    said = line.carry_out(Kind.MANDATE, key, "POST", MANDATES, body)
    if isinstance(said, Result):
        return said
    if said.code == "duplicate_message":
        return status(line, key, key, existing=True)
    return reading.refused(said, Kind.MANDATE, key) if said.code else reading.mandate(said.body, Kind.MANDATE, key)


def _trouble(terms: MandateTerms) -> str:
    account = terms.account
    if account is None or terms.scheme not in ("nach", "ecs") or terms.frequency not in FREQUENCIES:
        return "A mandate needs the payer's account, a scheme and a frequency."
    if terms.most.currency != CURRENCY or not 0 <= terms.debit_day <= LAST_DAY:
        return f"A mandate is in rupees, and its day is at most the {LAST_DAY}th."
    if account.kind not in KINDS or (account.proof not in PROOFS and not account.image):
        return "A mandate needs the kind of account, and a way to agree to it."
    if terms.scheme == "ecs" and account.proof != "paper":
        return "ECS is on paper only."
    return ""


def _body(terms: MandateTerms, payer: PayerRef, key: str) -> Row | None:
    """None for an account that can be none."""
    account = terms.account
    assert account is not None
    if not NUMBER.fullmatch(account.number) or not IFSC.fullmatch(account.ifsc):
        return None
    is_paper = account.proof not in PROOFS
    agreed: Row = (
        {"channel": "PAPER", "image": b64encode(account.image).decode()} if is_paper
        else {"channel": "ENACH", "auth_mode": PROOFS[account.proof]}
    )  # fmt: skip
    return {
        "message_ref": key, "flavour": terms.scheme.upper(), "amount_type": "MAX", "amount": rupees(terms.most),
        "sequence_type": "RCUR", "frequency": FREQUENCIES[terms.frequency], "first_on": terms.starts_on.isoformat(),
        "last_on": terms.ends_on.isoformat() if terms.ends_on else None, "debit_day": terms.debit_day or None,
        "replaces": terms.replaces or None, **agreed,
        "debtor": {
            "name": payer.name[:120], "account_no": account.number, "account_type": KINDS[account.kind],
            "ifsc": account.ifsc,
        },
    }  # fmt: skip


def status(line: Line, reference: str, key: str, *, existing: bool = False) -> Result:
    """How a mandate stands. reference: its UMRN, or ours of its registration."""
    try:
        row = line.must_read(f"{MANDATES}/{reference}")
    except Unanswered as trouble:
        return unanswered(Kind.MANDATE, key, trouble)
    return reading.mandate(row, Kind.MANDATE, key, existing=existing)


def cancel(line: Line, method: MethodRef, key: str) -> Result:
    """End a mandate. One that has ended already counts as ended."""
    said = line.carry_out(Kind.DELETE, key, "POST", f"{MANDATES}/{method.token}/cancel", {"reason": "by the creditor"})
    if isinstance(said, Result):
        return said
    if not said.code:
        return reading.ended(said.body, Kind.DELETE, key)
    if said.code != "not_active":
        return reading.refused(said, Kind.DELETE, key)
    try:
        row = line.must_read(f"{MANDATES}/{method.token}")
    except Unanswered as trouble:
        return unanswered(Kind.DELETE, key, trouble)
    return reading.ended(row, Kind.DELETE, key, existing=True)


def find_ended(line: Line, reference: str, key: str) -> list[Result]:
    """Whether a mandate has ended; [] where it stands. Raises Unanswered."""
    row = line.read(f"{MANDATES}/{reference}")
    is_dead = row is not None and reading.word(row, "status") in reading.DEAD
    return [Result(Outcome.APPROVED, Kind.DELETE, key, existing=True)] if is_dead else []


def updates(line: Line, since: datetime) -> list[MethodUpdate]:
    """Mandates that ended since then, oldest first. Raises GatewayDown."""
    try:
        rows = line.must_read(MANDATES, changed_since=since.isoformat()).get("mandates")
    except Unanswered as trouble:
        raise GatewayDown(trouble.text) from None
    if not isinstance(rows, list):
        raise GatewayDown("no list of mandates")
    return [found for row in rows if isinstance(row, dict) and (found := reading.update(row)) is not None]
