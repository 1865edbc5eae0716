"""A teacher's papers: each month with anything in it, each tax year, the same file every time (R89, R158, R168)."""

from collections.abc import Iterator
from datetime import date

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.models import Provider
from billing.office.models import User
from receipts.models import IssuedPaper
from tests import builders
from tests.agreements import provider
from tests.billing.earning import cast
from tests.builders import NOW
from tests.console_desk import plain

MONTH, YEAR = "/teacher/papers/month/?month=2026-03", "/teacher/papers/year/?year=2026"


@pytest.fixture
def tess(db: None) -> Iterator[Provider]:
    """Half of a lesson for 40.00, told of in March 2026."""
    with time_machine.travel(NOW, tick=False):
        org = builders.organization()
        one = provider(org, "Tess Teacher", user=builders.user(org, "teacher", name="tess"))
        cast.tell(cast.one_lesson(one, "40.00"), "attended")
        cast.accrue(org)
        yield one


def client_of(user: User | None) -> Client:
    assert user is not None
    client = Client()
    client.force_login(user)
    return client


def test_R89_R158_months_and_years_with_anything_in_them_are_offered(tess) -> None:
    text = plain(client_of(tess.user).get("/teacher/papers/"))
    assert "March 2026" in text and "February 2026" not in text and "so far" in text


def test_R89_R155_the_statement_is_signed_and_the_same_until_something_changes(tess) -> None:
    client = client_of(tess.user)
    first = client.get(MONTH)
    assert first.status_code == 200 and first.content.startswith(b"%PDF") and b"/Sig" in first.content
    assert client.get(MONTH).content == first.content
    paper = IssuedPaper.objects.get()
    assert (paper.kind, paper.provider, paper.period_start) == ("earnings", tess, date(2026, 3, 1))
    assert paper.number in first["Content-Disposition"] and paper.content["facts"]["blocks"][0]["closing"] == "20.00"
    cast.tell(cast.one_lesson(tess, "60.00"), "attended")
    cast.accrue(tess.organization)
    client.get(MONTH)
    assert list(IssuedPaper.objects.order_by("version").values_list("version", flat=True)) == [1, 2]


def test_R158_the_paper_of_a_year_has_what_was_paid_out(tess) -> None:
    cast.paid_out_to(tess.organization)
    answer = client_of(tess.user).get(YEAR)
    assert answer.status_code == 200 and answer.content.startswith(b"%PDF")
    paper = IssuedPaper.objects.get()
    assert (paper.kind, paper.content["totals"]) == ("provider_year", [["USD", "20.00"]])


def test_a_browser_that_fetches_ahead_gets_nothing(tess) -> None:
    answer = client_of(tess.user).get(MONTH, headers={"Sec-Purpose": "prefetch"})
    assert answer.status_code == 204 and not IssuedPaper.objects.exists()


def test_R168_another_teachers_another_schools_and_a_familys_find_nothing(tess) -> None:
    theo = provider(tess.organization, "Theo", user=builders.user(tess.organization, "teacher"))
    payer = builders.customer(tess.organization, "Mei")
    payer.users.add(mei := builders.user(name="mei"))
    far = builders.organization()
    zoe = provider(far, "Zoe", user=builders.user(far, "teacher"))
    for user in (theo.user, zoe.user, mei):
        client = client_of(user)
        for path in (MONTH, YEAR, f"{MONTH}&school={tess.organization.code}"):
            assert client.get(path).status_code == 404
    client = client_of(tess.user)
    for asked in ("month/?month=2026-02", "month/?month=x", "year/?year=2025", "year/?year=x", "year/"):
        assert client.get(f"/teacher/papers/{asked}").status_code == 404
    assert Client().get(MONTH).status_code == 302
    assert not IssuedPaper.objects.exists()


def test_the_page_stays_within_twenty_queries(tess) -> None:
    client = client_of(tess.user)
    with CaptureQueriesContext(connection) as seen:
        assert client.get("/teacher/papers/").status_code == 200
    assert len(seen) <= 20
