"""Money evidenced: the counter, receipt numbers, papers and their archive."""
