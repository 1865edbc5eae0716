"""Sentences for the steps of late fees. Facts in braces, shown as priced.Step says."""

from billing.errors import Sentence

# Those of how a late fee is reckoned stand in words_premiums, whose revivals charge it too.
WORDS: dict[str, Sentence] = {}
