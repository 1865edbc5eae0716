"""A parent adds a card through the processor's fields (R21, R22, R25, R30, R36; §2 rows 21 and 36)."""

from datetime import timedelta

import pytest
from django.db import connection

from billing.office import clock
from billing.office.models import Notice
from payments.models import GatewayError, GatewayExchange, PaymentAttempt, PaymentMethod
from payments.models.attempt import AttemptState
from payments.services import sweeping
from payments.services.methods.tending import tend_methods
from tests import builders
from tests.assertions import assert_books_whole
from tests.conftest import RunInThreads
from tests.console_desk import plain
from tests.payments.gateways.precisepay.desk import AMEX, MASTERCARD, Desk
from tests.payments.methods import cast
from tests.payments.methods.cast import Family

pytestmark = pytest.mark.django_db(transaction=True)

# The call that verifies what is stored; the one that stores it has the token of the payer's fields.
VERIFYING = r"^(?!.*payment_token=).*type=validate"


def test_R21_R22_a_card_is_stored_verified_without_money_and_ready(ada: Family, at: Desk) -> None:
    page = ada.add(at.card())
    assert "is ready" in plain(page)
    method = ada.method()
    assert (method.state, method.place, method.last4, method.brand) == ("active", 1, "1111", "Visa")
    assert (method.exp_month, method.exp_year, method.avs) == (12, 2030, "partial_zip")
    assert ada.asked() == ["store", "verify"]
    assert [entry.minor for entry in at.nmi.ledger.entries if entry.kind in ("capture", "refund")] == []
    assert_books_whole()


def test_R21_only_token_holder_postal_code_and_last_four_are_kept_and_the_token_is_not(ada: Family, at: Desk) -> None:
    token = at.card()
    ada.add(token)
    method, attempt = ada.method(), PaymentAttempt.objects.get(operation="store")
    assert method.token and token.value not in (method.token, str(attempt.decision))
    kept = "".join(f"{one.asked}{one.answered}" for one in GatewayExchange.objects.all())
    assert token.value not in kept and "4111111111111111" not in kept
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM payments_paymentmethod")
        assert method.token not in cursor.fetchone()[0], "encrypted at rest"


def test_21_the_page_loads_the_processors_library_and_no_other_page_may(ada: Family, at: Desk) -> None:
    page = ada.client.get(f"/family/methods/add/{ada.customer.pk}/card/")
    origin = at.server.url
    policy = dict(part.strip().split(" ", 1) for part in page["Content-Security-Policy"].split(";"))
    assert policy["script-src"] == f"'self' {origin}"
    assert policy["frame-src"] == f"'self' {origin}" and policy["connect-src"] == f"'self' {origin}"
    assert f'src="{origin}/token/Collect.js"' in page.content.decode()
    assert "ccnumber" not in page.content.decode() and "cvv" not in page.content.decode()
    assert origin not in ada.client.get("/family/methods/")["Content-Security-Policy"]


def test_21_a_number_typed_into_our_own_fields_is_refused(ada: Family, at: Desk) -> None:
    answer = ada.post(
        f"methods/add/{ada.customer.pk}/card/", 422, token=at.card().value, request_key="k1",
        holder="4111 1111 1111 1111", postal_code="77777",
    )  # fmt: skip
    assert "Do not type card numbers here" in plain(answer)
    assert "4111 1111" not in answer.content.decode(), "it is not sent back either"
    assert ada.asked() == []


def test_R30_a_double_click_is_one_method(ada: Family, at: Desk, run_in_threads: RunInThreads) -> None:
    token = at.card()

    def click(_n: int) -> int:
        client = type(ada.client)()
        client.force_login(ada.user)
        fields = {"token": token.value, "holder": "Ada", "last4": "1111", "postal_code": "77777", "request_key": "once"}
        return client.post(f"/family/methods/add/{ada.customer.pk}/card/", fields).status_code

    outcomes = run_in_threads(click, 4)
    assert outcomes.results == [302] * 4 and outcomes.errors == []
    assert [state for state, _why, _place in ada.methods()] == ["active"]
    assert ada.asked() == ["store", "verify"]
    assert len(at.nmi.vaults) == 1


def test_R25_a_card_that_its_bank_refuses_is_told_with_a_next_step_and_never_usable(ada: Family, at: Desk) -> None:
    at.nmi.next_codes.append(("202", False))
    text = plain(ada.add(at.card()))
    assert "It was not added" in text and "There was not enough money on it. Pay a smaller amount" in text
    assert ada.methods() == [] and ada.asked() == ["store"]
    assert GatewayError.objects.get().reason == "insufficient_funds"


def test_R25_a_code_that_does_not_fit_is_seen_while_it_is_there(ada: Family, at: Desk) -> None:
    """Nobody keeps the code, so it is looked at in the call that stores the card."""
    text = plain(ada.add(at.card(cvv="111")))
    assert ada.method().cvv == "no_match" and ada.methods() == [("disabled", "cvv", 0)]
    assert "cannot be used" in text and "The security code does not fit the card." in text
    ada.add(at.card(MASTERCARD, cvv="999"))
    assert PaymentMethod.objects.latest("id").cvv == "match"


@pytest.mark.parametrize(("strictness", "state", "why"), [("refuse", "disabled", "avs"), ("warn", "active", "")])
def test_R25_an_address_that_does_not_fit_is_judged_by_policy(
    ada: Family, at: Desk, strictness: str, state: str, why: str
) -> None:
    builders.policy(ada.org, "payments.methods.avs", strictness)
    page = ada.add(at.card(), postal_code="10001")
    assert ada.method().avs == "no_match"
    assert ada.methods() == [(state, why, int(state == "active"))]
    assert ("The postal code does not fit the card." in plain(page)) == (strictness == "refuse")
    assert ["avs_no_match", 30] in ada.method().risk_reasons


