"""SMS by Exotel: one call a message; news by a callback that nobody signs, so our own signature is in its address.

DLT in India: the text must be registered there for its header; what fits no registered text is taken and reported as
failed. Source: Exotel, "Send SMS", "SMS details", "DLT platform error codes in India".
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from billing.office.messengers.base import Fate, Forged, Outgoing, Reply, Told, Unreadable
from billing.office.messengers.signing import signed_key
from billing.office.models.notice import Channel, News
from billing.office.wire import Answer, Lost, NotSent, Wire

NEWS = {
    "sent": News.DELIVERED, "delivered": News.DELIVERED, "queued": News.SENT, "sending": News.SENT,
    "submitted": News.SENT, "failed": News.FAILED, "failed_dnd": News.FAILED, "failed-dnd": News.FAILED,
}  # fmt: skip
AT_THE_OPERATOR = "20006"  # the operator took it, the handset has not confirmed
BAD_NUMBERS = frozenset({"23010", "23011"})


class Carrier:
    channel = Channel.SMS

    def __init__(self, name: str, settings: Mapping[str, str], wire: Wire) -> None:
        """Raises KeyError for a setting that is missing."""
        self.name, self.wire = name, wire
        self.base = settings["base_url"].rstrip("/")
        self.account, self.sender = settings["account"], settings["sender"]
        self.auth = (settings["api_key"], settings["api_token"])
        self.entity = settings.get("dlt_entity_id", "")

    def send(self, message: Outgoing) -> Reply:
        form = {"From": self.sender, "To": message.to, "Body": message.text, "CustomField": message.key}
        if message.callback:
            form["StatusCallback"] = message.callback
        if self.entity:
            form["DltEntityId"] = self.entity
        if message.registered_as:
            form["DltTemplateId"] = message.registered_as
        try:
            answer = self.wire.send(
                "POST", f"{self.base}/v1/Accounts/{self.account}/Sms/send.json", data=form, auth=self.auth
            )
            return _read(answer)
        except NotSent as trouble:
            return Reply(Fate.LATER, reason=f"not reached: {trouble}")
        except Lost as trouble:
            return Reply(Fate.UNKNOWN, reason=f"no answer: {trouble}")

    def parse(self, raw: bytes, headers: Mapping[str, str], query: Sequence[tuple[str, str]]) -> list[Told]:
        key = signed_key(dict(query).get("k", ""))
        if not key:
            raise Forged
        try:
            form = dict(parse_qsl(raw.decode("ascii"), keep_blank_values=True))
            sid, status = form["SmsSid"], form["Status"].lower()
        except (KeyError, UnicodeDecodeError, ValueError) as trouble:
            raise Unreadable from trouble
        code = form.get("DetailedStatusCode", "")
        if status not in NEWS:
            raise Unreadable
        news = News.SENT if code == AT_THE_OPERATOR else NEWS[status]
        return [
            Told(
                event_id=f"{sid}:{status}:{code}", news=news, ref=sid, key=key,
                reason=f"{code} {form.get('DetailedStatus', '')}".strip() if news == News.FAILED else "",
                is_address=code in BAD_NUMBERS,
            )
        ]  # fmt: skip

    def challenge(self, query: Mapping[str, str]) -> str:
        return ""


def _read(answer: Answer) -> Reply:
    """Raises Lost for an answer that is none."""
    if answer.status in (401, 403, 429):
        return Reply(Fate.LATER, reason=f"HTTP {answer.status}")
    if answer.status >= 500:
        return Reply(Fate.UNKNOWN, reason=f"HTTP {answer.status}")
    found = _object(answer)
    if answer.status >= 400:
        words = str(found.get("RestException", {}).get("Message", f"HTTP {answer.status}"))
        return Reply(Fate.REFUSED, reason=words, is_address=words.endswith("parameter: To"))
    sms = found.get("SMSMessage", {})
    if not sms.get("Sid"):
        raise Lost("no Sid")
    return Reply(Fate.SENT, ref=str(sms["Sid"]))


def _object(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.text)
    except ValueError as trouble:
        raise Lost("unreadable") from trouble
    if not isinstance(found, dict):
        raise Lost("unreadable")
    return found
