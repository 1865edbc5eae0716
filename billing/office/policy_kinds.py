"""What a setting is."""

from dataclasses import dataclass
from typing import Any

from billing.errors import Sentence


@dataclass(frozen=True)
class Policy:
    """One setting: its kind, default and meaning.

    kind: "amount", "percent", "days", "number", "flag", "choice", "choices" or "text".
    """

    key: str
    kind: str
    default: Any
    description: Sentence
    unit: Sentence = ""
    choices: tuple[str, ...] = ()
