"""The port that every carrier of messages is spoken to through, and what it answers (R172, R174).

Nothing here knows a carrier, and nothing in an adapter knows a customer: it is given a number, a text and our key,
makes one call, and says what is known now. What is not known for certain is `Fate.UNKNOWN`, never a guess.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from billing.office.models.notice import Channel, News


class Forged(Exception):
    """A webhook whose signature is missing or wrong."""


class Unreadable(Exception):
    """A webhook that is proven and cannot be read."""


class Fate(StrEnum):
    """sent: the carrier took it. later: nobody took it; it may be tried again. refused: it will never be taken so.
    unknown: the call was made, and what came of it is not known."""

    SENT = "sent"
    LATER = "later"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Outgoing:
    """One message. to: E.164. key: ours, told back in news. registered_as, parameters: the text as it is registered
    with the carrier, and what stands for its variables in their order; "" where it is free text.

    callback: where news of this message is to be told, signed; "" where it cannot be.
    """

    to: str
    text: str
    key: str
    language: str = "en"
    registered_as: str = ""
    parameters: tuple[str, ...] = ()
    callback: str = ""


@dataclass(frozen=True)
class Reply:
    """What is known after the call. ref: the carrier's name for it. is_address: it is the number that is wrong."""

    fate: Fate
    ref: str = ""
    reason: str = ""
    is_address: bool = False


@dataclass(frozen=True)
class Told:
    """One piece of news. event_id: the same for the same news. key: ours, if it was told back."""

    event_id: str
    news: News
    ref: str = ""
    key: str = ""
    reason: str = ""
    is_address: bool = False
    at: datetime | None = None


class Messenger(Protocol):
    """One carrier through one set of credentials. Raises nothing from send; trouble is a Reply."""

    name: str
    channel: Channel

    def send(self, message: Outgoing) -> Reply: ...

    def parse(self, raw: bytes, headers: Mapping[str, str], query: Sequence[tuple[str, str]]) -> list[Told]:
        """News in a webhook's body. headers: by lower-case name. Raises Forged, Unreadable."""

    def challenge(self, query: Mapping[str, str]) -> str:
        """The answer to a carrier that asks whether the address is ours, "" if it is not to be answered."""
