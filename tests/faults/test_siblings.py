"""Two siblings with equal fees on one card, a minute apart, at a processor that takes them for a double (fault F21)."""

from datetime import timedelta

from billing.models import Invoice
from billing.office.models import Notice
from payments.models import RetryDecision
from tests.assertions import assert_books_whole, reread
from tests.payments.charging.cast import Scene


def two_bills(scene: Scene) -> tuple[Invoice, Invoice]:
    return scene.bill("90.00"), scene.bill("90.00")


def test_F21_both_are_captured_once(scene: Scene) -> None:
    one, two = two_bills(scene)
    card = scene.card()
    first = scene.charge(card, one)
    scene.at.nmi.clock.advance(seconds=60)
    second = scene.charge(card, two)
    assert (first.state, second.state) == ("succeeded", "succeeded")
    assert [entry.key for entry in scene.at.nmi.ledger.captures()] == [first.key, second.key]
    reread(one, two)
    assert (one.open_amount, two.open_amount) == (0, 0)
    assert_books_whole()


def test_F21_an_account_that_must_refuse_it_leaves_it_to_a_person_and_never_books_it(scene: Scene) -> None:
    one, two = two_bills(scene)
    card = scene.card()
    scene.at.nmi.do("set_account", may_disable="no")
    scene.charge(card, one)
    refused = scene.charge(card, two)
    assert (refused.state, refused.reason) == ("not_sent", "duplicate")
    assert RetryDecision.objects.get(failed=refused).verdict == "person"
    assert Notice.objects.filter(kind="charge_for_person", fact=f"attempt:{refused.key}").exists()
    assert len(scene.at.nmi.ledger.captures()) == 1
    scene.at.nmi.clock.advance(seconds=timedelta(minutes=21).total_seconds())
    assert scene.charge(card, two).state == "succeeded"
    assert_books_whole()
