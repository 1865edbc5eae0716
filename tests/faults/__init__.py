"""What dies, hangs and comes twice while money moves: the fault catalogue, run for real."""
