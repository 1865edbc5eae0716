"""A cancelled group class at the console: lines found, families ticked, all of them asked for at once (R109)."""

import re

import pytest

from billing.models import CreditMemo
from billing.office import clock
from billing.office.models import ApprovalRequest
from payments.models import Refund, RefundBatch
from tests import builders
from tests.assertions import assert_books_whole
from tests.console_desk import Desk, desk, plain
from tests.refund_desk import decide, paid, small_refunds


@pytest.fixture
def school(db):
    school = builders.organization(zone="UTC")
    small_refunds(school)
    return school


@pytest.fixture
def clerk(school) -> Desk:
    return desk(school, "clerk", name="carla")


@pytest.fixture
def families(school):
    """Ada paid US$120.00, Ben owes it; Cleo is in another class."""
    today = clock.now().date()
    people = [builders.customer(school, name=name) for name in ("Ada", "Ben", "Cleo")]
    for person, project in zip(people, ("GUITAR", "GUITAR", "PIANO"), strict=True):
        builders.invoice(person, "120.00", issued_on=today, project=project)
    paid(people[0], "120.00", method="card", reference="T-1")
    return people


def where(**search) -> str:
    today = clock.now().date().isoformat()
    pairs = {"text": "Lessons", "from": today, "to": today, "project": "GUITAR"} | search
    return "refunds/class/?" + "&".join(f"{name}={value}" for name, value in pairs.items())


def ticked(page) -> list[str]:
    return re.findall(r'name="line_ids" value="(\d+)" checked', page.content.decode())


def form(lines: list[str], **details):
    return {
        "line_ids": lines, "sessions_total": "12", "sessions_cancelled": "3", "title": "Guitar group",
        "reason": "The teacher is ill", "request_key": "class-1", "step": "preview", **details,
    }  # fmt: skip


def test_R109_it_finds_the_lines_of_a_class_by_words_days_and_project(families, clerk):
    page = clerk.get(where())
    text = plain(page)
    assert len(ticked(page)) == 2 and "Ada" in text and "Ben" in text and "Cleo" not in text
    assert "Cleo" in clerk.see(where(project=""))
    assert "No line says that in this time" in clerk.see(where(text="Violin"))


def test_R109_the_preview_says_what_each_family_gets_and_the_whole(families, clerk):
    lines = ticked(clerk.get(where()))
    text = plain(clerk.post(where(), 200, **form(lines)))
    assert "Ask for US$60.00 for 2 families" in text and "a supervisor or a manager" in text
    assert "Back to the card it was paid with." in text
    assert not RefundBatch.objects.exists() and not Refund.objects.exists()


def test_R109_one_decision_serves_every_family_and_the_result_page_lists_them(school, families, clerk):
    lines = ticked(clerk.get(where()))
    clerk.post(where(), **form(lines, step="ask"))
    batch = RefundBatch.objects.get()
    waiting = clerk.see(f"refunds/class/{batch.pk}/")
    assert "Ada" in waiting and "Ben" in waiting and "Waiting for approval, asked by carla" in waiting
    supervisor = desk(school, "supervisor", name="sam")
    asked = ApprovalRequest.objects.get(subject=f"refund_batch:{batch.pk}")
    assert "Guitar group" in supervisor.see(f"approvals/{asked.pk}/")
    decide(supervisor, asked)
    refund = Refund.objects.get()
    assert (refund.batch, refund.state, refund.paid_amount) == (batch, "approved", 30)
    assert CreditMemo.objects.count() == 2
    page = clerk.see(f"refunds/class/{batch.pk}/")
    assert "Refunds approved 1" in page and "Bills reduced 2" in page and refund.number in page
    assert "Guitar group" in clerk.see(f"refunds/{refund.pk}/")
    assert_books_whole()


def test_a_double_click_asks_once(families, clerk):
    lines = ticked(clerk.get(where()))
    first = clerk.post(where(), **form(lines, step="ask"))["Location"]
    assert clerk.post(where(), **form(lines, step="ask"))["Location"] == first
    assert RefundBatch.objects.count() == 1 and ApprovalRequest.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("sessions_cancelled", "13"), ("sessions_cancelled", "0"), ("sessions_total", "1.5"), ("sessions_total", ""),
        ("sessions_total", "1000"),
    ],
)  # fmt: skip
def test_bad_sessions_are_refused_beside_their_input_and_what_was_typed_stays(families, clerk, field, typed):
    lines = ticked(clerk.get(where()))
    answer = clerk.post(where(), 422, **form(lines[:1], step="ask") | {field: typed})
    html = answer.content.decode()
    assert f'id="error_{field}"' in html and "The teacher is ill" in html
    assert ticked(answer) == lines[:1]
    assert not RefundBatch.objects.exists()


def test_no_family_ticked_is_said(families, clerk):
    answer = clerk.post(where(), 422, **form([], step="ask"))
    assert "Choose at least one line." in plain(answer)


def test_a_wrong_span_is_refused_beside_its_input(families, clerk):
    answer = clerk.get(where(**{"from": "2026-12-01", "to": "2026-01-01"}), 422)
    assert 'id="error_from"' in answer.content.decode()


def test_lines_and_batches_of_another_organization_are_not_to_be_had(families, clerk):
    lines = ticked(clerk.get(where()))
    clerk.post(where(), **form(lines, step="ask"))
    stranger = desk(builders.organization(zone="UTC"), "clerk")
    assert ticked(stranger.get(where())) == []
    assert "There is no such record." in plain(stranger.post(where(), 422, **form(lines, step="ask", request_key="2")))
    stranger.get(f"refunds/class/{RefundBatch.objects.get().pk}/", 404)
