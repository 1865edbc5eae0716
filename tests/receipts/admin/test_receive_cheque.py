"""Cheques at the receive screen: kind, words, pictures, and the ways out of a refusal (R110, R113, R116)."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from billing.models import Customer
from billing.office.models import KeptDocument
from payments.models import Cheque, Payment
from tests import builders
from tests.builders import TODAY
from tests.payments.vault_cast import came_back, in_vault
from tests.receipts.admin.counter import Counter
from tests.uploads import picture

PAPER = {
    "method": "cheque", "cheque_number": "4711", "cheque_bank": "Chase", "cheque_date": TODAY.isoformat(),
    "cheque_drawer": "Ada Lovelace",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.DOCUMENTS_DIR = tmp_path / "documents"


def test_R110_the_words_win_and_the_figures_are_kept_beside_them(clerk: Counter, ada: Customer) -> None:
    builders.invoice(ada, "100.00")
    typed = {**PAPER, "cheque_kind": "cashier", "words_amount": "80.00"}
    found = clerk.preview(ada, "100.00", **typed)
    assert (found["reading"], found["applied"]) == ("US$80.00", "80.00")
    clerk.save(ada, "100.00", **typed)
    cheque = Cheque.objects.get()
    assert (cheque.amount, cheque.figures_amount, cheque.kind) == (80, 100, "cashier")
    assert Payment.objects.get().amount == 80


def test_words_that_say_the_same_are_not_kept_apart(clerk: Counter, ada: Customer) -> None:
    clerk.save(ada, "100.00", **PAPER, words_amount="100")
    assert Cheque.objects.get().figures_amount is None


def test_words_of_a_cheque_do_not_touch_cash(clerk: Counter, ada: Customer) -> None:
    clerk.save(ada, "100.00", words_amount="80")
    assert Payment.objects.get().amount == 100


@pytest.mark.parametrize(
    ("typed", "field"), [({"words_amount": "ten"}, "words_amount"), ({"cheque_kind": "rubber"}, "cheque_kind")]
)
def test_R110_what_cannot_be_read_is_said_at_its_field(
    clerk: Counter, ada: Customer, typed: dict[str, str], field: str
) -> None:
    assert [error[0] for error in clerk.refused(400, ada, **PAPER, **typed)] == [field]


def test_pictures_are_kept_with_the_cheque_once(clerk: Counter, ada: Customer) -> None:
    fields = clerk.fields(ada, **PAPER)
    for _time in range(2):
        files = {"cheque_front": SimpleUploadedFile("f.jpg", picture()),
                 "cheque_back": SimpleUploadedFile("b.jpg", picture(colour="navy"))}  # fmt: skip
        clerk.post("save/", {**fields, **files})
    kept = KeptDocument.objects.order_by("pk")
    assert [(one.kind, one.subject) for one in kept] == [
        (kind, f"cheque:{Cheque.objects.get().pk}") for kind in ("front", "back")
    ]


def test_a_file_that_is_no_picture_refuses_the_payment(clerk: Counter, ada: Customer) -> None:
    bad = SimpleUploadedFile("f.exe", b"MZ nothing to see")
    assert [error[0] for error in clerk.refused(400, ada, **PAPER, cheque_front=bad)] == ["cheque_front"]
    assert not KeptDocument.objects.exists()


class TestWaysOut:
    def ways(self, clerk: Counter, ada: Customer, status: int, **typed: str) -> Any:
        return clerk.post("save/", clerk.fields(ada, **{**PAPER, **typed}), status).json().get("ways", [])

    def test_R113_a_post_dated_cheque_goes_to_the_vault_with_what_was_typed(
        self, clerk: Counter, ada: Customer
    ) -> None:
        day = (TODAY + timedelta(days=9)).isoformat()
        way = self.ways(clerk, ada, 400, cheque_date=day, cheque_branch="Main St")[0]
        where, typed = urlsplit(way["url"]), parse_qs(urlsplit(way["url"]).query)
        assert where.path == "/console/vault/take-in/"
        assert typed["cheque_date"] == [day]
        assert typed["customer"] == [ada.code]
        page = clerk.client.get(way["url"]).content.decode()
        for value in ('value="4711"', 'value="Chase"', 'value="Main St"', 'value="100.00"', f'value="{day}"'):
            assert value in page, value

    def test_R110_a_stale_cheque_goes_back_with_a_slip(self, clerk: Counter, ada: Customer) -> None:
        way = self.ways(clerk, ada, 400, cheque_date=(TODAY - timedelta(days=181)).isoformat())[0]
        assert urlsplit(way["url"]).path == "/console/vault/hand-back/"
        assert parse_qs(urlsplit(way["url"]).query)["reason"] == ["stale"]
        assert 'value="stale" checked' in clerk.client.get(way["url"]).content.decode()

    def test_R116_so_does_one_of_somebody_whose_cheques_keep_coming_back(self, clerk: Counter, ada: Customer) -> None:
        for _n in range(2):
            came_back(ada)
        assert any("2 cheques" in one["message"] for one in clerk.preview(ada, **PAPER)["warnings"])

    def test_cash_that_is_refused_has_no_such_way(self, clerk: Counter, ada: Customer) -> None:
        answer = clerk.post("save/", clerk.fields(ada, "0"), 400).json()
        assert "ways" not in answer

    def test_without_scripts_the_way_stands_in_the_form(self, clerk: Counter, ada: Customer) -> None:
        day = (TODAY + timedelta(days=9)).isoformat()
        page = clerk.post("", {**clerk.fields(ada, **{**PAPER, "cheque_date": day}), "do": "next"}, 400)
        assert "Take it into the vault, with what was typed" in page.content.decode()


def test_the_card_shows_cheques_that_wait_in_the_vault(clerk: Counter, ada: Customer) -> None:
    in_vault(ada, "120.00")
    page = clerk.client.get(f"/console/receive/?customer={ada.code}").content.decode()
    assert "US$120.00" in page
    assert "in the vault" in page
