"""What a further try is worth (R69): RetryValue = amount x probability - cost x attempts."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from billing.money import CENT
from payments.services.recovery.facts import History

# Of charges that failed softly about four in ten work later; little history hardly moves that, much does.
USUAL = Decimal("0.40")
WEIGHT_OF_USUAL, WEIGHT_OF_GATEWAY = 10, 6
PERCENT = Decimal("0.01")


@dataclass(frozen=True)
class Worth:
    """value may be negative. chance: from 0 to 1, to the percent."""

    chance: Decimal
    value: Decimal

    @property
    def percent(self) -> int:
        return int(self.chance * 100)


def chance_of(history: History) -> Decimal:
    """Smoothed twice: the processor's record over what is usual, the payer's own over the processor's."""
    gateway = (history.gateway_won + USUAL * WEIGHT_OF_USUAL) / (history.gateway_tries + WEIGHT_OF_USUAL)
    payer = (history.payer_won + gateway * WEIGHT_OF_GATEWAY) / (history.payer_tries + WEIGHT_OF_GATEWAY)
    return payer.quantize(PERCENT, ROUND_HALF_UP)


def worth_of(amount: Decimal, history: History, cost: Decimal, attempts: int) -> Worth:
    """attempts: which further try it would be, 1 for the first."""
    chance = chance_of(history)
    return Worth(chance, (amount * chance - cost * attempts).quantize(CENT, ROUND_HALF_UP))
