"""Customer profiles and their payment profiles (CIM)."""

from dataclasses import replace
from typing import Any

from tests.sandbox.authorizenet.account import OK, Done, operation
from tests.sandbox.authorizenet.codes import response_of, text_of
from tests.sandbox.authorizenet.instruments import code_answer, expiry, fault_of, masked
from tests.sandbox.authorizenet.paying import Paying
from tests.sandbox.authorizenet.reading import Refused
from tests.sandbox.authorizenet.records import Instrument, Profile, Stored, Transaction
from tests.sandbox.authorizenet.writing import Items

MOST_STORED = 10
_NOT_FOUND = "The record cannot be found."


class Vault(Paying):
    def announce_customer(self, event: str, payload: dict[str, Any]) -> None:
        raise NotImplementedError  # the webhooks' part

    @operation("createCustomerProfileRequest")
    def create_profile(self, body: dict[str, Any]) -> Done:
        asked = body["profile"]
        names = [asked.get(name, "") for name in ("merchantCustomerId", "description", "email")]
        if not any(names):
            raise Refused("E00041", "One or more fields in the profile must contain a value.", _id_lists([], []))
        for known in self.profiles.values():
            if [known.merchant_customer_id, known.description, known.email] == names:
                told = {"customerProfileId": known.id, **_id_lists([], [])}
                raise Refused("E00039", f"A duplicate record with ID {known.id} already exists.", told)
        profile = Profile("", names[0], names[1], names[2])
        direct = [self._add(profile, one, body) for one in asked.get("paymentProfiles", [])]
        profile.id = self.next_id(900_000_000)
        self.profiles[profile.id] = profile
        self._tell_profile("created", profile)
        lists = _id_lists(list(profile.stored), [text for _stored, text in direct if text])
        return Done({"customerProfileId": profile.id, **lists}, OK)

    @operation("createCustomerPaymentProfileRequest")
    def create_stored(self, body: dict[str, Any]) -> Done:
        profile = self._profile(body["customerProfileId"])
        stored, direct = self._add(profile, body["paymentProfile"], body)
        self._tell_stored("created", profile, stored)
        ids = {"customerProfileId": profile.id, "customerPaymentProfileId": stored.id}
        return Done({**ids, "validationDirectResponse": direct or None}, OK)

    def _add(self, profile: Profile, asked: dict[str, Any], body: dict[str, Any]) -> tuple[Stored, str]:
        """Store a method, once it is checked as asked. Returns it with the direct response of the check, or ""."""
        if not asked.get("payment"):
            raise Refused("E00029", "Payment information is required.")
        instrument = self.instrument(asked["payment"])
        if instrument is None:
            raise Refused("E00029", "Payment information is required.")
        _check_stored(instrument)
        bill_to = asked.get("billTo", {})
        for known in profile.stored.values():
            if known.instrument.fingerprint == instrument.fingerprint and known.bill_to == bill_to:
                ids = {"customerProfileId": profile.id or None, "customerPaymentProfileId": known.id}
                raise Refused("E00039", "A duplicate customer payment profile already exists.", ids)
        if len(profile.stored) >= MOST_STORED:
            raise Refused("E00042", f"You cannot add more than {MOST_STORED} payment profiles.")
        direct = self._validate(instrument, bill_to, profile, body)
        stored = Stored(
            self.next_id(800_000_000), replace(instrument, card_code="P"), bill_to, asked.get("customerType", ""),
            asked.get("defaultPaymentProfile") in ("true", "1"),
            asked.get("excludeFromAccountUpdater") in ("true", "1"),
        )  # fmt: skip
        profile.stored[stored.id] = stored
        self.ledger.add(self.clock.now(), "store", stored.id, body.get("refId", ""), 0, self.currency)
        return stored, direct

    def _validate(
        self, instrument: Instrument, bill_to: dict[str, str], profile: Profile, body: dict[str, Any],
        stored_id: str = "",
    ) -> str:  # fmt: skip
        """none: nothing. testMode: form and date only. liveMode: a real authorisation of nothing, voided at once.

        Raises Refused with E00027 and the direct response.
        """
        mode = body.get("validationMode", "none")
        if mode == "none":
            return ""
        made = Transaction(
            "0", "authOnlyTransaction", "generalError", 0, self.currency, self.clock.now(), 0, 0, instrument,
            body.get("refId", ""), bill_to=dict(bill_to), profile=(profile.id, stored_id) if stored_id else None,
            customer={"id": profile.merchant_customer_id, "email": profile.email},
        )  # fmt: skip
        reason = self._verified(made) if mode != "testMode" else fault_of(instrument, self.clock.now()) or 1
        direct = _direct(made, reason, profile)
        if response_of(reason) != 1:
            name = "directResponse" if stored_id else "validationDirectResponse"
            told = {name: direct} if stored_id or profile.id else {}
            raise Refused("E00027", text_of(reason), told)
        return direct

    def _verified(self, made: Transaction) -> int:
        reason = fault_of(made.instrument, self.clock.now())
        if reason:
            return reason
        made.avs, made.cvv = self.avs_of(made), made.instrument.card_code if made.instrument.kind == "card" else "P"
        reason = self.next_reasons.pop(0)[0] if self.next_reasons else self._judged(made)
        if response_of(reason) != 3:
            self.record(made, reason)
        if response_of(reason) == 1:
            made.status = "voided"
        return reason

    # Looking, changing, taking out

    @operation("getCustomerProfileRequest")
    def get_profile(self, body: dict[str, Any]) -> Done:
        for profile in self.profiles.values():
            if body.get("customerProfileId") == profile.id:
                return Done({"profile": _shown(profile, body)}, OK)
            by_name = body.get("merchantCustomerId") or None
            by_mail = body.get("email") or None
            if not body.get("customerProfileId") and (by_name or by_mail):
                fits = by_name in (None, profile.merchant_customer_id) and by_mail in (None, profile.email)
                if fits:
                    return Done({"profile": _shown(profile, body)}, OK)
        raise Refused("E00040", _NOT_FOUND)

    @operation("getCustomerPaymentProfileRequest")
    def get_stored(self, body: dict[str, Any]) -> Done:
        profile = self._profile(body["customerProfileId"])
        stored = self._stored(profile, body.get("customerPaymentProfileId", ""))
        return Done({"paymentProfile": _shown_stored(profile, stored, body)}, OK)

    @operation("updateCustomerPaymentProfileRequest")
    def update_stored(self, body: dict[str, Any]) -> Done:
        profile, asked = self._profile(body["customerProfileId"]), body["paymentProfile"]
        stored = self._stored(profile, asked["customerPaymentProfileId"])
        instrument = self._changed(stored.instrument, asked.get("payment", {}))
        _check_stored(instrument)
        bill_to = asked.get("billTo", stored.bill_to)
        direct = self._validate(instrument, bill_to, profile, body, stored.id)
        stored.instrument, stored.bill_to = replace(instrument, card_code="P"), bill_to
        self._tell_stored("updated", profile, stored)
        return Done({"validationDirectResponse": direct or None}, OK)

    def _changed(self, old: Instrument, payment: dict[str, Any]) -> Instrument:
        """A masked number keeps the number, XXXX as the date the date."""
        card, bank = payment.get("creditCard"), payment.get("bankAccount")
        if card and card["cardNumber"] == old.masked:
            given = card["expirationDate"]
            code = code_answer(card.get("cardCode", ""))
            return replace(old, expires=old.expires if given == "XXXX" else expiry(given), card_code=code)
        if bank and bank["accountNumber"] == old.masked:
            return replace(old, name=bank["nameOnAccount"], account_type=bank.get("accountType", old.account_type))
        return self.instrument(payment) or old

    @operation("deleteCustomerPaymentProfileRequest")
    def delete_stored(self, body: dict[str, Any]) -> Done:
        profile = self._profile(body["customerProfileId"])
        stored = self._stored(profile, body["customerPaymentProfileId"])
        del profile.stored[stored.id]
        self._tell_stored("deleted", profile, stored)
        return Done({}, OK)

    @operation("deleteCustomerProfileRequest")
    def delete_profile(self, body: dict[str, Any]) -> Done:
        profile = self._profile(body["customerProfileId"])
        del self.profiles[profile.id]
        self._tell_profile("deleted", profile)
        return Done({}, OK)

    @operation("validateCustomerPaymentProfileRequest")
    def validate_stored(self, body: dict[str, Any]) -> Done:
        profile = self._profile(body["customerProfileId"])
        stored = self._stored(profile, body["customerPaymentProfileId"])
        instrument = replace(stored.instrument, card_code=code_answer(body.get("cardCode", "")))
        return Done({"directResponse": self._validate(instrument, stored.bill_to, profile, body, stored.id)}, OK)

    # Out of a transaction

    @operation("createCustomerProfileFromTransactionRequest")
    def create_from_transaction(self, body: dict[str, Any]) -> Done:
        made = self.transactions.get(body["transId"])
        if made is None or made.response != 1 or made.kind == "refundTransaction":
            raise Refused("E00040", _NOT_FOUND)
        if body.get("customerProfileId"):
            profile = self._profile(body["customerProfileId"])
            stored = self._store_from(made, profile)
            self._tell_stored("created", profile, stored)
            return Done({"customerProfileId": profile.id, **_id_lists([stored.id], [])}, OK)
        answer = self.profile_from(made, body.get("customer", {}))
        messages = answer.pop("messages")
        if messages["resultCode"] == "Error":
            first = messages["message"][0]
            raise Refused(first["code"], first["text"], answer | _id_lists([], []))
        return Done({**answer, **_id_lists(answer["customerPaymentProfileIdList"].rows, [])}, OK)

    def profile_from(self, made: Transaction, customer: dict[str, str]) -> dict[str, Any]:
        """The profileResponse of a sale that asked for a profile."""
        names = [
            customer.get("merchantCustomerId") or made.customer.get("id", ""), customer.get("description", ""),
            customer.get("email") or made.customer.get("email", ""),
        ]  # fmt: skip
        if not any(names):
            return _profile_refused("E00102", "Customer Info is missing.")
        for known in self.profiles.values():
            if [known.merchant_customer_id, known.description, known.email] == names:
                return _profile_refused("E00039", f"A duplicate record with ID {known.id} already exists.", known.id)
        profile = Profile(self.next_id(900_000_000), names[0], names[1], names[2])
        self.profiles[profile.id] = profile
        stored = self._store_from(made, profile)
        self._tell_profile("created", profile)
        lists = _id_lists([stored.id])
        return {"messages": OK, "customerProfileId": profile.id, **lists}

    def _store_from(self, made: Transaction, profile: Profile) -> Stored:
        for known in profile.stored.values():
            if known.instrument.fingerprint == made.instrument.fingerprint and known.bill_to == made.bill_to:
                ids = {"customerProfileId": profile.id, **_id_lists([known.id], [])}
                raise Refused("E00039", "A duplicate customer payment profile already exists.", ids)
        instrument = replace(made.instrument, card_code="P")
        stored = Stored(self.next_id(800_000_000), instrument, dict(made.bill_to), network_id=made.network_id)
        profile.stored[stored.id] = stored
        made.profile = (profile.id, stored.id)
        self.ledger.add(self.clock.now(), "store", stored.id, made.key, 0, self.currency)
        return stored

    def _profile(self, profile_id: str) -> Profile:
        if profile_id not in self.profiles:
            raise Refused("E00040", _NOT_FOUND)
        return self.profiles[profile_id]

    def _stored(self, profile: Profile, stored_id: str) -> Stored:
        if stored_id not in profile.stored:
            raise Refused("E00040", _NOT_FOUND)
        return profile.stored[stored_id]

    def _tell_profile(self, what: str, profile: Profile) -> None:
        rows = [{"customerType": one.customer_type or "individual", "id": one.id} for one in profile.stored.values()]
        self.announce_customer(
            f"net.authorize.customer.{what}",
            {
                "paymentProfiles": rows, "merchantCustomerId": profile.merchant_customer_id,
                "description": profile.description, "entityName": "customerProfile", "id": profile.id,
            },
        )  # fmt: skip

    def _tell_stored(self, what: str, profile: Profile, stored: Stored) -> None:
        self.announce_customer(
            f"net.authorize.customer.paymentProfile.{what}",
            {"customerProfileId": int(profile.id), "entityName": "customerPaymentProfile", "id": stored.id},
        )


