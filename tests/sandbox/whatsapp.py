"""WhatsApp's Cloud API as Meta's graph answers it: templates, the 24 hour window, signed statuses.

What is wrong with a request or a template is answered at once; whether a person can be reached, and whether free text
was allowed, is known only later and told by a "failed" status.

Source: upi-nach.md §7; Meta, "Messages", "Status messages webhook reference", "WhatsApp error codes".
"""

import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import requests

from tests.sandbox.processor import Processor, deed, route
from tests.sandbox.webhooks import TIMEOUT
from tests.sandbox.whatsapp_errors import ERRORS, Wrong, error_reply
from tests.sandbox.wire import Reply, Request, json_reply

WINDOW = 24 * 60 * 60  # seconds after a person's last message in which free text reaches them
SENT, DELIVERED, READ = 1.0, 2.0, 4.0  # seconds from "accepted"
FATES = ("read", "delivered", "sent", "undeliverable")
STATES = ("APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED")
LONGEST_TEXT = 4096

BROKEN_PARAMETER = re.compile(r"[\n\t]| {5}")


@dataclass
class Template:
    """body: with {{1}}, {{2}}… for its parameters. state: one of STATES."""

    name: str
    language: str
    body: str
    state: str = "APPROVED"

    def wanted(self) -> int:
        return len(set(re.findall(r"\{\{(\d+)\}\}", self.body)))

    def filled(self, values: list[str]) -> str:
        return re.sub(r"\{\{(\d+)\}\}", lambda match: values[int(match[1]) - 1], self.body)


@dataclass
class Message:
    """code: of the error it failed with, 0 where it did not. note: what the merchant gave along, told back."""

    id: str
    to: str
    text: str
    category: str
    note: str
    sent_at: datetime
    fate: str
    code: int = 0


