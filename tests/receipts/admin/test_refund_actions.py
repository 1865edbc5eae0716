"""Paying refunds out at the console, what became of them, and their receipts (R98, R101)."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction

from billing.ledger.models import Role
from billing.office import clock
from billing.office.models import Notice
from billing.office.notices import send_due_notices
from billing.office.papers.errors import PdfUnavailable
from payments.models import Refund, RefundAttempt
from payments.services.bank_accounts import ensure_bank_account
from receipts.models import RefundReceipt, RefundReceiptCopy
from receipts.papers.signing import check_signature
from receipts.services import refund_papers
from tests import builders
from tests.assertions import assert_books_whole, balance
from tests.console_desk import Desk, desk, plain
from tests.receipts.papers.papers import text_of
from tests.refund_desk import approved, ask, paid, small_refunds


@pytest.fixture
def school(db):
    school = builders.organization(zone="UTC")
    small_refunds(school)
    return school


@pytest.fixture
def ada(school):
    return builders.customer(school, name="Ada Lovelace", email="ada@example.org")


@pytest.fixture
def clerk(school) -> Desk:
    return desk(school, "clerk", name="carla")


@pytest.fixture
def supervisor(school) -> Desk:
    return desk(school, "supervisor", name="sam")


@pytest.fixture
def by_card(ada, clerk, supervisor) -> Refund:
    """US$40.00 approved to go back to a card."""
    return approved(clerk, supervisor, paid(ada, method="card", reference="T-1"))


def state(refund: Refund) -> str:
    refund.refresh_from_db()
    return refund.state


class TestCash:
    def test_R101_cash_from_the_safe_is_paid_at_once_with_its_receipt(self, school, ada, clerk, supervisor):
        refund = approved(clerk, supervisor, paid(ada))
        page = clerk.get(f"refunds/{refund.pk}/pay-out/").content.decode()
        assert "the safe" in page and "Pay out US$40.00 to Ada Lovelace" in page
        assert "is paid" in clerk.follow(f"refunds/{refund.pk}/pay-out/", method="cash", drawer_session="safe")
        assert state(refund) == "processed"
        assert RefundReceipt.objects.get().content["amount"] == "40.00"
        assert balance(school, Role.CASH) == 80
        assert_books_whole()

    def test_who_approved_it_does_not_hand_out_the_cash(self, ada, clerk, supervisor):
        refund = approved(clerk, supervisor, paid(ada))
        answer = supervisor.post(f"refunds/{refund.pk}/pay-out/", 422, method="cash", drawer_session="safe")
        assert "another person must hand out the cash" in plain(answer)
        assert state(refund) == "approved" and not RefundReceipt.objects.exists()

    def test_a_second_click_pays_nothing_more(self, school, ada, clerk, supervisor):
        refund = approved(clerk, supervisor, paid(ada))
        clerk.post(f"refunds/{refund.pk}/pay-out/", method="cash", drawer_session="safe")
        answer = clerk.post(f"refunds/{refund.pk}/pay-out/", 422, method="cash", drawer_session="safe")
        assert "only an approved refund is paid out" in plain(answer)
        assert RefundAttempt.objects.count() == 1 and balance(school, Role.CASH) == 80

    def test_a_drawer_that_is_not_open_is_refused_beside_its_input(self, ada, clerk, supervisor):
        refund = approved(clerk, supervisor, paid(ada))
        answer = clerk.post(f"refunds/{refund.pk}/pay-out/", 422, method="cash", drawer_session="77")
        assert 'id="error_drawer_session"' in answer.content.decode() and state(refund) == "approved"

    def test_before_the_approval_nothing_can_be_paid_out(self, ada, clerk):
        refund = ask(clerk, paid(ada))
        assert "only an approved refund is paid out" in clerk.see(f"refunds/{refund.pk}/pay-out/")
        clerk.post(f"refunds/{refund.pk}/pay-out/", 422, method="cash", drawer_session="safe")
        assert state(refund) == "requested"


class TestOnItsWay:
    def test_a_card_refund_needs_the_terminals_reference_and_waits_for_its_outcome(self, by_card, clerk):
        answer = clerk.post(f"refunds/{by_card.pk}/pay-out/", 422, method="card", reference="")
        assert 'id="error_reference"' in answer.content.decode()
        clerk.post(f"refunds/{by_card.pk}/pay-out/", method="card", reference="SLIP-77")
        assert state(by_card) == "submitted"
        page = clerk.see(f"refunds/{by_card.pk}/")
        assert "◔ on its way" in page and "SLIP-77" in page and "Report the outcome" in page
        assert by_card.number in clerk.see("refunds/?tab=on_its_way")

    def test_arrived_pays_it_and_issues_the_receipt(self, by_card, clerk):
        clerk.post(f"refunds/{by_card.pk}/pay-out/", method="card", reference="SLIP-77")
        page = clerk.follow(f"refunds/{by_card.pk}/outcome/", outcome="succeeded", on=today(), note="")
        assert "is paid; its receipt is ready" in page and "● paid out" in page
        assert RefundReceipt.objects.get().content["reference"] == "SLIP-77"
        assert_books_whole()

    def test_unknown_is_said_and_may_be_known_later(self, by_card, clerk):
        clerk.post(f"refunds/{by_card.pk}/pay-out/", method="card", reference="SLIP-77")
        answer = clerk.post(f"refunds/{by_card.pk}/outcome/", 422, outcome="unknown", on=today(), note="")
        assert 'id="error_note"' in answer.content.decode()
        clerk.post(f"refunds/{by_card.pk}/outcome/", outcome="unknown", on=today(), note="Portal is down")
        assert "◌ outcome unknown" in clerk.see("refunds/?tab=unknown")
        answer = clerk.post(f"refunds/{by_card.pk}/pay-out/", 422, method="card", reference="again")
        assert "is on its way already" in plain(answer)
        clerk.post(f"refunds/{by_card.pk}/outcome/", outcome="succeeded", on=today(), note="")
        assert state(by_card) == "processed"

    def test_declined_fails_it_and_it_may_be_tried_again(self, by_card, clerk):
        clerk.post(f"refunds/{by_card.pk}/pay-out/", method="card", reference="SLIP-77")
        page = clerk.follow(f"refunds/{by_card.pk}/outcome/", outcome="declined", on=today(), note="Card closed")
        assert "failed: Card closed" in page and "Try again" in page
        assert not RefundReceipt.objects.exists()
        assert "may be paid out again" in clerk.follow(f"refunds/{by_card.pk}/retry/")
        assert state(by_card) == "approved"
        clerk.post(f"refunds/{by_card.pk}/pay-out/", method="card", reference="SLIP-78")
        assert "SLIP-78" in clerk.see(f"refunds/{by_card.pk}/")

    def test_bad_outcomes_are_refused_beside_their_inputs(self, by_card, clerk):
        clerk.post(f"refunds/{by_card.pk}/pay-out/", method="card", reference="SLIP-77")
        later = (clock.now() + timedelta(days=2)).date().isoformat()
        for field, values in (("outcome", {"outcome": ""}), ("on", {"on": later}), ("on", {"on": "2026-02-30"})):
            fields = {"outcome": "succeeded", "on": today(), "note": "typed before"} | values
            answer = clerk.post(f"refunds/{by_card.pk}/outcome/", 422, **fields)
            assert f'id="error_{field}"' in answer.content.decode()
            assert "typed before" in answer.content.decode()
        assert state(by_card) == "submitted"

    def test_a_transfer_leaves_from_an_account_of_ours(self, school, ada, clerk, supervisor):
        with transaction.atomic():
            account, _new = ensure_bank_account(organization=school, code="main", currency="USD", name="First Bank")
        refund = approved(clerk, supervisor, paid(ada, method="bank_transfer", reference="W-1"))
        assert "First Bank" in clerk.see(f"refunds/{refund.pk}/pay-out/")
        missing = {"method": "bank_transfer", "reference": "W-9", "bank_account": ""}
        answer = clerk.post(f"refunds/{refund.pk}/pay-out/", 422, **missing)
        assert 'id="error_bank_account"' in answer.content.decode() and 'value="W-9"' in answer.content.decode()
        clerk.post(f"refunds/{refund.pk}/pay-out/", **missing | {"bank_account": str(account.pk)})
        assert RefundAttempt.objects.get().bank_account == account

    def test_an_accountant_neither_pays_out_nor_reports(self, school, by_card):
        accountant = desk(school, "accountant")
        accountant.get(f"refunds/{by_card.pk}/pay-out/", 403)
        accountant.get(f"refunds/{by_card.pk}/outcome/", 403)
        assert "Pay out US$40.00" not in accountant.see(f"refunds/{by_card.pk}/")


class TestPaper:
    @pytest.fixture
    def refund(self, ada, clerk, supervisor) -> Refund:
        refund = approved(clerk, supervisor, paid(ada))
        clerk.post(f"refunds/{refund.pk}/pay-out/", method="cash", drawer_session="safe")
        refund.refresh_from_db()
        return refund

    def test_R101_it_bears_the_refunds_number_and_says_what_was_given_back(self, refund, clerk):
        answer = clerk.post(f"refunds/{refund.pk}/receipt.pdf", 200, how="print")
        assert answer["Content-Type"] == "application/pdf"
        assert answer["Content-Disposition"] == f'inline; filename="{refund.number}.pdf"'
        text = text_of(answer.content)
        payment = refund.payment
        for words in ("Refund receipt", refund.number, "US$40.00", "Forty dollars and 00/100", payment.number,
                      payment.receipt.number, "Overpaid", "Paid more than was billed", "Ada Lovelace"):  # fmt: skip
            assert words in text, words
        assert check_signature(answer.content).is_intact

    def test_R155_every_copy_is_the_same_file_and_written_down(self, refund, clerk):
        first = clerk.post(f"refunds/{refund.pk}/receipt.pdf", 200, how="print")
        second = clerk.post(f"refunds/{refund.pk}/receipt.pdf", 200, how="download")
        assert first.content == second.content and second["Content-Disposition"].startswith("attachment")
        assert [(c.how, c.by) for c in RefundReceiptCopy.objects.order_by("id")] == [
            ("print", clerk.user), ("download", clerk.user),
        ]  # fmt: skip
        assert "download carla" in clerk.see(f"refunds/{refund.pk}/")

    def test_it_goes_to_the_customer_with_the_message_that_the_money_was_sent(self, refund):
        sent = Notice.objects.get(fact=f"refund:{refund.pk}", kind="refund_paid")
        assert sent.attachment == f"refund_receipt:{RefundReceipt.objects.get().pk}"
        assert f"The refund receipt {refund.number} is attached." in sent.body
        assert not Notice.objects.filter(kind="refund_receipt").exists()
        for at in (clock.now(), clock.now() + timedelta(days=1)):  # it may be night there
            send_due_notices(at)
        name, data, kind = next(m for m in mail.outbox if m.attachments).attachments[0]
        assert (name, kind) == (f"{refund.number}.pdf", "application/pdf") and check_signature(data).is_intact
        assert_books_whole()

    def test_before_the_money_left_there_is_no_paper(self, ada, clerk):
        refund = ask(clerk, paid(ada))
        answer = clerk.post(f"refunds/{refund.pk}/receipt.pdf", 422)
        assert "its receipt is made once the money was paid out" in plain(answer)
        clerk.get(f"refunds/{refund.pk}/receipt/page/", 404)

    def test_looking_needs_a_post_so_that_no_browser_fetches_it_ahead(self, refund, clerk):
        clerk.get(f"refunds/{refund.pk}/receipt.pdf", 405)
        assert not RefundReceiptCopy.objects.exists()

    def test_without_pdf_libraries_the_page_prints_instead(self, refund, clerk, monkeypatch):
        def fail(*args):
            raise PdfUnavailable()

        monkeypatch.setattr(refund_papers, "_make", fail)
        answer = clerk.post(f"refunds/{refund.pk}/receipt.pdf", 503)
        assert "Open refund receipt" in plain(answer)
        assert refund.number in clerk.see(f"refunds/{refund.pk}/receipt/page/")
        assert not RefundReceiptCopy.objects.exists()


def today() -> str:
    return clock.now().date().isoformat()
