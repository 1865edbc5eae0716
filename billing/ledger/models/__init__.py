from billing.ledger.models.adjustment import ADJUSTMENT_MOVES, AdjustmentEntry, AdjustmentLine, AdjustmentState
from billing.ledger.models.batch import GL_BATCH_MOVES, GlBatch, GlBatchEntry, GlBatchState, GlMark, GlTrouble
from billing.ledger.models.export import ExportLayout, GlExport
from billing.ledger.models.journal import (
    PERIOD_MOVES,
    JournalEntry,
    JournalLine,
    JournalSeries,
    Kind,
    LedgerAccount,
    Period,
    PeriodState,
    Role,
)

__all__ = [
    "ADJUSTMENT_MOVES",
    "GL_BATCH_MOVES",
    "PERIOD_MOVES",
    "AdjustmentEntry",
    "AdjustmentLine",
    "AdjustmentState",
    "ExportLayout",
    "GlBatch",
    "GlBatchEntry",
    "GlBatchState",
    "GlExport",
    "GlMark",
    "GlTrouble",
    "JournalEntry",
    "JournalLine",
    "JournalSeries",
    "Kind",
    "LedgerAccount",
    "Period",
    "PeriodState",
    "Role",
]
