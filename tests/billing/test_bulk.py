"""Writing many rows at once gives what saving each of them would."""

import gc
from decimal import Decimal

import pytest
from django.db import connection
from django.utils.translation import gettext_lazy

from billing.bulk import FEW, collector_at_rest, insert_rows
from billing.models import CreditHoldEvent, CreditItem, CreditKind, Customer
from billing.models.customer import HoldChange
from billing.office.models import ApprovalRequest
from tests import builders
from tests.builders import NOW, TODAY

COUNTS = [1, 3, FEW, FEW + 40]  # by INSERT and by COPY


@pytest.mark.django_db
@pytest.mark.parametrize("count", COUNTS)
class TestInsertRows:
    def test_each_row_has_its_own_key_in_their_order(self, count: int) -> None:
        org = builders.organization()
        made = insert_rows(Customer, (Customer(organization=org, code=f"K{n}", name=f"N{n}") for n in range(count)))
        stored = dict(Customer.objects.values_list("code", "pk"))
        assert [stored[f"K{n}"] for n in range(count)] == [row.pk for row in made]

    def test_secrets_are_sealed_and_times_stamped(self, count: int) -> None:
        org = builders.organization()
        rows = [Customer(organization=org, code=f"K{n}", name="Ada", bank_account=f"000{n}") for n in range(count)]
        insert_rows(Customer, rows)
        with connection.cursor() as cursor:
            cursor.execute("SELECT bank_account FROM billing_customer")
            assert not any(text.startswith("000") for (text,) in cursor.fetchall())
        assert {row.bank_account for row in Customer.objects.all()} == {f"000{n}" for n in range(count)}
        assert all(row.created_at for row in Customer.objects.all())

    def test_enums_json_nulls_and_awkward_text_arrive_as_they_are(self, count: int) -> None:
        org, ada = builders.organization(), builders.user()
        text = 'tab\t newline\n back\\slash \\N "quotes" 收據'
        shown = {"a": [1, None, text], "b": {"c": "0.10"}}
        insert_rows(ApprovalRequest, (
            ApprovalRequest(
                organization=org, action="void_payment", subject=f"payment:{n}", title=text, shown=shown,
                shown_hash="x", amount=None, reason=gettext_lazy("A reason is needed."),  # type: ignore[misc]
                requested_by=ada,
                requested_at=NOW, expires_at=NOW,
            ) for n in range(count)
        ))  # fmt: skip
        for row in ApprovalRequest.objects.all():
            assert (row.title, row.shown, row.amount, row.state) == (text, shown, None, "requested")
            assert (row.reason, row.requested_at, row.decided_by) == ("A reason is needed.", NOW, None)

    def test_columns_that_the_database_computes_are_left_to_it(self, count: int) -> None:
        ada = builders.customer(builders.organization())
        insert_rows(CreditItem, (
            CreditItem(
                organization=ada.organization, customer=ada, kind=CreditKind.CREDIT_MEMO, number=f"CM-{n}",
                currency="USD", amount=Decimal("10.00"), available_on=TODAY, refunded_amount=Decimal("4.00"),
            ) for n in range(count)
        ))  # fmt: skip
        assert set(CreditItem.objects.values_list("kind", "unapplied_amount")) == {("credit_memo", Decimal("6.00"))}

    def test_the_audit_trail_has_every_row(self, count: int) -> None:
        ada = builders.customer(builders.organization())
        insert_rows(CreditHoldEvent, (
            CreditHoldEvent(customer=ada, change=HoldChange.SET, cause="set", explanation="x", at=NOW)
            for _n in range(count)
        ))  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM office_auditentry WHERE table_name = 'billing_creditholdevent'")
            assert cursor.fetchone()[0] == count


@pytest.mark.django_db
def test_no_rows_are_no_statement(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert insert_rows(Customer, []) == []


@pytest.mark.django_db
def test_an_update_of_many_rows_keeps_only_what_changed_in_the_trail() -> None:
    org = builders.organization()
    insert_rows(Customer, (Customer(organization=org, code=f"K{n}", name="Ada") for n in range(50)))
    Customer.objects.filter(organization=org).update(name="Ben")
    Customer.objects.filter(organization=org).update(name="Ben")  # changes nothing
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT row_id, before::text, after::text FROM office_auditentry"
            " WHERE table_name = 'billing_customer' AND operation = 'update'"
        )
        rows = cursor.fetchall()
    assert sorted(row[0] for row in rows) == sorted(Customer.objects.values_list("pk", flat=True))
    assert {row[1:] for row in rows} == {('{"name": "Ada"}', '{"name": "Ben"}')}


def test_of_several_that_lay_the_collector_to_rest_the_last_wakes_it() -> None:
    first, second = collector_at_rest(), collector_at_rest()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not gc.isenabled()
    second.__exit__(None, None, None)
    assert gc.isenabled()
