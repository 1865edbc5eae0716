"""Our own rules, as a ratchet: what is small stays small."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin
from django.test import RequestFactory

from billing.ledger.models import JournalEntry, JournalLine, Period
from billing.models import Allocation, CreditItem, CreditMemo, Invoice
from billing.office.models import ApprovalRequest, Organization
from billing.office.models.user import STAFF_ROLES
from payments.models import Cheque, Payment, PaymentVoid
from receipts.models import Receipt
from tests.builders import organization, user

PACKAGES = ("billing", "payments", "receipts", "reconciliation", "config")
TESTS = sorted((settings.BASE_DIR / "tests").rglob("test_*.py"))

# Where seconds are measured or dice are thrown; nowhere near money.
MEASURES = {
    "billing/management/loading.py", "billing/selectors/proof.py", "config/demo/cast.py",
    "reconciliation/management/commands/verify_books.py",
    "payments/gateways/registry.py", "billing/office/wire.py",
}  # fmt: skip
# The one clock, and what reads the time for another purpose than business: a tick, a session, a certificate.
CLOCKS = {
    "billing/office/clock.py", "billing/office/signing_keys.py", "config/health.py", "config/middleware.py",
    "config/tasks.py",
}  # fmt: skip
READS_THE_TIME = re.compile(r"(^|\.)((datetime|timezone|date)\.(now|today|utcnow|localdate|localtime)|time\.time)$")
BARE_CLOCKS = {("django.utils.timezone", "now"), ("time", "time")}
MONEY = (
    Allocation, ApprovalRequest, Cheque, CreditItem, CreditMemo, Invoice, JournalEntry, JournalLine, Payment,
    PaymentVoid, Period, Receipt,
)  # fmt: skip


@cache
def sources() -> dict[Path, ast.Module]:
    return {
        path.relative_to(settings.BASE_DIR): ast.parse(path.read_text(encoding="utf-8"))
        for package in PACKAGES
        for path in sorted((settings.BASE_DIR / package).rglob("*.py"))
        if "migrations" not in path.parts
    }


def calls(tree: ast.AST) -> Iterator[str]:
    """Dotted names of everything called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if len(name) < 200:
                yield name


