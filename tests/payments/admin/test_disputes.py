"""Disputes at the console: who may do what, what stands beside its field, what a second click does (R107, R108)."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from billing.models import CreditMemo, Customer, Invoice
from billing.office import clock
from billing.office.models import ApprovalRequest, KeptDocument, Organization
from payments.models import Dispute, Payment
from tests import builders
from tests.assertions import assert_books_whole, reread
from tests.console_desk import Desk, desk, plain
from tests.payments.dispute_cast import complete, contest
from tests.uploads import picture

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.DOCUMENTS_DIR = tmp_path / "documents"
    yield


@pytest.fixture
def today() -> date:
    return clock.now().date()


@pytest.fixture
def org(db: None) -> Organization:
    return builders.organization(zone="UTC")


@pytest.fixture
def ada(org: Organization) -> Customer:
    return builders.customer(org, code="C1", name="Ada Lovelace", email="ada@example.com")


@pytest.fixture
def bill(ada: Customer) -> Invoice:
    return builders.invoice(ada, "100.00", number="A1")


@pytest.fixture
def card(ada: Customer, bill: Invoice, today: date) -> Payment:
    return builders.pay(ada, "120.00", method="card", received_on=today, now=clock.now()).payment


@pytest.fixture
def sup(org: Organization) -> Desk:
    return desk(org, "supervisor", name="sup")


@pytest.fixture
def clerk(org: Organization) -> Desk:
    return desk(org, "clerk", name="clerk")


@pytest.fixture
def manager(org: Organization) -> Desk:
    return desk(org, "manager", name="mgr")


def typed(today: date, **more: str) -> dict[str, str]:
    return {
        "amount": "50.00", "reason_code": "fraud", "description": "Not me", "processor_reference": "CB-1",
        "opened_on": today.isoformat(), "deadline_on": "", "request_key": "form-1",
    } | more  # fmt: skip


def opened(about: Payment | Invoice, who: Desk, amount: str = "50.00") -> Dispute:
    return contest(about, amount, who.user, now=clock.now())


def approve(who: Desk, asked: ApprovalRequest, status: int = 302) -> Any:
    return who.post(f"approvals/{asked.pk}/", status, decision="approve", shown_hash=asked.shown_hash, reason="")


def preview(who: Desk, dispute: Dispute, status: int = 200, **fields: str) -> tuple[str, str]:
    """What the preview says, and its token."""
    answer = who.post(f"disputes/{dispute.pk}/settle/", status, step="preview", planned="", **fields)
    token = re.search(r'name="planned" value="(\w*)"', answer.content.decode())
    return plain(answer), token[1] if token else ""


class TestOpening:
    def test_R107_a_clerk_opens_a_chargeback_from_the_payment(self, card, clerk, today) -> None:
        assert "Open a dispute" in clerk.see(f"payments/{card.pk}/")
        page = clerk.see(f"disputes/new/?payment={card.pk}")
        assert "The amount is booked as held by the bank" in page
        text = clerk.follow(f"disputes/new/?payment={card.pk}", **typed(today))
        dispute = Dispute.objects.get()
        assert f"Dispute {dispute.number} is open." in text
        assert (dispute.amount, dispute.opened_by, dispute.processor_reference) == (50, clerk.user, "CB-1")
        assert dispute.number in clerk.see(f"payments/{card.pk}/")
        assert_books_whole()

    def test_a_second_click_opens_no_second_dispute(self, card, clerk, today) -> None:
        for _click in range(2):
            clerk.post(f"disputes/new/?payment={card.pk}", **typed(today))
        assert Dispute.objects.count() == 1

    def test_R124_an_invoice_is_contested_from_its_page(self, bill, clerk, today) -> None:
        assert 'value="100"' in clerk.get(f"disputes/new/?invoice={bill.pk}").content.decode()
        clerk.post(f"disputes/new/?invoice={bill.pk}", **typed(today))
        reread(bill)
        assert bill.is_disputed
        assert "DSP-" in clerk.see(f"invoices/{bill.pk}/")

    @pytest.mark.parametrize(
        ("field", "value", "sentence"),
        [
            ("amount", "120.01", "Only US$120.00 of PAY-"), ("amount", "0", "The amount must be more than 0."),
            ("amount", "ten", "amount"), ("reason_code", "", "Choose a cause."),
            ("description", "", "This field is required."),
            ("description", "4111 1111 1111 1111", "Do not type card numbers here"),
            ("processor_reference", "", "Give the case number"), ("opened_on", "2026-02-30", "There is no 30"),
            ("opened_on", "2099-01-01", "This day is still to come."),
            ("deadline_on", "2020-01-01", "The deadline is before the day"),
        ],
    )  # fmt: skip
    def test_a_refusal_stands_beside_its_field_and_what_was_typed_stays(
        self, card, clerk, today, field, value, sentence
    ) -> None:
        answer = clerk.post(f"disputes/new/?payment={card.pk}", 422, **typed(today, **{field: value}))
        html = answer.content.decode()
        assert sentence in plain(answer)
        assert f'id="error_{field}"' in html
        assert (value in html) or not value
        assert ("Not me" in html) or field == "description"
        assert 'value="form-1"' in html
        assert not Dispute.objects.exists()

    def test_what_cannot_be_contested_says_why_instead_of_a_form(self, ada, clerk, today) -> None:
        cash = builders.pay(ada, "10.00", received_on=today, now=clock.now()).payment
        assert "not taken back by a bank's chargeback" in clerk.see(f"disputes/new/?payment={cash.pk}")
        assert "Open a dispute" not in clerk.see(f"payments/{cash.pk}/")
        assert "Open the invoice or the payment that is contested" in clerk.see("disputes/new/")

    def test_another_organizations_records_do_not_exist(self, card, bill) -> None:
        stranger = desk(builders.organization(), "manager")
        stranger.get(f"disputes/new/?payment={card.pk}", 404)
        stranger.get(f"disputes/new/?invoice={bill.pk}", 404)
        dispute = contest(card, "10.00", builders.user(card.organization, "supervisor"), now=clock.now())
        for path in ("", "file/", "settle/", "answer/", "assign/", "deadline/", "escalate/"):
            stranger.get(f"disputes/{dispute.pk}/{path}", 404)
        assert dispute.number not in stranger.see("disputes/")


class TestRights:
    @pytest.mark.parametrize(
        ("role", "may_open", "works", "decides", "reads"),
        [
            ("clerk", True, True, False, True), ("supervisor", True, True, True, True),
            ("manager", True, True, True, True), ("finance_manager", False, False, False, True),
            ("accountant", False, False, False, True), ("school_admin", True, False, False, True),
            ("platform_admin", False, False, False, False),
        ],
    )  # fmt: skip
    def test_R107_each_role_sees_and_does_what_the_matrix_says(
        self, org, card, sup, role, may_open, works, decides, reads
    ) -> None:
        dispute = opened(card, sup)
        who = desk(org, role)
        here = f"disputes/{dispute.pk}/"
        who.get("disputes/new/", 200 if may_open else 403)
        who.get("disputes/", 200 if reads else 403)
        who.get(here, 200 if reads else 403)
        who.get(f"{here}file/", 200 if reads else 403)
        who.post(f"{here}add/note/", 302 if works else 403, text="seen")
        who.post(f"{here}tick/zoho_crm/", 302 if works else 403, reference="N1", applies="yes")
        for deed in ("answer", "assign", "deadline", "settle"):
            who.get(f"{here}{deed}/", 200 if decides else 403)
            who.post(f"{here}{deed}/", 422 if decides else 403, sent_on="x", deadline_on="x", outcome="x", owner="0")
        who.get(f"{here}escalate/", 200 if works else 403)
        if reads:
            assert (">Settle<" in who.get(here).content.decode()) == decides
            assert ("Add to the file" in who.see(here)) == works

    def test_a_stranger_is_asked_to_sign_in(self, card, sup, client) -> None:
        assert client.get(f"/console/disputes/{opened(card, sup).pk}/").status_code == 302


class TestTheFile:
    def test_R107_contact_evidence_note_and_follow_up_are_added_on_the_page(self, card, sup, clerk, today) -> None:
        dispute = opened(card, sup)
        here = f"disputes/{dispute.pk}/"
        clerk.post(f"{here}add/contact/", channel="letter", text="We wrote to her.")
        file = SimpleUploadedFile("log.jpg", picture(), "image/jpeg")
        clerk.post(f"{here}add/evidence/", text="Lesson log of March", document=file)
        clerk.post(f"{here}add/note/", text="Teacher agrees")
        clerk.post(f"{here}add/follow_up/", text="Call her", due_on=today.isoformat())
        page = clerk.see(here)
        for words in ("We wrote to her.", "Lesson log of March", "log.jpg", "Teacher agrees", "Call her"):
            assert words in page
        kept = KeptDocument.objects.get()
        assert kept.subject == f"dispute_event:{dispute.events.get(kind='evidence').pk}"
        assert "Call her" in clerk.see("disputes/?show=follow_ups")
        line = dispute.events.get(kind="follow_up")
        clerk.post(f"{here}done/{line.pk}/")
        assert "Call her" not in clerk.see("disputes/?show=follow_ups")

    def test_a_refused_line_keeps_what_was_typed(self, card, sup, clerk) -> None:
        dispute = opened(card, sup)
        answer = clerk.post(f"disputes/{dispute.pk}/add/follow_up/", 422, text="Call her", due_on="2020-01-01")
        html = answer.content.decode()
        assert 'id="follow_up_due_on_error"' in html and "This day has passed" in html
        assert "Call her" in html and 'value="2020-01-01"' in html
        assert re.search(r'<details class="dp-form" open>\s*<summary>Follow-up', html)
        bad = SimpleUploadedFile("x.jpg", b"MZ not a picture", "image/jpeg")
        assert 'id="evidence_document_error"' in clerk.post(
            f"disputes/{dispute.pk}/add/evidence/", 422, text="Log", document=bad
        ).content.decode()  # fmt: skip
        assert dispute.events.count() == 1

    def test_R108_ticks_need_a_reference_beside_the_step(self, card, sup, clerk) -> None:
        dispute = opened(card, sup)
        answer = clerk.post(f"disputes/{dispute.pk}/tick/zoho_books/", 422, reference="", applies="yes")
        assert 'id="ref_zoho_books_error"' in answer.content.decode()
        clerk.post(f"disputes/{dispute.pk}/tick/zoho_books/", reference="CN-00012", applies="yes")
        clerk.post(f"disputes/{dispute.pk}/tick/statement/", reference="comes next month", applies="no")
        page = clerk.see(f"disputes/{dispute.pk}/")
        assert "done : CN-00012 · clerk" in page.replace("done:", "done :")
        assert "does not apply: comes next month" in page

    def test_the_deadline_is_told_by_word_and_shape(self, card, sup, today) -> None:
        for days, words in ((-2, "▲ 2 days late"), (0, "◔ due today"), (2, "◔ 2 days left"), (9, "○ 9 days left")):
            dispute = contest(card, "1.00", sup.user, now=clock.now())
            Dispute.objects.filter(pk=dispute.pk).update(deadline_on=today + days * DAY)
            assert words in sup.see(f"disputes/{dispute.pk}/")
            assert words in sup.see("disputes/")
        late = sup.see("disputes/?show=late")
        assert "▲ 2 days late" in late and "due today" not in late

    def test_the_queue_keeps_mine_apart(self, card, bill, sup, manager) -> None:
        mine, other = opened(card, sup, "1.00"), opened(card, manager, "2.00")
        page = sup.see("disputes/?show=mine")
        assert mine.number in page and other.number not in page
        assert "Contested in all: US$3.00" in page
        assert "No dispute is here." in sup.see("disputes/?show=escalated")

    def test_answer_escalate_assign_and_deadline_are_deeds_of_their_own(self, card, sup, manager, today) -> None:
        dispute = opened(card, sup)
        here = f"disputes/{dispute.pk}/"
        refused = sup.post(f"{here}answer/", 422, sent_on=today.isoformat(), note="portal", reason_without="")
        assert "There is no evidence in the file yet" in plain(refused) and "portal" in refused.content.decode()
        sup.post(f"{here}answer/", sent_on=today.isoformat(), note="portal", reason_without="nothing to show")
        sup.post(f"{here}escalate/", reason="Newspaper")
        sup.post(f"{here}assign/", owner=str(manager.user.pk))
        sup.post(f"{here}deadline/", deadline_on=(today + DAY).isoformat(), reason="the bank gave a day")
        dispute.refresh_from_db()
        assert (dispute.state, dispute.assigned_to, dispute.deadline_on) == ("answered", manager.user, today + DAY)
        page = sup.see(here)
        assert "evidence sent" in page and "escalated" in page and "Newspaper" in page

    def test_R107_the_evidence_file_prints_everything_on_one_page(self, card, bill, sup) -> None:
        dispute = opened(card, sup)
        sup.post(f"disputes/{dispute.pk}/add/contact/", channel="phone", text="She said yes.")
        sup.post(f"disputes/{dispute.pk}/add/evidence/", text="Signed agreement <b>", document="")
        page = sup.see(f"disputes/{dispute.pk}/file/")
        for words in (dispute.number, card.number, "A1", "Lessons", "She said yes.", "Signed agreement", "US$100.00"):
            assert words in page
        html = sup.get(f"disputes/{dispute.pk}/file/").content.decode()
        assert "&lt;b&gt;" in html and "<script" not in html and "style=" not in html

    def test_the_list_of_all_disputes_opens_and_exports(self, card, sup) -> None:
        dispute = opened(card, sup)
        assert dispute.number in sup.see("payments/dispute/")


class TestSettling:
    def test_R108_an_open_checklist_stops_it_and_names_the_steps(self, card, sup) -> None:
        dispute = opened(card, sup)
        page = sup.see(f"disputes/{dispute.pk}/settle/")
        assert "Tick each step of the checklist first" in page and "Zoho CRM" in page
        sup.post(f"disputes/{dispute.pk}/settle/", 422, step="save", outcome="won", reason="x", planned="")

    def test_R107_won_is_looked_at_and_then_done(self, card, sup) -> None:
        dispute = complete(opened(card, sup), sup.user, now=clock.now())
        text, token = preview(sup, dispute, outcome="won", lost_amount="", reason="the bank's letter of 3 March")
        assert "chargeback settled" in text and f"Settle {dispute.number} as won" in text
        here, fields = f"disputes/{dispute.pk}/settle/", {"outcome": "won", "reason": "the bank's letter of 3 March"}
        refused = sup.post(here, 422, step="save", planned="", lost_amount="", **fields)
        assert "changed after the preview" in plain(refused)
        assert "The dispute is settled." in sup.follow(here, step="save", planned=token, lost_amount="", **fields)
        assert "is settled already: won" in plain(
            sup.post(here, 422, step="save", planned=token, lost_amount="", **fields)
        )
        assert Dispute.objects.get().state == "won"
        assert_books_whole()

    def test_R107_lost_shows_what_reopens_and_waits_for_a_second_person(self, org, bill, card, sup) -> None:
        dispute = complete(opened(card, sup), sup.user, now=clock.now())
        fields: dict[str, Any] = {"outcome": "lost", "lost_amount": "50.00", "reason": "decided against us"}
        text, token = preview(sup, dispute, **fields)
        assert "Invoices that reopen" in text and "US$30.00" in text
        assert f"Lose US$50.00 of {dispute.number}: ask another person" in text
        for _click in range(2):
            sup.post(f"disputes/{dispute.pk}/settle/", step="save", planned=token, **fields)
        asked = ApprovalRequest.objects.get()
        assert "Waiting for approval" in sup.see(f"disputes/{dispute.pk}/")
        assert "another person must approve" in plain(approve(sup, asked, 422))
        finance = desk(org, "finance_manager")
        shown = finance.see(f"approvals/{asked.pk}/")
        assert "accept a lost chargeback" in shown and "Cause wrong amount" in shown
        assert "Open the record" in shown and "US$30.00" in shown
        approve(finance, asked)
        reread(dispute, bill)
        assert (dispute.state, dispute.approval, bill.open_amount) == ("lost", asked, 30)
        assert "decided against us" in sup.see(f"disputes/{dispute.pk}/")
        assert_books_whole()

    def test_R107_a_lost_bill_becomes_a_credit_memo(self, bill, sup, manager) -> None:
        dispute = complete(opened(bill, sup, "40.00"), sup.user, now=clock.now())
        fields: dict[str, Any] = {"outcome": "lost", "lost_amount": "40", "reason": "two lessons were not given"}
        text, token = preview(sup, dispute, **fields)
        assert "credit memo issued" in text and "credit set against invoices" in text
        sup.post(f"disputes/{dispute.pk}/settle/", step="save", planned=token, **fields)
        approve(manager, ApprovalRequest.objects.get())
        reread(bill, dispute)
        assert (bill.open_amount, bill.is_disputed, dispute.credit_memo) == (60, False, CreditMemo.objects.get())
        assert_books_whole()

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"outcome": ""}, "outcome"), ({"outcome": "lost", "lost_amount": "50.01"}, "lost_amount"),
            ({"outcome": "lost", "lost_amount": "0"}, "lost_amount"),
            ({"outcome": "lost", "lost_amount": "half"}, "lost_amount"), ({"reason": " "}, "reason"),
        ],
    )  # fmt: skip
    def test_a_refused_outcome_stands_beside_its_field(self, card, sup, fields, field) -> None:
        dispute = complete(opened(card, sup), sup.user, now=clock.now())
        sent = {"outcome": "won", "lost_amount": "50.00", "reason": "as decided", "step": "preview", "planned": ""}
        html = sup.post(f"disputes/{dispute.pk}/settle/", 422, **sent | fields).content.decode()
        assert f'id="error_{field}"' in html
        assert field == "reason" or "as decided" in html

    def test_R124_while_the_file_is_open_the_mark_cannot_be_cleared(self, bill, sup) -> None:
        dispute = opened(bill, sup, "40.00")
        answer = sup.post(f"invoices/{bill.pk}/dispute/", 422, do="clear", reason="they rang")
        assert f"Dispute {dispute.number} is open about this invoice; settle it first." in plain(answer)
        reread(bill)
        assert bill.is_disputed

    def test_the_customers_timeline_tells_of_it(self, ada, card, sup) -> None:
        dispute = opened(card, sup)
        page = sup.see(f"customers/{ada.pk}/")
        assert "Dispute opened" in page and dispute.number in page
