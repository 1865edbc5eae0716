"""Questions: one record by id, or those of a merchantRefNum or of some days, as pages."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from tests.sandbox.paysafe.account import HUB, ID, Recorded
from tests.sandbox.paysafe.errors import Refused, bad_field
from tests.sandbox.paysafe.hub import Hub
from tests.sandbox.paysafe.views import refund_view, settlement_view, verification_view, void_view
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request, json_reply

Row = TypeVar("Row", bound=Recorded)
PAGE, LONGEST_PAGE = 10, 50


def _moment(request: Request, name: str) -> datetime | None:
    text = request.asked(name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise bad_field(name) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _number(request: Request, name: str, default: int) -> int:
    text = request.asked(name, str(default))
    if not text.isdigit():
        raise bad_field(name)
    return int(text)


class Queries(Hub):
    def _listed(
        self, request: Request, name: str, records: Mapping[str, Row], view: Callable[[Row], dict[str, Any]]
    ) -> Reply:  # fmt: skip
        """Oldest first. Nothing found is an empty list. Raises 5068 where neither a reference nor a day is given."""
        ref, first, last = request.asked("merchantRefNum"), _moment(request, "startDate"), _moment(request, "endDate")
        if not ref and first is None:
            raise bad_field("merchantRefNum", "Value is required.")
        found = [
            row for row in records.values()
            if self.is_seen(row) and ref in ("", row.ref)
            and (first is None or row.at >= first) and (last is None or row.at <= last)
        ]  # fmt: skip
        limit, offset = min(_number(request, "limit", PAGE), LONGEST_PAGE), _number(request, "offset", 0)
        rows = [view(row) for row in found[offset : offset + limit]]
        page = offset // max(limit, 1) + 1
        return json_reply({"meta": {"numberOfRecords": len(found), "limit": limit, "page": page}, name: rows})

    def _one(
        self, request: Request, records: Mapping[str, Row], view: Callable[[Row], dict[str, Any]]
    ) -> Reply:  # fmt: skip
        row = records.get(request.args["id"])
        if row is None or not self.is_seen(row):
            raise Refused("5269")
        return json_reply(view(row))

    @route("GET", f"{HUB}/payments")
    def list_payments(self, request: Request) -> Reply:
        return self._listed(request, "payments", self.payments, self.shown_payment)

    @route("GET", f"{HUB}/payments/{ID}")
    def show_payment(self, request: Request) -> Reply:
        return self._one(request, self.payments, self.shown_payment)

    @route("GET", f"{HUB}/settlements")
    def list_settlements(self, request: Request) -> Reply:
        return self._listed(request, "settlements", self.settlements, settlement_view)

    @route("GET", f"{HUB}/settlements/{ID}")
    def show_settlement(self, request: Request) -> Reply:
        return self._one(request, self.settlements, settlement_view)

    @route("GET", f"{HUB}/refunds")
    def list_refunds(self, request: Request) -> Reply:
        return self._listed(request, "refunds", self.refunds, refund_view)

    @route("GET", f"{HUB}/refunds/{ID}")
    def show_refund(self, request: Request) -> Reply:
        return self._one(request, self.refunds, refund_view)

    @route("GET", f"{HUB}/voidauths")
    def list_voids(self, request: Request) -> Reply:
        return self._listed(request, "voidAuths", self.voids, void_view)

    @route("GET", f"{HUB}/voidauths/{ID}")
    def show_void(self, request: Request) -> Reply:
        return self._one(request, self.voids, void_view)

    @route("GET", f"{HUB}/verifications")
    def list_verifications(self, request: Request) -> Reply:
        return self._listed(request, "verifications", self.verifications, verification_view)

    @route("GET", f"{HUB}/verifications/{ID}")
    def show_verification(self, request: Request) -> Reply:
        return self._one(request, self.verifications, verification_view)

    @route("GET", f"{HUB}/paymenthandles")
    def list_handles(self, request: Request) -> Reply:
        """Those that were saved for a customer are not among them."""
        single = {id: handle for id, handle in self.handles.items() if handle.usage == "SINGLE_USE"}
        return self._listed(request, "paymentHandles", single, lambda handle: self.shown_handle(handle, request))

    @route("GET", f"{HUB}/monitor")
    def monitor(self, request: Request) -> Reply:
        return json_reply({"status": "READY"})

    @route("GET", f"{HUB}/paymentmethods")
    def list_methods(self, request: Request) -> Reply:
        account, currency = self.account_of({"currencyCode": request.asked("currencyCode")})
        kinds = ("CARD", {"USD": "ACH", "CAD": "EFT"}[currency])
        rows = [{"paymentMethod": kind, "accountId": account, "currencyCode": currency} for kind in kinds]
        return json_reply({"paymentMethods": rows})
