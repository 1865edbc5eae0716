"""AutoPay: what a payer agreed to, the notice before each debit, and the debits."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import partial
from urllib.parse import quote

from tests.sandbox.processor import deed, route
from tests.sandbox.upi.desk import Desk
from tests.sandbox.upi.orders import NOTE
from tests.sandbox.upi.records import Mandate, Notice, Order
from tests.sandbox.upi.words import (
    AMOUNTS,
    CODES,
    IST,
    KEY,
    VPA,
    Fields,
    after_peak,
    instant,
    is_known,
    ist_day,
    masked,
    outcome,
    refuse,
    rupees,
)
from tests.sandbox.wire import Reply, Request, json_reply

FREQUENCIES = ("MONTHLY", "QUARTERLY", "HALFYEARLY", "YEARLY", "ASPRESENTED")
DAY = timedelta(days=1)
NOTICE_FROM, NOTICE_TO, NOTICE_LASTS = timedelta(hours=24), timedelta(hours=48), timedelta(hours=72)
FIRST_DEBIT = timedelta(minutes=5)
TRIES = 10
PIN_ABOVE = 15_000_00  # paise
NOT_ACTIVE = {"PENDING": "VF", "PAUSED": "VT", "REVOKED": "VA", "REJECTED": "VA", "EXPIRED": "VU"}


class Mandates(Desk):
    @route("POST", "/v1/mandates")
    def create_mandate(self, request: Request) -> Reply:
        fields = Fields(self.sent(request))
        ref, vpa, minor = fields.text("mandate_ref", KEY), fields.text("vpa", VPA), fields.minor("max_amount")
        frequency, note = fields.one_of("frequency", *FREQUENCIES), fields.text("note", NOTE, default="")
        fields.one_of("currency", "INR")
        start_on, end_on = fields.day("start_on"), fields.day("end_on")
        now = self.clock.now()
        if start_on < ist_day(now):
            raise fields.bad("start_on", "start_on lies in the past")
        if end_on < start_on:
            raise fields.bad("end_on", "end_on lies before start_on")
        if ref in self.mandates:
            raise refuse(409, "duplicate_mandate", "this mandate_ref was used before")
        if not is_known(vpa):
            raise refuse(422, "invalid_vpa", CODES["ZH"], upi_code="ZH")
        handle = vpa.rpartition("@")[2].lower()
        mandate = self.mandates[ref] = Mandate(
            ref, masked(vpa), handle, outcome(vpa, 0), minor, frequency, start_on, end_on, note,
            self._mandate_uri(ref, minor, frequency, start_on, end_on), now,
            due_at=now if handle == "auto" else now + DAY,
        )  # fmt: skip
        return json_reply(mandate.shown(), 201)

    def _mandate_uri(self, ref: str, minor: int, frequency: str, start_on: date, end_on: date) -> str:
        pairs = [
            ("pa", self.PAYEE_VPA), ("pn", self.PAYEE_NAME), ("tr", ref), ("am", rupees(minor)), ("cu", "INR"),
            ("amrule", "MAX"), ("recur", frequency), ("validitystart", f"{start_on:%d%m%Y}"),
            ("validityend", f"{end_on:%d%m%Y}"), ("mc", "8299"),
        ]  # fmt: skip
        return "upi://mandate?" + "&".join(f"{name}={quote(value, safe='@')}" for name, value in pairs)

    @route("GET", "/v1/mandates/(?P<ref>[^/]+)")
    def read_mandate(self, request: Request) -> Reply:
        mandate, blind = self.find_mandate(request.args["ref"]), self.faults.blindness()
        if blind and mandate.created_at > self.clock.now() - timedelta(seconds=blind):
            raise refuse(404, "not_found", "no mandate with this mandate_ref")
        return json_reply(mandate.shown())

    @route("POST", "/v1/mandates/(?P<ref>[^/]+)/revoke")
    def revoke(self, request: Request) -> Reply:
        mandate = self.find_mandate(request.args["ref"])
        if mandate.status not in ("ACTIVE", "PAUSED", "PENDING"):
            raise self._not_active(mandate)
        self._turn(mandate, "REVOKED", "VA")
        return json_reply(mandate.shown())

    def find_mandate(self, ref: str) -> Mandate:
        if ref not in self.mandates:
            raise refuse(404, "not_found", "no mandate with this mandate_ref")
        return self.mandates[ref]

    def _not_active(self, mandate: Mandate) -> Exception:
        code = NOT_ACTIVE[mandate.status]
        return refuse(409, "mandate_not_active", f"the mandate is {mandate.status}", upi_code=code)

    def _turn(self, mandate: Mandate, status: str, code: str, word: str = "") -> None:
        mandate.status, mandate.code, mandate.due_at = status, code, None
        self.tell(f"mandate.{word or status.lower()}", mandate.mandate_ref, mandate.shown())

    # Notices

    @route("POST", "/v1/mandates/(?P<ref>[^/]+)/notifications")
    def notify(self, request: Request) -> Reply:
        mandate, fields = self.find_mandate(request.args["ref"]), Fields(self.sent(request))
        ref, minor, debit_at = fields.text("notification_ref", KEY), fields.minor("amount"), fields.at("debit_at")
        now = self.clock.now()
        if ref in self.notices:
            raise refuse(409, "duplicate_notification", "this notification_ref was used before")
        if mandate.status != "ACTIVE":
            raise self._not_active(mandate)
        if not NOTICE_FROM <= debit_at - now <= NOTICE_TO:
            raise refuse(422, "notice_window", "the debit must lie 24 to 48 hours ahead")
        self._check_max(mandate, minor)
        notice = self.notices[ref] = Notice(ref, mandate.mandate_ref, minor, debit_at, now)
        return json_reply(notice.shown(), 201)

    @route("GET", "/v1/mandates/(?P<ref>[^/]+)/notifications/(?P<notice>[^/]+)")
    def read_notice(self, request: Request) -> Reply:
        return json_reply(self._notice(request.args["ref"], request.args["notice"]).shown())

    def _notice(self, mandate_ref: str, ref: str) -> Notice:
        notice = self.notices.get(ref)
        if notice is None or notice.mandate_ref != mandate_ref:
            raise refuse(404, "not_found", "no notification with this notification_ref")
        return notice

    def _check_max(self, mandate: Mandate, minor: int) -> None:
        if minor > mandate.max_minor:
            raise refuse(422, "above_max", CODES["Z8"], upi_code="Z8")

    # Debits

    @route("POST", "/v1/mandates/(?P<ref>[^/]+)/executions")
    def execute(self, request: Request) -> Reply:
        mandate, fields = self.find_mandate(request.args["ref"]), Fields(self.sent(request))
        tr, minor = fields.text("tr", KEY), fields.minor("amount")
        ref, now = fields.text("notification_ref", KEY, default=""), self.clock.now()
        if tr in self.orders:
            raise refuse(409, "duplicate_tr", CODES["U01"], upi_code="U01")
        if mandate.status != "ACTIVE":
            raise self._not_active(mandate)
        self._check_open(mandate)
        notice = self._notice(mandate.mandate_ref, ref) if ref else None
        if notice:
            self._check_notice(mandate, notice, minor, now)
        elif not self._is_first(mandate, now):
            raise refuse(422, "notice_needed", "a debit needs a notification 24 hours before")
        self._check_max(mandate, minor)
        order = self._debit(mandate, notice, tr, minor, now)
        return json_reply(order.shown(), 201)

    def _check_open(self, mandate: Mandate) -> None:
        mine = (order for order in self.orders.values() if order.mandate_ref == mandate.mandate_ref)
        if any(not order.is_final for order in mine):
            raise refuse(409, "execution_open", "an earlier debit of this mandate is not final", upi_code="VS")

    def _is_first(self, mandate: Mandate, now: datetime) -> bool:
        """Within five minutes of set-up, and nothing was debited yet."""
        paid = any(o.mandate_ref == mandate.mandate_ref and o.status == "SUCCESS" for o in self.orders.values())
        return not paid and mandate.activated_at is not None and now - mandate.activated_at <= FIRST_DEBIT

    def _check_notice(self, mandate: Mandate, notice: Notice, minor: int, now: datetime) -> None:
        if notice.status == "USED":
            raise refuse(409, "already_honoured", CODES["VE"], upi_code="VE")
        if notice.status == "SPENT":
            raise refuse(422, "notice_lapsed", "all tries of this notification are spent")
        if minor != notice.minor:
            raise refuse(422, "amount_differs", "not the amount that the payer was told", upi_code="XD")
        starts_at = max(notice.debit_at, datetime.combine(mandate.start_on, time(), IST))
        if now < starts_at:
            raise refuse(422, "too_early", "before the announced debit", next_allowed_at=instant(starts_at) or "")
        if notice.status == "LAPSED":
            raise refuse(422, "notice_lapsed", "more than 72 hours after the announced debit")
        if peak_ends := after_peak(now):
            raise refuse(
                422, "blackout", "no executions in peak hours", next_allowed_at=instant(peak_ends) or ""
            )  # fmt: skip

    def _debit(self, mandate: Mandate, notice: Notice | None, tr: str, minor: int, now: datetime) -> Order:
        order = self.orders[tr] = Order(
            tr, "mandate", minor, mandate.note, now, now + DAY, mandate.wants, payer_vpa=mandate.payer_vpa,
            mandate_ref=mandate.mandate_ref,
        )  # fmt: skip
        if mandate.wants == "00":
            order.wants = AMOUNTS.get(minor, "00")
        if notice:
            notice.tries += 1
            order.notification_ref, order.attempt = notice.notification_ref, notice.tries
        if minor <= PIN_ABOVE:
            self.approve(order, now)
        return order

    def finished(self, order: Order, at: datetime) -> None:
        """A notice is used up by a success; its tenth failure ends the mandate."""
        notice = self.notices.get(order.notification_ref or "")
        if notice is None:
            return
        if order.status == "SUCCESS":
            notice.status = "USED"
        elif notice.tries >= TRIES:
            notice.status = "SPENT"
            mandate = self.mandates[notice.mandate_ref]
            if mandate.status in ("ACTIVE", "PAUSED"):
                self._turn(mandate, "REVOKED", "VA")

    # Time

    def _due(self) -> list[tuple[datetime, Callable[[datetime], object]]]:
        found = super()._due()
        for mandate in self.mandates.values():
            if mandate.due_at:
                found.append((mandate.due_at, partial(self._unanswered, mandate)))
            if mandate.status in ("ACTIVE", "PAUSED"):
                ends_at = datetime.combine(mandate.end_on + DAY, time(), IST)
                found.append((ends_at, partial(self._over, mandate)))
        for notice in self.notices.values():
            if notice.status == "SENT":
                lapses_at = notice.debit_at + NOTICE_LASTS + timedelta(microseconds=1)
                found.append((lapses_at, partial(self._lapse, notice)))
        return found

    def _unanswered(self, mandate: Mandate, at: datetime) -> None:
        if mandate.handle == "auto":
            self._activate(mandate, at)
        else:
            self._turn(mandate, "EXPIRED", "U69")

    def _over(self, mandate: Mandate, at: datetime) -> None:
        self._turn(mandate, "EXPIRED", "VU")

    def _lapse(self, notice: Notice, at: datetime) -> None:
        notice.status = "LAPSED"

    def _activate(self, mandate: Mandate, at: datetime) -> None:
        mandate.umn, mandate.activated_at = self.umn(), at
        self._turn(mandate, "ACTIVE", "00")

    # What the payer does

    def _change(self, ref: str, was: tuple[str, ...], status: str, code: str, word: str = "") -> str:
        mandate = self.find_mandate(ref)
        if mandate.status not in was:
            raise refuse(409, "not_possible", f"the mandate is {mandate.status}")
        if was == ("PENDING",) and status == "ACTIVE":
            self._activate(mandate, self.clock.now())
        else:
            self._turn(mandate, status, code, word)
        return mandate.status

    @deed("Approve a mandate as the payer")
    def approve_mandate(self, mandate_ref: str) -> str:
        return self._change(mandate_ref, ("PENDING",), "ACTIVE", "00")

    @deed("Decline a mandate as the payer")
    def decline_mandate(self, mandate_ref: str) -> str:
        return self._change(mandate_ref, ("PENDING",), "REJECTED", "ZA")

    @deed("Pause a mandate as the payer")
    def pause_mandate(self, mandate_ref: str) -> str:
        return self._change(mandate_ref, ("ACTIVE",), "PAUSED", "VT")

    @deed("Resume a mandate as the payer")
    def resume_mandate(self, mandate_ref: str) -> str:
        return self._change(mandate_ref, ("PAUSED",), "ACTIVE", "00", "resumed")

    @deed("Revoke a mandate as the payer")
    def revoke_mandate(self, mandate_ref: str) -> str:
        return self._change(mandate_ref, ("ACTIVE", "PAUSED"), "REVOKED", "VA")
