"""Maker and checker (R167, R169, invariant 37, bad input 71, 72)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from billing.errors import BadInput, NotPermitted
from billing.office import approvals
from billing.office.approvals import (
    AlreadyDecided,
    ApprovalExpired,
    ApprovalNeeded,
    OwnRequest,
    ShownChanged,
    fingerprint,
)
from billing.office.models import ApprovalRequest, Membership, Organization
from billing.office.models.user import Role
from tests.builders import NOW, organization, policy, user
from tests.deeds import decide

pytestmark = pytest.mark.django_db
SHOWN = {"customer": "C1 Ada", "amount": "40.00", "reopens": [{"invoice": "1042"}]}
SUBJECT = "payment:17"


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def clerk(school):
    return user(school, Role.CLERK)


@pytest.fixture
def manager(school):
    return user(school, Role.MANAGER, name="grace")


def ask(school, by, **more: Any) -> ApprovalRequest:
    facts = {
        "action": "void_payment", "subject": SUBJECT, "title": "Void", "shown": SHOWN, "reason": "twice", "now": NOW,
    }  # fmt: skip
    with transaction.atomic():
        return approvals.ask(organization=school, by=by, **(facts | more))  # type: ignore[arg-type]


def use(request: ApprovalRequest, **more: Any) -> None:
    facts = {"action": "void_payment", "subject": SUBJECT, "shown": SHOWN, "now": NOW}
    with transaction.atomic():
        approvals.use(request=request, **(facts | more))  # type: ignore[arg-type]


def test_R169_what_was_asked_approved_and_used_is_kept(school, clerk, manager) -> None:
    request = decide(ask(school, clerk), manager, reason="seen")
    use(request)
    request.refresh_from_db()
    assert (request.state, request.requested_by, request.decided_by, request.decision_reason, request.used_at) == (
        "used", clerk, manager, "seen", NOW,
    )  # fmt: skip
    assert request.shown == SHOWN and request.shown_hash == fingerprint(SHOWN)


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_asking_needs_a_reason(school, clerk, reason: str) -> None:
    with pytest.raises(BadInput, match=r"A reason is needed\.") as refusal:
        ask(school, clerk, reason=reason)
    assert refusal.value.field == "reason"


@pytest.mark.parametrize("role", [Role.ACCOUNTANT, Role.SCHOOL_ADMIN, Role.PLATFORM_ADMIN, Role.PARENT])
def test_only_those_who_may_ask_ask(school, role: Role) -> None:
    with pytest.raises(NotPermitted):
        ask(school, user(school, role))


def test_asking_twice_the_same_is_one_request(school, clerk, manager) -> None:
    assert ask(school, clerk) == ask(school, user(school, Role.SUPERVISOR))
    assert ApprovalRequest.objects.count() == 1


def test_asking_anew_with_other_facts_takes_the_first_back(school, clerk, manager) -> None:
    first = ask(school, clerk)
    second = ask(school, clerk, shown=SHOWN | {"amount": "41.00"})
    first.refresh_from_db()
    assert (first.state, second.state) == ("withdrawn", "requested")
    with pytest.raises(AlreadyDecided):
        decide(first, manager)


def test_asking_anew_after_it_lapsed_makes_a_new_request(school, clerk, manager) -> None:
    first = ask(school, clerk)
    later = NOW + timedelta(hours=72)
    second = ask(school, clerk, now=later)
    assert first != second
    decide(second, manager, now=later)


def test_nobody_decides_their_own_request(school, manager) -> None:
    request = ask(school, manager)
    with pytest.raises(OwnRequest, match=r"You asked for this; another person must approve\."):
        decide(request, manager)
    with pytest.raises(OwnRequest):
        decide(request, manager, approve=False, reason="no")


def test_two_cannot_both_decide(school, clerk, manager) -> None:
    request = ask(school, clerk)
    decide(request, manager)
    with pytest.raises(AlreadyDecided, match=r"Already decided by grace: approved\."):
        decide(request, user(school, Role.MANAGER))


@pytest.mark.parametrize("role", [Role.CLERK, Role.SUPERVISOR, Role.ACCOUNTANT, Role.PLATFORM_ADMIN])
def test_only_those_who_may_approve_approve(school, clerk, role: Role) -> None:
    with pytest.raises(NotPermitted):
        decide(ask(school, clerk), user(school, role))


@pytest.mark.parametrize(("hours", "fine"), [(71, True), (72, False), (73, False)])
def test_a_request_lapses(school, clerk, manager, hours: int, fine: bool) -> None:
    request = ask(school, clerk)
    if fine:
        decide(request, manager, now=NOW + timedelta(hours=hours))
    else:
        with pytest.raises(ApprovalExpired, match="This request lapsed on 2026-03-15 15:00; ask again"):
            decide(request, manager, now=NOW + timedelta(hours=hours))


def test_how_long_it_holds_is_a_setting(school, clerk, manager) -> None:
    policy(school, "approvals.valid_hours", 1)
    with pytest.raises(ApprovalExpired):
        decide(ask(school, clerk), manager, now=NOW + timedelta(hours=1))


def test_one_decides_on_what_one_saw(school, clerk, manager) -> None:
    with pytest.raises(ShownChanged):
        decide(ask(school, clerk), manager, shown_hash=fingerprint(SHOWN | {"amount": "400.00"}))


def test_a_rejection_needs_a_reason_and_ends_it(school, clerk, manager) -> None:
    request = ask(school, clerk)
    with pytest.raises(BadInput):
        decide(request, manager, approve=False)
    decide(request, manager, approve=False, reason="not twice")
    with pytest.raises(ApprovalNeeded):
        use(request)


def test_an_approval_is_used_once(school, clerk, manager) -> None:
    request = decide(ask(school, clerk), manager)
    use(request)
    with pytest.raises(AlreadyDecided, match=r"Already decided by grace: carried out\."):
        use(request)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"shown": SHOWN | {"amount": "40.01"}}, ShownChanged),
        ({"action": "refund_large"}, ApprovalNeeded),
        ({"subject": "payment:18"}, ApprovalNeeded),
        ({"now": NOW + timedelta(hours=72)}, ApprovalExpired),
    ],
)
def test_it_is_spent_on_the_deed_it_was_given_for(school, clerk, manager, change, kind) -> None:
    request = decide(ask(school, clerk), manager)
    with pytest.raises(kind):
        use(request, **change)
    request.refresh_from_db()
    assert request.state == "approved"


def test_without_approval_there_is_nothing_to_use(school, clerk) -> None:
    with pytest.raises(ApprovalNeeded, match=r"This needs the approval of another person\."):
        use(ask(school, clerk))


@pytest.mark.parametrize("how", ["withdrawn", "inactive"])
def test_an_approver_who_lost_the_right_no_longer_counts(school, clerk, manager, how: str) -> None:
    request = decide(ask(school, clerk), manager)
    if how == "withdrawn":
        Membership.objects.filter(user=manager).update(withdrawn_at=NOW)
    else:
        manager.is_active = False
        manager.save()
    with pytest.raises(NotPermitted):
        use(request)


def test_the_fingerprint_does_not_depend_on_the_order_of_facts() -> None:
    assert (
        fingerprint({"a": 1, "b": [2, 3]}) == fingerprint({"b": [2, 3], "a": 1}) != fingerprint({"a": 1, "b": [3, 2]})
    )


def test_given_approvals_are_listed_the_newest_last(school, clerk, manager) -> None:
    first = decide(ask(school, clerk), manager)
    second = decide(ask(school, clerk, shown={"other": 1}), manager)
    assert approvals.granted(SUBJECT, ["void_payment"]) == [first, second]
    assert approvals.granted(SUBJECT, ["refund_large"]) == []
