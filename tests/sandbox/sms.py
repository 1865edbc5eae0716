"""An SMS house in India that speaks as Exotel does: send, look up, report; DLT decides what is really delivered.

Sending is accepted first and judged afterwards, as with the real one: a text that fits no registered template is
answered as queued and reported as failed. Nobody signs the reports.

Source: upi-nach.md §7; Exotel, "Send SMS", "SMS details", "DLT platform error codes in India", codes of "SMS stats".
"""

import base64
import hmac
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.sax.saxutils import escape

from tests.sandbox.processor import Processor, deed, route
from tests.sandbox.wire import Reply, Request, json_reply

INDIA = timezone(timedelta(hours=5, minutes=30))  # its times carry no zone and are of India
REPORT_AFTER = 3.0  # seconds from "queued" to the report
PER_MINUTE = 200
LONGEST = 2000
LONGEST_VARIABLE = 30
VARIABLE = "{#var#}"
NUMBER = re.compile(r"\+?[0-9]{10,15}")
LOOPBACKS = ("127.0.0.1", "localhost")

# What a person at the steering page may have become of messages to a number: status, code, word.
FATES = {
    "handset": ("sent", "20005", "DELIVERED_TO_HANDSET"),
    "operator": ("sent", "20006", "DELIVERED_TO_OPERATOR"),
    "do_not_disturb": ("failed_dnd", "23005", "FAILED_DND"),
    "invalid_number": ("failed", "23010", "FAILED_INVALID_NUMBER"),
    "unavailable": ("failed", "23035", "FAILED_SUBSCRIBER_UNAVAILABLE"),
    "operator_error": ("failed", "24110", "FAILED_OPERATOR_ERROR"),
}
# What DLT says, by its platform's own number; the report has the words and codes of the house.
BLOCKED = {
    "600": ("23281", "DLT_ENTITY_NOT_FOUND"),
    "620": ("23080", "SENDER_BLOCKED_BY_DLT"),
    "622": ("23080", "SENDER_BLOCKED_BY_DLT"),
    "623": ("23081", "ENTITY_BLOCKED_BY_DLT"),
    "630": ("23182", "DLT_TEMPLATE_NOT_FOUND"),
    "631": ("23183", "DLT_TEMPLATE_ID_INACTIVE"),
    "632": ("23184", "DLT_TEMPLATE_ID_BLACKLISTED"),
    "mismatch": ("23185", "DLT_TEMPLATE_DOES_NOT_MATCH"),
    "length": ("23186", "DLT_LENGTH_EXCEEDED"),
}
STATES = {"active": "", "inactive": "631", "blacklisted": "632"}


@dataclass
class Template:
    """A text registered on the DLT platform for one header; state: a key of STATES."""

    id: str
    header: str
    text: str
    state: str = "active"

    def fits(self, body: str, longest: int | None = None) -> bool:
        """Whether the body is this text, letter by letter, with anything (of so many letters) for each variable."""
        anything = ".*" if longest is None else f".{{0,{longest}}}"
        pattern = anything.join(re.escape(part) for part in self.text.split(VARIABLE))
        return re.fullmatch(pattern, body, re.DOTALL) is not None


@dataclass
class Message:
    sid: str
    sender: str
    to: str
    body: str
    custom: str
    sent_at: datetime
    status: str
    code: str
    word: str

    def said(self, now: datetime) -> tuple[str, str, str]:
        """Status, code and word as of now: what became of it is not known at once."""
        if (now - self.sent_at).total_seconds() < REPORT_AFTER:
            return "queued", "21010", "PENDING_TO_OPERATOR"
        return self.status, self.code, self.word


