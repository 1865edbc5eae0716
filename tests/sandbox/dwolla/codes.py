"""ACH return codes, and what Dwolla does by itself about each. Source: its page "Transfer failures"."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReturnCode:
    """banking, calendar: days after settlement within which the bank may send it back; None for no such limit.

    customer: what becomes of the customer: "", "suspended" or "deactivated".
    """

    description: str
    banking: int | None = None
    calendar: int | None = None
    customer: str = ""
    unverifies: bool = False
    removes: bool = False
    blocks: bool = False


def _kept(description: str) -> ReturnCode:
    return ReturnCode(description, banking=2)


def _gone(description: str) -> ReturnCode:
    return ReturnCode(description, banking=2, unverifies=True, removes=True)


def _barred(description: str, banking: int | None = None, calendar: int | None = None) -> ReturnCode:
    return ReturnCode(description, banking, calendar, "suspended", unverifies=True, removes=True, blocks=True)


def _ended(description: str) -> ReturnCode:
    return ReturnCode(description, calendar=60, customer="deactivated", unverifies=True, removes=True)


CODES = {
    "R01": _kept("Insufficient Funds"),
    "R02": _gone("Bank Account Closed"),
    "R03": _gone("No Account/Unable to Locate Account"),
    "R04": _gone("Invalid Bank Account Number Structure"),
    "R05": _barred("Unauthorized Debit to Consumer Account", calendar=60),
    "R06": _barred("Returned per ODFI's Request"),
    "R07": _ended("Authorization Revoked by Customer"),
    "R08": _gone("Payment Stopped"),
    "R09": _kept("Uncollected Funds"),
    "R10": _barred("Customer Advises Not Authorized", calendar=60),
    "R11": _ended("Customer Advises Entry Not in Accordance with the Terms of the Authorization"),
    "R12": ReturnCode("Branch Sold to Another DFI", banking=2, removes=True),
    "R13": ReturnCode("RDFI Not Qualified to Participate", unverifies=True, removes=True, blocks=True),
    "R14": ReturnCode("Representative Payee Deceased", banking=2, customer="suspended", removes=True, blocks=True),
    "R15": _barred("Beneficiary or Bank Account Holder Deceased", banking=2),
    "R16": _barred("Bank Account Frozen", banking=2),
    "R17": _barred("File Record Edit Criteria", banking=2),
    "R20": ReturnCode("Non-Transaction Bank Account", banking=2, removes=True, blocks=True),
    "R22": ReturnCode("Invalid Individual ID Number", banking=2, unverifies=True),
    "R23": _gone("Credit Entry Refused by Receiver"),
    "R29": _barred("Corporate Customer Advises Not Authorized", banking=2),
    "R31": _barred("Permissible Return Entry"),
    "R37": ReturnCode("Source Document Presented for Payment", calendar=60, removes=True),
    "R38": _barred("Stop Payment on Source Document", calendar=60),
    "R51": _barred("Item is Ineligible, Notice Not Provided", calendar=60),
}
