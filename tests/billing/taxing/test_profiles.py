"""R39: the billing profile with its address checked; exemption takes two people."""

import pytest
from django.db import transaction

from billing.errors import BadInput, Refusals
from billing.models import BillingProfile
from billing.office import clock
from billing.office.models import ApprovalRequest, AuditEntry, Organization
from billing.rules.address_data import COUNTRIES, GST_STATES, INDIAN_STATES
from billing.rules.addresses import Address, checked_address
from billing.selectors.taxes import tax_book
from billing.services.plans.scheduling import rebuild_schedules
from tests import agreements, builders
from tests.console_desk import Desk, desk
from tests.taxes import profile, rate, tax_code

GOOD = [
    (("US", "NY", "10001", ""), ("NY", "10001", "")),
    (("us", "new york", "10001-1234", "123456789"), ("NY", "10001-1234", "12-3456789")),
    (("CA", "on", "k1a0b1", ""), ("ON", "K1A 0B1", "")),
    (("GB", "", "sw1a1aa", "GB 980 7806 84"), ("", "SW1A 1AA", "980780684")),
    (("IN", "Maharashtra", "400001", "27aapfu0939f1zv"), ("MH", "400001", "27AAPFU0939F1ZV")),
    (("TW", "", "106", "04595257"), ("", "106", "04595257")),
    (("TW", "", "10617", ""), ("", "10617", "")),
    (("DE", "", "10115", "136695976"), ("", "10115", "DE136695976")),
    (("FR", "", "75001", "FR40303265045"), ("", "75001", "FR40303265045")),
    (("AU", "NSW", "2000", "83 914 571 673"), ("NSW", "2000", "83914571673")),
    (("JP", "", "1000001", ""), ("", "100-0001", "")),
    (("NL", "", "1012js", ""), ("", "1012 JS", "")),
    (("HK", "", "", ""), ("", "", "")),
]
BAD = [
    (("US", "ZZ", "10001", ""), {"region": "unknown_region"}),
    (("US", "", "10001", ""), {"region": "required"}),
    (("US", "NY", "1000", ""), {"postal_code": "bad_postal_code"}),
    (("US", "NY", "", ""), {"postal_code": "required"}),
    (("US", "NY", "10001", "123-45-6789"), {"tax_id": "social_security_number"}),
    (("US", "NY", "10001", "00-1234567"), {"tax_id": "bad_tax_id"}),
    (("CA", "ON", "D1A 0B1", ""), {"postal_code": "bad_postal_code"}),
    (("GB", "", "SW1A", ""), {"postal_code": "bad_postal_code"}),
    (("IN", "KA", "060001", ""), {"postal_code": "bad_postal_code"}),
    (("IN", "KA", "560001", "27AAPFU0939F1ZV"), {"tax_id": "gstin_of_other_state"}),
    (("IN", "MH", "400001", "27AAPFU0939F1ZA"), {"tax_id": "bad_tax_id"}),
    (("TW", "", "1061", "04595258"), {"postal_code": "bad_postal_code", "tax_id": "bad_tax_id"}),
    (("DE", "", "١٠١١٥", ""), {"postal_code": "bad_postal_code"}),
    (("AU", "XX", "20000", ""), {"region": "unknown_region", "postal_code": "bad_postal_code"}),
]


@pytest.mark.parametrize(("given", "kept"), GOOD)
def test_R39_an_address_that_can_be_right_is_kept_in_its_usual_writing(given, kept) -> None:
    country, region, postal_code, tax_id = given
    found = checked_address(Address(" 1 Main St ", "Town", country, region, postal_code, tax_id))
    assert (found.street, found.country) == ("1 Main St", country.upper())
    assert (found.region, found.postal_code, found.tax_id) == kept


@pytest.mark.parametrize(("given", "refused"), BAD)
def test_R39_each_part_that_cannot_be_right_is_named(given, refused) -> None:
    country, region, postal_code, tax_id = given
    with pytest.raises(Refusals) as trouble:
        checked_address(Address("1 Main St", "Town", country, region, postal_code, tax_id))
    assert {one.field: one.code for one in trouble.value.refusals} == refused
    assert all(str(one) for one in trouble.value.refusals)


def test_R39_street_city_and_country_are_always_needed() -> None:
    with pytest.raises(Refusals) as trouble:
        checked_address(Address(" ", "", "US", "NY", "10001"))
    assert [one.field for one in trouble.value.refusals] == ["street", "city"]
    with pytest.raises(BadInput) as unknown:
        checked_address(Address("1 Main St", "Town", "XX"))
    assert unknown.value.field == "country"


def test_the_tables_are_whole() -> None:
    assert set(GST_STATES.values()) == set(INDIAN_STATES)
    for code, country in COUNTRIES.items():
        region = next(iter(country.regions), "")
        assert checked_address(Address("x", "y", code, region, country.example)).postal_code == country.example


@pytest.fixture
def org(db: None) -> Organization:
    return builders.organization(currency="INR", zone="Asia/Kolkata")


@pytest.fixture
def clerk(org: Organization) -> Desk:
    return desk(org, "clerk", name="carla")


