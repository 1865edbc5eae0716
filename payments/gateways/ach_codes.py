"""Nacha's return codes and notices of change: what each says, and what follows for the debit and for the method.

Data, used by every processor of bank debits. A return is money that went back; a notice of change is not, its debit
stands. Source: ach-returns.md (Nacha return reason codes, rules on reinitiation, as banks publish them).
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from payments.gateways.base import Advice, Reason

RETURN = re.compile(r"R\d\d")
CHANGE = re.compile(r"C\d\d")
# A return may be presented again so often, and so many days after the first settlement, whatever processor does it.
MOST_AGAIN = 2
AGAIN_WITHIN_DAYS = 180
CORRECTED_WITHIN_DAYS = 60


class Again(StrEnum):
    """Whether the same debit may be presented again. corrected: as a new entry, once its cause is put right."""

    NO = "no"
    TWICE = "twice"
    AFTER_CONSENT = "after_consent"
    CORRECTED = "corrected"
    LATER = "later"


class ToMethod(StrEnum):
    """What to do with the method. stop: no debit any more, a person decides. none: the code says nothing of it."""

    KEEP = "keep"
    DISABLE = "disable"
    DISABLE_REVIEW = "disable_review"
    REVIEW = "review"
    SUSPEND = "suspend"
    STOP = "stop"
    NONE = "none"


class Window(StrEnum):
    """How long the payer's bank may take."""

    TWO_BANKING_DAYS = "two_banking_days"
    SIXTY_DAYS = "sixty_days"
    NEXT_FILE = "next_file"
    AGREED = "agreed"


@dataclass(frozen=True)
class Return:
    meaning: str
    reason: Reason
    again: Again = Again.NO
    method: ToMethod = ToMethod.NONE

    @property
    def advice(self) -> Advice | None:
        """For whoever would try again."""
        if self.again in (Again.AFTER_CONSENT, Again.CORRECTED) and self.reason == Reason.AUTHORIZATION_REVOKED:
            return Advice.REAUTHORISE
        if self.method == ToMethod.STOP or self.reason in (Reason.FRAUD_SUSPECTED, Reason.AUTHORIZATION_REVOKED):
            return Advice.DO_NOT_RETRY
        if self.reason in (Reason.INVALID_ACCOUNT, Reason.ACCOUNT_CLOSED):
            return Advice.UPDATE_METHOD
        return Advice.DO_NOT_RETRY if self.reason == Reason.DUPLICATE else None


_FUNDS, _CLOSED, _INVALID = Reason.INSUFFICIENT_FUNDS, Reason.ACCOUNT_CLOSED, Reason.INVALID_ACCOUNT
_REVOKED, _ERROR, _TWICE_SENT = Reason.AUTHORIZATION_REVOKED, Reason.GATEWAY_ERROR, Reason.DUPLICATE
_FRAUD, _REFUSED = Reason.FRAUD_SUSPECTED, Reason.DO_NOT_HONOR

