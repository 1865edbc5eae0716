"""Sale, auth, validate and credit: what begins a transaction."""

from dataclasses import replace

from tests.sandbox.nmi.instruments import Instrument, address_fits, is_expired
from tests.sandbox.nmi.records import Action, Transaction
from tests.sandbox.nmi.secure import CHALLENGED, Secure
from tests.sandbox.nmi.vaulting import Vaulting
from tests.sandbox.nmi.words import CODES, UNCLEAR, Refused, amount_of, minor_of, said
from tests.sandbox.wire import Reply

LONGEST_WINDOW = 7862400
INITIATORS, INDICATORS, BILLING_METHODS = ("customer", "merchant"), ("stored", "used"), ("recurring", "installment")
LEAST = 100  # below 1.00 everything is declined, as published


class Charging(Vaulting, Secure):
    """A charge is refused, declined, or approved in whole or in part; only then does it exist."""

    def charge(self, form: dict[str, str]) -> Reply:
        """Raises Refused. With customer_vault=… what was approved is stored too."""
        kind = form["type"]
        minor = minor_of(form.get("amount", "0.00" if kind == "validate" else ""))
        _check_amount(kind, minor)
        self._check_stored_credential(form)
        if form.get("customer_vault"):
            self.check_vault_id(form)
        given = self.instrument(form)
        if kind == "validate" and given.method.kind == "ck":
            raise Refused("Validate is not allowed for this payment type")
        self._check_duplicate(form, given, minor)
        is_vouched = self.check_secure(form, given.method.fingerprint, minor) if kind in ("sale", "auth") else True
        if given.method.fingerprint == CHALLENGED and not is_vouched and form.get("initiated_by") != "merchant":
            given = replace(given, decline="240")
        code, is_taken = self._decided(kind, minor, given)
        row = self._written(form, given, minor, code, is_taken)
        if form.get("customer_vault") and is_taken:
            row.vault_id = self.store(form, given).id
        return self._answer(form, row, code)

    def _check_stored_credential(self, form: dict[str, str]) -> None:
        """A merchant's follow-up names the transaction with which the payer agreed, of the same kind of chain."""
        for name, allowed in (
            ("initiated_by", INITIATORS), ("stored_credential_indicator", INDICATORS),
            ("billing_method", BILLING_METHODS),
        ):  # fmt: skip
            if form.get(name) and form[name] not in allowed:
                raise Refused(f"Invalid {name}")
        first = form.get("initial_transaction_id")
        if not first:
            return
        row = self.transactions.get(first)
        if row is None or row.condition in ("failed", "unknown"):
            raise Refused("Invalid initial_transaction_id")
        if row.billing_method == "recurring" and form.get("billing_method") != "recurring":
            raise Refused("Invalid initial_transaction_id")

    def _check_duplicate(self, form: dict[str, str], given: Instrument, minor: int) -> None:
        """The same money from the same instrument inside the window is refused, not answered again."""
        if form["type"] == "validate":
            return
        window = self._window(form)
        now = self.clock.now()
        for row in self.transactions.values():
            same = (row.actions[0].kind, row.method.fingerprint, row.minor, row.currency) == (
                form["type"], given.method.fingerprint, minor, _currency(form)
            )  # fmt: skip
            same = same and (not self.compares_orders or row.order_id == form.get("orderid", ""))
            if same and row.actions[0].is_success and (now - row.made_at).total_seconds() < window:
                raise Refused("Duplicate transaction")

    def _window(self, form: dict[str, str]) -> int:
        text = form.get("dup_seconds", "")
        if not text:
            return self.dup_seconds
        if not text.isdigit() or int(text) > LONGEST_WINDOW:
            raise Refused("Invalid dup_seconds")
        if int(text) == 0 and not self.may_disable:
            raise Refused("Disabling Duplicate Check is not allowed for this processor")
        return int(text)

    def _decided(self, kind: str, minor: int, given: Instrument) -> tuple[str, bool]:
        """The code, and whether the money is taken; these go together except where a test broke the line between."""
        if self.next_codes:
            return self.next_codes.pop(0)
        if given.decline:
            return given.decline, False
        if given.method.kind == "cc" and is_expired(given.method, self.clock.now()):
            return "223", False
        if kind != "validate" and minor < LEAST:
            return "200", False
        return "100", True

    def _written(self, form: dict[str, str], given: Instrument, minor: int, code: str, is_taken: bool) -> Transaction:
        kind, method, now = form["type"], given.method, self.clock.now()
        approved = self._approved(kind, minor) if is_taken else 0
        condition = _condition(kind, code, is_taken)
        row = Transaction(
            self.transaction_id(), method.kind, condition, form.get("orderid", ""), method, minor, _currency(form),
            now, given.address, approved=approved, captured=approved if kind == "sale" else 0, vault_id=given.vault_id,
            description=form.get("order_description", form.get("orderdescription", "")),
            processor=form.get("processor_id", f"{method.kind}processora"),
            billing_method=form.get("billing_method", ""),
            extra={name: value for name, value in form.items() if name.startswith("merchant_defined_field_")},
        )  # fmt: skip
        if method.kind == "cc":
            row.avs, row.cvv = address_fits(given.address), given.cvv
        if is_taken:
            row.auth_code = "123456"
        if 0 < approved < minor:
            row.partial_id = self.number(560000000)
        text = _text(method.kind, "100" if is_taken else code)
        done = Action(
            kind, approved if is_taken else minor, now, "100" if is_taken else code, text, is_taken,
            ip=form.get("ipaddress", ""),
        )  # fmt: skip
        self.transactions[row.id] = row
        if is_taken:
            entry = {"sale": "capture", "auth": "auth", "validate": "verify", "credit": "refund"}[kind]
            self.book(entry, row, approved)
        self.act(row, done)
        return row

    def _approved(self, kind: str, minor: int) -> int:
        if self.next_partial is None or kind not in ("sale", "auth"):
            return minor
        partial, self.next_partial = self.next_partial, None
        return min(partial, minor)

    def _answer(self, form: dict[str, str], row: Transaction, code: str) -> Reply:
        fields = {
            "authcode": row.auth_code if code == "100" else "", "transactionid": row.id, "avsresponse": row.avs,
            "cvvresponse": row.cvv, "orderid": row.order_id, "type": form["type"],
        }  # fmt: skip
        if row.vault_id:
            fields["customer_vault_id"] = row.vault_id
        if row.partial_id:
            fields |= {
                "amount_authorized": amount_of(row.approved), "partial_payment_id": row.partial_id,
                "partial_payment_balance": amount_of(row.balance),
            }  # fmt: skip
        return said(code, _text(row.kind, code), **fields)


def _check_amount(kind: str, minor: int) -> None:
    if kind == "validate" and minor:
        raise Refused("Validate must not have an amount")
    if kind != "validate" and not minor:
        raise Refused("Invalid amount")


def _currency(form: dict[str, str]) -> str:
    return (form.get("currency") or "USD").upper()


def _text(method_kind: str, code: str) -> str:
    """A bank debit that is refused at once says FAILED."""
    return "FAILED" if method_kind == "ck" and code == "200" else CODES[code]


def _condition(kind: str, code: str, is_taken: bool) -> str:
    if not is_taken:
        return "unknown" if code in UNCLEAR else "failed"
    return {"auth": "pending", "validate": "complete"}.get(kind, "pendingsettlement")
