"""The approvals inbox: who sees what waits, who may decide, and what deciding does."""

import pytest
from django.db import connection

from billing.models import Allocation
from billing.office import clock
from billing.office.models import ApprovalRequest, AuditEntry
from payments.models import Payment
from tests import builders
from tests.console_desk import Desk, desk, plain


@pytest.fixture
def org(db):
    return builders.organization(zone="UTC")


@pytest.fixture
def ada(org):
    return builders.customer(org, name="Ada Lovelace")


@pytest.fixture
def clerk(org) -> Desk:
    return desk(org, "clerk", name="carla")


@pytest.fixture
def manager(org) -> Desk:
    return desk(org, "manager", name="mia")


def payment(ada, by=None, amount="120.00") -> Payment:
    return builders.pay(ada, amount, by=by, now=clock.now(), received_on=clock.now().date()).payment


def ask_void(who: Desk, paid: Payment, reason: str = "entered twice") -> ApprovalRequest:
    who.post(f"payments/{paid.pk}/void/", reason=reason)
    return ApprovalRequest.objects.latest("id")


def decide(who: Desk, asked: ApprovalRequest, status: int = 302, decision: str = "approve", **typed):
    fields = {"decision": decision, "shown_hash": asked.shown_hash, "reason": ""} | typed
    return who.post(f"approvals/{asked.pk}/", status, **fields)


def test_the_inbox_has_what_waits_for_me_what_i_asked_and_what_was_decided(ada, clerk, manager):
    waiting, decided = payment(ada), payment(ada, amount="75.00")
    ask_void(clerk, waiting)
    decide(manager, ask_void(clerk, decided))
    mine, theirs = manager.see("approvals/"), clerk.see("approvals/")
    inbox, asked, done = (
        mine.partition(h)[2] for h in ("Waiting for me", "Asked by me", "Decided in the last 30 days")
    )
    assert inbox.startswith(" 1 ") and f"Void {waiting.number}" in inbox.partition("Asked by me")[0]
    assert "US$120.00 entered twice carla" in inbox and "in 2 days, 23 hours" in inbox
    assert asked.startswith(" 0 ") and f"Void {decided.number} ● carried out US$75.00" in done
    assert "Waiting for me 0" in theirs and "Asked by me 2" in theirs


def test_the_request_shows_its_reason_first_and_every_fact_it_covers(ada, clerk, manager):
    invoice = builders.invoice(ada, "100.00")
    paid = payment(ada, by=clerk.user)
    page = manager.see(f"approvals/{ask_void(clerk, paid, 'wrong family').pk}/")
    assert page.index("wrong family") < page.index("What would be approved")
    shown = page.partition("What would be approved")[2]
    for fact in (paid.number, "Ada Lovelace", "US$120.00", "cash", "processed", invoice.number, "applied US$100.00"):
        assert fact in shown, fact


def test_R102_a_manager_approves_and_the_void_is_carried_out_at_once(ada, clerk, manager):
    invoice = builders.invoice(ada, "100.00")
    paid = payment(ada, by=clerk.user)
    page = manager.follow(
        f"approvals/{(asked := ask_void(clerk, paid)).pk}/", decision="approve", shown_hash=asked.shown_hash, reason=""
    )
    paid.refresh_from_db()
    invoice.refresh_from_db()
    assert paid.state == "voided" and invoice.open_amount == 100
    assert f"Approved; {paid.number} is void." in page and "carried out" in page
    assert paid.void.voided_by == manager.user and paid.void.reason == "entered twice"


def test_a_rejection_needs_a_reason_changes_nothing_and_is_told(ada, clerk, manager):
    paid = payment(ada)
    asked = ask_void(clerk, paid)
    answer = decide(manager, asked, 422, "reject")
    assert "This field is required." in plain(answer)
    decide(manager, asked, 302, "reject", reason="The slip says otherwise")
    paid.refresh_from_db()
    assert paid.state == "processed"
    assert "rejected" in (page := clerk.see(f"approvals/{asked.pk}/")) and "The slip says otherwise" in page


def test_who_asked_may_not_approve(org, ada):
    mia = desk(org, "manager")
    asked = ask_void(mia, payment(ada))
    assert "Approve:" not in mia.see(f"approvals/{asked.pk}/")
    assert "You asked for this; another person must approve." in plain(decide(mia, asked, 422))


def test_who_recorded_a_payment_may_not_approve_its_void_even_as_manager_later(org, ada, manager, clerk):
    paid = payment(ada, by=manager.user)
    asked = ask_void(clerk, paid)
    answer = decide(manager, asked, 422)
    assert "You recorded this payment; another person must void it." in plain(answer)
    asked.refresh_from_db()
    paid.refresh_from_db()
    assert (asked.state, asked.decided_by, paid.state) == ("requested", None, "processed")
    decide(desk(org, "finance_manager"), asked)


@pytest.mark.parametrize("role", ["clerk", "supervisor", "accountant", "school_admin", "platform_admin"])
def test_R102_other_roles_may_not_decide_about_a_void(org, ada, clerk, role):
    paid = payment(ada)
    asked = ask_void(clerk, paid)
    other = desk(org, role)
    decide(other, asked, 403)
    paid.refresh_from_db()
    assert paid.state == "processed"
    assert "Void" not in other.see("approvals/").partition("Asked by me")[0].partition("Waiting for me")[2]


