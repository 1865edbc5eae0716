"""Proving a bank account by two small deposits whose amounts its owner tells us."""

from dataclasses import replace

from payments.gateways.ach_codes import return_of
from payments.gateways.base import Advice, GatewayRef, Kind, MethodRef, Money, Outcome, Reason, Result
from payments.gateways.dwolla import reading
from payments.gateways.dwolla.calls import post
from payments.gateways.dwolla.hub import Hub, Row, Said, Unanswered, mapping
from payments.gateways.dwolla.vault import SOURCES, own

DEPOSITS = "micro-deposits"
NO_TRIES_LEFT = "too many attempts"
PENDING = "pending"


def start(hub: Hub, method: MethodRef, key: str) -> Result:
    """Have the deposits sent; they arrive in a banking day or two. Sent already, or proven already, is a yes too."""
    kind = Kind.MICRO_DEPOSITS
    try:
        url = hub.at(SOURCES, method.token)
    except Unanswered as trouble:
        return reading.not_done(kind, key, trouble)
    said = post(hub, kind, key, f"{url}/{DEPOSITS}", None)
    if isinstance(said, Result):
        return _started_after_all(hub, url, said) if said.outcome == Outcome.UNKNOWN else said
    if said.status == 201 and DEPOSITS in said.location:
        return Result(Outcome.APPROVED, kind, key)
    refused = reading.refused(said, kind, key) if said.is_refusal else reading.unclear(kind, key, str(said.status))
    return _started_after_all(hub, url, refused)


def _started_after_all(hub: Hub, url: str, result: Result) -> Result:
    """What became of the deposits, where the answer did not tell or refused to send others."""
    try:
        row = hub.must_read(url)
        sent = hub.read(f"{url}/{DEPOSITS}")
    except Unanswered:
        return result
    if row.get("status") == "verified":
        return Result(Outcome.APPROVED, result.kind, result.key, existing=True, view=reading.view(row))
    if sent is None:
        return result
    if reading.last_status(sent) == "failed":
        return _sent_back(sent, result.kind, result.key)
    return Result(Outcome.APPROVED, result.kind, result.key, existing=True)


def confirm(hub: Hub, method: MethodRef, minor_amounts: tuple[int, int], key: str) -> Result:
    """Compare the amounts that the payer found. Three wrong tries and the account must be removed and given again.

    Pending where the deposits are not there yet: that was no try.
    """
    try:
        url = hub.at(SOURCES, method.token)
    except Unanswered as trouble:
        return reading.not_done(Kind.CONFIRM, key, trouble)
    first, second = (reading.amount(Money(minor, reading.CURRENCY)) for minor in minor_amounts)
    said = post(hub, Kind.CONFIRM, key, f"{url}/{DEPOSITS}", {"amount1": first, "amount2": second})
    found = said if isinstance(said, Result) else _answered(hub, url, said, key)
    if found.outcome != Outcome.UNKNOWN:
        return found
    try:  # the account itself says whether it is proven
        row = hub.must_read(url)
    except Unanswered:
        return found
    if row.get("status") != "verified":
        return found
    return Result(Outcome.APPROVED, Kind.CONFIRM, key, view=reading.view(row, method.last4, method.holder))


def _answered(hub: Hub, url: str, said: Said, key: str) -> Result:
    """What the answer says by itself; a plain 200 is left open, as HTTP's status proves nothing."""
    kind, text = Kind.CONFIRM, said.text.lower()
    if said.code == "TryAgainLater":
        return Result(
            Outcome.PENDING, kind, key, ref=_ref(url, kind, key), raw_code=said.code, raw_text=said.text,
            advice=Advice.RETRY_AFTER,
        )  # fmt: skip
    if not said.is_refusal:
        return reading.unclear(kind, key, f"HTTP {said.status}")
    refused = reading.refused(said, kind, key)
    if NO_TRIES_LEFT in text:
        return replace(
            refused, outcome=Outcome.DECLINED, reason=Reason.INVALID_ACCOUNT, advice=Advice.DO_NOT_RETRY
        )  # fmt: skip
    if said.code == "InvalidResourceState" and "already verified" in text:
        return Result(Outcome.APPROVED, kind, key, existing=True)
    if said.code == "Invalid" or any(one.path.startswith("/amount") for one in said.troubles):
        return replace(refused, outcome=Outcome.DECLINED, reason=Reason.INVALID_ACCOUNT, advice=None)
    if said.status == 404 or refused.outcome == Outcome.DECLINED:
        return _instead(hub, url, refused)
    return refused