class WhatsApp(Processor):
    name = "whatsapp"
    title = "WhatsApp (Cloud API)"
    kept = ("messages", "templates", "fates", "heard_at")
    retries = (10, 60, 300, 1800, 7200, 21600, 43200, 86400, 172800, 259200)  # ever more rarely, for a week

    token = "sandbox-whatsapp-token"
    app_secret = "sandbox-whatsapp-app-secret"
    verify_token = "sandbox-whatsapp-verify"
    phone_id = "100000000000001"
    account = "200000000000002"
    display = "15550100100"

    def start(self) -> None:
        self.messages: dict[str, Message] = {}
        self.fates: dict[str, str] = {}
        self.heard_at: dict[str, datetime] = {}
        self.templates: dict[tuple[str, str], Template] = {}
        for language, body in (
            ("en", "Dear {{1}}, {{2}} for {{3}} is due on {{4}}. Please pay at {{5}}"),
            ("zh_TW", "{{1}} 您好，{{3}} 的 {{2}} 將於 {{4}} 到期。請由此付款：{{5}}"),
        ):
            self.templates["payment_reminder", language] = Template("payment_reminder", language, body)
        self.templates["payment_received", "en"] = Template(
            "payment_received", "en", "Thank you. We received {{1}}, receipt {{2}}"
        )

    # What it answers

    @route("POST", r"/v\d+\.\d+/(?P<phone>\d+)/messages")
    def send(self, request: Request) -> Reply:
        try:
            self._check_token(request)
            if request.args["phone"] != self.phone_id:
                raise Wrong(100, f"Object with ID '{request.args['phone']}' does not exist")
            message = self._message(_read(request))
        except Wrong as wrong:
            return error_reply(wrong.code, wrong.details)
        self.messages[message.id] = message
        self._tell(message)
        said: dict[str, str] = {"id": message.id}
        if message.category != "service":
            said["message_status"] = "accepted"
        contacts = [{"input": message.to, "wa_id": _digits(message.to)}]
        return json_reply({"messaging_product": "whatsapp", "contacts": contacts, "messages": [said]})

    @route("GET", r"/v\d+\.\d+/(?P<account>\d+)/message_templates")
    def listing(self, request: Request) -> Reply:
        try:
            self._check_token(request)
        except Wrong as wrong:
            return error_reply(wrong.code, wrong.details)
        rows = [
            {
                "name": one.name, "language": one.language, "status": one.state, "category": "UTILITY",
                "components": [{"type": "BODY", "text": one.body}],
            }
            for one in self.templates.values()
            if request.asked("name") in ("", one.name)
        ]  # fmt: skip
        return json_reply({"data": rows})

    def not_there(self, request: Request) -> Reply:
        return error_reply(100, f"Unknown path components: {request.path}")

    def too_often(self, request: Request) -> Reply:
        return error_reply(130429)

    def not_allowed(self, request: Request) -> Reply:
        return error_reply(190)

    def _check_token(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            raise Wrong(190)

    def _message(self, asked: dict[str, Any]) -> Message:
        """Raises Wrong for what is answered as an error at once."""
        if asked.get("messaging_product") != "whatsapp":
            raise Wrong(100, "messaging_product must be whatsapp")
        to = str(asked.get("to") or "")
        if not to:
            raise Wrong(131008, "to is required")
        if not re.fullmatch(r"\+?[0-9]{8,15}", to):
            raise Wrong(131009, "to is not a phone number")
        kind = asked.get("type", "text")
        if kind not in ("template", "text"):
            raise Wrong(100, "type must be template or text")
        text = self._templated(asked) if kind == "template" else _free_text(asked)
        fate, code = self._fate(to, kind)
        note = str(asked.get("biz_opaque_callback_data") or "")
        category = "utility" if kind == "template" else "service"
        return Message(f"wamid.{secrets.token_hex(16).upper()}", to, text, category, note, self.clock.now(), fate, code)

    def _templated(self, asked: dict[str, Any]) -> str:
        """The text of the template with its parameters."""
        named = _part(asked, "template")
        name, language = str(named.get("name")), str(_part(named, "language").get("code"))
        template = self.templates.get((name, language))
        if template is None or template.state in ("PENDING", "REJECTED"):
            raise Wrong(132001, f"template name ({name}) does not exist in {language}")
        if template.state != "APPROVED":
            raise Wrong(132015 if template.state == "PAUSED" else 132016)
        values = _parameters(named)
        if len(values) != template.wanted():
            raise Wrong(
                132000, f"body: number of localizable_params ({len(values)}) does not match the expected number"
                f" of params ({template.wanted()})",
            )  # fmt: skip
        if any(BROKEN_PARAMETER.search(value) for value in values):
            raise Wrong(132018)
        return template.filled(values)

    def _fate(self, to: str, kind: str) -> tuple[str, int]:
        """What will become of a message to this number, and the code it fails with."""
        fate = self.fates.get(_digits(to), "read")
        if fate == "undeliverable":
            return "failed", 131026
        heard = self.heard_at.get(_digits(to))
        if kind == "text" and (heard is None or (self.clock.now() - heard).total_seconds() > WINDOW):
            return "failed", 131047
        return fate, 0

    # What it tells

    def _tell(self, message: Message) -> None:
        """Queue the statuses. They are told in no order that can be relied on, and may be told twice."""
        if message.code:
            self._status(message, "failed", SENT)
            return
        for status, after in (("sent", SENT), ("delivered", DELIVERED), ("read", READ)):
            self._status(message, status, after)
            if status == message.fate:
                return

    def _status(self, message: Message, status: str, after: float) -> None:
        row: dict[str, Any] = {
            "id": message.id, "status": status, "timestamp": str(int(message.sent_at.timestamp() + after)),
            "recipient_id": _digits(message.to),
        }  # fmt: skip
        if message.note:
            row["biz_opaque_callback_data"] = message.note
        if message.code:
            _http, title, details = ERRORS[message.code]
            row["errors"] = [
                {"code": message.code, "title": title, "message": title, "error_data": {"details": details}}
            ]
        else:
            row["pricing"] = {"billable": True, "pricing_model": "PMP", "category": message.category}
        self._emit(message.id, status, {"statuses": [row]}, after)

    def _emit(self, key: str, topic: str, value: dict[str, Any], after: float = 0.0) -> None:
        about = {"display_phone_number": self.display, "phone_number_id": self.phone_id}
        change = {"value": {"messaging_product": "whatsapp", "metadata": about, **value}, "field": "messages"}
        event = {"object": "whatsapp_business_account", "entry": [{"id": self.account, "changes": [change]}]}
        body = json.dumps(event, separators=(",", ":")).encode()
        headers = {"content-type": "application/json", "x-hub-signature-256": self.sign(body)}
        self.webhooks.emit(key, topic, body, headers, after=after)

    def sign(self, body: bytes) -> str:
        return "sha256=" + hmac.new(self.app_secret.encode(), body, hashlib.sha256).hexdigest()

    # What a person may have it do

    @deed("Verify the webhook address")
    def verify_webhook(self) -> str:
        """Ask the address to prove that it knows the verify token: it must answer the challenge and nothing else."""
        challenge = str(secrets.randbelow(10**10))
        query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": self.verify_token}
        try:
            answer = requests.get(f"{self.webhooks.url}?{urlencode(query)}", timeout=TIMEOUT)
        except requests.RequestException:
            return "not verified: nobody answered"
        if answer.status_code == 200 and answer.text == challenge:
            return "verified"
        return f"not verified: HTTP {answer.status_code}"

    @deed("Have a person write to the school")
    def write(self, number: str, text: str) -> str:
        """Opens 24 hours in which free text reaches that number."""
        now, sender = self.clock.now(), _digits(number)
        self.heard_at[sender] = now
        row: dict[str, Any] = {
            "from": sender, "id": f"wamid.{secrets.token_hex(16).upper()}", "timestamp": str(int(now.timestamp())),
            "type": "text", "text": {"body": text},
        }  # fmt: skip
        self._emit(row["id"], "message", {"contacts": [{"wa_id": sender}], "messages": [row]})
        return str(row["id"])

    @deed("Register a template")
    def register(self, template: str, language: str, body: str, state: str = "APPROVED") -> str:
        """Parameters are written {{1}}, {{2}}… Raises KeyError for a state that is none."""
        if state not in STATES:
            raise KeyError(state)
        self.templates[template, language] = Template(template, language, body, state)
        return f"{template} {language} {state}"

    @deed("Decide what becomes of messages to a number")
    def decide(self, number: str, fate: str) -> str:
        """fate: read, delivered, sent, undeliverable. Raises KeyError for any other."""
        if fate not in FATES:
            raise KeyError(fate)
        self.fates[_digits(number)] = fate
        return fate

    def shown(self) -> list[dict[str, Any]]:
        return [
            {"at": one.sent_at.isoformat(), "to": one.to, "text": one.text, "status": f"{one.fate} {one.code or ''}"}
            for one in self.messages.values()
        ]


def _read(request: Request) -> dict[str, Any]:
    try:
        asked = request.json()
    except ValueError:
        raise Wrong(100, "The body is not JSON") from None
    if not isinstance(asked, dict):
        raise Wrong(100, "The body is not an object")
    return asked


def _part(asked: dict[str, Any], name: str) -> dict[str, Any]:
    part = asked.get(name)
    if not isinstance(part, dict):
        raise Wrong(131008, f"{name} is required")
    return part


def _parameters(template: dict[str, Any]) -> list[str]:
    """The texts of the body component, in their order."""
    found: list[str] = []
    for component in template.get("components") or []:
        if component.get("type") == "body":
            found += [str(row.get("text", "")) for row in component.get("parameters") or []]
    return found


def _free_text(asked: dict[str, Any]) -> str:
    body = str(_part(asked, "text").get("body") or "")
    if not body:
        raise Wrong(131008, "text.body is required")
    if len(body) > LONGEST_TEXT:
        raise Wrong(131009, f"text.body must be at most {LONGEST_TEXT} characters")
    return body


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)
