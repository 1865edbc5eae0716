"""WhatsApp by Meta's Cloud API: one call a message, news by webhooks signed over their bytes.

A text that the family did not ask for within the last day must be a template that Meta approved: it is named, with
what stands for its variables; free text is taken and reported as failed.
Source: Meta, "Messages", "Status messages webhook reference", "WhatsApp error codes".
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any

from billing.office.messengers.base import Fate, Forged, Outgoing, Reply, Told, Unreadable
from billing.office.messengers.signing import is_hmac
from billing.office.models.notice import Channel, News
from billing.office.wire import Answer, Lost, NotSent, Wire

NEWS = {"sent": News.SENT, "delivered": News.DELIVERED, "read": News.READ, "failed": News.FAILED}
LANGUAGES = {"zh-hant": "zh_TW"}
# Credentials, limits, and Meta's own trouble: the same message may be taken later.
LATER = frozenset({3, 4, 10, 190, 200, 80007, 130429, 131005, 131016, 131048, 131056, 131057, 133004})
NOT_ON_WHATSAPP = frozenset({131026, 131030})


class Carrier:
    channel = Channel.WHATSAPP

    def __init__(self, name: str, settings: Mapping[str, str], wire: Wire) -> None:
        """Raises KeyError for a setting that is missing."""
        self.name, self.wire = name, wire
        self.base = settings["base_url"].rstrip("/")
        self.phone_id, self.token = settings["phone_id"], settings["token"]
        self.app_secret, self.verify_token = settings["app_secret"], settings["verify_token"]
        self.version = settings.get("version", "v21.0")

    def send(self, message: Outgoing) -> Reply:
        body = {
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": message.to.lstrip("+"),
            "biz_opaque_callback_data": message.key, **_content(message),
        }  # fmt: skip
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        url = f"{self.base}/{self.version}/{self.phone_id}/messages"
        try:
            return _read(self.wire.send("POST", url, data=json.dumps(body).encode(), headers=headers))
        except NotSent as trouble:
            return Reply(Fate.LATER, reason=f"not reached: {trouble}")
        except Lost as trouble:
            return Reply(Fate.UNKNOWN, reason=f"no answer: {trouble}")

    def parse(self, raw: bytes, headers: Mapping[str, str], query: Sequence[tuple[str, str]]) -> list[Told]:
        if not is_hmac(self.app_secret, raw, headers.get("x-hub-signature-256", "")):
            raise Forged
        try:
            return [_told(row) for row in _statuses(json.loads(raw)) if row.get("status") in NEWS]
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as trouble:
            raise Unreadable from trouble

    def challenge(self, query: Mapping[str, str]) -> str:
        given = query.get("hub.verify_token", "").encode()
        is_ours = query.get("hub.mode") == "subscribe" and compare_digest(given, self.verify_token.encode())
        return query.get("hub.challenge", "")[:200] if is_ours else ""


def _content(message: Outgoing) -> dict[str, Any]:
    if not message.registered_as:
        return {"type": "text", "text": {"body": message.text, "preview_url": False}}
    template: dict[str, Any] = {
        "name": message.registered_as, "language": {"code": LANGUAGES.get(message.language, message.language)},
    }  # fmt: skip
    if message.parameters:
        values = [{"type": "text", "text": value} for value in message.parameters]
        template["components"] = [{"type": "body", "parameters": values}]
    return {"type": "template", "template": template}


def _read(answer: Answer) -> Reply:
    """Raises Lost for an answer that is none."""
    try:
        found = json.loads(answer.text)
        assert isinstance(found, dict)
    except (ValueError, AssertionError) as trouble:
        raise Lost("unreadable") from trouble
    if answer.status == 200:
        messages = found.get("messages") or [{}]
        if not messages[0].get("id"):
            raise Lost("no id")
        return Reply(Fate.SENT, ref=str(messages[0]["id"]))
    error = found.get("error") or {}
    code, words = int(error.get("code") or 0), f"{error.get('code', '')} {error.get('message', '')}".strip()
    if answer.status == 429 or code in LATER:
        return Reply(Fate.LATER, reason=words)
    if answer.status >= 500:
        return Reply(Fate.UNKNOWN, reason=words or f"HTTP {answer.status}")
    return Reply(Fate.REFUSED, reason=words, is_address=code in NOT_ON_WHATSAPP)


def _statuses(event: Any) -> Iterator[dict[str, Any]]:
    for entry in event["entry"]:
        for change in entry.get("changes", []):
            yield from change.get("value", {}).get("statuses", [])


def _told(row: dict[str, Any]) -> Told:
    errors = row.get("errors") or [{}]
    code = int(errors[0].get("code") or 0)
    reason = f"{code} {errors[0].get('title', '')}".strip() if code else ""
    return Told(
        event_id=f"{row['id']}:{row['status']}", news=NEWS[row["status"]], ref=str(row["id"]),
        key=str(row.get("biz_opaque_callback_data") or ""), reason=reason, is_address=code in NOT_ON_WHATSAPP,
        at=datetime.fromtimestamp(int(row["timestamp"]), UTC),
    )  # fmt: skip