RETURNS = {
    "R01": Return("insufficient funds", _FUNDS, Again.TWICE, ToMethod.KEEP),
    "R02": Return("account closed", _CLOSED, method=ToMethod.DISABLE),
    "R03": Return("no account, or it cannot be located", _INVALID, method=ToMethod.DISABLE),
    "R04": Return("invalid account number structure", _INVALID, method=ToMethod.DISABLE),
    "R05": Return("unauthorised debit by a corporate code", _REVOKED, method=ToMethod.DISABLE_REVIEW),
    "R06": Return("returned at the originating bank's request", _ERROR, method=ToMethod.REVIEW),
    "R07": Return("authorisation revoked", _REVOKED, method=ToMethod.DISABLE),
    "R08": Return("payment stopped", _REVOKED, Again.AFTER_CONSENT, ToMethod.SUSPEND),
    "R09": Return("uncollected funds", _FUNDS, Again.TWICE, ToMethod.KEEP),
    "R10": Return("originator unknown or not authorised", _REVOKED, method=ToMethod.DISABLE_REVIEW),
    "R11": Return("not by the terms of the authorisation", _REVOKED, Again.CORRECTED, ToMethod.SUSPEND),
    "R12": Return("branch sold to another bank", _INVALID, method=ToMethod.DISABLE),
    "R13": Return("bank takes no ACH, or invalid routing number", _INVALID, method=ToMethod.DISABLE),
    "R14": Return("representative payee deceased", _CLOSED, method=ToMethod.STOP),
    "R15": Return("holder or beneficiary deceased", _CLOSED, method=ToMethod.STOP),
    "R16": Return("account frozen", _CLOSED, method=ToMethod.STOP),
    "R17": Return("edit criteria, or questionable account number", _FRAUD, method=ToMethod.DISABLE_REVIEW),
    "R18": Return("improper effective date", _ERROR, Again.CORRECTED),
    "R19": Return("amount field error", _ERROR, Again.CORRECTED),
    "R20": Return("account does not allow debits", _INVALID, method=ToMethod.DISABLE),
    "R21": Return("invalid company identification", _ERROR, Again.CORRECTED),
    "R22": Return("invalid individual identification", _ERROR, Again.CORRECTED),
    "R23": Return("credit refused by the receiver", _REFUSED),
    "R24": Return("duplicate entry", _TWICE_SENT),
    "R25": Return("addenda error", _ERROR, Again.CORRECTED),
    "R26": Return("mandatory field error", _ERROR, Again.CORRECTED),
    "R27": Return("trace number error", _ERROR, Again.CORRECTED),
    "R28": Return("routing number check digit error", _INVALID, Again.CORRECTED),
    "R29": Return("corporate payer says not authorised", _REVOKED, method=ToMethod.DISABLE_REVIEW),
    "R30": Return("bank takes no part in check truncation", _ERROR),
    "R31": Return("permissible return of a corporate entry", _REVOKED, method=ToMethod.REVIEW),
    "R32": Return("receiving bank cannot settle", _ERROR, Again.LATER),
    "R33": Return("return of an XCK entry", _ERROR),
    "R34": Return("bank's participation limited", _INVALID),
    "R35": Return("improper debit entry", _ERROR),
    "R36": Return("improper credit entry", _ERROR),
    "R37": Return("source document presented too", _TWICE_SENT),
    "R38": Return("stop payment on the source document", _REVOKED),
    "R39": Return("improper source document", _ERROR),
    # Enrolments by federal agencies (ENR).
    "R40": Return("enrolment returned by the agency", _ERROR),
    "R41": Return("enrolment: invalid transaction code", _ERROR),
    "R42": Return("enrolment: routing number or check digit", _INVALID),
    "R43": Return("enrolment: invalid account number", _INVALID),
    "R44": Return("enrolment: invalid individual identification", _ERROR),
    "R45": Return("enrolment: invalid name", _ERROR),
    "R46": Return("enrolment: invalid payee indicator", _ERROR),
    "R47": Return("duplicate enrolment", _TWICE_SENT),
    # Cheques presented again as entries (RCK).
    "R50": Return("state law forbids presenting the cheque as an entry", _ERROR),
    "R51": Return("re-presented cheque ineligible or improper", _REVOKED),
    "R52": Return("stop payment on the re-presented cheque", _REVOKED),
    "R53": Return("re-presented cheque and its paper both presented", _TWICE_SENT),
    # Between the banks: a return is dishonoured, or that is contested. Cash may change sides again.
    "R61": Return("dishonoured: misrouted return", _ERROR),
    "R62": Return("dishonoured: erroneous or reversing debit", _ERROR),
    "R67": Return("dishonoured: duplicate return", _TWICE_SENT),
    "R68": Return("dishonoured: untimely return", _ERROR),
    "R69": Return("dishonoured: field errors", _ERROR),
    "R70": Return("dishonoured: permissible return not accepted", _ERROR),
    "R71": Return("contested: misrouted dishonoured return", _ERROR),
    "R72": Return("contested: untimely dishonoured return", _ERROR),
    "R73": Return("contested: the original return was timely", _ERROR),
    "R74": Return("contested: corrected return", _ERROR),
    "R75": Return("contested: not a duplicate", _ERROR),
    "R76": Return("contested: no errors found", _ERROR),
    "R77": Return("contested: R62 not accepted", _ERROR),
    # International entries (IAT), sanctions.
    "R80": Return("international entry coded wrongly", _ERROR),
    "R81": Return("not in the international programme", _ERROR),
    "R82": Return("invalid foreign bank identification", _INVALID),
    "R83": Return("foreign bank cannot settle", _ERROR),
    "R84": Return("entry not processed by the gateway", _ERROR),
    "R85": Return("outbound international payment coded wrongly", _ERROR),
    "R90": Return("returned for sanctions compliance", _FRAUD, method=ToMethod.STOP),
}
# What no list has: no second try, a person looks.
UNLISTED = Return("a code in no list", _ERROR, method=ToMethod.REVIEW)

