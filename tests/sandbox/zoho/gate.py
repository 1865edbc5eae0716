"""The way in: tokens, the organisation, rate limits, and the words of every refusal."""

import hashlib
import re
from datetime import date, datetime, timedelta
from pathlib import Path

from tests.sandbox.clock import Clock
from tests.sandbox.processor import Processor, route
from tests.sandbox.wire import Reply, Request
from tests.sandbox.zoho.posts import Posts
from tests.sandbox.zoho.words import Refused, json_answer

BILLING, BOOKS, CRM = r"/(?:billing/v1|api/v1)", "/books/v3", "/crm/v8"
TOKEN_LIFE = timedelta(hours=1)
TOKENS_PER_REFRESH, TOKEN_WINDOW = 10, timedelta(minutes=10)
BLOCKED = (
    "For security reasons you have been blocked for some time as you have exceeded the maximum number of requests "
    "per minute that can be handled for your account."
)
TOO_MANY_TOKENS = {
    "error_description": "You have made too many requests continuously. Please try again after some time.",
    "error": "Access Denied", "status": "failure",
}  # fmt: skip


class Gate(Processor):
    """Who may come in. What is below may be changed on an instance."""

    client_id = "1000.SANDBOXCLIENTID"
    client_secret = "sandbox-zoho-client-secret"
    refresh_token = "1000.sandbox-refresh-token"
    organization_id = "10234695"
    daily_limit = 10_000
    burst_limit = 100  # per minute
    burst_code = 44  # 43 has been seen as well

    def __init__(self, clock: Clock | None = None, keep_in: Path | None = None) -> None:
        self.moment: datetime | None = None  # the instant at which the engine is while it catches up
        super().__init__(clock, keep_in)
        self.webhooks: Posts = Posts(self.clock, self.catch_up)

    def start(self) -> None:
        self.last_id = 903000000079000
        self.tokens: dict[str, datetime] = {}
        self.token_times: list[datetime] = []
        self.calls_today: tuple[date, int] | None = None
        self.minute: list[datetime] = []

    # Time and identity

    def now(self) -> datetime:
        return self.moment or self.clock.now()

    def today(self) -> date:
        return self.now().date()

    def new_id(self) -> str:
        self.last_id += 7
        return str(self.last_id)

    def catch_up(self) -> None:
        """Do all that has fallen due since."""
        with self.lock:
            before = self.last_id
            self.run_due()
            if self.last_id != before:
                self._save()

    def run_due(self) -> None:
        """Overridden by the engine."""

    # Answering

    def answer(self, request: Request) -> Reply:
        with self.lock:
            self.catch_up()
            try:
                self.admit(request)
                reply = super().answer(request)
            except Refused as refused:
                self._save()
                reply = self.refusal(request, refused)
            if self.is_finance(request):
                reply.headers |= self.rate_headers()
            return reply

    def is_finance(self, request: Request) -> bool:
        return bool(re.match(f"(?:{BILLING}|{BOOKS})/", request.path))

    def refusal(self, request: Request, refused: Refused) -> Reply:
        if request.path.startswith(CRM):
            return json_answer(
                {"code": refused.code, "details": refused.details, "message": refused.message, "status": "error"},
                refused.status,
            )
        headers = {"retry-after": str(self.until_reset())} if refused.status == 429 else {}
        return json_answer({"code": refused.code, "message": refused.message}, refused.status, headers)

    def not_there(self, request: Request) -> Reply:
        if request.path.startswith(CRM):
            text = "Please check if the URL trying to access is a correct one"
            return self.refusal(request, Refused("INVALID_URL_PATTERN", text, 404))
        return json_answer({"code": 5, "message": "Invalid URL Passed"}, 404)

    def too_often(self, request: Request) -> Reply:
        if request.path.startswith("/oauth/"):
            return json_answer(TOO_MANY_TOKENS, 400)
        if request.path.startswith(CRM):
            return self.refusal(request, Refused("TOO_MANY_REQUESTS", "too many requests within a minute", 429))
        reply = self.refusal(request, Refused(self.burst_code, BLOCKED, 429))
        reply.headers |= self.rate_headers() | {"x-rate-limit-remaining": "0"}
        return reply

    def not_allowed(self, request: Request) -> Reply:
        if request.path.startswith("/oauth/"):
            return json_answer({"error": "invalid_code"})
        return self.refusal(request, _unauthorised(request, is_known=True))

    # Who may

    @route("POST", "/oauth/v2/token")
    def grant_token(self, request: Request) -> Reply:
        """HTTP 200 also for what is refused: only the key `error` tells. Ten tokens in ten minutes, no more."""
        asked = dict(request.query) | request.form()
        if asked.get("client_id") != self.client_id or asked.get("client_secret") != self.client_secret:
            return json_answer({"error": "invalid_client"})
        if asked.get("grant_type") != "refresh_token" or asked.get("refresh_token") != self.refresh_token:
            return json_answer({"error": "invalid_code"})
        now = self.now()
        self.token_times = [at for at in self.token_times if at > now - TOKEN_WINDOW]
        if len(self.token_times) >= TOKENS_PER_REFRESH:
            return json_answer(TOO_MANY_TOKENS, 400)
        self.token_times.append(now)
        token = "1000." + hashlib.sha256(f"sandbox access {self.new_id()}".encode()).hexdigest()
        self.tokens[token] = now + TOKEN_LIFE
        return json_answer(
            {"access_token": token, "api_domain": request.base, "token_type": "Bearer", "expires_in": 3600}
        )

    def admit(self, request: Request) -> None:
        """Raises Refused for who may not, for the wrong organisation, and for too much."""
        if not self.is_finance(request) and not request.path.startswith(f"{CRM}/"):
            return
        scheme, _blank, token = request.headers.get("authorization", "").partition(" ")
        expires_at = self.tokens.get(token) if scheme == "Zoho-oauthtoken" else None
        if expires_at is None or expires_at <= self.now():
            raise _unauthorised(request, is_known=expires_at is not None)
        if not self.is_finance(request):
            return
        by_header = request.headers.get("x-com-zoho-subscriptions-organizationid", "")
        asked = request.asked("organization_id") if request.path.startswith(BOOKS) else by_header
        if asked != self.organization_id:
            raise Refused(6041, f"This user is not associated with the CompanyID/CompanyName:{asked}.")
        self.count_call()

    def count_call(self) -> None:
        now = self.now()
        self.minute = [at for at in self.minute if at > now - timedelta(minutes=1)]
        day, calls = self.calls_today or (now.date(), 0)
        calls = calls if day == now.date() else 0
        if calls >= self.daily_limit:
            text = f"This organization has exceeded the maximum call rate limit of {self.daily_limit:,}."
            raise Refused(45, text, 429)
        if len(self.minute) >= self.burst_limit:
            raise Refused(self.burst_code, BLOCKED, 429)
        self.minute.append(now)
        self.calls_today = (now.date(), calls + 1)

    def until_reset(self) -> int:
        """Seconds until the limit that was met is lifted: the day's end, or what is left of the minute."""
        now = self.now()
        if self.calls_today is not None and self.calls_today == (now.date(), self.daily_limit):
            midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), now.tzinfo)
            return int((midnight - now).total_seconds())
        return max(1, 60 - int((now - self.minute[0]).total_seconds())) if self.minute else 60

    def rate_headers(self) -> dict[str, str]:
        used = self.calls_today[1] if self.calls_today and self.calls_today[0] == self.today() else 0
        return {
            "x-rate-limit-limit": str(self.daily_limit), "x-rate-limit-remaining": str(max(0, self.daily_limit - used)),
            "x-rate-limit-reset": str(self.until_reset()),
        }  # fmt: skip


def _unauthorised(request: Request, *, is_known: bool) -> Refused:
    """Zoho's words differ by product, and between a token that was once good and one that never was."""
    if request.path.startswith(CRM):
        return Refused("INVALID_TOKEN", "invalid oauth token", 401)
    if is_known:
        return Refused(57, "You are not authorized to perform this operation", 401)
    return Refused(14, "Invalid value passed for authtoken.", 401)
