"""Amounts by which Paysafe's own simulator chooses what becomes of a card payment."""

# minor units → error code
DECLINES = {
    4: "3015", 5: "3009", 6: "1007", 11: "3022", 12: "3023", 13: "3024", 20: "1000", 23: "4002", 24: "3007",
    25: "4001", 77: "3060", 96: "3009",
}  # fmt: skip
# minor units → seconds until the answer. 96 answers after the processor's own limit of 30 seconds.
WAITS = {90: 5, 91: 10, 92: 15, 93: 20, 94: 25, 95: 30, 96: 35}
