"""How money goes back: by the way it came first, any other way with a reason and a stricter approval (R96)."""

from datetime import timedelta

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, Sentence
from billing.inputs import clean_text
from payments.models import Method, Payment
from payments.models.refund import Destination, Refund, RefundReason
from payments.services.duplicates import GONE
from payments.services.gateway_refunds import came_one_way
from payments.services.refund_cases import Case, Check

SMALL, LARGE, ELSEWHERE = "refund_small", "refund_large", "refund_elsewhere"
KEPT = "credit"  # the method of a refund that stays here for future charges
ACCOUNT_LENGTHS = range(4, 35)  # an IBAN has at most 34 characters

# What "the way it came" means when the money leaves. A cheque cannot be sent back: its drawer gets one of ours, or a
# transfer.
SOURCE_METHODS: dict[str, tuple[str, ...]] = {
    **{str(method): (str(method),) for method in Method},
    Method.CHEQUE: (str(Method.CHEQUE), str(Method.BANK_TRANSFER)),
}
WAYS: dict[str, Sentence] = {
    Method.CASH: _("In cash, as it was paid."),
    Method.CHEQUE: _("By a cheque of ours or a transfer to {payee}, who drew the cheque."),
    Method.BANK_TRANSFER: _("By bank transfer to the account it came from."),
    Method.CARD: _("Back to the card it was paid with."),
    Method.ACH: _("Back to the account it was debited from."),
    Method.UPI: _("Back to the UPI id it was paid from."),
    Method.NET_BANKING: _("Back to the account it was paid from."),
    Method.AUTO_DEBIT: _("Back to the account it was debited from."),
    Destination.BANK_TRANSFER: _("By bank transfer to {payee}."),
    Destination.CREDIT: _("Kept as credit for future charges."),
}


def methods_of(destination: str, payment: Payment | None) -> tuple[str, ...]:
    """By which methods a refund with this way back may be paid out. One query for debits of a mandate, else none."""
    if destination != Destination.SOURCE:
        return (destination,)
    if payment is None:
        return ()
    if payment.method == Method.AUTO_DEBIT and came_one_way(payment):
        return (str(Method.BANK_TRANSFER),)
    return SOURCE_METHODS[payment.method]


def said_way(case: Case) -> str:
    """The way back in words."""
    payee = payee_of(case)
    if case.order.destination == Destination.SOURCE:
        return _t("To be found.") if case.payment is None else str(WAYS[case.payment.method]).format(payee=payee)
    if case.order.destination == Destination.CASH:
        return _t("In cash to {payee}.").format(payee=payee)
    if case.order.destination == Destination.CHEQUE:
        return _t("By a cheque of ours to {payee}.").format(payee=payee)
    return str(WAYS[case.order.destination]).format(payee=payee)


def payee_of(case: Case) -> str:
    """By the original way the payer, always; else whom the request names, or the customer."""
    if case.order.destination == Destination.SOURCE and case.payment is not None:
        cheque = getattr(case.payment, "presentation", None)
        return (cheque.cheque.drawer if cheque else "") or case.payment.payer_name or case.customer.name
    return case.order.payee_name or case.customer.name


def account_of(case: Case) -> str:
    """The account for a transfer: the one named, else the customer's own."""
    if case.order.payee_account or Method.BANK_TRANSFER not in methods_of(case.order.destination, case.payment):
        return case.order.payee_account
    account: str = case.customer.bank_account
    return account


def clean_account(text: str) -> str:
    """An account number or IBAN without the blanks and hyphens people write in it. Raises BadInput."""
    typed = clean_text(text, field="payee_account", longest=60, free=False)
    account = "".join(c for c in typed if c not in " -").upper()
    if account and (len(account) not in ACCOUNT_LENGTHS or not (account.isascii() and account.isalnum())):
        sentence = _("An account has 4 to 34 digits and letters.")
        raise BadInput(sentence, field="payee_account", code="not_an_account")
    return account


