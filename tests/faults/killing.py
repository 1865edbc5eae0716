"""One case of the matrix: a worker dies at a point of a charge while the processor behaves in its way."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.core import mail

from billing.models import Customer, Invoice
from billing.office import clock
from billing.office.models import Notice
from billing.office.notices import send_due_notices
from payments.models import AttemptClaim, Payment, PaymentAttempt, PaymentMethod
from payments.services.charging import send_prepared
from payments.services.sweeping import sweep
from receipts.models import Receipt
from tests import builders
from tests.assertions import assert_books_whole
from tests.faults.worker import BY_OTHERS, POINTS, Order, Workers
from tests.payments.charging.cast import Scene

ALL_POINTS = (*list(POINTS)[:4], BY_OTHERS, *list(POINTS)[4:])
# What the processor does: takes the money, or does not, and whether it says so.
TAKES = ("ok", "drop_after", "hang_after", "error_after", "truncated", "html", "garbled", "empty")
REFUSES = ("declined", "drop_before", "hang_before", "error_before")
BEHAVIOURS = (*TAKES, *REFUSES)
# At these points nothing has left; these are reached only where the money was taken and the answer says so.
NOTHING_LEFT = ALL_POINTS[:4]
ONLY_IF_OK = ("journal written", "before the receipt", "receipt, no message", "message not sent", "message sent")
# Longer than any wait of recovery: freeing, the slots of asking, the gap between two absences, a lease of a message.
LATER = (timedelta(minutes=3), timedelta(minutes=15), timedelta(minutes=30))
SIGKILL = 9


def recover(now: datetime) -> None:
    """What the jobs that tidy up do in a minute."""
    sweep(now=now)
    send_prepared(now=now)
    send_due_notices(now)


@dataclass
class Case:
    """A family of its own, whose invoice is charged while something goes wrong."""

    scene: Scene
    point: str
    behaviour: str
    amount: str
    family: Customer = field(init=False)
    invoice: Invoice = field(init=False)
    method: PaymentMethod = field(init=False)

    def __post_init__(self) -> None:
        self.family = builders.customer(self.scene.school, email=f"{uuid4().hex[:8]}@example.com")
        self.invoice = builders.invoice(self.family, self.amount)
        self.scene.ada = self.family
        self.method = self.scene.card()

    @property
    def takes(self) -> bool:
        """Whether the processor takes the money: it was asked, and it does."""
        return self.point not in NOTHING_LEFT and self.behaviour in TAKES

    @property
    def is_killed(self) -> bool:
        return self.point not in ONLY_IF_OK or self.behaviour == "ok"

    def run(self, crew: Workers) -> int:
        """The signal that ended the worker."""
        nmi = self.scene.at.nmi
        if self.behaviour == "declined":
            nmi.do("decline_next", code="202")
        elif self.behaviour != "ok":
            nmi.faults.add(self.behaviour, path="transact", seconds=0.5)
        with _other_side(self.scene, crew if self.point == BY_OTHERS else None):
            ended = crew.begin(self._order()).end()
        nmi.faults.clear()
        nmi.next_codes.clear()
        return ended

    def _order(self) -> Order:
        return Order(
            {"precisepay": self.scene.at.settings}, clock.now().isoformat(), self.point, self.method.pk,
            self.invoice.pk, self.amount, f"case-{self.invoice.pk}",
        )  # fmt: skip

    # What must be true

    def assert_nothing_is_wrong_yet(self) -> None:
        """At once after the death: at most one capture, nothing booked that was not taken, books whole."""
        taken = len(self._captures())
        assert taken == int(self.takes)
        booked = Payment.objects.filter(customer=self.family).count()
        assert booked <= taken
        assert Receipt.objects.filter(payment__customer=self.family).count() == booked
        assert Notice.objects.filter(kind="receipt", party=self.family.pk).count() == booked
        assert_books_whole()

    def recover(self) -> None:
        """What the jobs do in the half hour after it."""
        mail.outbox.clear()
        for after in LATER:
            recover(clock.now() + after)

    def assert_it_came_right(self) -> None:
        """The processor's own ledger and our books agree; the invoice is paid once or may be charged again."""
        captures, payments = self._captures(), list(Payment.objects.filter(customer=self.family))
        self.invoice.refresh_from_db()
        assert [len(captures), len(payments)] == [int(self.takes)] * 2
        assert self.invoice.open_amount == (0 if self.takes else self.invoice.invoiced_amount)
        assert [one.amount for one in payments] == [self.invoice.invoiced_amount] * len(captures)
        assert Receipt.objects.filter(payment__customer=self.family).count() == len(captures)
        attempts = list(PaymentAttempt.objects.filter(customer=self.family))
        if self.point == "prepared, not committed":
            assert attempts == []
        else:
            assert [one.state for one in attempts] == [self._state()]
            assert {one.key for one in captures} <= {one.key for one in attempts}
        assert AttemptClaim.objects.filter(attempt__customer=self.family, holds=True).count() == len(captures)
        self._assert_told_once(len(captures))
        assert_books_whole()

    def assert_it_may_be_tried_again(self) -> None:
        """Where nothing was taken the next try takes it, once."""
        attempt = self.scene.charge(self.method, self.invoice)
        assert attempt.state == "succeeded" and len(self._captures()) == 1
        send_due_notices(clock.now())

    def _state(self) -> str:
        if self.takes:
            return "succeeded"
        return "declined" if self.behaviour == "declined" and self.point not in NOTHING_LEFT else "not_sent"

    def _assert_told_once(self, times: int) -> None:
        told = Notice.objects.filter(kind="receipt", party=self.family.pk)
        assert [one.state for one in told] == ["sent"] * times
        sent = [one for one in mail.outbox if one.to == [self.family.email] and one.attachments]
        assert len(sent) == times

    def _captures(self) -> list[Any]:
        keys = {one.key for one in PaymentAttempt.objects.filter(customer=self.family)}
        mine = f"{self.invoice.invoiced_amount:.2f}".replace(".", "")
        found = [one for one in self.scene.at.nmi.ledger.captures() if one.minor == int(mine)]
        assert {one.key for one in found} <= keys, "the processor was asked with a key that nobody wrote down"
        return found


class _other_side:
    """While the block runs, the processor kills the worker once it has done, or dropped, what it was asked."""

    def __init__(self, scene: Scene, crew: Workers | None) -> None:
        self.nmi, self.crew = scene.at.nmi, crew

    def __enter__(self) -> None:
        if self.crew is None:
            return
        self.answer, self.take = self.nmi.answer, self.nmi.faults.take
        self.nmi.answer = self._then_kill(self.answer)  # type: ignore[method-assign]
        self.nmi.faults.take = self._then_kill_if_dropped  # type: ignore[method-assign]

    def __exit__(self, *_error: object) -> None:
        if self.crew is not None:
            self.nmi.answer, self.nmi.faults.take = self.answer, self.take  # type: ignore[method-assign]

    def _then_kill(self, answer: Callable[..., Any]) -> Callable[..., Any]:
        def answered(request: Any) -> Any:
            reply = answer(request)
            self._kill()
            return reply

        return answered

    def _then_kill_if_dropped(self, path: str, body: bytes) -> Any:
        fault = self.take(path, body)
        if fault is not None and fault.kind.endswith("_before"):
            self._kill()
        return fault

    def _kill(self) -> None:
        assert self.crew is not None
        self.crew.kill()
