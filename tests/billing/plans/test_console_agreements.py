"""Enrolling and looking after agreements at the console (R56, R57, R59)."""

from datetime import date
from typing import Any

import pytest
import time_machine

from billing.models import Agreement, Customer, Invoice, ScheduleRegeneration, Student
from tests.agreements import plan
from tests.assertions import assert_books_whole
from tests.billing.plans.desk import amounts, bill_one, discount, enrolled
from tests.builders import NOW, customer, organization, pay, policy
from tests.console_desk import Desk, desk, plain

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def on_the_day():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def admin(org) -> Desk:
    return desk(org, "school_admin")


def typed(of: Any, **more: Any) -> dict[str, Any]:
    return {
        "student": "", "offer": f"{of.pk}:monthly", "starts_on": "2026-04-16", "anchor_on": "2026-04-01",
        "backend": "native", "request_key": "form-1", **more,
    }  # fmt: skip


def test_a_school_admin_sees_the_first_three_invoices_before_enrolling(admin: Desk, ada: Customer, anna, piano) -> None:
    path = f"enrol/?customer={ada.code}"
    assert "Piano · monthly · US$90.00" in admin.see(path)
    fields = typed(piano, student=str(anna.pk))
    text = plain(admin.post(path, 200, step="preview", **fields))
    assert "The first invoices" in text and text.count("Total US$") == 3
    assert "From 16 Apr 2026 to 30 Apr 2026 it is 15 of 30 days, and only these are charged." in text
    assert "Enrol: first US$45.00, due 16 Apr 2026" in text
    assert not Agreement.objects.exists()
    page = admin.follow(path, step="enrol", **fields)
    assert "Agreed: AGR-2026-00000001." in page and "Anna" in page
    admin.follow(path, step="enrol", **fields)  # a second click
    assert Agreement.objects.count() == 1
    assert_books_whole()


def test_enrolling_asks_who_pays_first(admin: Desk, ada: Customer) -> None:
    assert "First choose who pays" in admin.see("enrol/")
    assert ada.code in admin.see("enrol/?q=Ada")
    assert "Nobody is found" in admin.see("enrol/?q=Zacharias")
    assert "No plan is offered yet" in admin.see(f"enrol/?customer={ada.code}")


def test_a_new_student_and_two_payers(admin: Desk, ada: Customer, org, piano, anna) -> None:
    ben = customer(org, "Ben")
    both = typed(piano, student=str(anna.pk), student_name="Dora")
    refused = plain(admin.post(f"enrol/?customer={ada.code}", 422, step="preview", **both))
    assert "Choose a student, or name a new one; not both." in refused
    fields = typed(piano, student="", student_name="Dora", payers=f"{ada.code} 60\n{ben.code} 40")
    text = plain(admin.post(f"enrol/?customer={ada.code}", 200, step="preview", **fields))
    assert "US$27.00" in text and "US$18.00" in text and "Your share of it is 40 %." in text
    assert list(Student.objects.all()) == [anna]
    admin.follow(f"enrol/?customer={ada.code}", step="enrol", **fields)
    assert (Student.objects.latest("id").name, Agreement.objects.get().payers.count()) == ("Dora", 2)


def test_what_cannot_be_read_is_said_and_stays(admin: Desk, ada: Customer, piano) -> None:
    path = f"enrol/?customer={ada.code}"
    for wrong, said in (
        ({"payers": "C99999 60"}, "write a customer's code and the share"),
        ({"payers": f"{ada.code} much"}, "a share is a number"),
        ({"starts_on": "tomorrow"}, "Write the date as"),
        ({"offer": ""}, "Choose a plan."),
        ({"anchor_on": "2026-05-01"}, "on the first day of the agreement or before"),
        ({"price": "1,5"}, "Could be"),
    ):
        text = plain(admin.post(path, 422, step="preview", **typed(piano, **wrong)))
        assert said in text, (wrong, text[-1500:])
    assert not Agreement.objects.exists()


def test_a_policy_gets_its_number_as_it_is_agreed(admin: Desk, ada: Customer, org) -> None:
    of = plan(org, "1200.00", kind="policy")
    admin.follow(f"enrol/?customer={ada.code}", step="enrol", **typed(of, policy_number="POL-LIFE-2025-000001"))
    assert Agreement.objects.get().insurance.policy_number == "POL-LIFE-2025-000001"


def test_R57_the_page_of_an_agreement_tells_what_was_paid_and_what_is_late(admin: Desk, ada, org, piano) -> None:
    one = enrolled(ada, piano, starts_on=date(2026, 1, 1), ends_on=date(2026, 5, 31))
    bill_one(one, date(2026, 3, 2))
    pay(ada, "90.00")
    text = admin.see(f"agreements/{one.pk}/")
    assert "1 paid, 4 to come" in text and "upcoming" in text
    assert "A month costs US$90.00." in text and "INV-2026-00000001" in text
    assert "A month costs US$90.00." in admin.see(f"invoices/{Invoice.objects.earliest('id').pk}/")
    admin.get("agreements/999999/", 404)


