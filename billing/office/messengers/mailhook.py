"""What became of e-mails, told by whoever hands them on: JSON of our own making, signed with a shared secret.

    POST /webhooks/messages/<name>/
    X-Timestamp: 1773327600                       seconds; older or newer than five minutes is refused
    X-Signature: sha256=<HMAC-SHA256 of timestamp, a dot and the body>
    {"events": [{"id": "…", "message_id": "<notice-12@quittance.invalid>", "type": "bounced", "at": "…",
                 "reason": "550 …"}]}

type: sent, delivered, soft, bounced, complained. A mail server's own reports are turned into this by a few lines of
its hook (docs/operators). We send by Django's mail backend, so there is nothing to send here.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from billing.office import clock
from billing.office.messengers.base import Fate, Forged, Outgoing, Reply, Told, Unreadable
from billing.office.messengers.signing import is_hmac
from billing.office.models.notice import Channel, News
from billing.office.wire import Wire

SKEW_SECONDS = 300
MESSAGE_ID = re.compile(r"<?(notice-\d{1,18})@quittance\.invalid>?")
NEWS = {
    "sent": News.SENT, "delivered": News.DELIVERED, "soft": News.SOFT, "bounced": News.BOUNCED,
    "complained": News.BOUNCED,
}  # fmt: skip
FINAL = ("bounced", "complained")
MOST = 500


class Carrier:
    channel = Channel.EMAIL

    def __init__(self, name: str, settings: Mapping[str, str], wire: Wire) -> None:
        """Raises KeyError for a setting that is missing."""
        self.name = name
        self.secret = settings["webhook_secret"]

    def send(self, message: Outgoing) -> Reply:
        return Reply(Fate.LATER, reason="e-mails are sent by the mail server")

    def parse(self, raw: bytes, headers: Mapping[str, str], query: Sequence[tuple[str, str]]) -> list[Told]:
        stamp = headers.get("x-timestamp", "")
        is_number = stamp.isascii() and stamp.isdigit() and len(stamp) < 19
        is_now = is_number and abs(int(stamp) - int(clock.now().timestamp())) <= SKEW_SECONDS
        if not is_now or not is_hmac(self.secret, f"{stamp}.".encode() + raw, headers.get("x-signature", "")):
            raise Forged
        try:
            events = json.loads(raw)["events"]
            if len(events) > MOST:
                raise ValueError
            return [_told(row) for row in events]
        except (ValueError, KeyError, TypeError, AttributeError) as trouble:
            raise Unreadable from trouble

    def challenge(self, query: Mapping[str, str]) -> str:
        return ""


def _told(row: dict[str, Any]) -> Told:
    found = MESSAGE_ID.fullmatch(str(row["message_id"]).strip())
    at = datetime.fromisoformat(row["at"]) if row.get("at") else None
    if at is not None and at.tzinfo is None:
        raise ValueError(row["at"])
    return Told(
        event_id=str(row["id"])[:190], news=NEWS[row["type"]], key=found[1] if found else "",
        reason=str(row.get("reason", ""))[:400], is_address=row["type"] in FINAL, at=at,
        ref=str(row["message_id"])[:200],
    )  # fmt: skip