def imported(tree: ast.AST) -> Iterator[tuple[ast.ImportFrom, ast.alias]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from ((node, alias) for alias in node.names)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def offenders(found: dict[Path, object], allowed: set[str]) -> dict[str, object]:
    return {str(path): what for path, what in found.items() if what and str(path) not in allowed}


def test_no_float_comes_near_money() -> None:
    """Invariant 23: float and round() are not used."""
    found: dict[Path, object] = {}
    for path, tree in sources().items():
        words = [name for name in calls(tree) if name in ("float", "round")]
        words += [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "float"]
        found[path] = [word for word in words if word != "float" or not _only_refuses(path)]
    assert offenders(found, MEASURES) == {}


def _only_refuses(path: Path) -> bool:
    """billing/money.py names float once: to refuse it."""
    return str(path) == "billing/money.py"


def test_one_place_reads_the_time() -> None:
    found: dict[Path, object] = {
        path: [name for name in calls(tree) if READS_THE_TIME.search(name)]
        + [f"{node.module}.{alias.name}" for node, alias in imported(tree) if (node.module, alias.name) in BARE_CLOCKS]
        for path, tree in sources().items()
    }
    assert offenders(found, CLOCKS) == {}


def test_nothing_opens_a_transaction_for_a_whole_request() -> None:
    assert settings.DATABASES["default"].get("ATOMIC_REQUESTS") is False


def test_every_service_says_what_it_does() -> None:
    """A service is what is marked as a part; its docstring is the contract."""
    silent = {
        f"{path}:{function.name}"
        for path, tree in sources().items()
        for function in functions(tree)
        if "transaction_required" in {ast.unparse(mark) for mark in function.decorator_list}
        and not function.name.startswith("_")
        and not ast.get_docstring(function)
    }
    assert silent == set()


def test_every_service_takes_the_time_instead_of_reading_it_and_names_its_arguments() -> None:
    """Money moves by keyword: nobody passes an amount in the place of another."""
    loose = {
        f"{path}:{function.name}"
        for path, tree in sources().items()
        if path.parts[1:2] == ("services",) and path.parts[0] in ("payments", "receipts")
        for function in functions(tree)
        if "transaction_required" in {ast.unparse(mark) for mark in function.decorator_list}
        and not function.name.startswith("_")
        and len(function.args.args) > 1
    }
    assert loose == set()


def test_files_and_functions_stay_small() -> None:
    """Nine in ten files below three hundred lines and none above four hundred; nine in ten functions below forty."""
    files = [len((settings.BASE_DIR / path).read_text(encoding="utf-8").splitlines()) for path in sources()]
    lengths = [(f.end_lineno or f.lineno) - f.lineno + 1 for tree in sources().values() for f in functions(tree)]
    assert max(files) <= 400
    assert sum(length > 300 for length in files) <= len(files) / 10
    assert max(lengths) <= 50
    assert sum(length > 40 for length in lengths) <= len(lengths) / 100


def test_lower_apps_know_nothing_of_higher_ones() -> None:
    """Also inside functions, where the import linter's graph would see it too; and nobody imports config."""
    order = {"billing": 0, "payments": 1, "receipts": 2, "reconciliation": 2, "config": 3}
    wrong = set()
    for path, tree in sources().items():
        for node in ast.walk(tree):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for app in {name.split(".")[0] for name in names} & set(order):
                here = path.parts[0]
                if app != here and order[app] >= order[here]:
                    wrong.add(f"{path} imports {app}")
    assert wrong == set()


def test_no_app_sends_signals() -> None:
    words = ("post_save", "post_delete", "Signal(")
    assert {
        str(p) for p in sources() if any(w in (settings.BASE_DIR / p).read_text(encoding="utf-8") for w in words)
    } == set()


def test_nothing_goes_raw_to_the_database_or_the_page() -> None:
    """Queries are made by the ORM or with parameters, and what people typed is escaped."""
    risky = {
        str(path)
        for path, tree in sources().items()
        for name in calls(tree)
        if name.endswith((".raw", ".extra")) or name in ("RawSQL", "mark_safe")
    }
    assert {path for path in risky if not path.startswith("config/")} <= {
        "receipts/papers/codes.py",  # a drawing made of digits only
    }


@pytest.mark.django_db
class TestConsole:
    """Money is changed by services; the console's tables neither add, change nor delete it, whoever looks."""

    @pytest.mark.parametrize("model", MONEY)
    def test_no_admin_page_saves_or_deletes_money(self, model: type) -> None:
        page = admin.site._registry.get(model)
        if page is None:
            return  # no page, no way
        org: Organization = organization()
        for role in sorted(STAFF_ROLES):
            request = RequestFactory().post("/")
            request.user, request.organization = user(org, role), org  # type: ignore[attr-defined]
            request.user.is_superuser = request.user.is_staff = True
            allowed = [
                page.has_add_permission(request),
                page.has_delete_permission(request),
                page.has_change_permission(request),
            ]
            assert not any(allowed), f"{role} may change {model.__name__}"
            assert "delete_selected" not in page.get_actions(request)


class TestTests:
    def test_none_is_skipped_or_expected_to_fail(self) -> None:
        words = re.compile(r"pytest\.(skip|xfail|importorskip)|mark\.(skip|skipif|xfail)")
        allowed = {
            "test_house.py", "test_commands_real_ledger.py",  # the sample ledger may not be beside the checkout
            "test_commands_bank_samples.py", "test_matching_cases.py",  # nor the files of banks and the tools
            "test_receipt_views.py",  # PDF libraries of the system
        }  # fmt: skip
        assert [str(p) for p in TESTS if p.name not in allowed and words.search(p.read_text(encoding="utf-8"))] == []
