"""R155, R157: statements of many customers: counted, started once, paused, gone on with, one failure at a time."""

import io
import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.core import mail
from django.db import connection, transaction

from billing.models import Customer
from billing.office.models import Notice, Organization
from billing.office.notices import send_due_notices
from billing.office.papers import archive
from billing.office.papers.errors import PdfUnavailable
from receipts import tasks
from receipts.models import IssuedPaper, PaperDocument, PaperRun, PaperRunItem
from receipts.services import paper_files, paper_making
from receipts.services.paper_making import LEASE, SECOND, make_statements, work_on
from tests import builders
from tests.builders import NOW, TODAY
from tests.console_desk import Desk, desk

pytestmark = pytest.mark.django_db
MARCH = {"first": "2026-03-01", "last": "2026-03-12", "choice": "moved"}


@pytest.fixture
def school(time_machine: Any) -> Organization:
    time_machine.move_to(NOW, tick=False)
    return builders.organization()


@pytest.fixture
def families(school: Organization) -> list[Customer]:
    """Three who were billed in March, one who owes from January, one with nothing."""
    found = [builders.customer(school, name, email=f"{name.lower()}@example.com") for name in ("Ada", "Ben", "Cleo")]
    for one in found:
        builders.invoice(one, "120.00", issued_on=TODAY - timedelta(days=5))
    old = builders.customer(school, "Dov")
    builders.invoice(old, "50.00", issued_on=TODAY - timedelta(days=60))
    return [*found, old, builders.customer(school, "Eve")]


