"""Typed settings: where they hold, of what kind, with their history (R58, R170, R173)."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from billing.errors import BadInput
from billing.office.models import Organization, PolicySetting
from billing.office.models.policy import Scope
from billing.office.policies import (
    POLICIES,
    PRESETS,
    policies_for,
    policies_for_customers,
    policies_in_organizations,
    policy_history,
    set_policy,
    to_json,
)
from tests.builders import NOW, customer, organization, policy, user

pytestmark = pytest.mark.django_db
KEY = "payments.lookalike_days"


@pytest.fixture
def school() -> Organization:
    return organization()


class TestInheritance:
    def test_R58_the_nearer_scope_decides(self, school) -> None:
        where = {"provider_id": 5, "customer_id": 7, "agreement_id": 9}
        book = policies_for(school, **where)
        assert (book.number(KEY), book.find(KEY).scope) == (3, None)
        steps: list[tuple[Organization | None, Scope, int]] = [
            (None, Scope.SYSTEM, 0), (school, Scope.ORGANIZATION, 0), (school, Scope.PROVIDER, 5),
            (school, Scope.CUSTOMER, 7), (school, Scope.AGREEMENT, 9),
        ]  # fmt: skip
        for days, (org, scope, key) in enumerate(steps, 10):
            set_policy(organization=org, key=KEY, value=days, now=NOW, by=None, scope=scope, scope_key=key)
            book = policies_for(school, **where)
            assert (book.number(KEY), book.find(KEY).scope) == (days, scope)
        for (org, scope, key), days in zip(reversed(steps), (13, 12, 11, 10, 3), strict=True):
            set_policy(organization=org, key=KEY, value=None, now=NOW, by=None, scope=scope, scope_key=key)
            assert policies_for(school, **where).number(KEY) == days

    def test_R58_what_is_said_of_one_holds_for_no_other(self, school) -> None:
        ada, ben = customer(school), customer(school)
        policy(school, KEY, 8, scope=Scope.CUSTOMER, scope_key=ada.pk)
        books = policies_for_customers(school, [ada.pk, ben.pk])
        assert [books[pk].number(KEY) for pk in (0, ada.pk, ben.pk)] == [3, 8, 3]
        assert policies_for(organization(), customer_id=ada.pk).number(KEY) == 3

    def test_agreements_of_several_organizations_are_read_in_one_query(
        self, school, django_assert_num_queries
    ) -> None:  # fmt: skip
        other = organization()
        policy(other, KEY, 9)
        policy(school, KEY, 7, scope=Scope.AGREEMENT, scope_key=11)
        policy(school, KEY, 8, scope=Scope.CUSTOMER, scope_key=21)
        with django_assert_num_queries(1):
            books = policies_in_organizations(
                [(school, [(11, 21, None), (12, 21, 31), (13, 22, 31)]), (other, [(14, 21, 31)])]
            )
        assert {pk: book.number(KEY) for pk, book in books.items()} == {11: 7, 12: 8, 13: 3, 14: 9}

    def test_one_query_serves_any_number_of_customers(self, school, django_assert_num_queries) -> None:
        with django_assert_num_queries(1):
            policies_for_customers(school, range(1, 500))


class TestKinds:
    @pytest.mark.parametrize(
        ("key", "value", "kept"),
        [
            ("write_off.below", "100", "100.00"), ("write_off.below", Decimal("99.5"), "99.50"),
            ("write_off.below", 0, "0.00"), ("approvals.valid_hours", "72", 72), ("approvals.valid_hours", 0, 0),
            ("approvals.valid_hours", 36_500, 36_500), ("payments.partial_allowed", False, False),
            ("allocation.strategy", "amount", "amount"), ("payments.methods", ["cash", "upi"], ["cash", "upi"]),
            ("payments.methods", [], []), ("payments.currencies", ["EUR"], ["EUR"]),
            ("receipts.terms", "Thanks.", "Thanks."),
            ("late_fee.percent", "1.5", "1.5"), ("late_fee.percent", Decimal("0"), "0"),
            ("late_fee.percent", "12.25 %", "12.25"), ("late_fee.percent", 1000, "1000"),
            ("dunning.before_days", "7 3 1", "7 3 1"), ("dunning.before_days", "", ""),
            ("dunning.after_days", "0 365", "0 365"),
            ("lessons.seasons", "2026-06-15..2026-08-31=90", "2026-06-15..2026-08-31=90"),
        ],
    )  # fmt: skip
    def test_a_value_of_its_kind_is_kept(self, key: str, value: Any, kept: Any) -> None:
        assert to_json(key, value, "USD") == kept

    @pytest.mark.parametrize(
        ("key", "value", "code"),
        [
            ("write_off.below", "-1", "negative"), ("write_off.below", "lots", "not_a_number"),
            ("write_off.below", 1.5, "amount_not_text"), ("write_off.below", "0.50", "too_many_decimals"),
            ("approvals.valid_hours", -1, "not_a_number"), ("approvals.valid_hours", "7.5", "not_a_number"),
            ("approvals.valid_hours", True, "not_a_number"), ("approvals.valid_hours", 36_501, "too_large"),
            ("payments.lookalike_days", "٣", "not_a_number"), ("payments.partial_allowed", "yes", "not_a_flag"),
            ("payments.partial_allowed", 1, "not_a_flag"), ("allocation.strategy", "lifo", "unknown_choice"),
            ("payments.methods", ["cash", "barter"], "unknown_choice"), ("payments.methods", "cash", "not_a_list"),
            ("payments.methods", 5, "not_a_list"), ("payments.currencies", ["XXX"], "unknown_choice"),
            ("late_fee.percent", "-1", "not_a_percentage"), ("late_fee.percent", "1.125", "not_a_percentage"),
            ("late_fee.percent", "1000.01", "not_a_percentage"), ("late_fee.percent", True, "not_a_percentage"),
            ("late_fee.percent", "1,5", "not_a_percentage"), ("late_fee.kind", "daily", "unknown_choice"),
            ("dunning.before_days", "7 three", "not_days"), ("dunning.before_days", "366", "not_days"),
            ("dunning.after_days", "1 2 3 4 5 6 7 8 9 10 11", "too_many"),
            ("lessons.seasons", "summer=90", "not_a_season"),
            ("lessons.seasons", "2026-02-30..2026-03-01=90", "no_such_day"),
            ("lessons.seasons", "2026-03-02..2026-03-01=90", "period_reversed"),
        ],
    )  # fmt: skip
    def test_any_other_value_is_refused(self, key: str, value: Any, code: str) -> None:
        gas = organization(currency="TWD")
        with pytest.raises(BadInput) as refusal:
            set_policy(organization=gas, key=key, value=value, now=NOW, by=None)
        assert refusal.value.code == code
        assert not PolicySetting.objects.exists()

    def test_there_is_no_such_setting(self, school) -> None:
        with pytest.raises(BadInput, match=r"There is no setting payments\.luck\."):
            policy(school, "payments.luck", 7)

    def test_every_default_is_of_its_own_kind(self) -> None:
        for key, one in POLICIES.items():
            if one.default is not None:
                kept = to_json(key, one.default, "USD")
                assert to_json(key, json.loads(json.dumps(kept)), "USD") == kept, key


class TestHistory:
    def test_R170_every_decision_is_kept_with_who_when_and_why(self, school) -> None:
        boss = user()
        for days, why in ((5, "too many"), (2, "too few")):
            set_policy(organization=school, key=KEY, value=days, now=NOW, by=boss, reason=why)
        policy(organization(), KEY, 9)
        assert [(s.value, s.reason, s.set_by) for s in policy_history(school, KEY)] == [
            (2, "too few", boss), (5, "too many", boss),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "statement", ["UPDATE office_policysetting SET value = '9'", "DELETE FROM office_policysetting"]
    )
    def test_R170_no_decision_is_changed_afterwards(self, school, statement: str) -> None:
        policy(school, KEY, 5)
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    def test_a_setting_of_the_whole_system_belongs_to_no_organization(self, school) -> None:
        with pytest.raises(IntegrityError, match="policy_scope_has_organization"), transaction.atomic():
            policy(school, KEY, 5, scope=Scope.SYSTEM)


class TestPresets:
    """The numbers the requirements seed (§2): NT$1,000,000 to verify, NT$100 to write off."""

    @pytest.mark.parametrize("name", list(PRESETS))
    def test_each_line_of_business_starts_with_its_own(self, name: str) -> None:
        currency = {"gas": "TWD", "lessons": "USD", "premiums": "INR"}[name]
        book = policies_for(organization(currency=currency, preset=name))
        for key, value in PRESETS[name].items():
            kept = book.find(key).value
            assert (Decimal(value) if POLICIES[key].kind in ("amount", "percent") else value) == kept

    def test_the_gas_company_has_the_thresholds_of_its_source(self) -> None:
        book = policies_for(organization(currency="TWD", preset="gas"))
        assert (book.amount("payments.verify_above"), book.amount("write_off.below")) == (1_000_000, 100)

    def test_a_premium_is_paid_whole(self) -> None:
        assert not policies_for(organization(currency="INR", preset="premiums")).flag("payments.partial_allowed")

    def test_a_bare_organization_has_no_limits_fees_or_write_offs(self, school) -> None:
        book = policies_for(school)
        assert not PolicySetting.objects.exists()
        assert [k for k, p in POLICIES.items() if p.kind == "amount" and book.amount(k)] == []
