"""Money proved: the proof of the books."""
