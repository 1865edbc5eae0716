"""What the steering page and the processes of tests ask of one processor, below /_sandbox/."""

import inspect
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from tests.sandbox.faults import KINDS
from tests.sandbox.ledger import major
from tests.sandbox.processor import Processor
from tests.sandbox.wire import Reply, Request, json_reply

STEER = "/_sandbox/"
SWITCHES = ("url", "muted", "repeat", "shuffled")
Asked = dict[str, Any]


def steer(processor: Processor, request: Request) -> Reply:
    """GET looks, POST does. What cannot be done is 400 with the reason."""
    what = request.path.removeprefix(STEER)
    if request.method == "POST" and what in DOES:
        try:
            return json_reply(DOES[what](processor, request.json()))
        except (LookupError, TypeError, ValueError) as wrong:
            return json_reply({"error": f"{type(wrong).__name__}: {wrong}"}, 400)
    if request.method == "GET" and what in LOOKS:
        return json_reply(LOOKS[what](processor, dict(request.query)))
    return json_reply({"error": "not found"}, 404)


def _state(processor: Processor, asked: Asked) -> Asked:
    return {
        "name": processor.name, "title": processor.title, "now": processor.clock.now().isoformat(),
        "latency": processor.latency, "deeds": processor.deeds(), "deed_forms": forms(processor),
        "faults": [asdict(fault) for fault in processor.faults.rows()], "fault_kinds": KINDS,
        "webhooks": processor.webhooks.listed(), "webhook_url": processor.webhooks.url,
        "webhook_switches": {name: getattr(processor.webhooks, name) for name in SWITCHES},
        "shown": processor.shown(),
    }  # fmt: skip


def forms(processor: Processor) -> list[Asked]:
    """What a form for each deed must ask: parameters with their defaults, None where one must be given."""
    return [
        {
            "name": name, "label": label, "help": inspect.getdoc(getattr(processor, name)) or "",
            "parameters": [
                {"name": one.name, "default": None if one.default is one.empty else str(one.default)}
                for one in inspect.signature(getattr(processor, name)).parameters.values()
            ],
        }
        for name, label in processor.deeds().items()
    ]  # fmt: skip


def _ledger(processor: Processor, asked: Asked) -> Asked:
    key = asked.get("key")
    rows = [
        asdict(entry) | {"at": entry.at.isoformat(), "amount": major(entry.minor, entry.currency)}
        for entry in processor.ledger.of(key=key)
    ]
    return {"entries": rows, "captures": len(processor.ledger.captures(key))}


def _add_fault(processor: Processor, asked: Asked) -> Asked:
    return asdict(processor.faults.add(**asked))


def _clear_faults(processor: Processor, asked: Asked) -> Asked:
    processor.faults.clear()
    return {}


def _clock(processor: Processor, asked: Asked) -> Asked:
    return {"now": processor.clock.advance(**asked).isoformat()}


def _latency(processor: Processor, asked: Asked) -> Asked:
    seconds = float(asked["seconds"])
    if not 0 <= seconds <= 600:
        raise ValueError(f"{seconds} seconds")
    processor.latency = seconds
    return {"seconds": seconds}


def _do(processor: Processor, asked: Asked) -> Asked:
    return {"done": str(processor.do(asked.pop("name"), **asked))}


def _set_webhooks(processor: Processor, asked: Asked) -> Asked:
    for name, value in asked.items():
        if name not in SWITCHES:
            raise LookupError(name)
        setattr(processor.webhooks, name, value)
    return {}


def _send_webhook(processor: Processor, asked: Asked) -> Asked:
    """place: of one delivery in the list; key: of all deliveries about one thing."""
    rows = list(processor.webhooks.rows)
    found = [rows[asked["place"]]] if "place" in asked else [row for row in rows if row.key == asked["key"]]
    return {"statuses": [processor.webhooks.deliver(row) for row in found]}


LOOKS: dict[str, Callable[[Processor, Asked], Asked]] = {"state": _state, "ledger": _ledger}
DOES: dict[str, Callable[[Processor, Asked], Asked]] = {
    "faults": _add_fault, "faults/clear": _clear_faults, "clock": _clock, "latency": _latency, "deeds": _do,
    "webhooks/set": _set_webhooks, "webhooks/send": _send_webhook,
}  # fmt: skip