def test_a_long_schedule_shows_what_is_near_and_the_rest_when_asked(admin: Desk, ada: Customer, org, piano) -> None:
    policy(org, "agreements.horizon_months", 24)
    made = enrolled(ada, piano)
    count = made.installments.count()
    path = f"agreements/{made.pk}/"
    assert count > 20 and admin.see(path).count("upcoming") == 13
    assert f"Show {count - 13} more periods" in admin.see(path)
    assert admin.see(f"{path}?schedule=all").count("upcoming") == count


def test_deeds_of_an_agreement(admin: Desk, ada: Customer, org, piano) -> None:
    one = enrolled(ada, piano, ends_on=date(2026, 8, 31))
    dearer = plan(org, "120.00", name="Piano and theory")
    rule = discount(org, "50", "granted", name="Hardship")
    ben = customer(org, "Ben")
    at = f"agreements/{one.pk}"
    admin.follow(f"{at}/change/", offer=f"{dearer.pk}:monthly", effective_on="2026-05-01", price="", reason="wish")
    assert amounts(one) == ["90.00"] + ["120.00"] * 4
    admin.follow(f"{at}/pause/", kind="vacation", from_on="2026-06-01", until_on="2026-06-30", reason="away")
    admin.follow(f"{at}/resume/", on="2026-06-16", reason="back")
    assert amounts(one)[2] == "60.00"
    admin.follow(f"{at}/payers/", payers=f"{ben.code} 100", from_on="2026-05-01", reason="the employer pays")
    admin.follow(f"{at}/discount/", rule=str(rule.pk), from_on="2026-07-01", until_on="", reason="lost work")
    assert amounts(one)[3:] == ["60.00", "60.00"]
    admin.follow(f"agreements/discounts/{one.discounts.get().pk}/end/", last_on="2026-07-31", reason="found work")
    admin.follow(f"{at}/cancel/", last_on="2026-07-31", reason="moves away")
    page = admin.follow(f"{at}/extend/", ends_on="2026-08-31", reason="stays after all")
    assert amounts(one)[3:] == ["60.00", "120.00"]
    for words in ("lost work", "moves away", "the employer pays", "Hardship", "vacation", "Ben"):
        assert words in page
    for path in ("change", "pause", "payers", "discount", "cancel"):
        assert one.number in admin.see(f"{at}/{path}/")
        admin.post(f"{at}/{path}/", 422, reason="")


def test_who_may_not_change_agreements_reads_them(ada: Customer, org, piano) -> None:
    one = enrolled(ada, piano)
    accountant = desk(org, "accountant")
    assert one.number in accountant.see(f"agreements/{one.pk}/")
    assert one.number in accountant.see("billing/agreement/?q=ada")
    for path in ("change", "pause", "cancel", "payers"):
        accountant.get(f"agreements/{one.pk}/{path}/", 403)
    desk(organization(), "school_admin").get(f"agreements/{one.pk}/", 404)


def test_the_customers_page_lists_what_the_family_agreed(ada: Customer, org, piano) -> None:
    one = enrolled(ada, piano)
    text = desk(org, "clerk").see(f"customers/{ada.pk}/")
    assert one.number in text and "Next due" in text


def test_R55_schedules_are_computed_anew_after_a_look(admin: Desk, ada: Customer, org, piano) -> None:
    one = enrolled(ada, piano, ends_on=date(2026, 5, 31))
    policy(org, "agreements.due_days", 5)
    fields = {"reason": "due later", "request_key": "form-1"}
    text = plain(admin.post("regenerations/", 200, step="preview", **fields))
    assert "1 agreement would change" in text and "1 Apr 2026 → 6 Apr 2026" in text
    page = admin.follow("regenerations/", step="do", **fields)
    assert "Computed anew." in page and one.number in page
    made = ScheduleRegeneration.objects.get()
    sent = b"".join(admin.get(f"regenerations/{made.pk}/differences.csv").streaming_content).decode("utf-8-sig")
    assert sent.splitlines()[1].split(",")[4:] == ["2026-04-01", "2026-04-01", "2026-04-06", "USD", "90.00", "90.00"]
    assert "due later" in admin.see("regenerations/")
    admin.post("regenerations/", 422, step="do", reason="", request_key="form-2")
    desk(org, "accountant").see("regenerations/")


def test_students_are_added_and_found(admin: Desk, ada: Customer, anna) -> None:
    assert "Anna" in admin.see("billing/student/?q=Anna")
    admin.post("billing/student/add/", code="S77", customer=ada.pk, name="Fritz", is_active="on")
    assert Student.objects.get(code="S77").organization == ada.organization