def _instead(hub: Hub, url: str, refused: Result) -> Result:
    """Deposits that were sent back say why there is nothing to compare."""
    try:
        sent = hub.read(f"{url}/{DEPOSITS}")
    except Unanswered:
        return refused
    is_back = sent is not None and reading.last_status(sent) == "failed"
    return _sent_back(sent or {}, refused.kind, refused.key) if is_back else refused


def _sent_back(sent: Row, kind: Kind, key: str) -> Result:
    """The bank did not take the deposits."""
    failure = mapping(sent, "failure")
    code = str(failure.get("code") or "")[:8]
    known = return_of(code)
    return Result(
        Outcome.DECLINED, kind, key, reason=known.reason if code else Reason.INVALID_ACCOUNT, raw_code=code,
        raw_text=str(failure.get("description") or "The deposits were sent back.")[:400], return_code=code,
        advice=known.advice,
    )  # fmt: skip


def verify(hub: Hub, method: MethodRef, key: str) -> Result:
    """Whether a bank account is proven: approved, pending while deposits can still prove it, or declined.

    The three answers of CheckAchMethod, 1, 2 and 0.
    """
    try:
        url = hub.at(SOURCES, method.token)
        row = hub.read(url)
        sent = None if row is None or _is_settled(row) else hub.read(f"{url}/{DEPOSITS}")
    except Unanswered as trouble:
        return reading.not_done(Kind.VERIFY, key, trouble)
    if row is None or row.get("removed"):
        return reading.declined(Kind.VERIFY, key, "Removed.", Reason.INVALID_ACCOUNT, None, Advice.UPDATE_METHOD)
    if row.get("status") == "verified":
        return own(hub, reading.bank(row, Kind.VERIFY, key, last4=method.last4, holder=method.holder))
    if sent is None:
        return reading.declined(Kind.VERIFY, key, "Not proven, and no deposits were sent.", Reason.INVALID_ACCOUNT)
    if reading.last_status(sent) == "failed":
        return _sent_back(sent, Kind.VERIFY, key)
    if "failed-verification-micro-deposits" in mapping(row, "_links"):
        text = "All tries to tell the amounts are used up."
        return reading.declined(Kind.VERIFY, key, text, Reason.INVALID_ACCOUNT, None, Advice.DO_NOT_RETRY)
    return Result(
        Outcome.PENDING, Kind.VERIFY, key, ref=_ref(url, Kind.VERIFY, key), view=reading.view(row, method.last4)
    )


def _is_settled(row: Row) -> bool:
    return bool(row.get("removed")) or row.get("status") == "verified"


def _ref(url: str, kind: Kind, key: str) -> str:
    """A reference of this one attempt: another of the same account has another."""
    return f"{url}#{kind}-{key}"[:200]


def status(hub: Hub, ref: GatewayRef) -> Result:
    """Where the proof of an account stands that was not decided at once. Raises Unanswered.

    Amounts that were told before the deposits arrived were not compared and are not kept: they have to be told again.
    """
    url, (kind, _dash, key) = hub.at(SOURCES, ref.ref), ref.ref.rpartition("#")[2].partition("-")
    found = verify(hub, MethodRef(url, ref.instrument, last4=ref.last4), key)
    if found.outcome == Outcome.ERROR:
        raise Unanswered(found.raw_text, found.raw_code)
    if kind != Kind.CONFIRM:
        return found
    sent = hub.read(f"{url}/{DEPOSITS}") if found.outcome == Outcome.PENDING else None
    if sent is not None and reading.last_status(sent) != PENDING:
        text = "The deposits have arrived since. Their amounts have to be told again."
        return reading.declined(Kind.CONFIRM, key, text, advice=Advice.RETRY_AFTER)
    return replace(found, kind=Kind.CONFIRM, ref=ref.ref if found.outcome == Outcome.PENDING else "")
