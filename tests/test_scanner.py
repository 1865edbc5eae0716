"""The scanner of invariant 47 finds what is planted in each place, and passes over what only looks like it."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from django.core import mail
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

from payments.gateways.base import HostedToken
from payments.models import PaymentAttempt
from payments.selectors.card_numbers import card_numbers
from tests.payments.charging.cast import Scene, charging_scene
from tests.scanner import WATCH, Watch, begin

VISA, AMEX, SECRET = "4111111111111111", "341111111111111", "sandbox-precisepay-security-key"


@pytest.fixture
def watch() -> Watch:
    return Watch(secrets={SECRET}, tokens={"token-of-hosted-fields"})


@pytest.fixture
def planting() -> Iterator[None]:
    """What these tests plant is theirs: the watch over the whole session has nothing to say of it."""
    yield
    WATCH.found.clear()


CARDS = [
    VISA, AMEX, "4111 1111 1111 1111", "4111-1111-1111-1111", "3411 111111 11111", "5431111111111111",
    "2223000010309703", "6011000991300009", "30205252489926", "3541963594572595", f"card={VISA}&x=1",
    f'{{"n":"{VISA}"}}', f"({VISA})", f"card {VISA}.",
]  # fmt: skip
NO_CARDS = [
    "4111111111111112", "1111111111111111", f"x{VISA}", f"{VISA}0", f"{VISA}-2", f"INV-{VISA}", f"{VISA}.50",
    "2026-11-27 14:12", "460000000026049", "411111 1111 111111", "4000 0000", "0TESTKEY000000000001",
    "4242424242424242"[:15], "5550 1000 5550 10",
]  # fmt: skip


@pytest.mark.parametrize("text", CARDS)
def test_what_could_be_the_number_of_a_card(text: str) -> None:
    assert len(list(card_numbers(text))) == 1


@pytest.mark.parametrize("text", NO_CARDS)
def test_what_only_looks_like_one(text: str) -> None:
    assert list(card_numbers(text)) == []


@pytest.mark.parametrize("text", [
    "cvv=999", '"cvv": "999"', "cvv2=1234", "<cardCode>123</cardCode>", "checkaba=490000018", "checkaccount=24413815",
    "pay 490000018 24413815",
    '"account_number": "24413815"', "routingNumber=021000021", f"key {SECRET} used", "got token-of-hosted-fields",
])  # fmt: skip
def test_what_stands_beside_its_name_and_what_is_known_is_found(watch: Watch, text: str) -> None:
    assert len(list(watch.what_is_in(text))) == 1


@pytest.mark.parametrize("text", ["cvv=match", '"cvv": ""', "checkaba=•••", "account 24413815", "raw_code=300", "cvv"])
def test_what_is_masked_or_no_number_is_passed_over(watch: Watch, text: str) -> None:
    assert list(watch.what_is_in(text)) == []


# In each place


@pytest.fixture
def scene(transactional_db: None) -> Iterator[Scene]:
    with charging_scene() as found:
        found.charge(found.card(), found.bill())
        yield found


COLUMNS = {
    "payments_paymentattempt": ("raw_text", "needs_person", "gateway_ref"),
    "payments_paymentmethod": ("holder", "token"),
    "payments_gatewayexchange": ("asked", "answered", "url"),
    "office_notice": ("body", "subject"),
    "office_auditentry": ("after", "reason"),
}
GUARDED = ("payments_gatewayexchange", "office_auditentry")


@pytest.mark.parametrize("planted", [VISA, SECRET, "token-of-hosted-fields", "cvv=999", "490000018 24413815"])
def test_what_is_planted_in_a_table_is_found_there(watch: Watch, scene: Scene, planted: str) -> None:
    watch.look_at_rows()
    assert watch.found == []
    for table, columns in COLUMNS.items():
        for column in columns:
            if column == "gateway_ref" and planted not in (SECRET, "token-of-hosted-fields"):
                continue  # a processor's own number may be as long as a card's
            _look_at_planted(watch, table, column, planted)
            assert any(f".{column}" in one for one in watch.found), (table, column, watch.found)
            if table != "payments_paymentattempt":  # which the trail speaks for
                assert any(one.startswith(f"{table} ") for one in watch.found)
            assert planted not in str(watch.found)
            watch.found.clear()


def _look_at_planted(watch: Watch, table: str, column: str, planted: str) -> None:
    """Planted, where it must be behind the guards, looked at, and taken back."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            if table in GUARDED:
                cursor.execute("SET LOCAL session_replication_role = replica")
            new = "jsonb_build_object('note', %s::text)" if column == "after" else "%s"
            cursor.execute(
                f"UPDATE {table} SET {column} = {new} WHERE id = (SELECT min(id) FROM {table})", [f"a {planted} b"]
            )
            assert cursor.rowcount == 1
        watch.look_at_rows()
        transaction.set_rollback(True)


