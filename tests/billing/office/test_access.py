"""Who may do what (R167, R168, R173): the matrix, its copy in the database, roles that exclude each other."""

import itertools

import pytest
from django.db import transaction

from billing.errors import BadInput, NotPermitted
from billing.office.access import (
    ToxicPair,
    grant_role,
    may,
    modes_in,
    needs_second_person,
    people_who,
    require,
    roles_in,
    staff_organizations,
    withdraw_role,
)
from billing.office.matrix import cells
from billing.office.models import Grant, Membership, Organization, User
from billing.office.models.user import Mode, Role
from tests.builders import NOW, organization, user

pytestmark = pytest.mark.django_db

# The table of the requirements as it stands there, without its footnotes; accept_risky_cheque and
# accept_cash_difference are rows of our own (requirements §2 row 38; R12), and so are manage_agreements,
# record_attendance, manage_collections, waive_late_fee and pay_providers (R56, R85, R134, R74, R89).
# ● alone, M asks, C approves another's, o reads own, O acts on own, R reads, S the system only, – denied.
COLUMNS = [
    "parent",
    "teacher",
    "clerk",
    "supervisor",
    "manager",
    "finance_manager",
    "accountant",
    "school_admin",
    "platform_admin",
]
REQUIRED = """
see_receivables            o – R R R R R o –
see_lesson_payment_status  o o R R R R R o –
see_compensation           – o – – R R R o –
manage_payment_methods     O – – – – – – – –
switch_autopay             O – M M – – – – –
pay_online                 O – – – – – – – –
ask_refund                 O – M M M – – M –
enter_payment              – – ● ● – – – – –
override_duplicate         – – M C C – – – –
verify_large_payment       – – M C C C – – –
accept_unusual_method      – – M M C C – – –
allocate_by_rule           – – ● ● – – – – –
allocate_by_hand           – – ● ● – – – – –
override_allocation        – – M ● C – – – –
reallocate_to_other        – – M M C C – – –
discount_by_terms          – – S S – – – – –
override_discount          – – M C C – – – –
write_off_small            – – S S – – – – –
write_off_large            – – M M M C – – –
credit_hold                – – M C C C – – –
deposit_cheques            – – ● ● – – – – –
return_cheque              – – M C C – – – –
accept_risky_cheque        – – M C C – – – –
accept_cash_difference     – – M C C C – – –
void_payment               – – M M C C – – –
void_reconciled_payment    – – – M M C – – –
refund_small               – – M C C C – M –
refund_large               – – M M C C – M –
refund_elsewhere           – – – M M C – – –
answer_chargeback          – – M ● ● – R – –
billing_run                – – – M C C – M –
manage_agreements          o o ● ● ● R R ● –
record_attendance          o O ● ● – – – ● –
manage_collections         – – ● ● ● R R – –
waive_late_fee             – – M C C C – – –
pay_providers              – – – – M C R M –
resolve_unknown_charge     – – – M C C – – –
tend_webhooks              – – – – ● ● R ● –
import_bank_file           – – ● ● – – ● – –
match_bank_lines           – – M ● – – ● – –
match_by_hand              – – M C – – C – –
sign_off_reconciliation    – – – – – C M – –
post_to_ledger             S S S S S S S S S
see_journal                – – – R R R R o –
adjust_ledger              – – – – – C M – –
close_period               – – – – – C M – –
reopen_period              – – – – – C M – –
export_accounting          – – – – – ● ● – –
see_reports                o o R R R R R o –
set_prices                 – – – – C C – M –
set_gateways               – – – – – C – M –
set_gateway_secrets        – – – – – C – – M
set_limits                 – – – – M C – – –
edit_wordings              – – R R ● R R ● –
manage_users               – – – – – C – M M
answer_data_request        – – – – ● ● – ● –
erase_personal_data        – – M M C C – M –
see_audit                  – – – – R R R – R
"""
MARKS = {"●": "do", "M": "make", "C": "check", "o": "own_read", "O": "own", "R": "read", "S": "system"}
EXPECTED = {
    (role, row.split()[0]): MARKS.get(mark, "")
    for row in REQUIRED.strip().splitlines()
    for role, mark in zip(COLUMNS, row.split()[1:], strict=True)
}

# What the requirements call toxic: entering with undoing, entering with signing off, setting prices with approving
# refunds, administering users with any approval, running the platform with anything.
TOXIC = {
    *itertools.product(("clerk", "supervisor"), ("manager", "finance_manager", "accountant")),
    *itertools.product(("school_admin",), ("supervisor", "manager", "finance_manager")),
    *itertools.product(("platform_admin",), [c for c in COLUMNS if c != "platform_admin"]),
}


@pytest.fixture
def school() -> Organization:
    return organization()


