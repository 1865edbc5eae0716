"""Who may do what: the permission matrix, one row an action (R167, R168, R173; source 3 "Access control").

Columns: Par parent, Tea teacher, Clk clerk, Sup supervisor, Mgr manager, Fin finance manager, Acc accountant,
Sch school admin, Plt platform admin. Cells: D may do alone, M makes a request, C approves another's request,
R reads, o reads own, O acts on own, S by the system only, - denied.
"""

from billing.office.models.user import Mode, Role

COLUMNS = (
    Role.PARENT, Role.TEACHER, Role.CLERK, Role.SUPERVISOR, Role.MANAGER, Role.FINANCE_MANAGER, Role.ACCOUNTANT,
    Role.SCHOOL_ADMIN, Role.PLATFORM_ADMIN,
)  # fmt: skip

CELLS = {
    "D": Mode.DO, "M": Mode.MAKE, "C": Mode.CHECK, "R": Mode.READ, "o": Mode.OWN_READ, "O": Mode.OWN, "S": Mode.SYSTEM,
}  # fmt: skip

TABLE = """
see_receivables            o - R R R R R o -
see_lesson_payment_status  o o R R R R R o -
see_compensation           - o - - R R R o -
manage_payment_methods     O - - - - - - - -
switch_autopay             O - M M - - - - -
pay_online                 O - - - - - - - -
ask_refund                 O - M M M - - M -
enter_payment              - - D D - - - - -
override_duplicate         - - M C C - - - -
verify_large_payment       - - M C C C - - -
accept_unusual_method      - - M M C C - - -
allocate_by_rule           - - D D - - - - -
allocate_by_hand           - - D D - - - - -
override_allocation        - - M D C - - - -
reallocate_to_other        - - M M C C - - -
discount_by_terms          - - S S - - - - -
override_discount          - - M C C - - - -
write_off_small            - - S S - - - - -
write_off_large            - - M M M C - - -
credit_hold                - - M C C C - - -
deposit_cheques            - - D D - - - - -
return_cheque              - - M C C - - - -
accept_risky_cheque        - - M C C - - - -
accept_cash_difference     - - M C C C - - -
void_payment               - - M M C C - - -
void_reconciled_payment    - - - M M C - - -
refund_small               - - M C C C - M -
refund_large               - - M M C C - M -
refund_elsewhere           - - - M M C - - -
answer_chargeback          - - M D D - R - -
billing_run                - - - M C C - M -
manage_agreements          o o D D D R R D -
record_attendance          o O D D - - - D -
manage_collections         - - D D D R R - -
waive_late_fee             - - M C C C - - -
pay_providers              - - - - M C R M -
resolve_unknown_charge     - - - M C C - - -
tend_webhooks              - - - - D D R D -
import_bank_file           - - D D - - D - -
match_bank_lines           - - M D - - D - -
match_by_hand              - - M C - - C - -
sign_off_reconciliation    - - - - - C M - -
post_to_ledger             S S S S S S S S S
see_journal                - - - R R R R o -
adjust_ledger              - - - - - C M - -
close_period               - - - - - C M - -
reopen_period              - - - - - C M - -
export_accounting          - - - - - D D - -
see_reports                o o R R R R R o -
set_prices                 - - - - C C - M -
set_gateways               - - - - - C - M -
set_gateway_secrets        - - - - - C - - M
set_limits                 - - - - M C - - -
edit_wordings              - - R R D R R D -
manage_users               - - - - - C - M M
answer_data_request        - - - - D D - D -
erase_personal_data        - - M M C C - M -
see_audit                  - - - - R R R - R
"""


def cells() -> list[tuple[str, str, str]]:
    """The matrix as (role, action, mode) for every cell that is not denied."""
    found = []
    for row in TABLE.split("\n"):
        if row.strip():
            action, *marks = row.split()
            assert len(marks) == len(COLUMNS), row
            found += [
                (role.value, action, CELLS[mark].value)
                for role, mark in zip(COLUMNS, marks, strict=True)
                if mark != "-"
            ]
    return found


ACTIONS = tuple(row.split()[0] for row in TABLE.strip().split("\n"))

# Roles one person may not hold together in one organization: whoever enters money must not be able to undo it,
# whoever administers users must not approve, whoever runs the platform must not touch money, and an accountant's
# sign-off must not cover the accountant's own entries.
_ENTERS = (Role.CLERK, Role.SUPERVISOR)
_DECIDES = (Role.MANAGER, Role.FINANCE_MANAGER)
TOXIC_PAIRS: frozenset[frozenset[str]] = frozenset(
    [frozenset((a.value, b.value)) for a in _ENTERS for b in _DECIDES]
    + [frozenset((Role.ACCOUNTANT.value, a.value)) for a in _ENTERS]
    + [frozenset((Role.SCHOOL_ADMIN.value, b.value)) for b in (Role.SUPERVISOR, *_DECIDES)]
    + [frozenset((Role.PLATFORM_ADMIN.value, r.value)) for r in COLUMNS if r != Role.PLATFORM_ADMIN]
)
# Granting these takes two people.
STRONG_ROLES = frozenset((Role.MANAGER.value, Role.FINANCE_MANAGER.value, Role.PLATFORM_ADMIN.value))
