"""Payment methods of payers, from the processor's fields in their browser to their removal (R21-R40)."""