class Sms(Processor):
    name = "sms"
    title = "SMS (Exotel)"
    kept = ("messages", "templates", "fates")

    account = "sandboxschool1"
    api_key = "sandbox-exotel-key"
    api_token = "sandbox-exotel-token"
    entity = "1101000000000012345"
    headers = ("QUITNC", "SCHOOL")  # senders of this account
    blacklisted_headers: tuple[str, ...] = ("SCHOOL",)

    def start(self) -> None:
        self.messages: dict[str, Message] = {}
        self.fates: dict[str, str] = {}
        self.templates = {
            "1107000000000000001": Template(
                "1107000000000000001", "QUITNC",
                "Dear {#var#}, {#var#} for {#var#} is due on {#var#}. Please pay at {#var#} - QUITNC",
            ),
            "1107000000000000002": Template(
                "1107000000000000002", "QUITNC", "Thank you. We received {#var#}, receipt {#var#} - QUITNC"
            ),
        }  # fmt: skip

    # What it answers

    @route("POST", r"/v1/Accounts/(?P<account>[^/]+)/Sms/send(?P<json>\.json)?")
    def send(self, request: Request) -> Reply:
        """Accept a message, or say at once what is wrong with the request itself."""
        if not self._is_ours(request):
            return self.not_allowed(request)
        form = request.form()
        wrong = self._wrong(form)
        if wrong:
            return _refusal(request, 400, wrong)
        now = self.clock.now()
        if sum((now - message.sent_at).total_seconds() < 60 for message in self.messages.values()) >= PER_MINUTE:
            return self.too_often(request)
        message = Message(
            uuid.uuid4().hex, form["From"], form["To"], form["Body"], form.get("CustomField", ""), now,
            *self._outcome(form),
        )  # fmt: skip
        self.messages[message.sid] = message
        if form.get("StatusCallback"):
            self._report(message, form["StatusCallback"])
        return self._shown(request, message)

    @route("GET", r"/v1/Accounts/(?P<account>[^/]+)/S(?:ms|MS)/Messages/(?P<sid>[0-9a-f]+)(?P<json>\.json)?")
    def details(self, request: Request) -> Reply:
        if not self._is_ours(request):
            return self.not_allowed(request)
        message = self.messages.get(request.args["sid"])
        if message is None or self._age(message) < self.faults.blindness():
            return _refusal(request, 404, "The requested resource was not found.")
        return self._shown(request, message)

    def not_there(self, request: Request) -> Reply:
        return _refusal(request, 404, "The requested resource was not found.")

    def too_often(self, request: Request) -> Reply:
        return _refusal(request, 429, "Too many requests")

    def not_allowed(self, request: Request) -> Reply:
        return _refusal(request, 401, "Authentication failed. Invalid API Key or Token.")

    def _is_ours(self, request: Request) -> bool:
        expected = "Basic " + base64.b64encode(f"{self.api_key}:{self.api_token}".encode()).decode()
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), expected.encode()) and request.args["account"] == self.account

    def _wrong(self, form: Mapping[str, str]) -> str:
        """What is wrong with the request itself, "" for nothing."""
        for name in ("From", "To", "Body"):
            if not form.get(name):
                return f"Mandatory Parameter missing: {name}"
        if not NUMBER.fullmatch(form["To"]):
            return "Invalid parameter: To"
        if len(form["Body"]) > LONGEST:
            return f"Body exceeds {LONGEST} characters"
        if form["From"] not in self.headers:
            return "No valid Sender ID found for this account"
        callback = urlsplit(form.get("StatusCallback", ""))
        if callback.netloc and callback.hostname not in LOOPBACKS:
            return "Invalid parameter: StatusCallback"  # the sandbox calls nobody but this machine
        return ""

    def _outcome(self, form: Mapping[str, str]) -> tuple[str, str, str]:
        """Status, code and word that the message will end with."""
        blocked = self._blocked(form) if _is_indian(form["To"]) else ""
        if blocked:
            return ("failed", *BLOCKED[blocked])
        fate = self.fates.get(_digits(form["To"]), "handset")
        if fate == "do_not_disturb" and form.get("SmsType", "transactional") != "promotional":
            fate = "handset"  # the register only keeps advertisements away
        return FATES[fate]

    def _blocked(self, form: Mapping[str, str]) -> str:
        """The key of BLOCKED by which DLT stops the message, "" if it lets it pass."""
        if form.get("DltEntityId", self.entity) != self.entity:
            return "600"
        if form["From"] in self.blacklisted_headers:
            return "622"
        template = self._template(form)
        if template is None:
            return "630"
        if STATES[template.state]:
            return STATES[template.state]
        if template.header != form["From"]:
            return "620"
        if not template.fits(form["Body"]):
            return "mismatch"
        return "" if template.fits(form["Body"], LONGEST_VARIABLE) else "length"

    def _template(self, form: Mapping[str, str]) -> Template | None:
        """The one named; where none is named, the house looks for one that the text fits."""
        if form.get("DltTemplateId"):
            return self.templates.get(form["DltTemplateId"])
        return next((one for one in self.templates.values() if one.fits(form["Body"])), None)

    def _report(self, message: Message, callback: str) -> None:
        fields = {
            "SmsSid": message.sid, "To": message.to, "Status": message.status, "SmsUnits": str(_units(message.body)),
            "DetailedStatus": message.word, "DetailedStatusCode": message.code,
            "DateSent": _written(message.sent_at + timedelta(seconds=REPORT_AFTER)),
        }  # fmt: skip
        if message.custom:
            fields["CustomField"] = message.custom
        headers = {"content-type": "application/x-www-form-urlencoded"}
        self.webhooks.emit(
            message.sid, message.status, urlencode(fields).encode(), headers, url=callback, after=REPORT_AFTER
        )

    def _shown(self, request: Request, message: Message) -> Reply:
        status, code, word = message.said(self.clock.now())
        done = status != "queued"
        where = f"/v1/Accounts/{self.account}/Sms/Messages/{message.sid}"
        fields = {
            "Sid": message.sid, "AccountSid": self.account, "From": message.sender, "To": message.to,
            "DateCreated": _written(message.sent_at), "DateUpdated": _written(self.clock.now()),
            "DateSent": _written(message.sent_at + timedelta(seconds=REPORT_AFTER)) if done else "1970-01-01 05:30:00",
            "Body": message.body, "Direction": "outbound-api", "Uri": where + request.args.get("json", ""),
            "ApiVersion": "", "Price": "", "Status": status, "SmsUnits": str(_units(message.body)),
            "DetailedStatusCode": code, "DetailedStatus": word,
        }  # fmt: skip
        return _document(request, 200, "SMSMessage", fields)

    def _age(self, message: Message) -> float:
        return (self.clock.now() - message.sent_at).total_seconds()

    # What a person may have it do

    @deed("Register a template")
    def register(self, template: str, header: str, text: str) -> str:
        """Variables are written {#var#}. Registered again, it is replaced."""
        self.templates[template] = Template(template, header, text)
        return template

    @deed("Set a template's state")
    def set_state(self, template: str, state: str) -> str:
        """state: active, inactive, blacklisted. Raises KeyError for any other, and for a template not registered."""
        if state not in STATES:
            raise KeyError(state)
        self.templates[template].state = state
        return state

    @deed("Decide what becomes of messages to a number")
    def decide(self, number: str, fate: str) -> str:
        """fate: handset, operator, do_not_disturb, invalid_number, unavailable, operator_error. Raises KeyError."""
        word = FATES[fate][2]
        self.fates[_digits(number)] = fate
        return word

    def shown(self) -> list[dict[str, Any]]:
        now = self.clock.now()
        return [
            {"at": one.sent_at.isoformat(), "to": one.to, "text": one.body, "status": " ".join(one.said(now)[::2])}
            for one in self.messages.values()
        ]


def _digits(number: str) -> str:
    """The last ten: +91 98…, 098… and 98… are one handset."""
    return re.sub(r"\D", "", number)[-10:]


def _is_indian(number: str) -> bool:
    return re.fullmatch(r"(\+?91|0)?[6-9][0-9]{9}", number) is not None


def _units(body: str) -> int:
    """How many messages the text is cut into: 160 letters or 153 each, 70 or 67 where one is not ASCII."""
    single, part = (160, 153) if body.isascii() else (70, 67)
    return 1 if len(body) <= single else -(-len(body) // part)


def _written(at: datetime) -> str:
    return at.astimezone(INDIA).strftime("%Y-%m-%d %H:%M:%S")


def _refusal(request: Request, status: int, message: str) -> Reply:
    return _document(request, status, "RestException", {"Status": status, "Message": message})


def _document(request: Request, status: int, name: str, fields: Mapping[str, Any]) -> Reply:
    """XML, unless the address ends in .json."""
    if request.path.endswith(".json"):
        return json_reply({name: fields}, status)
    rows = "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in fields.items())
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<TwilioResponse><{name}>{rows}</{name}></TwilioResponse>'
    return Reply(status, text.encode(), "application/xml")
