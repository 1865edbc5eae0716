"""R39, R86: tax codes and rates are asked for by one person and added by another."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest

from billing.errors import BadInput
from billing.models import TaxCode, TaxRate
from billing.office import clock
from billing.office.models import ApprovalRequest, AuditEntry, Organization
from billing.services.taxing.codes import read_part_lines, read_percent
from tests import builders
from tests.console_desk import Desk, desk
from tests.taxes import rate, tax_code

RATE = {"percent": "18", "place": "", "effective_on": "2017-07-01", "parts": "", "reason": "the law"}


@pytest.fixture
def org(db: None) -> Organization:
    return builders.organization(currency="INR", zone="Asia/Kolkata")


@pytest.fixture
def school(org: Organization) -> Desk:
    return desk(org, "school_admin", name="sana")


@pytest.fixture
def manager(org: Organization) -> Desk:
    return desk(org, "manager", name="mia")


def approve(who: Desk, status: int = 302) -> ApprovalRequest:
    asked = ApprovalRequest.objects.latest("id")
    who.post(f"approvals/{asked.pk}/", status, decision="approve", shown_hash=asked.shown_hash, reason="")
    asked.refresh_from_db()
    return asked


def test_R86_a_school_admin_asks_and_a_manager_adds_code_and_rate(org, school, manager) -> None:
    school.post("taxes/new/", name="GST", code="GST-Lessons", kind="gst", is_inclusive="no", reason="we registered")
    assert not TaxCode.objects.exists() and "Waiting for approval, asked by sana" in school.see("taxes/")
    text = manager.see(f"approvals/{ApprovalRequest.objects.latest('id').pk}/")
    assert "add a tax code" in text and "gst-lessons" in text and "Prices include it no" in text
    approve(manager)
    code = TaxCode.objects.get()
    assert (code.code, code.name, code.is_inclusive) == ("gst-lessons", "GST", False)
    school.post(f"taxes/{code.pk}/rate/", **RATE | {"place": "KA", "parts": "CGST 9\nSGST 9 %"})
    text = manager.see(f"approvals/{ApprovalRequest.objects.latest('id').pk}/")
    assert "add a tax rate" in text and "Place KA" in text and "CGST 9 SGST 9" in text
    approve(manager)
    row = TaxRate.objects.get()
    assert (row.place, row.effective_on, row.rate) == ("KA", date(2017, 7, 1), D("0.18"))
    assert row.parts == [{"name": "CGST", "rate": "0.09"}, {"name": "SGST", "rate": "0.09"}]
    assert row.made_by == school.user
    assert AuditEntry.objects.filter(table_name="billing_taxrate", organization=org.pk).count() == 1
    seen = school.see("taxes/")
    assert "KA · Karnataka 18 % CGST 9 % + SGST 9 %" in seen and "● holds now" in seen


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"percent": "100"}, "Write a percentage from 0 to 99.9999"),
        ({"percent": "-1"}, "Write a percentage"),
        ({"percent": ""}, "Write a percentage"),
        ({"place": "NY"}, "Choose a place of the list."),
        ({"parts": "CGST"}, "write a name and a percentage"),
        ({"parts": "CGST 9\nSGST 8"}, "The parts make 17 %, the rate is 18 %"),
        ({"parts": "CGST 9\ncgst 9"}, "each of another name"),
        ({"parts": "CGST 18\nSGST 0"}, "each part is more than 0"),
        ({"effective_on": "2026-02-30"}, "There is no 30 February 2026."),
        ({"reason": ""}, "A reason is needed."),
    ],
)
def test_R86_what_cannot_be_a_rate_is_refused_at_its_field(org, school, typed, said) -> None:
    code = tax_code(org)
    answer = school.post(f"taxes/{code.pk}/rate/", 422, **RATE | typed)
    assert said in answer.content.decode().replace("&quot;", '"') and not ApprovalRequest.objects.exists()


def test_R86_a_rate_that_replaces_another_begins_today_at_the_earliest(org, school) -> None:
    code, today = tax_code(org), org.today(clock.now())
    rate(code, "0.12")
    path = f"taxes/{code.pk}/rate/"
    answer = school.post(path, 422, **RATE | {"effective_on": f"{today - timedelta(days=1)}"})
    assert "a new one begins today at the earliest" in answer.content.decode()
    school.post(path, **RATE | {"effective_on": f"{today}"})
    school.post(path, **RATE | {"place": "KA"})  # the first of its place may look back
    assert ApprovalRequest.objects.count() == 2


def test_R86_the_same_rate_again_is_no_change_and_an_exempt_code_has_none(org, school) -> None:
    code, books = tax_code(org), tax_code(org, kind="exempt")
    rate(code, "0.18")
    today = org.today(clock.now())
    answer = school.post(f"taxes/{code.pk}/rate/", 422, **RATE | {"effective_on": f"{today}"})
    assert "That is how it is already." in answer.content.decode()
    assert "An exempt code has no rate." in school.post(f"taxes/{books.pk}/rate/", 422, **RATE).content.decode()


def test_37_a_rate_added_meanwhile_makes_the_checker_look_again(org, school, manager) -> None:
    code = tax_code(org)
    school.post(f"taxes/{code.pk}/rate/", **RATE)
    rate(code, "0.05", date(2016, 1, 1))
    approve(manager, 422)
    assert TaxRate.objects.count() == 1


def test_R170_others_may_not_ask_and_who_asked_may_not_approve(org, school, manager) -> None:
    code = tax_code(org)
    for role in ("clerk", "supervisor", "accountant"):
        other = desk(org, role)
        other.get("taxes/new/", 403)
        other.post(f"taxes/{code.pk}/rate/", 403, **RATE)
        assert "New rate" not in other.see("taxes/")
    manager.post(f"taxes/{code.pk}/rate/", **RATE)
    approve(manager, 422)
    assert not TaxRate.objects.exists()


def test_45_codes_of_another_organization_are_not_there(org, school) -> None:
    theirs = tax_code(builders.organization(), "Secret")
    school.get(f"taxes/{theirs.pk}/rate/", 404)
    assert "Secret" not in school.see("taxes/") and "Tax codes would be here" in school.see("taxes/")


def test_a_code_stands_once_and_is_shaped_as_one(org, school) -> None:
    tax_code(org, code="gst")
    for code, said in (("gst", "There is already a tax code"), ("GST lessons!", "letters, digits and hyphens")):
        answer = school.post("taxes/new/", 422, name="GST", code=code, kind="gst", is_inclusive="no", reason="x")
        assert said in answer.content.decode()


def test_percentages_and_parts_are_read_as_written() -> None:
    assert [read_percent(text, field="p") for text in ("18", "8.875 %", "0", "99.9999")] == [
        D("0.18"), D("0.08875"), D(0), D("0.999999"),
    ]  # fmt: skip
    for text in ("", "1,5", "1e1", "18.00001", "١٨", "100"):
        with pytest.raises(BadInput):
            read_percent(text, field="p")
    assert [(p.name, p.rate) for p in read_part_lines("State tax 4\n\n Metro. 0.375 %")] == [
        ("State tax", D("0.04")), ("Metro.", D("0.00375")),
    ]  # fmt: skip
