"""What the debtor and the debtor's bank do with a mandate: on the page of the e-mandate, or by deed."""

import re
from datetime import date

from tests.sandbox.nach.mandates import MORNING, Mandates
from tests.sandbox.nach.records import Mandate
from tests.sandbox.nach.words import DAY, REJECTIONS, ist, ist_day, refuse
from tests.sandbox.payer_page import button, facts, field, form, hint, page
from tests.sandbox.processor import deed, route
from tests.sandbox.wire import Reply, Request, html_reply

SECOND_OTP_ABOVE, SECOND_OTP_FROM = 50_000_00, date(2026, 7, 1)  # paise


class Debtors(Mandates):
    @route("GET", "/enach/(?P<ref>[^/]+)")
    def show_debtor(self, request: Request) -> Reply:
        return html_reply(self._page(self.find_mandate(request.args["ref"])))

    @route("POST", "/enach/(?P<ref>[^/]+)")
    def hear_debtor(self, request: Request) -> Reply:
        mandate, sent = self.find_mandate(request.args["ref"]), request.form()
        if sent.get("action") == "decline":
            self.decline(mandate.message_ref)
        elif sent.get("action") == "authenticate":
            if self._needs_second_otp(mandate) and not re.fullmatch(r"\d{6}", sent.get("second_otp", "")):
                return html_reply(self._page(mandate, "The second OTP has six digits."))
            self.authenticate(mandate.message_ref, sent.get("second_otp", ""))
        return html_reply(self._page(mandate))

    def _page(self, mandate: Mandate, problem: str = "") -> str:
        shown = mandate.shown("")
        rows = {
            "To": "Sandbox School", "Up to": f"INR {shown['amount']}", "How often": mandate.frequency,
            "Account": f"{mandate.ifsc[:4]} ends {mandate.last4}", "From": shown["first_on"],
            "Until": shown["last_on"] or "cancelled", "State": mandate.status,
        }  # fmt: skip
        if shown["auth_url"] is None:
            return page("E-mandate", facts(rows))
        otp = field("Second OTP", "second_otp", "123456") if self._needs_second_otp(mandate) else ""
        buttons = button("Authenticate", "authenticate") + button("Decline", "decline", True)
        return page("E-mandate", facts(rows) + hint(problem) + form(otp, buttons))

    def _needs_second_otp(self, mandate: Mandate) -> bool:
        is_large = mandate.auth_mode == "AADHAAR" and mandate.minor > SECOND_OTP_ABOVE
        return is_large and ist_day(self.clock.now()) >= SECOND_OTP_FROM

    def _waiting(self, message_ref: str) -> Mandate:
        mandate = self.find_mandate(message_ref)
        if mandate.channel != "ENACH" or mandate.status != "PENDING":
            raise refuse(409, "not_waiting", f"the mandate is {mandate.status}")
        return mandate

    @deed("Authenticate a mandate as the debtor")
    def authenticate(self, message_ref: str, second_otp: str = "") -> str:
        """Returns the status."""
        mandate, now = self._waiting(message_ref), self.clock.now()
        if self._needs_second_otp(mandate) and not re.fullmatch(r"\d{6}", second_otp):
            raise refuse(422, "second_otp_needed", "above INR 50,000 Aadhaar asks for a second OTP")
        self.give_number(mandate, now)
        mandate.due_at = ist(ist_day(now) + DAY, MORNING)
        if mandate.auth_mode == "AADHAAR":
            self.accept(mandate, now)
        return mandate.status

    @deed("Decline a mandate as the debtor")
    def decline(self, message_ref: str) -> str:
        mandate = self._waiting(message_ref)
        self.turn(mandate, "REJECTED", self.clock.now(), "RJ04", REJECTIONS["RJ04"])
        return mandate.status

    @deed("Activate a mandate at once")
    def activate(self, umrn: str) -> str:
        """umrn: or message_ref, of a mandate that has no number yet."""
        mandate, now = self.find_mandate(umrn), self.clock.now()
        if mandate.status not in ("PENDING", "REGISTERED"):
            raise refuse(409, "not_waiting", f"the mandate is {mandate.status}")
        if mandate.umrn is None:
            self.give_number(mandate, now)
        self.accept(mandate, now)
        return mandate.umrn or ""

    @deed("Reject a mandate")
    def reject(self, message_ref: str, code: str = "RJ01") -> None:
        mandate = self.find_mandate(message_ref)
        if mandate.status not in ("PENDING", "REGISTERED"):
            raise refuse(409, "not_waiting", f"the mandate is {mandate.status}")
        text = REJECTIONS.get(code, "Rejected by the debtor's bank")
        self.turn(mandate, "REJECTED", self.clock.now(), code, text)

    @deed("Cancel a mandate as the debtor")
    def cancel(self, umrn: str) -> None:
        self._end(umrn, "CANCELLED", "debtor", "Cancelled by the debtor")

    @deed("Let a mandate expire")
    def expire(self, umrn: str) -> None:
        self._end(umrn, "EXPIRED", None, "")

    def _end(self, umrn: str, status: str, code: str | None, message: str) -> None:
        mandate = self.find_mandate(umrn)
        if mandate.status not in ("REGISTERED", "ACTIVE"):
            raise refuse(409, "not_active", f"the mandate is {mandate.status}")
        self.turn(mandate, status, self.clock.now(), code, message)
