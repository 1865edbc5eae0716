from reconciliation.models.bank_file import BANK_FILE_MOVES, BankFile, BankFileState
from reconciliation.models.bank_reconciliation import (
    RECONCILIATION_MOVES,
    VARIANCE_MOVES,
    BankReconciliation,
    Frequency,
    ReconciliationRoutine,
    ReconciliationState,
    Variance,
    VarianceKind,
    VarianceReason,
    VarianceState,
)
from reconciliation.models.closing import (
    PACK_MOVES,
    DayClose,
    DayReopening,
    MonthClose,
    MonthPack,
    MonthStart,
    PackState,
)
from reconciliation.models.csv_profile import SavedCsvProfile
from reconciliation.models.match import Match, MatchKind
from reconciliation.models.matching_rule import RULE_MOVES, Deed, MatchingRule, RuleState, RuleTrial
from reconciliation.models.processor_proof import (
    DiscrepancyKind,
    DiscrepancyReason,
    DiscrepancyState,
    PayoutOffset,
    ProcessorDiscrepancy,
    ProcessorProof,
)
from reconciliation.models.proof import BooksProof, ProofRequest
from reconciliation.models.proposal import MatchProposal, ProposedAction
from reconciliation.models.statement import EXPLAINED, BankStatement, Direction, StatementKind, StatementLine
from reconciliation.models.workbench import QUESTION_MOVES, LineDeed, LineWork, PayerQuestion, QuestionState
from reconciliation.models.zoho_comparison import ZohoComparison, ZohoDiscrepancy

__all__ = [
    "BANK_FILE_MOVES",
    "EXPLAINED",
    "PACK_MOVES",
    "QUESTION_MOVES",
    "RECONCILIATION_MOVES",
    "RULE_MOVES",
    "VARIANCE_MOVES",
    "BankFile",
    "BankFileState",
    "BankReconciliation",
    "BankStatement",
    "BooksProof",
    "DayClose",
    "DayReopening",
    "Deed",
    "Direction",
    "DiscrepancyKind",
    "DiscrepancyReason",
    "DiscrepancyState",
    "Frequency",
    "LineDeed",
    "LineWork",
    "Match",
    "MatchKind",
    "MatchProposal",
    "MatchingRule",
    "MonthClose",
    "MonthPack",
    "MonthStart",
    "PackState",
    "PayerQuestion",
    "PayoutOffset",
    "ProcessorDiscrepancy",
    "ProcessorProof",
    "ProofRequest",
    "ProposedAction",
    "QuestionState",
    "ReconciliationRoutine",
    "ReconciliationState",
    "RuleState",
    "RuleTrial",
    "SavedCsvProfile",
    "StatementKind",
    "StatementLine",
    "Variance",
    "VarianceKind",
    "VarianceReason",
    "VarianceState",
    "ZohoComparison",
    "ZohoDiscrepancy",
]