def approval_action_of(case: Case) -> str:
    """Which action of the matrix decides (R92, requirements §2 rows 6, 23): the stricter for another way back."""
    order = case.order
    if order.destination not in (Destination.SOURCE, Destination.CREDIT):
        return ELSEWHERE
    limit = case.book.amount("refunds.small_limit") if case.is_own_currency else None
    if limit is None or order.gross_amount > limit or order.reason_code in case.book.choices("refunds.manager_reasons"):
        return LARGE
    return LARGE if order.reason_code == RefundReason.DUPLICATE and twin_of(case) is None else SMALL


def twin_of(case: Case) -> Payment | None:
    """Another standing payment of the same customer and amount within the look-alike window. One query."""
    if case.payment is None:
        return None
    span = timedelta(days=case.book.number("payments.lookalike_days"))
    day = case.payment.received_on
    rows = Payment.objects.filter(
        customer=case.customer, amount=case.payment.amount, currency=case.currency,
        received_on__range=(day - span, day + span),
    )  # fmt: skip
    return rows.exclude(pk=case.payment.pk).exclude(state__in=GONE).order_by("id").first()


# The checks on the way


def check_way(case: Case) -> Check:
    """Whether the money can go the way that was chosen; its reason and consent where they are needed."""
    destination = case.order.destination
    if destination == Destination.SOURCE:
        trouble = _source_trouble(case)
        if trouble is not None and case.way_later:
            return _found_later(trouble)
        return trouble or Check("way", True, _("It goes back the way it came."))
    if destination == Destination.CREDIT:
        if not case.order.consent:
            sentence = _("Kept as credit only with consent: write who agreed, when and how.")
            return Check("consent", False, sentence, field="consent")
        return Check("way", True, _("Kept as credit, with consent."))
    if not case.order.destination_reason:
        sentence = _("Say why the money goes another way than it came.")
        return Check("way", False, sentence, field="destination_reason")
    return Check("way", True, _("Another way than it came, with a reason; decided more strictly."))


def _source_trouble(case: Case) -> Check | None:
    if case.payment is None:
        sentence = _("No payment brought this credit itself; choose another way back, and say why.")
        return Check("way", False, sentence, field="destination")
    if case.payment.method == Method.CASH:
        return None  # cash has its own limit
    last = case.payment.received_on + timedelta(days=case.book.number("refunds.source_days"))
    if case.today > last:
        sentence = _("The original way took money back until {last}; choose another way, and say why.")
        return Check("way", False, sentence, {"last": last}, "destination")
    return None


def check_cash(case: Case) -> Check | None:
    """Cash leaves up to a limit only, wherever it came from; without a limit, none does."""
    if Method.CASH not in methods_of(case.order.destination, case.payment):
        return None
    limit = case.book.amount("refunds.cash_limit") if case.is_own_currency else None
    if limit is not None and case.paid <= limit:
        return Check("cash", True, _("Within the limit for cash."))
    if limit is None:
        sentence: Sentence = _("No refund is paid in cash here; choose another way, and say why.")
    else:
        sentence = _("At most {limit} is refunded in cash; choose another way, and say why.")
    facts = {"limit": case.words(limit)} if limit is not None else {}
    trouble = Check("cash", False, sentence, facts, "destination")
    return _found_later(trouble) if case.way_later else trouble


def _found_later(trouble: Check) -> Check:
    return Check(trouble.code, True, _("The office finds another way back: {why}"), {"why": trouble.sentence})


def check_account(case: Case) -> Check | None:
    """A transfer needs an account; back by the way it came, the account it came from is meant."""
    if case.order.destination != Destination.BANK_TRANSFER:
        return None
    if account_of(case):
        return Check("account", True, _("The account for the transfer is known."))
    return Check("account", False, _("Enter the account the transfer goes to."), field="payee_account")


def ways_of(refund: Refund) -> tuple[str, ...]:
    """The methods by which a refund may be paid out."""
    return methods_of(refund.destination, refund.payment)
