"""Every step has its sentence, and every sentence takes the facts its step brings."""

import ast
from pathlib import Path

import pytest
from django.conf import settings

from reconciliation.rules.matching.finding import How
from reconciliation.rules.matching.names import NameClass
from reconciliation.rules.words_matching import WORDS, match_sentences, stored_steps
from tests.reconciliation.matching.cast import decided

HERE = settings.BASE_DIR / "reconciliation" / "rules" / "matching"


def literal_codes(path: Path) -> set[str]:
    """What is handed to step() as its code, and the texts that may stand in such a place."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "step":
            found |= {
                n.value for n in ast.walk(node.args[0]) if isinstance(n, ast.Constant) and isinstance(n.value, str)
            }
    return {code for code in found if code not in ("number_", "name_")}


def test_every_code_has_a_sentence() -> None:
    codes = set().union(*(literal_codes(path) for path in HERE.glob("*.py")))
    codes |= {f"number_{how.name.lower()}" for how in How}
    codes |= {f"name_{how.name.lower()}" for how in NameClass if how}
    assert sorted(codes - set(WORDS)) == []


@pytest.mark.parametrize(
    ("amount", "facts", "sentence"),
    [
        ("5000", {"text": "INV-2026-000101"}, "exactly what invoice INV-2026-000101 asks for: NT$5,000"),
        ("3987", {"party_name": "Nord Foods"}, "fits INV-2026-000102, INV-2026-000250 exactly, the only such set"),
        ("777", {"party_account": "DE02120300000000202051"}, "an account known to be the customer's"),
        ("640", {"text": "INV-2025-009999"}, "paid already and the same amount came again"),
        ("1580", {"party_name": "鴻永科技"}, "2 open invoices have exactly this amount"),
        ("-15", {"text": "BANK CHARGES"}, "The bank's own item"),
    ],
)  # fmt: skip
def test_a_decision_explains_itself(amount: str, facts: dict[str, str], sentence: str) -> None:
    decision = decided(amount, **facts)
    assert sentence in " ".join(match_sentences(stored_steps(decision.evidence), "TWD"))