# By the payer's written statement; all others within two banking days, those of AGREED_RETURNS as the banks agree.
LATE_RETURNS = frozenset({"R05", "R07", "R10", "R11", "R37", "R38", "R51", "R53"})
AGREED_RETURNS = frozenset({"R06", "R31"})
NEXT_FILE_RETURNS = frozenset({"R13"})

# Counted against an originator's limits over sixty days.
UNAUTHORISED = frozenset({"R05", "R07", "R10", "R11", "R29", "R51"})
ADMINISTRATIVE = frozenset({"R02", "R03", "R04"})


def is_return(code: str) -> bool:
    return RETURN.fullmatch(code) is not None


def return_of(code: str) -> Return:
    """UNLISTED for a code that is in no list."""
    return RETURNS.get(code, UNLISTED)


def window_of(code: str) -> Window:
    if code in LATE_RETURNS:
        return Window.SIXTY_DAYS
    if code in AGREED_RETURNS:
        return Window.AGREED
    return Window.NEXT_FILE if code in NEXT_FILE_RETURNS else Window.TWO_BANKING_DAYS


def may_present_again(code: str, *, presented_again: int, days: int, has_new_consent: bool = False) -> bool:
    """Whether the very same debit may be presented once more.

    presented_again: how often it was already, at all processors together. days: since the original settlement.
    R11 is no case of it: a corrected entry is another debit.
    """
    if presented_again >= MOST_AGAIN or not 0 <= days <= AGAIN_WITHIN_DAYS:
        return False
    again = return_of(code).again
    return again == Again.TWICE or (again == Again.AFTER_CONSENT and has_new_consent)


# Notices of change


class ToChange(StrEnum):
    """What a notice asks for before the next debit. software: our entry was malformed. bank: our own notice was."""

    NUMBER = "number"
    ROUTING = "routing"
    BOTH = "both"
    NAME = "name"
    TYPE = "type"
    IDENTIFICATION = "identification"
    SOFTWARE = "software"
    BANK = "bank"


@dataclass(frozen=True)
class Change:
    meaning: str
    to: ToChange


CHANGES = {
    "C01": Change("account number is another one", ToChange.NUMBER),
    "C02": Change("routing number is another one", ToChange.ROUTING),
    "C03": Change("routing and account number are others", ToChange.BOTH),
    "C04": Change("holder's name changed", ToChange.NAME),
    "C05": Change("checking is savings, or the other way", ToChange.TYPE),
    "C06": Change("account number and type are others", ToChange.NUMBER),
    "C07": Change("routing number, account number and type are others", ToChange.BOTH),
    "C08": Change("receiving bank's identification is another one (international)", ToChange.ROUTING),
    "C09": Change("individual identification is another one", ToChange.IDENTIFICATION),
    "C13": Change("addenda format error", ToChange.SOFTWARE),
    "C14": Change("wrong entry class for an outbound international payment", ToChange.SOFTWARE),
    "C61": Change("notice refused: misrouted", ToChange.BANK),
    "C62": Change("notice refused: trace number", ToChange.BANK),
    "C63": Change("notice refused: company identification", ToChange.BANK),
    "C64": Change("notice refused: individual identification", ToChange.BANK),
    "C65": Change("notice refused: format of the corrected data", ToChange.BANK),
    "C66": Change("notice refused: discretionary data", ToChange.BANK),
    "C67": Change("notice refused: routing number not from the original entry", ToChange.BANK),
    "C68": Change("notice refused: account number not from the original entry", ToChange.BANK),
    "C69": Change("notice refused: transaction code", ToChange.BANK),
}
