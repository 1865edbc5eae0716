from reconciliation.models.bank_file import BANK_FILE_MOVES, BankFile, BankFileState
from reconciliation.models.match import Match, MatchKind
from reconciliation.models.proof import BooksProof, ProofRequest
from reconciliation.models.statement import BankStatement, Direction, StatementKind, StatementLine

__all__ = [
    "BANK_FILE_MOVES",
    "BankFile",
    "BankFileState",
    "BankStatement",
    "BooksProof",
    "Direction",
    "Match",
    "MatchKind",
    "ProofRequest",
    "StatementKind",
    "StatementLine",
]