@pytest.fixture
def clerk(school: Organization) -> Desk:
    return desk(school, "clerk")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Drawing takes a third of a second; where a test is about something else, a few bytes do."""
    drawn: list[str] = []

    def draw(paper: Any) -> bytes:
        drawn.append(paper.number)
        return f"%PDF {paper.number}".encode()

    monkeypatch.setattr("receipts.papers.render.render_pdf", draw)
    monkeypatch.setattr("receipts.papers.signing.sign", lambda pdf, at: pdf)
    return drawn


def start(clerk: Desk, key: str = "k1", **fields: Any) -> PaperRun:
    asked: dict[str, Any] = {**MARCH, **fields}
    clerk.post("paper-runs/", start="yes", key=key, **asked)
    return PaperRun.objects.get(request_key=key)


def states(run: PaperRun) -> dict[str, str]:
    return dict(run.items.order_by("customer__name").values_list("customer__name", "state"))


def test_R157_it_counts_first_then_makes_each_once_and_a_second_run_makes_nothing(clerk, families, undrawn) -> None:
    answer = clerk.post("paper-runs/", status=200, key="k0", **MARCH)
    assert "Make 4 statements" in answer.content.decode() and PaperRun.objects.count() == 0
    run = start(clerk)
    assert start(clerk).pk == run.pk  # a double click
    assert "Being made" in clerk.see(f"paper-runs/{run.pk}/")
    assert clerk.get(f"paper-runs/{run.pk}/")["Refresh"] == "3"
    assert tasks.make_papers(NOW) == 4
    run.refresh_from_db()
    assert (run.state, len(undrawn), PaperDocument.objects.count()) == ("done", 4, 4)
    text = clerk.see(f"paper-runs/{run.pk}/")
    assert "Made 4 of 4 · 4 new" in text and "Failed 0" in text
    assert tasks.make_papers(NOW) == 0
    again = start(clerk, "k2")
    assert make_statements(seconds=60) == 4
    assert "Made 4 of 4 · 0 new" in clerk.see(f"paper-runs/{again.pk}/")
    assert (IssuedPaper.objects.count(), len(undrawn)) == (4, 4)


def test_R157_the_result_page_keeps_one_file_with_them_all(clerk, families, undrawn) -> None:
    run = start(clerk)
    clerk.get(f"paper-runs/{run.pk}/papers.zip", 404)
    make_statements(seconds=60)
    answer = clerk.get(f"paper-runs/{run.pk}/papers.zip")
    bundle = ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert bundle.namelist() == [f"STM-2026-{n:08d}.pdf" for n in (1, 2, 3, 4)]
    assert bundle.read("STM-2026-00000001.pdf") == b"%PDF STM-2026-00000001"


@pytest.mark.parametrize(
    ("fields", "count"),
    [({"choice": "owing"}, 4), ({"choice": "chosen", "codes": "{ada}, {eve}"}, 2), ({"last": "2026-03-06"}, 1)],
)
def test_R157_who_gets_one(clerk, families, fields, count) -> None:
    codes = {one.name.lower(): one.code for one in families}
    filled = {name: value.format(**codes) for name, value in fields.items()}
    text = clerk.post("paper-runs/", status=200, key="k", **{**MARCH, **filled}).content.decode()
    assert f"Make {count} statement" in text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"choice": "chosen", "codes": ""}, "Name the codes of the customers"),
        ({"choice": "chosen", "codes": "NOBODY"}, "There is no customer NOBODY."),
        ({"choice": "everybody"}, "Choose one of the list."),
        ({"last": "2026-03-13"}, "The future is not known yet"),
        ({"first": "2026-03-13"}, "The last day is before the first."),
        ({"first": "2020-01-01"}, "Choose at most three years at once."),
        ({"first": "31/12/2025x"}, "31/12/2025x"),
    ],
)
def test_R157_what_cannot_be_is_refused_and_what_was_typed_stays(clerk, families, fields, words) -> None:
    page = clerk.post("paper-runs/", status=422, start="yes", key="k", **{**MARCH, **fields}).content.decode()
    assert words in page and PaperRun.objects.count() == 0


def test_R157_nobody_to_make_one_for(clerk, school) -> None:
    page = clerk.post("paper-runs/", status=422, start="yes", key="k", **MARCH).content.decode()
    assert "There is nobody to make a statement for." in page


def test_R157_one_failure_is_listed_and_stops_nobody(clerk, families, undrawn) -> None:
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("INSERT INTO billing_credititem (organization_id, customer_id, kind, number, currency, amount,"
                       " available_on, applied_amount, refunded_amount, moved_amount) VALUES"
                       " (%s, %s, 'payment', 'X1', 'USD', 10, '2026-03-02', 0, 4, 0)",
                       [families[1].organization_id, families[1].pk])  # fmt: skip
        cursor.execute("SET LOCAL session_replication_role = origin")
    run = start(clerk)
    make_statements(seconds=60)
    assert states(run) == {"Ada": "done", "Ben": "failed", "Cleo": "done", "Dov": "done"}
    text = clerk.see(f"paper-runs/{run.pk}/")
    assert "Failed 1" in text and "does not agree with the aging report" in text and "Try 1 again" in text
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("DELETE FROM billing_credititem WHERE number = 'X1'")
        cursor.execute("SET LOCAL session_replication_role = origin")
    clerk.post(f"paper-runs/{run.pk}/go-on/")
    make_statements(seconds=60)
    assert set(states(run).values()) == {"done"}


def test_R155_a_paper_that_cannot_be_drawn_is_listed_and_the_next_is_made(
    clerk, families, undrawn, monkeypatch
) -> None:
    real = paper_files.file_of

    def stumble(paper: IssuedPaper, now: Any) -> bytes:
        if paper.customer_id == families[0].pk:
            raise ValueError("strange glyph")
        return real(paper, now)

    monkeypatch.setattr(paper_making, "file_of", stumble)
    run = start(clerk)
    make_statements(seconds=60)
    assert states(run)["Ada"] == "failed" and list(states(run).values()).count("done") == 3
    assert "ValueError: strange glyph" in clerk.see(f"paper-runs/{run.pk}/")


def test_R155_without_pango_it_pauses_with_the_command_to_run(clerk, families, monkeypatch) -> None:
    def none(*_args: Any, **_more: Any) -> bytes:
        raise PdfUnavailable()

    monkeypatch.setattr("receipts.papers.render.render_pdf", none)
    run = start(clerk)
    assert make_statements(seconds=60) == 0
    run.refresh_from_db()
    assert run.state == "paused" and set(states(run).values()) == {"waiting"}
    text = clerk.see(f"paper-runs/{run.pk}/")
    assert "PDF output needs Pango and fonts. Run: sudo apt-get install" in text and "Go on" in text


def test_R157_paused_nothing_is_made_gone_on_with_the_rest_is(clerk, families, undrawn) -> None:
    run = start(clerk)
    clerk.post(f"paper-runs/{run.pk}/pause/")
    assert make_statements(seconds=60) == 0 and undrawn == []
    assert "waiting" in set(states(run).values())
    clerk.post(f"paper-runs/{run.pk}/go-on/")
    assert make_statements(seconds=60) == 4
    clerk.post(f"paper-runs/{run.pk}/pause/")  # too late: it is done
    run.refresh_from_db()
    assert run.state == "done"


def test_R157_cancelled_what_is_made_stays(clerk, families, undrawn, monkeypatch) -> None:
    run = start(clerk)
    calls = iter([True, True, True, False])
    monkeypatch.setattr(paper_making, "_is_running", lambda _run: next(calls, False))
    work_on(run=run, until=time.monotonic_ns() + 60 * SECOND)
    clerk.post(f"paper-runs/{run.pk}/cancel/")
    made = [name for name, state in states(run).items() if state == "done"]
    assert len(made) == 2
    monkeypatch.undo()
    assert make_statements(seconds=60) == 0
    assert IssuedPaper.objects.count() == 4 and "cancelled" in clerk.see(f"paper-runs/{run.pk}/").lower()


def test_R157_killed_in_the_middle_another_worker_takes_over_when_the_claim_lapses(
    clerk, families, undrawn, monkeypatch, time_machine
) -> None:  # fmt: skip
    class Killed(BaseException):
        pass

    real = paper_files.file_of

    def die(paper: IssuedPaper, now: Any) -> bytes:
        if len(undrawn) == 2:
            raise Killed()
        return real(paper, now)

    run = start(clerk)
    with monkeypatch.context() as patch:
        patch.setattr(paper_making, "file_of", die)
        with pytest.raises(Killed):
            work_on(run=run, until=time.monotonic_ns() + 60 * SECOND)
    assert list(states(run).values()).count("done") == 2
    assert make_statements(seconds=60) == 0  # still claimed by the dead one
    time_machine.move_to(NOW + LEASE + timedelta(seconds=1), tick=False)
    assert make_statements(seconds=60) == 2
    run.refresh_from_db()
    assert (run.state, IssuedPaper.objects.count(), sorted(set(undrawn))) == ("done", 4, sorted(undrawn))


def test_R157_by_mail_each_gets_one_with_the_paper_and_not_again(clerk, families, undrawn) -> None:
    run = start(clerk, by_email="yes")
    make_statements(seconds=60)
    start(clerk, "k2", by_email="yes")
    make_statements(seconds=60)
    assert Notice.objects.filter(kind="paper").count() == 3  # Dov has no address
    send_due_notices(NOW)
    assert sorted(one.to[0] for one in mail.outbox) == ["ada@example.com", "ben@example.com", "cleo@example.com"]
    name, data, kind = mail.outbox[0].attachments[0]
    assert re.fullmatch(r"STM-2026-\d{8}\.pdf", name) and data.startswith(b"%PDF") and kind == "application/pdf"
    assert "Statement of account from Allegro Music School" in mail.outbox[0].subject
    assert run.items.count() == 4


def test_45_of_another_school_there_is_no_run_and_an_accountant_only_looks(clerk, families, undrawn) -> None:
    run = start(clerk)
    stranger = desk(builders.organization(), "clerk")
    for path in ("", "papers.zip"):
        stranger.get(f"paper-runs/{run.pk}/{path}", 404)
    stranger.post(f"paper-runs/{run.pk}/cancel/", 404)
    reader = desk(families[0].organization, "accountant")
    assert "Count them" not in reader.see("paper-runs/")
    reader.post(f"paper-runs/{run.pk}/cancel/", 403)
    reader.post("paper-runs/", status=200, start="yes", key="k9", **MARCH)
    assert PaperRun.objects.count() == 1 and PaperRunItem.objects.count() == 4


def test_R155_a_file_changed_on_disk_is_not_in_the_bundle(clerk, families, undrawn, monkeypatch) -> None:
    run = start(clerk)
    real = paper_making._finish

    def spoil(run: PaperRun) -> None:
        path = archive.path_of(PaperDocument.objects.order_by("id")[0].sha256)
        path.chmod(0o640)
        path.write_bytes(b"something else")
        real(run)

    monkeypatch.setattr(paper_making, "_finish", spoil)
    make_statements(seconds=60)
    assert list(states(run).values()).count("failed") == 1
    assert "was changed or is missing" in clerk.see(f"paper-runs/{run.pk}/")


def test_R155_of_several_bundles_only_the_one_that_the_run_names_is_kept(clerk, families, undrawn, settings) -> None:
    def kept() -> set[str]:
        return {path.name for path in Path(settings.DOCUMENTS_DIR).rglob("*") if path.is_file()}

    others = kept()
    run = start(clerk)
    slower = PaperRun.objects.get(pk=run.pk)  # as another worker read it
    make_statements(seconds=60)
    paper_making._finish(slower)
    run.refresh_from_db()
    assert kept() - others == {run.stored_as}
    first, item = run.stored_as, run.items.order_by("pk")[0]
    paper_making._fail(item, ValueError("strange glyph"))
    clerk.post(f"paper-runs/{run.pk}/go-on/")
    make_statements(seconds=60)
    run.refresh_from_db()
    assert run.stored_as != first and kept() - others == {run.stored_as}
    clerk.get(f"paper-runs/{run.pk}/papers.zip")
