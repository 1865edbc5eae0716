"""Every table of the console at once: whose rows a list shows, who may open it, and that nobody edits money there."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.admin.base import ConsoleAdmin
from billing.admin.exports import ExportableAdmin
from billing.models import Customer, DiscountRule, Household, Invoice, Provider, Student
from billing.office.models import AuditEntry, Organization, User
from billing.office.models.user import Role
from config.console.third_party import PlatformAdmin
from tests import builders as b
from tests.config.console.cast import STAFF, furnish, person, signed_in

OURS = [model for model, page in admin.site._registry.items() if isinstance(page, ConsoleAdmin)]
THEIRS = [model for model, page in admin.site._registry.items() if isinstance(page, PlatformAdmin)]
EDITABLE = {Customer, DiscountRule, Household, Provider, Student}
MONEY = [model for model in OURS if model not in EDITABLE]


def url(model: type[Model], view: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args)


def name(model: Any) -> str:
    return str(model._meta.label)


@pytest.fixture
def here(db: None) -> Organization:
    org = b.organization("here", name="Here School")
    furnish(org, "heron")
    return org


@pytest.fixture
def there(db: None) -> Organization:
    org = b.organization("there", name="There School")
    furnish(org, "magpie")
    return org


def rows_of(model: type[Model], org: Organization) -> list[Any]:
    """Rows of an organization, by the page's own path to it."""
    page: Any = admin.site._registry[model]
    return list(model._default_manager.filter(**{page.organization_path: org}))


def test_every_table_is_ours_or_the_platforms() -> None:
    assert set(admin.site._registry) == set(OURS) | set(THEIRS)
    assert len(OURS) >= 17


class TestEveryTable:
    def test_it_shows_only_rows_of_the_organization_worked_in(self, here: Organization, there: Organization) -> None:
        client = person(here, "finance_manager")
        for model in OURS:
            assert rows_of(model, here) and rows_of(model, there), f"no rows to tell apart: {name(model)}"
            # "gpie" finds what is not shown, and its echo in the search box is not mistaken for a row.
            for query in ("", "?q=gpie", "?q=GPIE-1"):
                listed = client.get(url(model, "changelist") + query)
                assert listed.status_code == 200, name(model)
                assert b"magpie" not in listed.content, (name(model), query)
            own, foreign = rows_of(model, here)[0], rows_of(model, there)[0]
            assert client.get(url(model, "change", own.pk)).status_code == 200, name(model)
            assert client.get(url(model, "change", foreign.pk)).status_code == 404, name(model)
            for view in ("history", "delete"):
                assert client.get(url(model, view, foreign.pk)).status_code in (403, 404), (name(model), view)

    def test_a_list_takes_fewer_than_15_queries(self, here: Organization) -> None:
        client = person(here, "finance_manager")
        client.get("/console/")
        for model in OURS:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(url(model, "changelist")).status_code == 200
            assert len(queries) < 15, (name(model), [q["sql"][:90] for q in queries])

    def test_where_one_works_is_asked_once_a_page(self, here: Organization) -> None:
        client = person(here, "clerk")
        client.get("/console/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/console/office/notice/")
        assert sum('FROM "office_organization"' in query["sql"] for query in queries) == 1

    @pytest.mark.parametrize("key", ["0", "-1", str(2**63), "abc", "1_2F", "٣"])
    def test_a_key_that_cannot_be_is_not_found(self, key: str, db: None) -> None:
        client = person(b.organization("empty"), "finance_manager")
        for model in OURS:
            assert client.get(url(model, "change", key)).status_code == 404, name(model)

    def test_a_hidden_column_cannot_be_asked_about(self, db: None) -> None:
        client = person(b.organization("empty"), "finance_manager")
        for model in OURS:
            for asked in ("organization__name__startswith=H", "number_hash=1", "token_hash__startswith=a"):
                assert client.get(f"{url(model, 'changelist')}?{asked}").status_code in (302, 400), name(model)

    def test_being_a_superuser_opens_nothing(self, db: None) -> None:
        root = User.objects.create_superuser("root", password="a long enough password 1")
        platform = b.user(b.organization("empty"), "platform_admin")
        User.objects.filter(pk=platform.pk).update(is_superuser=True, is_staff=True)
        sees = {"office.auditentry", "office.approvalrequest", "office.membership", "office.apiclient"}
        for model in OURS:
            assert signed_in(root).get(url(model, "changelist")).status_code == 302
            wanted = 200 if model._meta.label_lower in sees else 403
            assert signed_in(platform).get(url(model, "changelist")).status_code == wanted, name(model)


@pytest.mark.parametrize("role", STAFF)
def test_R167_no_role_writes_to_a_table_but_by_its_work_screens(role: str, here: Organization) -> None:
    client = person(here, role)
    for model in MONEY:
        before = list(model._default_manager.values())
        row = rows_of(model, here)[0]
        posted = {"post": "yes", "amount": "1.00", "name": "x", "_save": "1"}
        for view, args in (("add", []), ("change", [row.pk]), ("delete", [row.pk])):
            response = client.post(url(model, view, *args), posted)
            assert response.status_code == 403, (name(model), view, response.status_code)
        client.post(url(model, "changelist"), {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})
        if model is not AuditEntry:
            assert list(model._default_manager.values()) == before, name(model)


@pytest.mark.parametrize("role", STAFF)
def test_packages_tables_open_for_the_platform_admin_alone(role: str, here: Organization) -> None:
    client = person(here, role)
    for model in THEIRS:
        wanted = 200 if role == Role.PLATFORM_ADMIN else 403
        assert client.get(url(model, "changelist")).status_code == wanted, name(model)
        assert client.post(url(model, "add"), {}).status_code == 403, name(model)


