"""Errors of WhatsApp's Cloud API. What decides is the code; a status webhook has the same ones as an answer."""

import secrets
from typing import Any

from tests.sandbox.wire import Reply, json_reply

# code: HTTP status, title, details
ERRORS = {
    100: (400, "Invalid parameter", ""),
    190: (401, "Invalid OAuth access token - Cannot parse access token", ""),
    130429: (400, "Rate limit hit", "Cloud API message throughput has been reached."),
    131008: (400, "Required parameter is missing", ""),
    131009: (400, "Parameter value is not valid", ""),
    131026: (400, "Message undeliverable", "Message Undeliverable."),
    131047: (
        400, "Re-engagement message",
        "Message failed to send because more than 24 hours have passed since the customer last replied to this number.",
    ),
    132000: (400, "Number of parameters does not match the expected number of params", ""),
    132001: (404, "Template name does not exist in the translation", ""),
    132015: (400, "Template is paused due to low quality", ""),
    132016: (400, "Template is disabled", ""),
    132018: (
        400, "There's an issue with the parameters in your template",
        "Param text cannot have new-line/tab characters or more than 4 consecutive spaces",
    ),
}  # fmt: skip


class Wrong(Exception):
    """What is answered as an error of the graph."""

    def __init__(self, code: int, details: str = "") -> None:
        super().__init__(code, details)
        self.code, self.details = code, details


def error_reply(code: int, details: str = "") -> Reply:
    status, title, usual = ERRORS[code]
    error: dict[str, Any] = {"message": f"(#{code}) {title}", "type": "OAuthException", "code": code}
    if details or usual:
        error["error_data"] = {"messaging_product": "whatsapp", "details": details or usual}
    error["fbtrace_id"] = "A" + secrets.token_urlsafe(16)
    return json_reply({"error": error}, status)