def _check_stored(instrument: Instrument) -> None:
    """Numbers that cannot be any are not taken in at all; a bank's code is looked at only when it is charged."""
    words = {6: "Credit Card Number is invalid.", 7: "Credit Card expiration date is invalid.",
             10: "Bank Account Number is invalid."}  # fmt: skip
    if instrument.fault in words:
        raise Refused("E00013", words[instrument.fault])


def _id_lists(ids: Any, direct: list[str] | None = None) -> dict[str, Any]:
    lists = {
        "customerPaymentProfileIdList": Items("numericString", list(ids)),
        "customerShippingAddressIdList": Items("numericString", []),
    }
    return lists if direct is None else lists | {"validationDirectResponseList": Items("string", direct)}


def _profile_refused(code: str, text: str, profile_id: str | None = None) -> dict[str, Any]:
    messages = {"resultCode": "Error", "message": [{"code": code, "text": text}]}
    return {"messages": messages, "customerProfileId": profile_id, **_id_lists([])}


def _shown(profile: Profile, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "merchantCustomerId": profile.merchant_customer_id or None, "description": profile.description or None,
        "email": profile.email or None, "customerProfileId": profile.id,
        "paymentProfiles": [_shown_stored(profile, one, body, alone=False) for one in profile.stored.values()] or None,
    }  # fmt: skip


