"""Mass payments: one request, many transfers, made one after the other."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

from tests.sandbox.dwolla.customers import asked_of, correlation_errors
from tests.sandbox.dwolla.hal import (
    Refused,
    cents_of,
    created,
    invalid,
    linked,
    money,
    not_found,
    refused,
    said,
    stamp,
    wrong,
)  # fmt: skip
from tests.sandbox.dwolla.network import Network
from tests.sandbox.dwolla.records import Item, MassPayment
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request

MOST_ITEMS = 5000
AN_ITEM_TAKES = timedelta(seconds=1)


class Bulk(Network):
    @route("POST", r"/mass-payments")
    def create_mass_payment(self, request: Request) -> Reply:
        asked = asked_of(request)
        self._check_mass_payment(asked)
        items = [
            Item(
                str(uuid4()), linked(row, "destination"), cents_of(row.get("amount"), f"/items/{n}/amount"),
                correlation_id=row.get("correlationId"), metadata=row.get("metadata") or {},
            )
            for n, row in enumerate(asked["items"])
        ]  # fmt: skip
        key = str(asked.get("correlationId") or request.headers.get("idempotency-key", ""))
        made = MassPayment(
            str(uuid4()), linked(asked, "source"), self.clock.now(), asked.get("status") or "pending", key, items,
            asked.get("correlationId"), asked.get("metadata") or {},
        )  # fmt: skip
        self.mass_payments[made.id] = made
        self._about_payment("created", made)
        self._started(made)
        return created(self.url(f"/mass-payments/{made.id}"))

    def _check_mass_payment(self, asked: dict[str, Any]) -> None:
        errors, source, items = correlation_errors(asked), self.banks.get(linked(asked, "source")), asked.get("items")
        if source is None:
            errors.append(wrong("Invalid", "Funding source not found.", "/_links/source/href"))
        elif source.removed or source.status != "verified":
            errors.append(wrong("Invalid", "Invalid funding source.", "/_links/source/href"))
        if not isinstance(items, list) or not 0 < len(items) <= MOST_ITEMS:
            errors.append(wrong("Invalid", f"Between 1 and {MOST_ITEMS} items are required.", "/items"))
        if asked.get("status") not in (None, "pending", "deferred"):
            errors.append(wrong("Invalid", "Invalid status.", "/status"))
        if errors:
            raise invalid(*errors)

    def _started(self, row: MassPayment) -> None:
        if row.status == "pending":
            row.due_at = self.clock.now() + AN_ITEM_TAKES * len(row.items)

    def time_passes(self) -> None:
        super().time_passes()
        for row in self.mass_payments.values():
            if row.status == "pending" and row.due_at and row.due_at <= self.clock.now():
                self._made(row)

    def _made(self, row: MassPayment) -> None:
        for item in row.items:
            asked = {
                "_links": {"source": {"href": row.source}, "destination": {"href": item.destination}},
                "amount": money(item.cents), "correlationId": item.correlation_id, "metadata": item.metadata,
            }  # fmt: skip
            try:
                transfer = self.new_transfer(asked, item.correlation_id or f"{row.key}/{item.id}")
                item.status, item.transfer = "success", transfer.id
            except Refused as no:
                item.status, item.errors = "failed", json.loads(no.reply.body)["_embedded"]["errors"]
        row.status = "complete"
        self._about_payment("completed", row)

    @route("POST", r"/mass-payments/(?P<id>[^/]+)")
    def update_mass_payment(self, request: Request) -> Reply:
        row, status = self._mass_payment(request.args["id"]), asked_of(request).get("status")
        if status not in ("pending", "cancelled"):
            raise invalid(wrong("Invalid", "Invalid status.", "/status"))
        if row.status != "deferred":
            raise refused(403, "InvalidResourceState", "Resource cannot be modified.")
        row.status = status
        self._started(row)
        if status == "cancelled":
            self._about_payment("cancelled", row)
        return said(self._show_payment(row))

    @route("GET", r"/mass-payments/(?P<id>[^/]+)")
    def read_mass_payment(self, request: Request) -> Reply:
        return said(self._show_payment(self._mass_payment(request.args["id"])))

    @route("GET", r"/mass-payments/(?P<id>[^/]+)/items")
    def list_items(self, request: Request) -> Reply:
        row, statuses = self._mass_payment(request.args["id"]), [v for k, v in request.query if k == "status"]
        rows = [item for item in row.items if not statuses or item.status in statuses]
        return self.listed(request, "items", rows, self._show_item)

    @route("GET", r"/mass-payment-items/(?P<id>[^/]+)")
    def read_item(self, request: Request) -> Reply:
        for row in self.mass_payments.values():
            for item in row.items:
                if item.id == request.args["id"]:
                    return said(self._show_item(item))
        raise not_found()

    @route("GET", r"/(customers|accounts)/(?P<id>[^/]+)/mass-payments")
    def list_mass_payments(self, request: Request) -> Reply:
        label, owner = request.asked("correlationId"), request.args["id"]
        rows = [
            row
            for row in self.visible(self.mass_payments.values())
            if self.banks[row.source].owner == owner and (not label or row.correlation_id == label)
        ]
        return self.listed(request, "mass-payments", rows, self._show_payment)

    def _mass_payment(self, identity: str) -> MassPayment:
        if identity not in self.mass_payments:
            raise not_found()
        return self.mass_payments[identity]

    def _about_payment(self, what: str, row: MassPayment) -> None:
        owner, path = self.banks[row.source].owner, f"/mass-payments/{row.id}"
        self.happened(f"mass_payment_{what}", owner, path, "mass-payment", row.correlation_id)

    def _show_payment(self, row: MassPayment) -> dict[str, Any]:
        path = f"/mass-payments/{row.id}"
        links = {"self": self.link(path, "mass-payment"), "items": self.link(f"{path}/items", "mass-payment-item")}
        links["source"] = self.link(f"/funding-sources/{row.source}", "funding-source")
        shown = {
            "_links": links, "id": row.id, "status": row.status, "created": stamp(row.created),
            "metadata": row.metadata, "total": money(sum(i.cents for i in row.items)), "totalFees": money(0),
        }  # fmt: skip
        return shown | ({"correlationId": row.correlation_id} if row.correlation_id else {})

    def _show_item(self, item: Item) -> dict[str, Any]:
        links = {"self": self.link(f"/mass-payment-items/{item.id}", "mass-payment-item")}
        links["destination"] = self.link(f"/funding-sources/{item.destination}", "funding-source")
        if item.transfer:
            links["transfer"] = self.link(f"/transfers/{item.transfer}", "transfer")
        shown = {"_links": links, "id": item.id, "status": item.status, "amount": money(item.cents)}
        shown |= {"metadata": item.metadata} if item.metadata else {}
        shown |= {"correlationId": item.correlation_id} if item.correlation_id else {}
        return shown | ({"_embedded": {"errors": item.errors}} if item.errors else {})
