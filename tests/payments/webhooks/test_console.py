"""The inbox and the settlements at the console: who sees what, and what a person can do (R151, R182)."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from billing.office import clock
from billing.transactions import in_transaction
from payments.gateways.base import Moved
from payments.models import Settlement, SettlementDay, WebhookEvent
from payments.services import settlement_days
from payments.services.gateway_accounts import open_gateway_account
from payments.services.inbox import WAITS
from payments.services.settlements import fetch_settlements
from tests import builders
from tests.console_desk import Desk, desk
from tests.payments.charging.cast import Scene
from tests.payments.webhooks.post import body, deliver, post, sign, told, work
from tests.payments.webhooks.reports import DAY, line, reported

SEES = ("manager", "finance_manager", "accountant", "school_admin")
SEES_NOT = ("clerk", "supervisor")


def unknown(identity: str = "e-1", **changes: Any) -> WebhookEvent:
    """An event that was tried to the end."""
    raw = body(identity, **changes)
    post(raw, sign(raw))
    for day in range(len(WAITS) + 1):
        work(timedelta(days=day))
    return WebhookEvent.objects.get(event_id=identity)


@pytest.fixture
def boss(scene: Scene) -> Desk:
    return desk(scene.school, "manager", name="boss")


class TestWebhooks:
    def test_who_sees_them(self, scene: Scene) -> None:
        event = unknown()
        for role in SEES:
            one = desk(scene.school, role)
            assert "Nothing of ours has this key" in one.see("webhooks/")
            assert event.name in one.see(f"webhooks/{event.pk}/")
        for role in SEES_NOT:
            one = desk(scene.school, role)
            one.get("webhooks/", 403)
            one.get(f"webhooks/{event.pk}/", 403)

    def test_what_waits_for_a_person_comes_first_and_every_tab_counts(self, scene: Scene, boss: Desk) -> None:
        assert "No processor has told anything yet" in boss.see("webhooks/")
        scene.charge(scene.card(), scene.bill())
        deliver(*told(scene, "transaction.sale.success"))
        work()
        assert "succeeded" in boss.see("webhooks/")
        unknown()
        unknown("e-2", name="moon.phase.changed")
        seen = boss.see("webhooks/")
        assert "for a person 1" in seen and "worked on 1" in seen and "not acted on 1" in seen
        assert "moon.phase.changed" in boss.see("webhooks/?tab=ignored")
        boss.get("webhooks/?tab=elsewhere", 404)

    def test_refused_calls_are_counted_there(self, scene: Scene, boss: Desk) -> None:
        post(body(), None)
        assert "1 call in 30 days did not prove where it came from" in boss.see("webhooks/")

    def test_a_page_shows_the_charge_and_no_secret(self, scene: Scene, boss: Desk) -> None:
        method = scene.card()
        attempt = scene.charge(method, scene.bill())
        scene.at.nmi.do("close_card", customer_vault_id=method.token)
        deliver(*told(scene))
        sale = WebhookEvent.objects.get(name="transaction.sale.success")
        assert attempt.number in boss.see(f"webhooks/{sale.pk}/")
        update = WebhookEvent.objects.get(topic="method")
        assert update.facts["update"]["token"] not in boss.see(f"webhooks/{update.pk}/")

    def test_it_is_put_back_in_the_queue(self, scene: Scene, boss: Desk) -> None:
        event = unknown()
        assert "worked on again" in boss.follow(f"webhooks/{event.pk}/replay/")
        event.refresh_from_db()
        assert event.tries == 0 and event.next_at is not None

    def test_it_is_set_aside_with_a_reason(self, scene: Scene, boss: Desk) -> None:
        event = unknown()
        assert "required" in boss.post(f"webhooks/{event.pk}/set-aside/", 422, reason=" ").content.decode()
        assert "Set aside by boss: theirs" in boss.follow(f"webhooks/{event.pk}/set-aside/", reason="theirs")
        boss.post(f"webhooks/{event.pk}/replay/", 422)

    def test_an_accountant_reads_and_does_nothing(self, scene: Scene) -> None:
        event, accountant = unknown(), desk(scene.school, "accountant")
        assert "Work on it again" not in accountant.see(f"webhooks/{event.pk}/")
        accountant.post(f"webhooks/{event.pk}/replay/", 403)
        accountant.post(f"webhooks/{event.pk}/set-aside/", 403, reason="x")

    def test_45_of_shared_credentials_each_sees_only_what_names_its_own(self, scene: Scene, boss: Desk) -> None:
        other = builders.organization()
        in_transaction(partial(open_gateway_account, organization=other, configuration="precisepay", now=clock.now()))
        scene.charge(scene.card(), scene.bill())
        deliver(*told(scene, "transaction.sale.success"))
        work()
        strange, mine = unknown(), WebhookEvent.objects.get(state="processed")
        boss.get(f"webhooks/{mine.pk}/")
        boss.get(f"webhooks/{strange.pk}/", 404)
        theirs = desk(other, "manager")
        theirs.get(f"webhooks/{mine.pk}/", 404)
        theirs.post(f"webhooks/{strange.pk}/replay/", 404)

    def test_45_who_has_no_account_there_sees_nothing(self, scene: Scene) -> None:
        event, stranger = unknown(), desk(builders.organization(), "manager")
        assert "No processor has told anything" in stranger.see("webhooks/")
        stranger.get(f"webhooks/{event.pk}/", 404)


class TestSettlements:
    @pytest.fixture
    def made(self, scene: Scene) -> Settlement:
        attempt = scene.charge(scene.card(), scene.bill())
        report = [
            line(Moved.CAPTURE, "120.00", attempt, fee="3.48"), line(Moved.REFUND, "20.00", ref="stranger"),
            line(Moved.PAYOUT, "96.52", ref="payout"),
        ]  # fmt: skip
        with reported(*report):
            return fetch_settlements(gateway_account=scene.account, day=DAY, now=clock.now())[0]

    def test_R151_the_list_has_each_with_its_net_and_its_differences(self, scene: Scene, made: Settlement) -> None:
        seen = desk(scene.school, "clerk").see("settlements/")
        assert all(part in seen for part in ("B-1", "US$120.00", "US$20.00", "US$3.48", "US$96.52", "differs 1 line"))

    def test_R151_one_ties_to_its_payout_and_shows_every_line(self, scene: Scene, made: Settlement) -> None:
        seen = desk(scene.school, "accountant").see(f"settlements/{made.pk}/")
        assert "Net US$96.52" in seen and "Paid out, by the processor US$96.52" in seen
        assert "Money was given back that nothing here asked for." in seen
        assert made.lines.get(moved="capture").gateway_ref in seen and "Ada Lovelace" in seen

    def test_R151_a_payment_says_how_far_its_processor_has_come(self, scene: Scene) -> None:
        attempt, clerk = scene.charge(scene.card(), scene.bill()), desk(scene.school, "clerk")
        page = f"payments/{attempt.payment_id}/"
        assert "waits to be settled" in clerk.see(page) and "In no settlement yet" in clerk.see(page)
        with reported(line(Moved.CAPTURE, "119.00", attempt)):
            fetch_settlements(gateway_account=scene.account, day=DAY, now=clock.now())
        seen = clerk.see(page)
        assert "taken US$119.00 · B-1" in seen and "booked is US$120.00" in seen

    def test_days_whose_report_could_not_be_had_are_named(self, scene: Scene) -> None:
        now = scene.account.made_at + timedelta(days=1)
        settlement_days.plan_days(now=now)
        with reported(down=True):
            settlement_days.fetch_due(now=now)
        assert SettlementDay.objects.get().trouble in desk(scene.school, "clerk").see("settlements/")

    def test_an_empty_list_says_what_would_be_here(self, scene: Scene) -> None:
        assert "No settlement yet" in desk(scene.school, "clerk").see("settlements/")

    def test_by_account(self, scene: Scene, made: Settlement) -> None:
        clerk = desk(scene.school, "clerk")
        assert "B-1" in clerk.see(f"settlements/?account={scene.account.pk}")

    def test_47_of_another_organization_it_is_404(self, scene: Scene, made: Settlement) -> None:
        stranger = desk(builders.organization(), "clerk")
        assert "B-1" not in stranger.see("settlements/")
        stranger.get(f"settlements/{made.pk}/", 404)