class TestCustomers:
    FORM = {"name": "Nora New", "latin_name": "", "email": "n@example.org", "phone": "555", "address": "",
            "language": "en", "tax_id": "", "household": "", "is_active": "on"}  # fmt: skip

    def test_R167_a_clerk_adds_and_edits_master_data_and_no_money(self, here: Organization) -> None:
        client = person(here, "clerk")
        posted = {**self.FORM, "code": "N1", "credit_limit": "999999", "is_on_hold": "on", "organization": "1"}
        assert client.post(url(Customer, "add"), posted).status_code == 302
        made = Customer.objects.get(organization=here, code="N1")
        assert (made.credit_limit, made.is_on_hold) == (None, False)
        Customer.objects.filter(pk=made.pk).update(is_on_hold=True)
        client.post(
            url(Customer, "change", made.pk), {**self.FORM, "name": "Nora Old", "code": "N2", "credit_limit": "5"}
        )
        made.refresh_from_db()
        assert (made.name, made.code, made.credit_limit, made.is_on_hold) == ("Nora Old", "N1", None, True)

    def test_what_was_typed_wrongly_stays_and_is_explained(self, here: Organization) -> None:
        client = person(here, "clerk")
        page = client.post(url(Customer, "add"), {**self.FORM, "code": "heron-1", "address": "4111 1111 1111 1111"})
        text = page.content.decode()
        assert page.status_code == 200
        assert "There is already a customer heron-1." in text
        assert "Do not type card numbers here" in text
        assert "Nora New" in text

    def test_a_household_of_another_organization_is_refused(self, here: Organization, there: Organization) -> None:
        foreign = Household.objects.get(organization=there)
        page = person(here, "clerk").post(url(Customer, "add"), {**self.FORM, "code": "N1", "household": foreign.pk})
        assert page.status_code == 200
        assert not Customer.objects.filter(code="N1").exists()

    @pytest.mark.parametrize("role", ["accountant", "manager", "finance_manager"])
    def test_who_decides_or_reads_does_not_edit(self, role: str, here: Organization) -> None:
        client = person(here, role)
        assert client.post(url(Customer, "add"), {**self.FORM, "code": "N1"}).status_code == 403

    def test_completion_offers_only_own_households(self, here: Organization, there: Organization) -> None:
        asked = {"app_label": "billing", "model_name": "customer", "field_name": "household", "term": "hold"}
        found = person(here, "clerk").get(reverse("admin:autocomplete"), asked).json()["results"]
        assert [row["text"] for row in found] == ["heron household"]


class TestExports:
    def test_it_holds_only_rows_of_the_organization(self, here: Organization, there: Organization) -> None:
        client = person(here, "finance_manager")
        exported = [m for m in OURS if isinstance(admin.site._registry[m], ExportableAdmin)]
        assert len(exported) >= 12
        for model in exported:
            for number in ("0", "1"):
                done = client.post(url(model, "export"), {"format": number})
                assert done.status_code == 200 and "attachment" in done["Content-Disposition"], name(model)
                assert b"magpie" not in done.content, name(model)
            lines = client.post(url(model, "export"), {"format": "0"}).content.decode("utf-8-sig").splitlines()
            assert len(lines) == 1 + len(rows_of(model, here)), name(model)

    def test_no_cell_is_a_formula(self, here: Organization) -> None:
        starts = ("=HYPERLINK(1)", "+1", "-1", "@x", "\t=1")
        for i, typed in enumerate(starts):
            b.customer(here, "Safe", code=f"S{i}", phone=typed)
        text = person(here, "clerk").post(url(Customer, "export"), {"format": "0"}).content.decode("utf-8-sig")
        assert all(f",'{typed}," in text for typed in starts)

    def test_numbers_stay_numbers(self, here: Organization) -> None:
        text = person(here, "clerk").post(url(Invoice, "export"), {"format": "0"}).content.decode("utf-8-sig")
        assert ",120.00," in text and "'" not in text

    def test_a_role_without_the_list_cannot_take_it_away(self, here: Organization) -> None:
        assert person(here, "platform_admin").post(url(Invoice, "export"), {"format": "0"}).status_code == 403
        assert person(here, "clerk").post(url(AuditEntry, "changelist"), {}).status_code == 403
        journal = reverse("admin:ledger_journalentry_export")
        assert person(here, "supervisor").post(journal, {"format": "0"}).status_code == 403
        assert person(here, "accountant").post(journal, {"format": "0"}).status_code == 200


def test_R169_the_audit_trail_hides_money_from_the_platform_admin(here: Organization) -> None:
    row = AuditEntry.objects.filter(organization=here, table_name="billing_invoice", operation="insert").first()
    assert row is not None
    page = url(AuditEntry, "change", row.pk)
    seen = person(here, "accountant").get(page).content.decode()
    hidden = person(here, "platform_admin").get(page).content.decode()
    assert "invoiced_amount" in seen and "120.00" in seen
    assert "issued_on" in hidden
    assert "amount" not in hidden.partition("issued_on")[2] and "120.00" not in hidden


def test_the_bank_account_number_is_never_shown(here: Organization) -> None:
    client = person(here, "finance_manager")
    row = rows_of(next(m for m in OURS if m.__name__ == "BankAccount"), here)[0]
    for page in (url(type(row), "changelist"), url(type(row), "change", row.pk)):
        text = client.get(page).content.decode()
        assert "6789" in text and "123456789" not in text
