"""Bank accounts: what makes a routing number right, and whether an account may be debited (R24, R31)."""

from django.utils.translation import gettext_lazy as _
from stdnum.us import rtn

from billing.errors import BadInput
from payments.models import PaymentMethod
from payments.models.payment_method import AchStatus, Instrument, MethodState


def check_aba(text: str, *, field: str = "routing_number") -> str:
    """Nine digits with a right check digit (weights 3-7-1). Raises BadInput; that the bank exists only it can tell."""
    digits = "".join(text.split())
    if digits == "000000000" or not digits.isascii() or not rtn.is_valid(digits):
        sentence = _("{number} is not a routing number: it has nine digits and stands at the bottom left of a cheque.")
        raise BadInput(sentence, field=field, code="bad_routing_number", number=text)
    return digits


def check_ach_method(method: PaymentMethod) -> int:
    """0 not approved, 1 approved, 2 pending: what source 1 §4.1 calls CheckAchMethod. Only at 1 it is debited.

    One that was stopped or removed is 0, whatever it was before. Raises BadInput for what is no bank account.
    """
    if method.instrument != Instrument.BANK:
        raise BadInput(_("{method} is no bank account."), field="method", code="no_bank_account", method=str(method))
    if method.state in (MethodState.DISABLED, MethodState.REMOVED, MethodState.SUSPENDED):
        return AchStatus.NOT_APPROVED
    assert method.ach_status is not None
    return int(method.ach_status)
