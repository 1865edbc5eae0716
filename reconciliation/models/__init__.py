from reconciliation.models.bank_file import BANK_FILE_MOVES, BankFile, BankFileState
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
from reconciliation.models.processor_proof import (
    DiscrepancyKind,
    DiscrepancyReason,
    DiscrepancyState,
    PayoutOffset,
    ProcessorDiscrepancy,
    ProcessorProof,
)
from reconciliation.models.proof import BooksProof, ProofRequest
from reconciliation.models.statement import BankStatement, Direction, StatementKind, StatementLine
from reconciliation.models.zoho_comparison import ZohoComparison, ZohoDiscrepancy

__all__ = [
    "BANK_FILE_MOVES",
    "PACK_MOVES",
    "BankFile",
    "BankFileState",
    "BankStatement",
    "BooksProof",
    "DayClose",
    "DayReopening",
    "Direction",
    "DiscrepancyKind",
    "DiscrepancyReason",
    "DiscrepancyState",
    "Match",
    "MatchKind",
    "MonthClose",
    "MonthPack",
    "MonthStart",
    "PackState",
    "PayoutOffset",
    "ProcessorDiscrepancy",
    "ProcessorProof",
    "ProofRequest",
    "SavedCsvProfile",
    "StatementKind",
    "StatementLine",
    "ZohoComparison",
    "ZohoDiscrepancy",
]
