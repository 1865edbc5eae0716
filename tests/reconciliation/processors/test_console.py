"""R151, R152 at the console: figures that open, differences explained alone or with the finance manager."""

from decimal import Decimal

import pytest

from billing.office.models import ApprovalRequest
from payments.gateways.base import Moved
from reconciliation.models import ProcessorDiscrepancy
from tests import builders
from tests.assertions import assert_books_whole
from tests.commands import run
from tests.console_desk import desk
from tests.payments.charging.cast import Scene
from tests.payments.webhooks.reports import line
from tests.reconciliation.processors.cast import charged, proven, report


@pytest.fixture
def row(scene: Scene) -> ProcessorDiscrepancy:
    """Money of 120.00 that no settlement names, and a settlement of 80.00 that is not at the bank."""
    charged(scene)
    report(scene, line(Moved.CAPTURE, "80.00", charged(scene, "80.00"), fee="2.00"))
    proven(scene.account, 6)
    return ProcessorDiscrepancy.objects.get(kind="never_settled")


def decide(scene: Scene, asked: ApprovalRequest, *roles: str) -> str:
    who = desk(scene.school, *roles)
    return who.follow(f"approvals/{asked.pk}/", decision="approve", shown_hash=asked.shown_hash)


class TestPages:
    def test_R151_the_list_and_the_page_have_each_figure(self, scene: Scene, row: ProcessorDiscrepancy) -> None:
        who = desk(scene.school, "accountant")
        page = who.see("processors/")
        assert "PrecisePay" in page and "198.00" in page and "to explain 2" in page and "0.00 %" in page
        page = who.see(f"processors/{scene.account.pk}/")
        for words in ("taken, in no settlement", "payout not at the bank", "not yet", "78.00", "Day by day"):
            assert words in page
        page = who.see(f"processors/differences/{row.pk}/")
        assert "In our books" in page and "120.00" in page and "0 days old" in page

    def test_R151_before_the_first_proof_it_says_what_would_be_here(self, scene: Scene) -> None:
        who = desk(scene.school, "supervisor")
        assert "No processor is proven yet" in who.see("processors/")
        assert "Not proven yet" in who.see(f"processors/{scene.account.pk}/")
        assert "Proven as of now." in who.follow("processors/prove/")
        assert "all explained" in who.see("processors/")
        assert "Proven as of now." in who.follow(f"processors/{scene.account.pk}/prove/")

    def test_45_47_of_another_organization_it_is_404_and_readers_do_nothing(
        self, scene: Scene, row: ProcessorDiscrepancy
    ) -> None:
        other, reader = desk(builders.organization(), "supervisor"), desk(scene.school, "manager")
        for path in (f"processors/{scene.account.pk}/", f"processors/differences/{row.pk}/"):
            other.get(path, 404)
        other.get(f"differences/processor/{row.pk}/explain/", 404)
        reader.get(f"differences/nonsense/{row.pk}/explain/", 404)
        for path in ("processors/prove/", f"differences/processor/{row.pk}/open/"):
            reader.post(path, 403)
        assert "Explain" not in reader.see(f"processors/differences/{row.pk}/")
        reader.post(f"differences/processor/{row.pk}/explain/", 403, reason_code="other", note="n")

    def test_R151_by_command(self, scene: Scene, row: ProcessorDiscrepancy) -> None:
        ran = run("prove_processors", "--organization", scene.school.code, "--as-of", "2026-03-18")
        assert ran.code == 0 and "198.00 USD, on its way 0.00, unexplained 198.00, 2 open, 0.00 % explained" in ran.out


class TestExplaining:
    @pytest.mark.parametrize(("alone", "is_asked"), [("120.00", False), ("119.99", True), (None, True)])
    def test_R152_above_a_sum_the_finance_manager_agrees(
        self, scene: Scene, row: ProcessorDiscrepancy, alone: str | None, is_asked: bool
    ) -> None:
        if alone is not None:
            builders.policy(scene.school, "processors.explain_alone", alone)
        who = desk(scene.school, "accountant")
        words = {"reason_code": "processor_error", "note": "Claimed, ticket 7."}
        page = who.follow(f"differences/processor/{row.pk}/explain/", **words)
        row.refresh_from_db()
        assert ("asked to agree" in page) is is_asked
        assert row.state == ("open" if is_asked else "explained")
        if not is_asked:
            return
        (asked,) = ApprovalRequest.objects.all()
        assert "Explained." in decide(scene, asked, "finance_manager")
        row.refresh_from_db()
        assert (row.state, row.approval, row.explained_by, row.note) == ("explained", asked, who.user, words["note"])
        assert_books_whole()

    def test_R152_what_is_explained_counts_as_known_and_opens_when_it_changes(
        self, scene: Scene, row: ProcessorDiscrepancy
    ) -> None:
        builders.policy(scene.school, "processors.explain_alone", "500")
        who = desk(scene.school, "supervisor")
        who.follow(f"differences/processor/{row.pk}/explain/", reason_code="timing", note="Comes on Monday.")
        proof = proven(scene.account, 6)
        assert (proof.explained_amount, proof.moving_amount, proof.open_count) == (Decimal(120), Decimal(198), 1)
        assert proof.explained_percent == Decimal("60.60")
        assert "It is open again." in who.follow(f"differences/processor/{row.pk}/open/")
        who.follow(f"differences/processor/{row.pk}/explain/", reason_code="timing", note="Comes on Tuesday.")
        assert row.attempt is not None
        report(scene, line(Moved.CAPTURE, "119.00", row.attempt, batch="B-9"))
        proven(scene.account, 6)
        kinds = dict(ProcessorDiscrepancy.objects.values_list("kind", "state"))
        assert (kinds["never_settled"], kinds["amount_differs"]) == ("resolved", "open")
        assert_books_whole()

    def test_R152_it_has_an_owner(self, scene: Scene, row: ProcessorDiscrepancy) -> None:
        who = desk(scene.school, "supervisor", name="sam")
        path = f"differences/processor/{row.pk}/owner/"
        assert "sam" in who.follow(path, owner=who.user.pk)
        stranger = builders.user(scene.school, "manager")
        assert "Choose one of the people" in who.post(path, 422, owner=stranger.pk).content.decode()
        row.refresh_from_db()
        assert row.owner == who.user

    def test_what_is_missing_is_said_at_the_field(self, scene: Scene, row: ProcessorDiscrepancy) -> None:
        builders.policy(scene.school, "processors.explain_alone", "500")
        who = desk(scene.school, "supervisor")
        path = f"differences/processor/{row.pk}/explain/"
        assert "Choose a reason." in who.post(path, 422, reason_code="x", note="n").content.decode()
        assert "required" in who.post(path, 422, reason_code="other", note=" ").content.decode()
