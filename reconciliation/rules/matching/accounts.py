"""Who pays from which account: the customers' own and those that earlier payments came from."""

import re
from collections.abc import Callable, Iterable
from datetime import date

from reconciliation.rules.matching.facts import Alias, AliasKind, CustomerFacts
from reconciliation.rules.matching.normalising import plain_account, upper

SHORTEST = 6
TOKEN = re.compile(r"(?<![0-9A-Z])[0-9A-Z]{8,34}(?![0-9A-Z])")


def account_key(text: str) -> str:
    """An account as it is compared: no separators, no leading zeros, which spreadsheets lose."""
    return plain_account(text).lstrip("0")


class AccountIndex:
    """Accounts and virtual accounts to customers. One account of several customers (an agent's) tells nothing.

    known_as: how an account found in a text becomes what the others are given as, where these are hashes.
    """

    def __init__(self, customers: Iterable[CustomerFacts], known_as: Callable[[str], str] = str) -> None:
        self.known_as = known_as
        self.owners: dict[str, set[int]] = {}
        self.seen: dict[int, int] = {}
        self.virtual: dict[str, int] = {}
        for customer in customers:
            if customer.account:
                self.learn(customer.account, customer.id)
            if customer.virtual_account:
                self.virtual[account_key(customer.virtual_account)] = customer.id

    def learn(self, account: str, customer_id: int, times: int = 0) -> None:
        key = account_key(account)
        if len(key) >= SHORTEST:
            self.owners.setdefault(key, set()).add(customer_id)
            self.seen[customer_id] = self.seen.get(customer_id, 0) + times

    def forget(self, account: str, customer_id: int) -> None:
        self.owners.get(account_key(account), set()).discard(customer_id)

    def owner(self, account: str) -> int | None:
        found = self.owners.get(account_key(account), set()) if account else set()
        return next(iter(found)) if len(found) == 1 else None

    def times(self, customer_id: int) -> int:
        """Earlier payments by which accounts of this customer became known; 0: only from its own record."""
        return self.seen.get(customer_id, 0)

    def virtual_owner(self, account: str) -> int | None:
        return self.virtual.get(account_key(account)) if account else None

    def in_text(self, text: str) -> tuple[int | None, int | None, list[str]]:
        """Virtual account's customer, payer account's customer, and the pieces of the text that are accounts."""
        virtual, payer, pieces = None, None, []
        for piece in TOKEN.findall(upper(text)):
            key = account_key(piece)
            if key in self.virtual:
                virtual = self.virtual[key]
            elif account_key(self.known_as(piece)) in self.owners:
                payer = self.owner(self.known_as(piece))
            else:
                continue
            pieces.append(piece)
        return virtual, payer, pieces


def usable(aliases: Iterable[Alias], learned_from: int) -> list[Alias]:
    """Aliases that may be relied on: confirmed often enough, or taken over as history.

    Where people corrected themselves the newest counts: what they confirmed often enough puts away all that was
    known of the same name or account before.
    """
    known = [a for a in aliases if a.value.strip() and (a.is_loaded or a.confirmations >= learned_from)]
    newest: dict[tuple[AliasKind, str], date] = {}
    for alias in known:
        if alias.last_on and alias.confirmations >= learned_from and not alias.is_loaded:
            key = alias.kind, alias.value
            newest[key] = max(newest.get(key, alias.last_on), alias.last_on)
    return [a for a in known if not (a.last_on and a.last_on < newest.get((a.kind, a.value), a.last_on))]


def of_kind(aliases: Iterable[Alias], kind: AliasKind) -> list[Alias]:
    return [alias for alias in aliases if alias.kind == kind]
