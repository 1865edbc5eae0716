"""Where a scheme wants a debit announced to the bank a day before (UPI AutoPay): no debit without (R38, R176)."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from billing.models import Invoice
from payments.gateways.base import MANDATE, NOTIFY, Kind, MethodRef, Money, Outcome, Reason, Result
from payments.gateways.wire import Wire
from payments.models import GatewayAccount, Mandate, PaymentAttempt, PaymentMethod, RetryDecision
from payments.services import calling
from payments.services.charging import charge
from payments.services.recovery import notifying
from payments.services.recovery.due import due_charges
from payments.tasks import charge_due as charge_job
from tests import builders
from tests.assertions import assert_books_whole
from tests.payments.recovery.cast import School, states

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Scheme:
    """A bank that answers at once. notices: (day, minor) of each; says: what comes of the next ones; declines: how many
    of the next debits it refuses."""

    capabilities = frozenset({MANDATE, NOTIFY})
    notices: list[tuple[date, int]] = field(default_factory=list)
    debits: list[int] = field(default_factory=list)
    says: list[Outcome] = field(default_factory=list)
    declines: int = 0

    def notify_debit(self, method: MethodRef, money: Money, on: date, key: str) -> Result:
        self.notices.append((on, money.minor))
        outcome = self.says.pop(0) if self.says else Outcome.APPROVED
        return Result(outcome, Kind.NOTIFY, key, ref=f"notice-{len(self.notices)}")

    def charge(self, method: MethodRef, money: Money, key: str, order: Any, credential: Any) -> Result:
        if self.declines:
            self.declines -= 1
            return Result(Outcome.DECLINED, Kind.SALE, key, money=money, reason=Reason.INSUFFICIENT_FUNDS)
        self.debits.append(money.minor)
        return Result(Outcome.APPROVED, Kind.SALE, key, money=money, ref=f"debit-{len(self.debits)}")


@pytest.fixture
def scheme(monkeypatch: pytest.MonkeyPatch) -> Scheme:
    made = Scheme()
    for module in (calling, notifying):
        monkeypatch.setattr(module, "gateway_for", lambda _name: (made, Wire()))
    return made


def mandate(place: School, of: Any, most: str = "500.00", **details: Any) -> PaymentMethod:
    GatewayAccount.objects.update(instruments=["card", "mandate"])
    method = place.method(of, instrument="mandate", brand="", **details)
    Mandate.objects.create(
        method=method, scheme="upi", most_amount=most, frequency="monthly", starts_on=date(2026, 1, 1)
    )
    return method


def tick(place: School, **how_far: float) -> None:
    """The job, at its minute."""
    place.pass_time(**how_far)
    place.pass_time(minutes=(35 - place.now.minute) % 60)
    charge_job(place.now)


def test_R176_a_debit_is_announced_the_day_before_with_its_amount(place: School, scheme: Scheme) -> None:
    ada = place.family()
    mandate(place, ada)
    due = place.bill(ada, due=2)
    tick(place)
    assert scheme.notices == []  # too early
    tick(place, days=1)
    tick(place)  # the same minute again
    assert (scheme.notices, scheme.debits) == ([(due.due_on, 9000)], [])
    tick(place, hours=22)  # its day has come, the day's notice has not
    assert (states(due), scheme.debits) == ([], [])
    tick(place, hours=2)  # a day to the minute: a clock that differs would make it too early
    assert (states(due), scheme.debits) == ([], [])
    tick(place, hours=1)
    assert (states(due), scheme.debits, len(scheme.notices)) == (["succeeded"], [9000], 1)
    assert_books_whole()


def test_a_notice_that_was_refused_is_given_again_and_not_for_ever(place: School, scheme: Scheme) -> None:
    ada = place.family()
    mandate(place, ada)
    due = place.bill(ada)
    scheme.says = [Outcome.DECLINED] * 3
    for _hour in range(5):
        tick(place, hours=1)
    assert (len(scheme.notices), scheme.debits, states(due)) == (3, [], [])


def test_a_notice_nobody_knows_of_is_waited_for(place: School, scheme: Scheme) -> None:
    ada = place.family()
    mandate(place, ada)
    place.bill(ada)
    scheme.says = [Outcome.UNKNOWN]
    for _hour in range(3):
        tick(place, hours=1)
    assert [one.state for one in PaymentAttempt.objects.filter(operation="notify")] == ["unknown"]
    assert (len(scheme.notices), scheme.debits) == (1, [])


@pytest.mark.parametrize(("most", "charged"), [("90.00", True), ("89.99", False)])
def test_R38_a_mandate_debits_no_more_than_was_allowed(place: School, scheme: Scheme, most: str, charged: bool) -> None:
    ada = place.family()
    mandate(place, ada, most)
    place.bill(ada, due=1)
    tick(place)
    tick(place, days=1)
    tick(place, hours=1)
    assert bool(scheme.debits) == bool(scheme.notices) == charged


@pytest.mark.parametrize("change", [{"is_on": False}, {"ends_on": date(2026, 3, 11)}])
def test_R38_debits_that_are_switched_off_or_over_are_not_made(
    place: School, scheme: Scheme, change: dict[str, Any]
) -> None:
    ada = place.family()
    mandate(place, ada)
    Mandate.objects.update(**change)
    place.bill(ada)
    tick(place)
    tick(place, hours=25)
    assert (scheme.notices, scheme.debits) == ([], [])


def test_a_day_and_some_minutes_count_from_the_notice(place: School, scheme: Scheme) -> None:
    ada = place.family()
    method = mandate(place, ada)
    due = place.bill(ada)
    tick(place)
    notice = PaymentAttempt.objects.get(operation="notify")
    assert notice.settled_at is not None and notice.method == method
    found = next(due_charges(place.org, due.due_on, place.now))[0]
    second = timedelta(seconds=1)
    day = notice.settled_at + timedelta(hours=24, minutes=5)
    assert [notifying.is_notified(found, at) for at in (day - second, day)] == [False, True]


# A notice that is good no more


def _sent_at(invoice: Invoice) -> datetime:
    """When its last notice left."""
    notice = PaymentAttempt.objects.filter(operation="notify").latest("pk")
    assert notice.sent_at is not None and notice.request_key.startswith(f"notify:{invoice.pk}:")
    return notice.sent_at


def _is_notified(place: School, invoice: Invoice, at: datetime) -> bool:
    return notifying.is_notified(next(due_charges(place.org, invoice.due_on, place.now))[0], at)


def test_a_notice_lapses_three_days_after_its_debit_and_another_is_given(place: School, scheme: Scheme) -> None:
    ada = place.family()
    mandate(place, ada)
    due = place.bill(ada)
    tick(place)
    last = _sent_at(due) + timedelta(hours=24 + 72)
    assert [_is_notified(place, due, at) for at in (last, last + timedelta(seconds=1))] == [True, False]
    place.pass_time(hours=24 + 73)  # nobody was at work
    tick(place)
    tick(place, hours=1)
    assert (len(scheme.notices), scheme.debits) == (2, [])
    tick(place, hours=24)
    assert (len(scheme.notices), scheme.debits, states(due)) == (2, [9000], ["succeeded"])
    assert_books_whole()


@pytest.mark.parametrize(("tries", "is_good"), [(8, True), (9, False)])
def test_a_notice_is_for_nine_tries(place: School, scheme: Scheme, tries: int, is_good: bool) -> None:
    """The tenth that fails would end the mandate."""
    builders.policy(place.org, "fraud.check", False)
    ada = place.family()
    method = mandate(place, ada)
    due = place.bill(ada)
    tick(place)
    place.pass_time(hours=25)
    scheme.declines = tries
    for number in range(tries):
        charge(
            method=method, invoices=[(due.pk, due.open_amount)], request_key=f"t{number}", now=place.now, by=None,
            by_payer=True, channel="portal", decision={},
        )  # fmt: skip
    assert states(due) == ["declined"] * tries
    assert _is_notified(place, due, place.now) is is_good
    notifying.announce(now=place.now, organization=place.org)
    assert len(scheme.notices) == (1 if is_good else 2)


@pytest.mark.parametrize(("hours", "notices"), [(96, 1), (97, 2)])
def test_a_try_after_the_notice_has_lapsed_is_announced_anew(
    place: School, scheme: Scheme, hours: int, notices: int
) -> None:
    """Two days before it at the earliest, as processors take it; one within the three days needs none."""
    ada = place.family()
    mandate(place, ada)
    due = place.bill(ada)
    tick(place)
    sent = _sent_at(due)
    scheme.declines = 1
    tick(place, hours=25)
    assert states(due) == ["declined"]
    RetryDecision.objects.update(try_at=sent + timedelta(hours=hours))
    tick(place, hours=20)
    assert len(scheme.notices) == 1  # too early for a notice
    place.go_to(sent + timedelta(hours=hours - 47))
    notifying.announce(now=place.now, organization=place.org)
    notifying.announce(now=place.now, organization=place.org)
    assert [minor for _on, minor in scheme.notices] == [9000] * notices
    place.go_to(sent + timedelta(hours=hours))
    place.retry()
    assert (states(due), scheme.debits) == (["declined", "succeeded"], [9000])
    assert_books_whole()