def _shown_stored(profile: Profile, stored: Stored, body: dict[str, Any], *, alone: bool = True) -> dict[str, Any]:
    payment = masked(stored.instrument)
    if body.get("unmaskExpirationDate") in ("true", "1") and "creditCard" in payment:
        payment["creditCard"]["expirationDate"] = stored.instrument.expires
    return {
        "customerType": stored.customer_type or None, "billTo": stored.bill_to or None,
        "customerProfileId": profile.id if alone else None, "customerPaymentProfileId": stored.id,
        "defaultPaymentProfile": stored.is_default or None, "payment": payment,
        "originalNetworkTransId": stored.network_id or None,
    }  # fmt: skip


def _direct(made: Transaction, reason: int, profile: Profile) -> str:
    """The comma text of old: 1 response, 3 reason, 4 words, 5 authorisation, 6 AVS, 7 id, 39 card code, 51 number."""
    cells = [""] * 68
    bill_to = made.bill_to
    told = {
        1: str(response_of(reason)), 2: "1", 3: str(reason), 4: text_of(reason).rstrip("."), 5: made.auth_code,
        6: made.avs, 7: made.id, 8: "none", 9: "Test transaction for ValidateCustomerPaymentProfile.", 10: "0.00",
        11: "ECHECK" if made.is_bank else "CC", 12: "auth_only", 13: profile.merchant_customer_id,
        14: bill_to.get("firstName", ""), 15: bill_to.get("lastName", ""), 17: bill_to.get("address", ""),
        20: bill_to.get("zip", ""), 24: profile.email, 39: made.cvv, 51: made.instrument.masked,
        52: made.instrument.brand,
    }  # fmt: skip
    for place, text in told.items():
        cells[place - 1] = text.replace(",", " ")
    return ",".join(cells)
