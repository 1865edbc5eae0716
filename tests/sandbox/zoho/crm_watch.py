"""CRM notifications: channels that expire, and callbacks that nobody signs."""

from datetime import datetime, timedelta
from typing import Any

from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request
from tests.sandbox.zoho.gate import CRM
from tests.sandbox.zoho.office import Office
from tests.sandbox.zoho.records import Watch
from tests.sandbox.zoho.words import Refused, dump, json_answer, read_json

LIFE, LONGEST = timedelta(hours=1), timedelta(days=7)
OPERATIONS = {"insert": "create", "update": "edit", "delete": "delete"}


class Watching(Office):
    def watch_asked(self, given: dict[str, Any]) -> Watch:
        """Raises Refused as a channel that CRM would not open."""
        for name in ("channel_id", "events", "notify_url"):
            if not given.get(name):
                raise Refused("MANDATORY_NOT_FOUND", "required field not found", 400, {"api_name": name})
        for event in given["events"]:
            module, _dot, operation = str(event).partition(".")
            if not module or operation not in ("create", "edit", "delete", "all"):
                raise Refused("INVALID_DATA", "invalid data", 400, {"api_name": "events"})
        token = str(given.get("token") or "")
        if len(token) > 50:
            raise Refused("INVALID_DATA", "invalid data", 400, {"api_name": "token", "maximum_length": 50})
        now = self.now()
        until = datetime.fromisoformat(given["channel_expiry"]) if given.get("channel_expiry") else now + LIFE
        if not now < until <= now + LONGEST:
            raise Refused("INVALID_DATA", "invalid data", 400, {"api_name": "channel_expiry"})
        return Watch(
            str(given["channel_id"]), [str(event) for event in given["events"]], str(given["notify_url"]), token, until,
            bool(given.get("return_affected_field_values")),
        )  # fmt: skip

    def watch_answer(self, request: Request, watch: Watch, text: str) -> dict[str, Any]:
        events = [
            {
                "channel_expiry": watch.expires_at.isoformat(timespec="seconds"),
                "resource_uri": f"{request.base}{CRM}/{module}", "resource_id": "554023000000002175",
                "resource_name": module, "channel_id": watch.channel_id,
            }
            for module in dict.fromkeys(event.partition(".")[0] for event in watch.events)
        ]  # fmt: skip
        return {"code": "SUCCESS", "details": {"events": events}, "message": text, "status": "success"}

    @route("POST", f"{CRM}/actions/watch")
    @route("PUT", f"{CRM}/actions/watch")
    @route("PATCH", f"{CRM}/actions/watch")
    def set_watch(self, request: Request) -> Reply:
        """Open, or renew and change, channels. With PATCH, _delete_events takes events away."""
        answers = []
        for given in read_json(request.body).get("watch") or []:
            known = self.watches.get(str(given.get("channel_id", "")))
            if request.method != "POST" and known is None:
                raise Refused("NOT_SUBSCRIBED", "the channel is not subscribed", 400)
            if known is not None and given.get("_delete_events"):
                known.events = [event for event in known.events if event not in (given.get("events") or [])]
                answers.append(self.watch_answer(request, known, "Successfully un-subscribed"))
                continue
            if known is not None and request.method == "PATCH":
                given = {"events": known.events, "notify_url": known.notify_url, "token": known.token} | given
            watch = self.watch_asked(given)
            self.watches[watch.channel_id] = watch
            text = "Successfully subscribed for actions-watch of the given module"
            answers.append(self.watch_answer(request, watch, text))
        return json_answer({"watch": answers}, 201 if request.method == "POST" else 200)

    @route("GET", f"{CRM}/actions/watch")
    def list_watches(self, request: Request) -> Reply:
        rows = [
            {
                "channel_id": row.channel_id, "events": row.events, "notify_url": row.notify_url, "token": row.token,
                "channel_expiry": row.expires_at.isoformat(timespec="seconds"),
                "resource_name": row.events[0].partition(".")[0],
            }
            for row in self.watches.values()
            if row.events and row.expires_at > self.now()
            and request.asked("channel_id") in ("", row.channel_id)
        ]  # fmt: skip
        if not rows:
            return Reply(204)
        info = {"page": 1, "per_page": 200, "count": len(rows), "more_records": False}
        return json_answer({"watch": rows, "info": info})

    @route("DELETE", f"{CRM}/actions/watch")
    def delete_watches(self, request: Request) -> Reply:
        answers = []
        for channel_id in request.asked("channel_ids").split(","):
            if self.watches.pop(channel_id, None) is None:
                raise Refused("NOT_SUBSCRIBED", "the channel is not subscribed", 400)
            details = {"channel_id": channel_id}
            text = "Successfully un-subscribed for actions-watch of the given module"
            answers.append({"code": "SUCCESS", "details": details, "message": text, "status": "success"})
        return json_answer({"watch": answers})

    def notify(self, module: str, operation: str, record: dict[str, Any], changed: list[str]) -> None:
        """Queue a callback for every open channel. There is no signature: token and channel_id are all there is."""
        now = self.now()
        wanted = {f"{module}.{OPERATIONS[operation]}", f"{module}.all"}
        for watch in self.watches.values():
            if watch.expires_at <= now or not wanted & set(watch.events):
                continue
            body = {
                "server_time": int(now.timestamp() * 1000), "query_params": {}, "module": module,
                "resource_uri": f"https://www.zohoapis.com{CRM}/{module}", "ids": [record["id"]],
                "affected_fields": [{record["id"]: changed}] if operation == "update" else [],
                "operation": operation, "channel_id": watch.channel_id, "token": watch.token,
            }  # fmt: skip
            if watch.with_values:
                values = {name: record.get(name) for name in changed}
                body["affected_values"] = [{"record_id": record["id"], "values": values}]
            key = f"crm-{self.new_id()}"
            self.webhooks.addresses[key] = watch.notify_url
            headers = {"content-type": "application/json"}
            self.webhooks.emit(key, f"{module}.{operation}", dump(body), headers)
