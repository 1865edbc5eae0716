"""A worker that charges one order in a process of its own and kills itself where it is told.

Run as a program it reads an order a line (JSON), does each in a fork of its own, and writes a line for each: the signal
that ended it, 0 for none. The functions of a charge are wrapped here; the product knows nothing of it.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import IO, Any, Self

# Where to die: point → (module, name in it, whether before or after its work). In the order of a charge.
POINTS = {
    "prepared, not committed": ("payments.services.charging", "prepare_attempt", "after"),
    "prepared": ("payments.services.charging", "send_attempt", "before"),
    "marked, not committed": ("payments.services.calling", "_mark_sent", "after"),
    "marked": ("payments.services.calling", "call", "before"),
    "answered": ("payments.services.calling", "call", "after"),
    "exchanges kept": ("payments.services.health", "note", "before"),
    "health noted": ("payments.services.calling", "settle_attempt", "before"),
    "journal written": ("payments.services.receiving", "post_entries", "after"),
    "before the receipt": ("receipts.services.counter", "_issue_receipts", "before"),
    "receipt, no message": ("receipts.services.counter", "queue_notices", "before"),
    "settled, not committed": ("payments.services.calling", "settle_attempt", "after"),
    "settled": ("payments.services.charging", "send_attempt", "after"),
    "message not sent": ("billing.office.notices", "hand_over", "before"),
    "message sent": ("billing.office.notices", "hand_over", "after"),
}
# The worker waits for an answer when it dies: the other side kills it, once it has done its work.
BY_OTHERS = "request left"


@dataclass
class Order:
    """What to do: the charge of an invoice, or `job` of the worker at `now`. gateways: settings.GATEWAYS."""

    gateways: dict[str, dict[str, str]]
    now: str
    point: str = ""
    method: int = 0
    invoice: int = 0
    amount: str = ""
    request_key: str = ""
    job: str = ""


@dataclass
class Workers:
    """The program, from the side of the test. pid: of the fork that is at work."""

    process: subprocess.Popen[str]
    pid: int = field(default=0)

    def begin(self, order: Order) -> Self:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asdict(order)) + "\n")
        self.process.stdin.flush()
        self.pid = int(self._line())
        return self

    def end(self) -> int:
        """The signal that ended it; 0 if it came to its end. Raises AssertionError for one that failed."""
        ended = int(self._line())
        assert ended >= 0, "the worker failed; its words are on stderr"
        return ended

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def _line(self) -> str:
        out: IO[str] | None = self.process.stdout
        assert out is not None
        line = out.readline()
        assert line, "the workers are gone"
        return line


@contextmanager
def workers() -> Any:
    """Workers on the test's database and files, while the block runs."""
    from django.conf import settings
    from django.db import connection

    where = json.dumps({key: connection.settings_dict[key] for key in ("NAME", "HOST", "PORT", "USER", "PASSWORD")})
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.faults.worker", where],
        cwd=settings.BASE_DIR, env=os.environ | {"VAR_DIR": str(settings.FILES_DIR)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Workers(process)
    finally:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()


# The program


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django
    from django.conf import settings

    settings.DATABASES["default"] |= json.loads(sys.argv[1]) | {"ENGINE": "django.db.backends.postgresql"}
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    django.setup()
    for module, _name, _when in POINTS.values():
        import_module(module)
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            _work(Order(**json.loads(line)))
        print(pid, flush=True)
        _pid, status = os.waitpid(pid, 0)
        print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status), flush=True)


def _work(order: Order) -> None:
    """In the fork; never returns."""
    try:
        _lay_trap(order.point)
        _do(order)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _do(order: Order) -> None:
    from datetime import datetime, timedelta
    from decimal import Decimal

    from django.conf import settings

    from billing.office.notices import send_due_notices
    from payments.models import PaymentMethod
    from payments.services.charging import charge

    settings.GATEWAYS = order.gateways
    now = datetime.fromisoformat(order.now)
    if order.job:
        getattr(import_module("payments.tasks"), order.job)(now)
        return
    method = PaymentMethod.objects.select_related("gateway_account").get(pk=order.method)
    charge(
        method=method, invoices=[(order.invoice, Decimal(order.amount))], request_key=order.request_key, now=now,
        by=None, by_payer=True, channel="portal", decision={},
    )  # fmt: skip
    send_due_notices(now + timedelta(minutes=1))


def _lay_trap(point: str) -> None:
    if point not in POINTS:
        return
    name, attribute, when = POINTS[point]
    module = import_module(name)
    setattr(module, attribute, _deadly(getattr(module, attribute), when))


def _deadly(work: Callable[..., Any], when: str) -> Callable[..., Any]:
    def die(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            work(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    return die


if __name__ == "__main__":
    main()
