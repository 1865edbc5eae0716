"""The customer vault: instruments kept under an id of the gateway's or of the merchant's."""

from tests.sandbox.nmi.instruments import Instrument, Instruments
from tests.sandbox.nmi.records import Billing, Vault, address_of
from tests.sandbox.nmi.words import Refused, said
from tests.sandbox.wire import Reply

INSTRUMENT = ("payment_token", "ccnumber", "checkaba", "source_transaction_id")


class Vaulting(Instruments):
    """customer_vault=add_customer and its like."""

    def vault_deed(self, form: dict[str, str]) -> Reply:
        """Raises Refused."""
        work = {
            "add_customer": self._add_customer, "update_customer": self._update_customer,
            "delete_customer": self._delete_customer, "add_billing": self._add_billing,
            "update_billing": self._update_billing, "delete_billing": self._delete_billing,
        }.get(form["customer_vault"])  # fmt: skip
        if work is None:
            raise Refused("Invalid Customer Vault action")
        return work(form)

    def check_vault_id(self, form: dict[str, str]) -> None:
        """Raises Refused before any money is taken for a record that cannot be made."""
        is_there = form.get("customer_vault_id", "") in self.vaults
        if form["customer_vault"] not in ("add_customer", "update_customer"):
            raise Refused("Invalid Customer Vault action")
        if form["customer_vault"] == "add_customer" and is_there:
            raise Refused("Duplicate Customer Vault Id")
        if form["customer_vault"] == "update_customer" and not is_there:
            raise Refused("Invalid Customer Vault Id")

    def store(self, form: dict[str, str], given: Instrument) -> Vault:
        """Keep an instrument, or put it in the place of the one that is there (while paying)."""
        now = self.clock.now()
        number = form.get("customer_vault_id") or self.number(256806000)
        vault = self.vaults.setdefault(number, Vault(number, now, now))
        billing_id = form.get("billing_id") or (next(iter(vault.billings), "") or self.number(1781220000))
        acu = form.get("acu_enabled", "true").lower() != "false"
        vault.billings[billing_id] = Billing(billing_id, given.method, given.address, acu)
        vault.updated_at = now
        self.ledger.add(now, "store", number, form.get("orderid", ""), 0, "USD", given.method.last)
        return vault

    def _add_customer(self, form: dict[str, str]) -> Reply:
        self.check_vault_id(form)
        vault = self.store(form, self.instrument(form))
        return said("100", "Customer Added", orderid=form.get("orderid", ""), customer_vault_id=vault.id)

    def _vault(self, form: dict[str, str]) -> Vault:
        vault = self.vaults.get(form.get("customer_vault_id", ""))
        if vault is None:
            raise Refused("Invalid Customer Vault Id")
        return vault

    def _change(self, form: dict[str, str], billing: Billing) -> None:
        """Only what is given changes; a new instrument forgets the old one's troubles."""
        if any(name in form for name in INSTRUMENT):
            billing.method, billing.decline = self.instrument(form).method, ""
        billing.address = {name: new or billing.address[name] for name, new in address_of(form).items()}
        if "acu_enabled" in form:
            billing.acu = form["acu_enabled"].lower() != "false"

    def _update_customer(self, form: dict[str, str]) -> Reply:
        vault = self._vault(form)
        self._change(form, self.billing(vault.id, form.get("billing_id", "")))
        vault.updated_at = self.clock.now()
        return said("100", "Customer Update Successful", customer_vault_id=vault.id)

    def _delete_customer(self, form: dict[str, str]) -> Reply:
        del self.vaults[self._vault(form).id]
        return said("100", "Customer Deleted")

    def _add_billing(self, form: dict[str, str]) -> Reply:
        vault = self._vault(form)
        number = form.get("billing_id") or self.number(1781220000)
        if number in vault.billings:
            raise Refused("Duplicate Billing Id")
        self.store(form | {"billing_id": number}, self.instrument(form))
        return said("100", "Billing Information Added", customer_vault_id=vault.id, billing_id=number)

    def _update_billing(self, form: dict[str, str]) -> Reply:
        vault = self._vault(form)
        if not form.get("billing_id"):
            raise Refused("Invalid Billing Id")
        self._change(form, self.billing(vault.id, form["billing_id"]))
        vault.updated_at = self.clock.now()
        return said("100", "Billing Information Updated", customer_vault_id=vault.id, billing_id=form["billing_id"])

    def _delete_billing(self, form: dict[str, str]) -> Reply:
        vault = self._vault(form)
        number = form.get("billing_id", "")
        if number not in vault.billings:
            raise Refused("Invalid Billing Id")
        if len(vault.billings) == 1:
            raise Refused("Cannot delete the last billing record")
        del vault.billings[number]
        return said("100", "Billing Information Deleted", customer_vault_id=vault.id, billing_id=number)
