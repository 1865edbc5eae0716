"""Who pays from which account: the customers' own and those that earlier payments came from."""

import re
from collections.abc import Iterable

from reconciliation.rules.matching.facts import Alias, AliasKind, CustomerFacts
from reconciliation.rules.matching.normalising import plain_account, upper

SHORTEST = 6
TOKEN = re.compile(r"(?<![0-9A-Z])[0-9A-Z]{8,34}(?![0-9A-Z])")


def account_key(text: str) -> str:
    """An account as it is compared: no separators, no leading zeros, which spreadsheets lose."""
    return plain_account(text).lstrip("0")


class AccountIndex:
    """Accounts and virtual accounts to customers. One account of several customers (an agent's) tells nothing."""

    def __init__(self, customers: Iterable[CustomerFacts]) -> None:
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
            elif key in self.owners:
                payer = self.owner(piece)
            else:
                continue
            pieces.append(piece)
        return virtual, payer, pieces


def usable(aliases: Iterable[Alias], learned_from: int) -> list[Alias]:
    """Aliases that may be relied on: confirmed often enough, or taken over as history."""
    return [a for a in aliases if a.value.strip() and (a.is_loaded or a.confirmations >= learned_from)]


def of_kind(aliases: Iterable[Alias], kind: AliasKind) -> list[Alias]:
    return [alias for alias in aliases if alias.kind == kind]
