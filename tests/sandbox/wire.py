"""Requests and replies as a sandbox sees and makes them, below any framework."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Request:
    """headers: by lower-case name. query: pairs in their order. args: the groups of the route that matched."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes
    args: dict[str, str] = field(default_factory=dict)
    base: str = ""  # scheme, host and port by which the caller reached us

    def asked(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.query if key == name), default)

    def form(self) -> dict[str, str]:
        """The body as a form; of a name given twice the first counts, as with most of those who wrote the originals."""
        found: dict[str, str] = {}
        for name, value in parse_qsl(self.body.decode(), keep_blank_values=True):
            found.setdefault(name, value)
        return found

    def json(self) -> Any:
        """Raises ValueError for what is not JSON."""
        return json.loads(self.body or b"{}")


@dataclass
class Reply:
    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def json_reply(value: Any, status: int = 200, content_type: str = "application/json", **headers: str) -> Reply:
    """Header names are written with underscores: location=…"""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, json.dumps(value).encode(), content_type, named)


def html_reply(text: str, status: int = 200) -> Reply:
    return Reply(status, text.encode(), "text/html; charset=utf-8")


def script_reply(text: str) -> Reply:
    return Reply(200, text.encode(), "text/javascript; charset=utf-8", {"access-control-allow-origin": "*"})
