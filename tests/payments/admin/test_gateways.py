"""Gateway accounts, attempts, what is being confirmed, and performance, at the console (R40-R45, R48, R51, R160)."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from billing.office import clock
from billing.office.models import ApprovalRequest
from payments.models import GatewayAccount, GatewayHealth, Payment, PaymentAttempt
from payments.models.attempt import AttemptState
from payments.services import sweeping
from tests import builders
from tests.assertions import assert_books_whole
from tests.console_desk import Desk, desk
from tests.payments.charging.cast import Scene, charging_scene

SECRET = "a-key-that-nobody-may-see"
OTHER = {
    "kind": "paysafe", "base_url": "http://127.0.0.1:1", "user": "u", "password": SECRET, "public_key": "p",
    "account_id_usd": "1", "hmac_key": SECRET,
}  # fmt: skip


@pytest.fixture
def scene(transactional_db: None) -> Iterator[Scene]:
    with charging_scene() as found, override_settings(GATEWAYS={**settings.GATEWAYS, "north": OTHER}):
        yield found


@pytest.fixture
def admin(scene: Scene) -> Desk:
    return desk(scene.school, "school_admin", name="sam")


@pytest.fixture
def finance(scene: Scene) -> Desk:
    return desk(scene.school, "finance_manager", name="fay")


@pytest.fixture
def manager(scene: Scene) -> Desk:
    return desk(scene.school, "manager", name="mia")


def decide(by: Desk, decision: str = "approve", **typed: Any) -> str:
    """Another person decides the newest request."""
    asked = ApprovalRequest.objects.latest("pk")
    return by.follow(f"approvals/{asked.pk}/", decision=decision, shown_hash=asked.shown_hash, **typed)


NEW: dict[str, Any] = {
    "configuration": "north", "name": "Paysafe North", "provider": "", "currency": "USD", "takes_card": "yes",
    "takes_bank": "no", "takes_wallet": "no", "takes_upi": "no", "takes_mandate": "no", "rank": "2",
    "cost_percent": "2.5", "cost_fixed": "0.30", "reason": "A second processor",
}  # fmt: skip


class TestAccounts:
    def test_R42_opening_one_takes_two_people(self, scene: Scene, admin: Desk, finance: Desk) -> None:
        page = admin.follow("gateways/new/", **NEW)
        assert not GatewayAccount.objects.filter(configuration="north").exists()
        assert "Paysafe North" in page
        assert "Paysafe North is open." in decide(finance)
        account = GatewayAccount.objects.get(configuration="north")
        assert (account.instruments, account.rank, account.cost_percent, account.cost_fixed) == (
            ["card"], 2, Decimal("2.5"), Decimal("0.30"),
        )  # fmt: skip

    def test_whoever_asked_may_not_approve(self, scene: Scene, finance: Desk) -> None:
        finance.post("gateways/new/", **NEW)
        asked = ApprovalRequest.objects.latest("pk")
        finance.post(f"approvals/{asked.pk}/", 422, decision="approve", shown_hash=asked.shown_hash)
        assert not GatewayAccount.objects.filter(configuration="north").exists()

    def test_a_clerk_sees_how_they_stand_and_changes_nothing(self, scene: Scene) -> None:
        clerk = desk(scene.school, "clerk")
        assert "PrecisePay" in clerk.see("gateways/")
        clerk.get("gateways/new/", 403)
        clerk.post(f"gateways/{scene.account.pk}/pause/", 403, until="", reason="x")

    @pytest.mark.parametrize(
        ("field", "typed", "words"),
        [
            ("cost_percent", "100.001", "A percentage from 0 to 100"),
            ("cost_percent", "1.2345", "at most three decimals"),
            ("cost_percent", "two", "A percentage from 0 to 100"),
            ("rank", "0", "A rank from 1 to 99"),
            ("rank", "100", "A rank from 1 to 99"),
            ("currency", "XXX", "Unknown currency XXX"),
            ("configuration", "nowhere", "Choose the credentials"),
            ("configuration", "precisepay", "There is such an account already"),
            ("takes_card", "no", "Choose what it takes"),
            ("reason", " ", "A reason is needed"),
        ],
    )
    def test_what_cannot_be_is_refused_at_its_field(self, admin: Desk, field: str, typed: str, words: str) -> None:
        answer = admin.post("gateways/new/", 422, **(NEW | {field: typed}))
        assert words in answer.content.decode()
        assert not ApprovalRequest.objects.exists()

    @pytest.mark.parametrize("typed", ["0", "100", "2.999"])
    def test_the_limits_themselves_are_taken(self, admin: Desk, typed: str) -> None:
        admin.post("gateways/new/", **(NEW | {"cost_percent": typed}))
        assert ApprovalRequest.objects.count() == 1

    def test_R43_other_rates_hold_once_another_person_agreed(self, scene: Scene, admin: Desk, finance: Desk) -> None:
        path = f"gateways/{scene.account.pk}/change/"
        changed = {"name": "PrecisePay", "is_active": "yes", "takes_bank": "yes", "cost_percent": "1.9"}
        admin.post(path, **(NEW | changed))
        page = finance.see(f"approvals/{ApprovalRequest.objects.latest('pk').pk}/")
        assert "cost in percent" in page and "1.9" in page
        decide(finance)
        account = GatewayAccount.objects.get(pk=scene.account.pk)
        assert (account.cost_percent, account.instruments) == (Decimal("1.9"), ["card", "bank"])

    def test_an_approval_lapses_when_the_account_changed_meanwhile(
        self, scene: Scene, admin: Desk, finance: Desk
    ) -> None:
        admin.post(f"gateways/{scene.account.pk}/change/", **{**NEW, "is_active": "yes"})
        GatewayAccount.objects.filter(pk=scene.account.pk).update(rank=7)
        asked = ApprovalRequest.objects.latest("pk")
        finance.post(f"approvals/{asked.pk}/", 422, decision="approve", shown_hash=asked.shown_hash)
        assert GatewayAccount.objects.get(pk=scene.account.pk).name == "PrecisePay"

    def test_R45_out_of_use_until_a_moment_with_the_reason(self, scene: Scene, admin: Desk, finance: Desk) -> None:
        until = (clock.now() + timedelta(days=1)).astimezone(scene.school.zone)
        admin.post(f"gateways/{scene.account.pk}/pause/", until=f"{until:%Y-%m-%d %H:%M}", reason="Upkeep at the bank")
        decide(finance)
        page = admin.see("gateways/")
        assert "out of use for a while" in page
        account = GatewayAccount.objects.get(pk=scene.account.pk)
        assert account.pause_reason == "Upkeep at the bank" and account.paused_until is not None
        admin.post(f"gateways/{scene.account.pk}/pause/", until="", reason="Over sooner")
        assert "is in use again" in decide(finance)
        assert GatewayAccount.objects.get(pk=scene.account.pk).paused_until is None

    def test_a_pause_into_the_past_is_refused(self, scene: Scene, admin: Desk) -> None:
        answer = admin.post(f"gateways/{scene.account.pk}/pause/", 422, until="2026-01-01 10:00", reason="x")
        assert "That moment is over" in answer.content.decode()

    def test_secrets_are_never_shown(self, scene: Scene, admin: Desk, finance: Desk) -> None:
        admin.post("gateways/new/", **NEW)
        decide(finance)
        account = GatewayAccount.objects.get(configuration="north")
        pages = ("gateways/", "gateways/new/", f"gateways/{account.pk}/", f"gateways/{account.pk}/change/")
        for path in pages:
            text = admin.get(path).content.decode()
            assert SECRET not in text and scene.at.nmi.security_key not in text

    def test_F19_a_closed_circuit_is_told_there_and_at_home(self, scene: Scene, manager: Desk) -> None:
        now = clock.now()
        GatewayHealth.objects.create(
            configuration="precisepay", failures=5, opened_at=now, open_until=now + timedelta(seconds=60),
            last_failure_at=now, last_trouble="connection refused",
        )  # fmt: skip
        assert "closed off: it does not answer" in manager.see("gateways/")
        assert "PrecisePay is tried again at" in manager.see("")
        assert "connection refused" in manager.see(f"gateways/{scene.account.pk}/")

    def test_another_schools_account_is_not_there(self, scene: Scene) -> None:
        other = desk(builders.organization(), "finance_manager")
        other.get(f"gateways/{scene.account.pk}/", 404)
        assert "PrecisePay" not in other.see("gateways/").replace("Gateways", "")


class TestAttempts:
    def test_R48_the_page_tells_what_happened_and_what_was_said(self, scene: Scene, manager: Desk) -> None:
        attempt = scene.charge(scene.card(), scene.bill())
        page = manager.see(f"attempts/{attempt.pk}/")
        for words in (attempt.number, "succeeded", "written down", attempt.key, attempt.gateway_ref, "HTTP 200"):
            assert words in page, words
        assert scene.at.nmi.security_key not in page

    def test_what_was_said_is_for_those_who_look_into_it(self, scene: Scene) -> None:
        attempt = scene.charge(scene.card(), scene.bill())
        page = desk(scene.school, "clerk").see(f"attempts/{attempt.pk}/")
        assert attempt.number in page and "What was said" not in page

    def test_R51_the_choice_is_told_in_words(self, scene: Scene, manager: Desk) -> None:
        decision = {
            "chosen": {"method": 1, "name": "Visa", "account": "PrecisePay", "code": "works_more", "percent": 97,
                       "won": 88, "tries": 90},
            "others": [{"method": 2, "name": "Visa •••1111", "account": "Paysafe North", "code": "dearer",
                        "cost_amount": "3.20"}],
        }  # fmt: skip
        attempt = scene.charge(scene.card(), scene.bill(), decision=decision)
        page = manager.see(f"attempts/{attempt.pk}/")
        assert "It works more often: 97 % (88 of 90 charges in 30 days)." in page
        assert "Visa •••1111 · Paysafe North: costs more: US$3.20 for this charge" in page

    def test_the_list_filters_by_what_is_asked(self, scene: Scene, manager: Desk) -> None:
        good = scene.charge(scene.card(), scene.bill("10.00"))
        card = scene.card()
        scene.at.nmi.do("decline_vault", customer_vault_id=card.token, code="202")
        bad = scene.charge(card, scene.bill("11.00"))
        listed = "payments/paymentattempt/"
        for query, there, not_there in (
            ("state__exact=declined", bad, good), ("reason=insufficient_funds", bad, good),
            ("amount_from=10&amount_to=10.50", good, bad),
        ):  # fmt: skip
            page = manager.see(f"{listed}?{query}")
            assert there.number in page and not_there.number not in page, query
        for query in (f"account={scene.account.pk}", "instrument=card", "channel=portal", "operation__exact=sale"):
            page = manager.see(f"{listed}?{query}")
            assert good.number in page and bad.number in page, query

    def test_R40_the_error_log_has_the_processors_words(self, scene: Scene, manager: Desk) -> None:
        card = scene.card()
        scene.at.nmi.do("decline_vault", customer_vault_id=card.token, code="202")
        attempt = scene.charge(card, scene.bill())
        page = manager.see("payments/gatewayerror/")
        assert attempt.number in page and attempt.raw_text in page and "not enough money" in page

    def test_the_customer_and_the_payment_lead_to_it(self, scene: Scene, manager: Desk) -> None:
        attempt = scene.charge(scene.card(), scene.bill())
        assert attempt.payment is not None
        assert f"/console/attempts/{attempt.pk}/" in manager.get(f"payments/{attempt.payment.pk}/").content.decode()
        page = manager.get(f"customers/{scene.ada.pk}/").content.decode()
        assert f"/console/attempts/{attempt.pk}/" in page and "•••1111" in page

    def test_another_schools_attempt_is_not_there(self, scene: Scene) -> None:
        attempt = scene.charge(scene.card(), scene.bill())
        other = desk(builders.organization(), "manager")
        other.get(f"attempts/{attempt.pk}/", 404)
        assert attempt.number not in other.see("payments/paymentattempt/")


@pytest.fixture
def lost(scene: Scene) -> PaymentAttempt:
    """Taken by the processor, and the answer lost; it cannot be asked either."""
    card = scene.card()
    scene.at.nmi.faults.add("drop_after", path="transact")
    scene.at.nmi.faults.add("error_before", path="query", times=None)
    attempt = scene.charge(card, scene.bill())
    assert attempt.state == AttemptState.UNKNOWN
    sweeping.sweep(now=clock.now() + timedelta(hours=25))
    attempt.refresh_from_db()
    assert attempt.needs_person
    return attempt


class TestBeingConfirmed:
    def test_the_queue_and_the_home_page_tell_of_it(self, lost: PaymentAttempt, manager: Desk) -> None:
        page = manager.see("confirming/")
        assert lost.number in page and "being confirmed" in page and lost.needs_person in page
        assert "1 need a person to look at the processor's screen" in manager.see("")

    def test_two_people_say_that_it_was_taken_and_it_is_booked_once(
        self, scene: Scene, lost: PaymentAttempt, manager: Desk, finance: Desk
    ) -> None:
        supervisor = desk(scene.school, "supervisor")
        ref = str(next(iter(scene.at.nmi.ledger.captures(lost.key))).ref)
        supervisor.post(
            f"attempts/{lost.pk}/resolve/", said="done", reference=ref, part="", reason="Merchant page, row 3"
        )
        lost.refresh_from_db()
        assert lost.state == AttemptState.UNKNOWN and not Payment.objects.exists()
        assert f"{lost.number}: succeeded." in decide(manager)
        lost.refresh_from_db()
        assert (lost.state, lost.settled_from, lost.gateway_ref) == ("succeeded", "person", ref)
        assert lost.payment is not None and lost.payment.amount == lost.amount
        assert lost.number not in finance.see("confirming/")
        assert_books_whole()

    def test_not_there_sets_the_invoice_free(self, scene: Scene, lost: PaymentAttempt, manager: Desk) -> None:
        desk(scene.school, "supervisor").post(
            f"attempts/{lost.pk}/resolve/", said="not_there", reference="", part="", reason="Searched by our key"
        )
        decide(manager)
        lost.refresh_from_db()
        assert lost.state == AttemptState.NOT_SENT
        assert not lost.claims.filter(holds=True).exists()
        assert_books_whole()

    def test_another_charges_reference_is_not_believed(self, scene: Scene, lost: PaymentAttempt, manager: Desk) -> None:
        scene.at.nmi.faults.clear()
        other = scene.charge(scene.card(), scene.bill("77.00"))
        supervisor = desk(scene.school, "supervisor")
        supervisor.post(
            f"attempts/{lost.pk}/resolve/", said="done", reference=other.gateway_ref, part="", reason="Row 4"
        )
        asked = ApprovalRequest.objects.latest("pk")
        answer = manager.post(f"approvals/{asked.pk}/", 422, decision="approve", shown_hash=asked.shown_hash)
        assert "belongs to another attempt" in answer.content.decode()
        lost.refresh_from_db()
        assert lost.state == AttemptState.UNKNOWN and Payment.objects.count() == 1

    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ({"said": "done"}, "reference is needed"),
            ({"said": ""}, "Choose what the processor"),
            ({"said": "on_its_way", "reference": "1"}, "Choose what the processor"),
            ({"said": "done", "reference": "1", "part": "120.01"}, "it cannot have been more"),
        ],
    )
    def test_what_a_person_must_say(
        self, scene: Scene, lost: PaymentAttempt, typed: dict[str, str], words: str
    ) -> None:
        form: dict[str, Any] = {"said": "", "reference": "", "part": "", "reason": "Row 5"} | typed
        answer = desk(scene.school, "supervisor").post(f"attempts/{lost.pk}/resolve/", 422, **form)
        assert words in answer.content.decode()

    def test_it_was_less_than_was_asked(self, scene: Scene, lost: PaymentAttempt, manager: Desk) -> None:
        desk(scene.school, "supervisor").post(
            f"attempts/{lost.pk}/resolve/", said="done", reference="9001", part="120.00", reason="Row 5"
        )
        decide(manager)
        lost.refresh_from_db()
        assert lost.approved_amount == Decimal("120.00")

    def test_what_is_known_is_not_to_be_found_out(self, scene: Scene, manager: Desk) -> None:
        attempt = scene.charge(scene.card(), scene.bill())
        form: dict[str, Any] = {"said": "not_there", "reference": "", "part": "", "reason": "x"}
        answer = manager.post(f"attempts/{attempt.pk}/resolve/", 422, **form)
        assert "nothing is to be found out" in answer.content.decode()

    def test_a_clerk_may_not_say_it(self, scene: Scene, lost: PaymentAttempt) -> None:
        clerk = desk(scene.school, "clerk")
        assert lost.number in clerk.see("confirming/")
        clerk.get(f"attempts/{lost.pk}/resolve/", 403)


class TestPerformance:
    def test_R51_R160_rates_reasons_cost_and_speed(self, scene: Scene, manager: Desk) -> None:
        GatewayAccount.objects.filter(pk=scene.account.pk).update(cost_percent="2.9", cost_fixed="0.30")
        scene.charge(scene.card(), scene.bill("100.00"))
        scene.charge(scene.card(), scene.bill("50.00"))
        card = scene.card()
        scene.at.nmi.do("decline_vault", customer_vault_id=card.token, code="202")
        scene.charge(card, scene.bill("30.00"))
        page = manager.see("gateway-performance/")
        # Two of three, cut; 2.9 % of 150.00 and twice 0.30.
        for words in ("66.6 %", "2 of 3", "US$150.00", "US$4.95", "3.30 %", "not enough money", "US$30.00"):
            assert words in page, words

    def test_R51_as_a_file(self, scene: Scene, manager: Desk) -> None:
        scene.charge(scene.card(), scene.bill("100.00"))
        today = scene.school.today(clock.now())
        answer = manager.get(f"gateway-performance/?by=day&from={today}&to={today}&format=csv")
        rows = answer.content.decode("utf-8-sig").splitlines()
        assert rows[0].startswith("period,gateway,processor,instrument,currency,succeeded,tried,success_percent")
        assert rows[1].startswith(f"{today},PrecisePay,precisepay,card,USD,1,1,100")
        assert len(rows) == 2

    def test_a_span_that_cannot_be_read_is_told(self, scene: Scene, manager: Desk) -> None:
        answer = manager.get("gateway-performance/?from=2026-13-01&to=2026-12-31", 422)
        assert 'role="alert"' in answer.content.decode()

    def test_nothing_charged_says_so(self, scene: Scene, manager: Desk) -> None:
        assert "Nothing was charged at a processor in this time." in manager.see("gateway-performance/")