FORM = {
    "legal_name": "Rao Traders", "country": "IN", "street": "12 MG Road", "city": "Bengaluru", "region": "Karnataka",
    "postal_code": "560001", "tax_id": "29AAPFU0939F1ZR",
}  # fmt: skip


def test_R39_a_clerk_enters_and_changes_it_and_the_trail_keeps_both(org, clerk) -> None:
    payer = builders.customer(org, "Rao")
    assert "made out would be here" in clerk.see(f"customers/{payer.pk}/")
    seen = clerk.follow(f"customers/{payer.pk}/billing-profile/", **FORM)
    assert "Rao Traders" in seen and "560001 Bengaluru Karnataka India" in seen and "29AAPFU0939F1ZR" in seen
    clerk.post(f"customers/{payer.pk}/billing-profile/", **FORM | {"legal_name": "Rao & Sons"})
    kept = BillingProfile.objects.get()
    assert (kept.legal_name, kept.region, kept.organization) == ("Rao & Sons", "KA", org)
    trail = AuditEntry.objects.filter(table_name="billing_billingprofile").order_by("id")
    assert trail.count() == 2


def test_R39_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(org, clerk) -> None:
    payer = builders.customer(org, "Rao")
    typed = FORM | {"postal_code": "56", "tax_id": "27AAPFU0939F1ZV", "legal_name": ""}
    text = clerk.post(f"customers/{payer.pk}/billing-profile/", 422, **typed).content.decode()
    assert 'value="56"' in text and "56 is no postal code of India; one looks like 560001." in text
    assert "This GSTIN was given by Maharashtra" in text and 'id="error_legal_name"' in text
    assert not BillingProfile.objects.exists()


def test_R39_roles_that_do_not_keep_addresses_may_not_change_it(org) -> None:
    payer = builders.customer(org, "Rao")
    accountant = desk(org, "accountant")
    text = accountant.post(f"customers/{payer.pk}/billing-profile/", 422, **FORM).content.decode()
    assert "Your role does not allow this." in text and not BillingProfile.objects.exists()


def test_45_customers_of_another_organization_are_not_found(clerk) -> None:
    eve = builders.customer(builders.organization(), "Eve")
    clerk.get(f"customers/{eve.pk}/billing-profile/", 404)
    clerk.post(f"customers/{eve.pk}/billing-profile/", 404, **FORM)


def test_R39_an_exemption_is_asked_for_and_approved_and_so_is_its_end(org) -> None:
    school, manager, payer = desk(org, "school_admin"), desk(org, "manager"), builders.customer(org, "Rao")
    code = tax_code(org)
    rate(code, "0.18")
    path = f"customers/{payer.pk}/tax-exemption/"
    assert "Enter the billing profile first." in school.post(path, 422, because="x", reason="y").content.decode()
    kept = profile(payer, region="KA")

    def decide() -> None:
        asked = ApprovalRequest.objects.latest("id")
        manager.post(f"approvals/{asked.pk}/", decision="approve", shown_hash=asked.shown_hash, reason="")
        kept.refresh_from_db()

    school.post(path, because="Registered charity.", reason="certificate seen")
    assert not BillingProfile.objects.get().is_exempt
    decide()
    assert (kept.is_exempt, kept.exempt_reason) == (True, "Registered charity")
    tax = tax_book(org, [payer.pk]).tax(code.pk, payer.pk, builders.TODAY)
    assert tax.exempt_because == "Registered charity"
    school.post(path, reason="certificate ran out")
    decide()
    assert (kept.is_exempt, kept.exempt_reason) == (False, "")
    desk(org, "clerk").get(path, 403)


def test_R55_who_moves_or_is_exempt_has_the_schedule_planned_anew(org, clerk) -> None:
    """Monthly periods of ₹100: 18 % everywhere, 12 % in Karnataka, nothing for a charity."""
    code, payer = tax_code(org), builders.customer(org, "Rao")
    rate(code, "0.18")
    rate(code, "0.12", place="KA")
    one = agreements.agreement(payer, agreements.plan(org, "100.00", tax_code=code), starts_on=org.today(clock.now()))

    def taxes() -> set[str]:
        return {f"{row.tax_amount:.2f}" for row in one.installments.filter(state="planned")}

    with transaction.atomic():
        rebuild_schedules(
            organization=org, agreement_ids=[one.pk], kind="started", reason="", effective_on=one.starts_on,
            now=clock.now(), by=None,
        )  # fmt: skip
    assert taxes() == {"18.00"}
    clerk.post(f"customers/{payer.pk}/billing-profile/", **FORM)
    assert taxes() == {"12.00"}
    changes = one.changes.count()
    clerk.post(f"customers/{payer.pk}/billing-profile/", **FORM | {"street": "13 MG Road"})
    assert one.changes.count() == changes
    school, manager = desk(org, "school_admin"), desk(org, "manager")
    school.post(f"customers/{payer.pk}/tax-exemption/", because="charity", reason="seen")
    asked = ApprovalRequest.objects.latest("id")
    manager.post(f"approvals/{asked.pk}/", decision="approve", shown_hash=asked.shown_hash, reason="")
    assert taxes() == {"0.00"}
