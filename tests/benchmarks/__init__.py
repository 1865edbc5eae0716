"""How fast it is, each figure beside its floor: the least that could do the same, measured in the same run."""
