"""NACH and ECS: standing mandates of Indian bank accounts, debited by files that a sponsor bank takes in.

    kind          nach
    base_url      https://bank.example   of the sponsor bank's host-to-host service
    utility_code  NACH00000000012345     ours, by which debtors' banks know us
    password      of the utility code
    narration     School fees            on debtors' statements, instead of what an order says; optional

A mandate's token is its UMRN, `payer_id` our own reference of its registration. It is asked for with a DebtorAccount,
which goes to the bank and nowhere else; the payer agrees at `redirect`, or has signed on paper (ECS: always).

A charge is a file with one item, presented for the same day until ten in the morning in India, else for the next. Our
key is both the file's reference and the item's. It is pending until the bank's result, mostly that evening; an item
that was accepted may still come back for two days. Nothing can be voided or given back by this way.
Frequencies: monthly, quarterly, half_yearly, annual, any. Rupees only. Source: processor notes upi-nach.md §4.
"""

from payments.gateways.nach.adapter import Gateway

__all__ = ["Gateway"]
