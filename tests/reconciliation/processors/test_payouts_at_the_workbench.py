"""R151, R144: a payout that is not certain is found at the workbench, matched by a person, and taken off again."""

import pytest

from payments.gateways.base import Moved
from reconciliation.models import Match, MatchKind
from tests.assertions import assert_books_whole
from tests.builders import TODAY
from tests.console_desk import desk, plain
from tests.payments.charging.cast import Scene
from tests.payments.webhooks.reports import line
from tests.reconciliation.processors.cast import bank, bank_line, charged, report

pytestmark = pytest.mark.django_db


def test_R151_a_person_matches_a_payout_the_bank_does_not_name(scene: Scene) -> None:
    (settled,) = report(
        scene, line(Moved.CAPTURE, "120.00", charged(scene, "120.00"), fee="3.00", batch="B-1", on=TODAY)
    )
    received = bank_line(bank(scene.school), "117.00", "ACH CREDIT")
    boss = desk(scene.school, "supervisor", name="sue")
    page = boss.see(f"bank-lines/{received.pk}/find/")
    assert "payout of a processor" in page and "B-1" in page
    looked = boss.see(f"bank-lines/{received.pk}/do/payout/?kind=payout&record={settled.pk}")
    assert "Match to the payout (US$117.00)" in looked
    wrong = boss.post(f"bank-lines/{received.pk}/do/payout/", status=422, step="do", record=f"{settled.pk}-0")
    assert "no such record" in plain(wrong)
    boss.post(f"bank-lines/{received.pk}/do/payout/", step="do", record=str(settled.pk), request_key="p")
    match = Match.objects.get()
    assert (match.kind, match.settlement, match.made_by) == (MatchKind.PAYOUT, settled, boss.user)
    assert "It posts:" in boss.see(f"matches/{match.pk}/unmatch/")
    boss.post(f"matches/{match.pk}/unmatch/", reason="another's")
    received.refresh_from_db()
    assert received.open_amount == 117
    assert_books_whole()
