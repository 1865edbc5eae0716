"""The risk of a new method, from what is really known (R25)."""

import pytest

from payments.services.methods.risk import RiskFacts, build_risk


@pytest.mark.parametrize(
    ("facts", "score", "first"),
    [
        (RiskFacts(cvv="match", avs="match"), 0, ""),
        (RiskFacts(cvv="not_checked", avs="match"), 5, "cvv_not_checked"),
        (RiskFacts(cvv="no_match", avs="match"), 60, "cvv_no_match"),
        (RiskFacts(cvv="match", avs="no_match"), 30, "avs_no_match"),
        (RiskFacts(cvv="match", avs="partial_zip"), 10, "avs_partial"),
        (RiskFacts(cvv="match", avs="match", added=3), 0, ""),
        (RiskFacts(cvv="match", avs="match", added=4), 25, "many_added"),
        (RiskFacts(cvv="match", avs="match", failures=2), 20, "failures"),
        (RiskFacts(cvv="match", avs="match", failures=9), 30, "failures"),
        (RiskFacts(cvv="match", avs="match", same_elsewhere=True), 50, "same_elsewhere"),
        (RiskFacts(is_card=False), 0, ""),
        (RiskFacts(is_card=False, is_new_device=True), 10, "new_device"),
        (RiskFacts(cvv="no_match", avs="no_match", same_elsewhere=True), 100, "cvv_no_match"),
    ],
)
def test_R25_score_and_heaviest_reason(facts: RiskFacts, score: int, first: str) -> None:
    risk = build_risk(facts)
    assert risk.score == score
    assert (risk.reasons[0][0] if risk.reasons else "") == first