@pytest.mark.parametrize(("limit", "state"), [(40, "disabled"), (41, "active"), (0, "active")])
def test_R25_a_risk_of_the_limit_or_more_is_refused_and_the_office_told(
    ada: Family, at: Desk, limit: int, state: str
) -> None:
    """No match of the address is 30, a browser never seen 10."""
    builders.policy(ada.org, "payments.methods.risk_limit", limit)
    ada.add(at.card(), postal_code="10001")
    method = ada.method()
    assert (method.risk_score, method.state) == (40, state)
    assert Notice.objects.filter(kind="method_risky", channel="office").count() == int(state == "disabled")


def test_R177_the_processor_cannot_be_reached_and_nothing_is_stored(ada: Family, at: Desk) -> None:
    at.nmi.faults.add("rate_limit", path="transact")
    text = plain(ada.add(at.card()))
    assert "It was not added" in text and "Nothing was taken." in text
    assert ada.methods() == []


def test_R19_an_answer_that_is_lost_is_being_confirmed_and_found_later(ada: Family, at: Desk) -> None:
    at.nmi.faults.add("drop_after", path="transact")
    text = plain(ada.add(at.card()))
    assert "Being stored" in text and "failed" not in text
    assert PaymentAttempt.objects.get().state == AttemptState.UNKNOWN
    later = clock.now() + timedelta(minutes=2)
    sweeping.sweep(now=later)
    assert ada.methods() == [("verifying", "", 0)]
    tend_methods(now=clock.now() + timedelta(minutes=20))
    assert ada.methods() == [("active", "", 1)]
    assert len(at.nmi.vaults) == 1


def test_R162_what_is_not_ones_own_does_not_exist(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    eve = cast.family(ada.org, ada.account, "Eve Ek")
    pk, attempt = ada.method().pk, PaymentAttempt.objects.first()
    assert attempt is not None
    mine = f"methods/add/{ada.customer.pk}/card/"
    taken = f"methods/add/{eve.customer.pk}/card/?replaces={pk}"
    for path in (f"methods/{pk}/", f"methods/{pk}/remove/", f"methods/adding/{attempt.pk}/", mine, taken):
        eve.get(path, 404)
    for path in (f"methods/{pk}/place/", f"methods/{pk}/remove/", f"methods/{pk}/code/", f"methods/{pk}/another/"):
        eve.post(path, 404, move="first")
    assert PaymentMethod.objects.filter(state="active").count() == 1


def test_a_second_card_becomes_the_backup(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    ada.add(at.card(MASTERCARD))
    assert ada.methods() == [("active", "", 1), ("active", "", 2)]
    assert "charged first" in ada.get("methods/") and "backup, number 2" in ada.get("methods/")


def test_a_new_method_is_told_to_the_payer(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    notice = Notice.objects.get(kind="method_added")
    assert notice.recipient == "ada@example.org" and "call the school's office" in notice.body


def test_R49_whoever_tries_many_cards_is_stopped_after_ten_in_a_day(ada: Family, at: Desk) -> None:
    at.nmi.next_codes += [("200", False)] * 10
    for _n in range(10):
        ada.add(at.card())
    typed = {"token": at.card().value, "holder": "Ada", "request_key": "eleven", "last4": "1111"}
    answer = ada.post(f"methods/add/{ada.customer.pk}/card/", 422, **typed)
    assert "At most 10 cards or accounts can be added in a day." in plain(answer)
    assert ada.asked().count("store") == 10


def test_R40_what_we_refuse_ourselves_stands_in_the_error_log_too(ada: Family, at: Desk) -> None:
    builders.policy(ada.org, "payments.methods.avs", "refuse")
    ada.add(at.card(), postal_code="10001")
    at.nmi.next_codes.append(("202", False))
    ada.add(at.card(MASTERCARD))
    ada.add(at.card(AMEX))
    ada.add(at.card(AMEX))
    logged = list(GatewayError.objects.order_by("pk").values_list("operation", "reason"))
    assert logged == [("verify", "avs_mismatch"), ("store", "insufficient_funds"), ("verify", "duplicate")]


def test_R22_a_verification_whose_worker_died_is_made_later(ada: Family, at: Desk) -> None:
    at.nmi.faults.add("rate_limit", path="transact", body=VERIFYING)
    assert "It is being checked." in plain(ada.add(at.card()))
    assert ada.methods() == [("verifying", "checking", 0)]
    tend_methods(now=clock.now() + timedelta(minutes=14))
    assert ada.asked().count("verify") == 1
    tend_methods(now=clock.now() + timedelta(minutes=16))
    assert ada.methods() == [("active", "", 1)] and ada.asked().count("verify") == 2


def test_R22_a_verification_that_never_succeeds_is_given_up(ada: Family, at: Desk) -> None:
    at.nmi.faults.add("rate_limit", path="transact", body=VERIFYING, times=None)
    ada.add(at.card())
    for n in range(1, 9):
        PaymentAttempt.objects.filter(state="not_sent").update(settled_at=clock.now() - timedelta(hours=1))
        tend_methods(now=clock.now() + timedelta(minutes=16 * n))
    assert ada.methods() == [("disabled", "declined:gateway_error", 0)]
    assert ada.asked().count("verify") == 8
