"""By which method money in an entry came or went back: its payment type in the general ledger (R138)."""

METHODS_OF_ENTRIES = [
    "SELECT entry_id, method FROM payments_payment WHERE entry_id IN ({entries})",
    *(
        f"SELECT r.entry_id, p.method FROM {table} r JOIN payments_payment p ON p.id = r.payment_id"
        " WHERE r.entry_id IN ({entries})"
        for table in ("payments_paymentvoid", "payments_chequepresentation", "payments_debitreturn")
    ),
]
