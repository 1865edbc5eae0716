"""Pure rules of pricing and time: no queries, no clock. Preview and save call the same function."""
