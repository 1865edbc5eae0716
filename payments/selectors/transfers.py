"""Where and how to transfer: our account, what to write, and a code that a bank's app reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import segno
from segno import helpers
from stdnum import iban

from billing.models import Customer, Invoice
from billing.money import ZERO, format_money
from billing.office.policies import policies_for
from billing.rules.payment_codes import customer_code, invoice_code
from payments.models import BankAccount

EURO = "EUR"
LONGEST_HOLDER = 70  # as the European Payments Council's guideline for the code has it


@dataclass(frozen=True)
class Transfer:
    """What to type into a bank's form. number: ours, or the customer's own virtual account. reference: what repairs
    itself. picture: the code as a data address. is_payment_code: banks' apps fill their form by it (EPC069-12)."""

    holder: str
    bank: str
    number: str
    amount: Decimal
    currency: str
    reference: str
    picture: str
    is_payment_code: bool
    is_virtual: bool


def account_for(customer: Customer, currency: str) -> BankAccount | None:
    """The account of ours that the setting names, or the first in the currency whose number is known. Two queries."""
    rows = BankAccount.objects.filter(
        organization=customer.organization, currency=currency, is_active=True
    ).exclude(number_hash="")  # fmt: skip
    wanted = policies_for(customer.organization, customer_id=customer.pk).text("payments.transfer_account")
    return next((one for one in rows if one.code == wanted), None) if wanted else rows.order_by("code").first()


def transfer_for(customer: Customer, currency: str, shares: Sequence[tuple[Invoice, Decimal]]) -> Transfer | None:
    """None where no account of ours takes transfers in the currency. shares: what is to be paid of which invoice.

    A virtual account is told for the organization's own currency alone, in which banks keep it.
    """
    account = account_for(customer, currency)
    is_virtual = bool(customer.virtual_account) and currency == customer.organization.currency
    number = customer.virtual_account if is_virtual else account.number if account else ""
    if not number:
        return None
    amount = sum((share for _invoice, share in shares), ZERO)
    is_whole = len(shares) == 1 and shares[0][1] == shares[0][0].open_amount
    reference = invoice_code(shares[0][0].pk) if is_whole else customer_code(customer.pk)
    holder = customer.organization.shown_name
    is_code = currency == EURO and bool(iban.is_valid(number)) and not is_virtual
    return Transfer(
        holder, account.name if account else "", iban.format(number) if iban.is_valid(number) else number, amount,
        currency, reference, _picture(holder, number, amount, currency, reference, is_code), is_code,
        is_virtual,
    )  # fmt: skip


def _picture(holder: str, number: str, amount: Decimal, currency: str, reference: str, is_code: bool) -> str:
    if is_code:
        made = helpers.make_epc_qr(holder[:LONGEST_HOLDER], iban.compact(number), amount, text=reference, encoding=1)
    else:
        made = segno.make("\n".join((holder, number, format_money(amount, currency), reference)), micro=False)
    address: str = made.svg_data_uri(border=4, light="white", scale=4)
    return address