@pytest.mark.parametrize("role", ["accountant", "school_admin", "platform_admin"])
def test_who_has_no_part_in_an_action_may_not_read_its_requests(org, ada, clerk, role):
    asked = ask_void(clerk, payment(ada))
    desk(org, role).get(f"approvals/{asked.pk}/", 403)


def test_a_request_of_another_organization_is_not_found(org, ada, clerk):
    asked = ask_void(clerk, payment(ada))
    stranger = desk(builders.organization(), "manager")
    stranger.get(f"approvals/{asked.pk}/", 404)
    decide(stranger, asked, 404)


def test_the_second_of_two_approvers_reads_who_was_first(org, ada, clerk, manager):
    asked = ask_void(clerk, payment(ada))
    decide(manager, asked)
    answer = decide(desk(org, "finance_manager"), asked, 422)
    assert "Already decided by mia: carried out." in plain(answer)
    again = decide(manager, asked, 422)
    assert "Already decided by mia" in plain(again)


def test_two_approvers_at_the_same_moment_void_once(run_in_threads):
    org = builders.organization(zone="UTC")
    ada = builders.customer(org)
    clerk, checkers = desk(org, "clerk"), [desk(org, "manager"), desk(org, "finance_manager")]
    paid = payment(ada)
    asked = ask_void(clerk, paid)

    def approve(n: int) -> tuple[int, str]:
        fields = {"decision": "approve", "shown_hash": asked.shown_hash, "reason": ""}
        answer = checkers[n].client.post(f"/console/approvals/{asked.pk}/", fields)
        return answer.status_code, plain(answer) if answer.status_code == 422 else ""

    outcome = run_in_threads(approve, 2)
    assert not outcome.errors
    assert sorted(status for status, _text in outcome.results) == [302, 422]
    assert any("Already decided by" in text for _status, text in outcome.results)
    paid.refresh_from_db()
    assert paid.state == "voided"


def test_approving_while_the_same_void_is_asked_for_again_does_not_deadlock(run_in_threads):
    org = builders.organization(zone="UTC")
    ada = builders.customer(org)
    clerk, manager = desk(org, "clerk"), desk(org, "manager")
    for _round in range(3):
        paid = payment(ada)
        asked = ask_void(clerk, paid)

        def work(n: int, paid=paid, asked=asked) -> int:
            if n:
                return clerk.client.post(f"/console/payments/{paid.pk}/void/", {"reason": "entered twice"}).status_code
            fields = {"decision": "approve", "shown_hash": asked.shown_hash, "reason": ""}
            return manager.client.post(f"/console/approvals/{asked.pk}/", fields).status_code

        outcome = run_in_threads(work, 2)
        assert not outcome.errors and set(outcome.results) <= {302, 422}
        paid.refresh_from_db()
        assert paid.state == "voided"


def test_a_lapsed_request_says_so_and_cannot_be_approved(org, ada, clerk, manager):
    builders.policy(org, "approvals.valid_hours", 0)
    asked = ask_void(clerk, payment(ada))
    assert "This request lapsed" in plain(decide(manager, asked, 422))
    page = manager.see(f"approvals/{asked.pk}/")
    assert "lapsed without a decision" in page and "Approve:" not in page
    assert "Waiting for me 0" in manager.see("approvals/")


def test_facts_that_changed_are_named_and_the_approval_is_undone(ada, clerk, manager):
    invoice = builders.invoice(ada, "100.00")
    paid = payment(ada, by=clerk.user)
    asked = ask_void(clerk, paid)
    supervisor = desk(ada.organization, "supervisor")
    supervisor.post(f"allocations/{Allocation.objects.get().pk}/unallocate/", reason="meant for another")
    answer = decide(manager, asked, 422)
    text = plain(answer)
    assert "Something changed since this was shown" in text
    assert f"Invoices that reopen: {invoice.number} applied US$100.00 → –" in text
    asked.refresh_from_db()
    paid.refresh_from_db()
    assert (asked.state, paid.state) == ("requested", "processed")


def test_a_page_shown_before_the_facts_changed_approves_nothing(ada, clerk, manager):
    asked = ask_void(clerk, payment(ada))
    assert "Something changed" in plain(decide(manager, asked, 422, shown_hash="0" * 64))


def test_asking_twice_for_the_same_void_is_one_request(ada, clerk):
    paid = payment(ada)
    assert ask_void(clerk, paid).pk == ask_void(clerk, paid).pk
    assert ApprovalRequest.objects.count() == 1


def test_the_reason_is_written_beside_every_changed_row(ada, clerk, manager):
    paid = payment(ada, by=clerk.user)
    decide(manager, ask_void(clerk, paid, "entered twice by mistake"))
    moved = AuditEntry.objects.filter(table_name="payments_payment", row_id=paid.pk, operation__iexact="update")
    assert set(moved.values_list("reason", flat=True)) == {"entered twice by mistake"}
    assert all("mia" in entry.actor for entry in moved)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('quittance.reason', true)")
        assert not cursor.fetchone()[0]
