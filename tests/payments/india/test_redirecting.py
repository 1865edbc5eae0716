"""A payer pays at their bank or in their app: the attempt waits for them, and what came of it is booked (R46)."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from billing.errors import BadInput
from billing.office.policies import policies_for
from payments.models import Method, PaymentAttempt
from payments.models.attempt import AttemptState
from payments.services import inbox
from payments.services.attempts import BeingConfirmed
from payments.services.calling import reread
from payments.services.charging import send_prepared
from payments.services.inbox import keep_events
from payments.services.redirecting import accounts_for, form_of, look_again, tend_redirects
from payments.services.sweeping import sweep
from tests.builders import policy
from tests.payments.india.cast import Scene


def test_a_link_is_pending_until_its_payer_has_paid(at: Scene) -> None:
    invoice = at.bill("1250.00")
    attempt = at.go("upi", invoice)
    assert (attempt.state, attempt.method, attempt.redirect[:10]) == (AttemptState.PENDING, None, "upi://pay?")
    assert form_of(attempt) == {}
    at.upi.do("pay", tr=attempt.key)
    done = look_again(attempt, now=at.now)
    invoice.refresh_from_db()
    assert done.payment is not None
    assert (done.state, done.payment.method, done.payment.amount, invoice.open_amount) == (
        AttemptState.SUCCEEDED, Method.UPI, 1250, 0,
    )  # fmt: skip
    assert at.upi.minor("capture") == 1250_00


def test_a_webhook_books_it_though_the_payer_never_comes_back(at: Scene) -> None:
    attempt = at.go("upi", at.bill())
    at.upi.do("pay", tr=attempt.key)
    at.hear_upi()
    at.hear_upi()  # told again
    attempt = reread(attempt)
    assert attempt.state == AttemptState.SUCCEEDED and attempt.payment is not None
    assert at.upi.minor("capture") == 1250_00


def test_a_payer_may_be_asked_in_their_app(at: Scene) -> None:
    attempt = at.go("upi", at.bill(), handle="asha.rao@okbank")
    assert (attempt.state, attempt.redirect) == (AttemptState.PENDING, "")
    at.upi.do("pay", tr=attempt.key)
    assert look_again(attempt, now=at.now).state == AttemptState.SUCCEEDED
    assert "asha.rao" not in str(vars(attempt))


def test_an_id_that_does_not_exist_is_refused_before_anything_is_written(at: Scene) -> None:
    with pytest.raises(BadInput) as refusal:
        at.go("upi", at.bill(), handle="nobody@okbank")
    assert refusal.value.code == "unknown_handle"
    with pytest.raises(BadInput):
        at.go("netbanking", at.bill(), handle="asha.rao@okbank")
    assert not PaymentAttempt.objects.exists()


def test_a_request_that_ran_out_frees_its_invoices(at: Scene) -> None:
    invoice = at.bill()
    attempt = at.go("upi", invoice)
    with pytest.raises(BeingConfirmed):
        at.go("netbanking", invoice)
    at.later(minutes=31)
    at.hear_upi()
    assert reread(attempt).state == AttemptState.DECLINED
    assert at.go("netbanking", invoice).state == AttemptState.PENDING


def test_a_payer_goes_to_their_bank_and_is_booked_when_back(at: Scene) -> None:
    """The form is told again from what is kept; what the browser brings back is a hint, like a webhook."""
    invoice = at.bill("1250.00")
    attempt = at.go("netbanking", invoice)
    assert attempt.state == AttemptState.PENDING
    fields = form_of(reread(attempt))
    assert (fields["txnid"], fields["amount"]) == (attempt.key, "1250.00")
    raw = urlencode(at.visit(attempt)).encode()
    keep_events(
        configuration="netbanking", events=at.bank.gateway().parse_webhook(raw, {}, []), raw=raw, now=at.now
    )  # fmt: skip
    inbox.work_due(now=at.now, limit=10)
    done = reread(attempt)
    invoice.refresh_from_db()
    assert done.payment is not None
    assert (done.state, done.payment.method, invoice.open_amount) == (
        AttemptState.SUCCEEDED, Method.NET_BANKING, 0,
    )  # fmt: skip
    assert form_of(done) == {}


def test_a_payer_who_never_came_to_their_bank_is_not_waited_for(at: Scene) -> None:
    """Two hours, and not a minute less."""
    invoice = at.bill()
    attempt = at.go("netbanking", invoice)
    at.later(hours=1, minutes=59)
    assert tend_redirects(now=at.now) == 0
    at.later(minutes=1)
    assert tend_redirects(now=at.now) == 1
    assert reread(attempt).state == AttemptState.NOT_SENT
    assert at.go("netbanking", invoice).state == AttemptState.PENDING


def test_a_payer_who_was_there_all_along_is_not_given_up(at: Scene) -> None:
    attempt = at.go("netbanking", at.bill())
    at.visit(attempt)
    at.later(hours=3)
    assert tend_redirects(now=at.now) == 0
    assert reread(attempt).state == AttemptState.SUCCEEDED


def test_who_pays_after_they_were_given_up_gets_it_back(at: Scene) -> None:
    attempt = at.go("netbanking", at.bill())
    at.later(hours=3)
    tend_redirects(now=at.now)
    raw = urlencode(at.visit(attempt)).encode()
    keep_events(
        configuration="netbanking", events=at.bank.gateway().parse_webhook(raw, {}, []), raw=raw, now=at.now
    )  # fmt: skip
    inbox.work_due(now=at.now, limit=10)
    send_prepared(now=at.now)  # net banking voids nothing
    send_prepared(now=at.now)  # so that it is refunded
    at.later(days=1, minutes=1)
    assert at.bank.minor("capture") == at.bank.minor("refund") == 1250_00
    assert reread(attempt).payment is None


def test_those_on_their_way_are_asked_about_within_minutes(at: Scene) -> None:
    attempt = at.go("upi", at.bill())
    at.upi.do("pay", tr=attempt.key)
    tend_redirects(now=at.now)
    sweep(now=at.now)
    assert reread(attempt).state == AttemptState.PENDING
    at.later(minutes=2)
    sweep(now=at.now)
    assert reread(attempt).state == AttemptState.SUCCEEDED


def test_an_answer_that_was_lost_is_asked_about_and_the_link_is_there_again(at: Scene) -> None:
    at.upi.fault("drop_after", path="/v1/orders$")
    attempt = at.go("upi", at.bill())
    assert (attempt.state, attempt.redirect) == (AttemptState.UNKNOWN, "")
    at.later(seconds=20)
    sweep(now=at.now)
    attempt = reread(attempt)
    assert (attempt.state, attempt.redirect[:10]) == (AttemptState.PENDING, "upi://pay?")


def test_a_double_click_is_one_attempt(at: Scene) -> None:
    invoice = at.bill()
    first = at.go("upi", invoice, request_key="k1")
    assert at.go("upi", invoice, request_key="k1").pk == first.pk


def _places(at: Scene, currency: str = "INR") -> list[str]:
    book = policies_for(at.school, customer_id=at.asha.pk)
    return [one.kind for one in accounts_for(at.asha, currency, book, at.now)]


def test_where_a_payer_may_go(at: Scene) -> None:
    """What is taken, in the school's order; nach is no place to go to."""
    assert _places(at) == ["upi", "netbanking"]
    assert _places(at, "USD") == []
    policy(at.school, "payments.methods", ["cash", "net_banking"])
    assert _places(at) == ["netbanking"]
    account = at.accounts["netbanking"]
    account.paused_until, account.pause_reason = at.now + timedelta(minutes=1), "maintenance"
    account.save(update_fields=["paused_until", "pause_reason"])
    assert _places(at) == []
    with pytest.raises(BadInput):
        at.go("nach", at.bill())