class TestMatrix:
    def test_R167_the_database_holds_the_required_table_cell_by_cell(self) -> None:
        granted = {(g.role, g.action): g.mode for g in Grant.objects.all()}
        assert {cell: granted.get(cell, "") for cell in EXPECTED} == EXPECTED
        assert set(granted) <= set(EXPECTED)
        assert len(EXPECTED) == 9 * 58

    def test_the_code_and_the_database_say_the_same(self) -> None:
        assert {(r, a, m) for (r, a), m in EXPECTED.items() if m} == set(cells())

    @pytest.mark.parametrize("role", COLUMNS)
    def test_R167_each_role_may_what_its_column_says_and_nothing_else(self, school, role: str) -> None:
        someone = user(school, role)
        assert modes_in(someone, school) == {a: frozenset((m,)) for (r, a), m in EXPECTED.items() if r == role and m}

    @pytest.mark.parametrize("role", [r for r in COLUMNS if r not in ("clerk", "supervisor")])
    def test_R167_only_clerks_and_supervisors_enter_money(self, school, role: str) -> None:
        with pytest.raises(NotPermitted, match=r"Your role does not allow this\."):
            require(user(school, role), school, "enter_payment", Mode.DO)

    def test_two_roles_may_what_either_may(self, school) -> None:
        both = user(school, Role.MANAGER, Role.FINANCE_MANAGER)
        assert modes_in(both, school)["write_off_large"] == {"make", "check"}

    def test_what_the_system_does_nobody_may(self, school) -> None:
        for role in COLUMNS:
            assert not may(user(school, role), school, "post_to_ledger")

    def test_an_action_nobody_wrote_down_is_denied(self, school) -> None:
        assert not may(user(school, Role.FINANCE_MANAGER), school, "print_money", *Mode.values)


class TestNobodyInParticular:
    def test_a_superuser_may_nothing(self, school) -> None:
        root = User.objects.create_superuser("root", password="a long enough password 1")
        assert modes_in(root, school) == {}
        assert not list(staff_organizations(root))
        with pytest.raises(NotPermitted):
            require(root, school, "void_payment", Mode.CHECK)

    def test_R168_a_role_counts_in_its_own_organization_only(self, school) -> None:
        assert modes_in(user(school, Role.MANAGER), organization()) == {}

    def test_a_withdrawn_right_ends_at_once(self, school) -> None:
        clerk = user(school, Role.CLERK)
        assert may(clerk, school, "enter_payment", Mode.DO)
        with transaction.atomic():
            withdraw_role(membership=Membership.objects.get(user=clerk), now=NOW)
        assert not may(clerk, school, "enter_payment", Mode.DO)
        assert not list(staff_organizations(clerk))

    def test_who_is_deactivated_may_nothing(self, school) -> None:
        clerk = user(school, Role.CLERK)
        clerk.is_active = False
        clerk.save()
        assert modes_in(clerk, school) == {}
        assert not list(people_who(school, "enter_payment", Mode.DO))

    def test_those_who_may_are_found_once_each(self, school) -> None:
        both = user(school, Role.MANAGER, Role.FINANCE_MANAGER, name="both")
        user(school, Role.CLERK), user(organization(), Role.MANAGER)
        assert list(people_who(school, "void_payment", Mode.CHECK)) == [both]

    @pytest.mark.parametrize("role", ["parent", "teacher"])
    def test_parents_and_teachers_have_no_place_in_the_console(self, school, role: str) -> None:
        assert not list(staff_organizations(user(school, role)))


class TestRolesThatExcludeEachOther:
    @pytest.mark.parametrize(("one", "other"), list(itertools.combinations(COLUMNS, 2)))
    def test_toxic_pairs_are_refused_whichever_comes_first_and_others_are_not(self, school, one, other) -> None:
        toxic = (one, other) in TOXIC or (other, one) in TOXIC
        for first, second in ((one, other), (other, one)):
            someone = user(school, first)
            if toxic:
                with pytest.raises(ToxicPair), transaction.atomic():
                    grant_role(user=someone, organization=school, role=second, by=None)
                assert Membership.objects.filter(user=someone).count() == 1
            else:
                with transaction.atomic():
                    grant_role(user=someone, organization=school, role=second, by=None)

    def test_in_another_organization_they_may_meet(self, school) -> None:
        someone, elsewhere = user(school, Role.CLERK), organization()
        with transaction.atomic():
            grant_role(user=someone, organization=elsewhere, role=Role.MANAGER, by=None)
        assert (roles_in(someone, school), roles_in(someone, elsewhere)) == ({Role.CLERK}, {Role.MANAGER})

    def test_a_role_given_back_no_longer_excludes(self, school) -> None:
        someone = user(school, Role.CLERK)
        with transaction.atomic():
            withdraw_role(membership=Membership.objects.get(user=someone), now=NOW)
            grant_role(user=someone, organization=school, role=Role.MANAGER, by=None)
        assert roles_in(someone, school) == {Role.MANAGER}

    def test_one_who_may_not_log_in_now_still_holds_the_role(self, school) -> None:
        someone = user(school, Role.CLERK)
        User.objects.filter(pk=someone.pk).update(is_active=False)
        with pytest.raises(ToxicPair, match="One person may not be both AR clerk and manager"), transaction.atomic():
            grant_role(user=someone, organization=school, role=Role.MANAGER, by=None)

    def test_the_same_role_is_held_once(self, school) -> None:
        someone = user(school, Role.CLERK)
        with transaction.atomic():
            grant_role(user=someone, organization=school, role=Role.CLERK, by=None)
        assert Membership.objects.filter(user=someone).count() == 1

    def test_an_unknown_role_is_refused(self, school) -> None:
        with pytest.raises(BadInput, match="There is no role emperor"), transaction.atomic():
            grant_role(user=user(), organization=school, role="emperor", by=None)

    def test_strong_roles_take_two_people(self) -> None:
        assert {role for role in COLUMNS if needs_second_person(role)} == {
            "manager", "finance_manager", "platform_admin",
        }  # fmt: skip