def test_looking_costs_little(watch: Watch, scene: Scene) -> None:
    """A bound that no loaded machine breaks, and that a question for each row would."""
    watch.look_at_rows()
    began = time.perf_counter()
    watch.look_at_rows()
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("planted", [SECRET, "cvv=999"])
def test_what_is_logged_mailed_shown_or_kept_in_a_file_is_found(
    watch: Watch, tmp_path: Path, planting: None, planted: str
) -> None:
    stop = begin(watch)
    try:
        logging.getLogger("somewhere").warning("it said %s", planted)
        structlog.get_logger("elsewhere").warning("said", what=planted)
    finally:
        stop()
    mail.EmailMessage("hello", f"your {planted}", to=["ada@example.com"]).send()
    watch.look_at_mail()
    mail.outbox.clear()
    watch.look_at_response(HttpResponse(f"<p>{planted}</p>", status=500))
    for status in (200, 422):
        watch.look_at_response(HttpResponse(f"<p>{planted}</p>", status=status))
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "1.log").write_text(f"To: ada\n\n{planted}\n")
    watch.look_at_files(tmp_path)
    assert [found.split(":")[0] for found in watch.found] == [
        "log somewhere", "log elsewhere", "mail 'hello'", "error page 500", "mail/1.log",
    ]  # fmt: skip
    with pytest.raises(AssertionError, match="may be nowhere"):
        watch.check()
    watch.check()


def test_it_learns_secrets_and_tokens_by_itself_and_hears_error_pages(planting: None) -> None:
    watch, gateways = Watch(), {"a": {"security_key": SECRET, "public_key": "shown-to-everybody", "kind": "x"}}
    stop = begin(watch)
    try:
        with override_settings(GATEWAYS=gateways):
            HostedToken("minted-for-a-browser")
        with override_settings(ROOT_URLCONF=__name__):
            assert Client().get("/shows/").status_code == 409
    finally:
        stop()
    assert (watch.secrets, watch.tokens) == ({SECRET}, {"minted-for-a-browser"})
    assert watch.found == ["error page 409: the number of a card"]


def shows(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{VISA} is no customer", status=409)


urlpatterns = [path("shows/", shows)]


def test_a_number_of_a_card_in_an_address_is_not_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert client.get(f"/no/such/page/{VISA}/?n={VISA}").status_code == 404
    assert "no/such/page" in caplog.text and WATCH.found == []


def test_no_charge_leaves_anything(watch: Watch, scene: Scene) -> None:
    """A scenario with all that could leak: cards, declines, lost answers, an error page."""
    method = scene.card()
    scene.at.nmi.do("decline_next", code="202")
    scene.charge(method, scene.bill("21.00"))
    scene.at.nmi.faults.add("html", path="transact")
    scene.charge(method, scene.bill("22.00"))
    watch.learn({"precisepay": scene.at.settings})
    watch.look_at_rows()
    assert PaymentAttempt.objects.count() == 3 and watch.found == []
