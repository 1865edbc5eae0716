"""BAI2 type codes: which way they move money, and what those a receivables office meets are called.

Source: BAI Cash Management Balance Reporting Specifications, version 2, appendix A. Codes below 100 are balances,
those above 699 are loans or the bank's own: their direction is not known and a person has to say.
"""

from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence

NON_MONETARY = "890"
# Entries that take an earlier one back or send it back.
RETURNS = frozenset(
    ["123", "252", "255", "257", "258", "261", "266", "395", "423", "552", "555", "557", "558", "561", "566"]
)
CHEQUES = frozenset(["255", "395", "474", "475", "555"])
WORDS: dict[str, Sentence] = {
    "108": _("Credit of any kind"), "115": _("Lockbox deposit"), "116": _("Item in a lockbox deposit"),
    "118": _("Lockbox adjustment, credit"), "121": _("EDI credit"), "123": _("EDI credit returned"),
    "142": _("ACH credit received"), "143": _("Item in an ACH deposit"), "145": _("ACH concentration, credit"),
    "147": _("Card deposit"), "155": _("Preauthorised draft, credit"), "164": _("Corporate trade payment, credit"),
    "165": _("Preauthorised ACH credit"), "166": _("ACH settlement, credit"), "169": _("Other ACH credit"),
    "172": _("Deposit correction"), "173": _("Deposit prepared by the bank"), "174": _("Other deposit"),
    "175": _("Cheque deposit"), "176": _("Cheques presented again"), "187": _("Cash letter, credit"),
    "191": _("Internal transfer in"), "195": _("Wire in"), "196": _("Wire adjustment, credit"),
    "201": _("Automatic transfer, credit"), "206": _("Book transfer, credit"), "208": _("International transfer in"),
    "213": _("Letter of credit"), "214": _("Foreign exchange, credit"), "216": _("Foreign remittance, credit"),
    "218": _("Foreign collection, credit"), "222": _("Foreign cheques deposited"), "227": _("Standing order, credit"),
    "237": _("Collection, credit"), "252": _("Debit reversed"), "254": _("Posting error corrected, credit"),
    "255": _("Cheque posted and returned"), "257": _("ACH item returned, credit"), "258": _("ACH reversal, credit"),
    "261": _("Credit rejected"), "266": _("Item returned, credit"), "268": _("Return adjustment, credit"),
    "275": _("Zero balance transfer, credit"), "295": _("Cash machine, credit"), "301": _("Commercial deposit"),
    "354": _("Interest, credit"), "357": _("Adjustment, credit"), "366": _("Cash deposited"),
    "395": _("Cheque reversed"), "398": _("Fee refunded"), "399": _("Other credit"),
    "409": _("Debit of any kind"), "415": _("Lockbox debit"), "421": _("EDI debit"), "423": _("EDI debit returned"),
    "445": _("ACH concentration, debit"), "447": _("ACH disbursement funding"), "451": _("ACH debit received"),
    "455": _("Preauthorised ACH debit"), "462": _("ACH debit begun by the account holder"),
    "464": _("Corporate trade payment, debit"), "466": _("ACH settlement, debit"), "469": _("Other ACH debit"),
    "472": _("Cheques paid, added up"), "474": _("Certified cheque"), "475": _("Cheque paid"),
    "477": _("Debit begun by the bank"), "481": _("Loan payment"), "484": _("Draft"), "487": _("Cash letter, debit"),
    "491": _("Internal transfer out"), "495": _("Wire out"), "496": _("Wire adjustment, debit"),
    "501": _("Automatic transfer, debit"), "506": _("Book transfer, debit"), "508": _("International transfer out"),
    "552": _("Credit reversed"), "554": _("Posting error corrected, debit"), "555": _("Deposited item returned"),
    "557": _("ACH item returned, debit"), "558": _("ACH reversal, debit"), "561": _("Debit rejected"),
    "566": _("Item returned, debit"), "567": _("Fee for a returned item"), "568": _("Return adjustment, debit"),
    "575": _("Zero balance transfer, debit"), "654": _("Interest, debit"), "661": _("Account analysis fee"),
    "698": _("Other fees"), "699": _("Other debit"), "890": _("Notice without money"),
}  # fmt: skip


def direction(code: str) -> int | None:
    """1 for money in, -1 for money out, 0 for a notice, None where the code does not tell."""
    if code == NON_MONETARY:
        return 0
    if len(code) != 3 or not code.isdigit():
        return None
    if "100" <= code <= "399":
        return 1
    return -1 if "400" <= code <= "699" else None
