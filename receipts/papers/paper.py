"""One paper as it is about to be printed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True)
class Paper:
    """The frozen content, and what only the moment of printing knows.

    kind: "original", "duplicate", "void" or "returned". what: "receipt", "refund" or a PaperKind. code: its check code,
    where that does not follow from the content.
    """

    number: str
    content: Mapping[str, Any]
    kind: str = "original"
    is_provisional: bool = False
    form_number: str = ""
    voided_at: datetime | None = None
    returned_on: date | None = None
    what: str = "receipt"
    code: str = ""

    @property
    def marks(self) -> list[str]:
        """Which of labels.MARKS stand across it. A void or returned receipt is nothing else any more."""
        if self.kind in ("void", "returned"):
            return [self.kind]
        return ["provisional"] * self.is_provisional + ["duplicate"] * (self.kind == "duplicate")
