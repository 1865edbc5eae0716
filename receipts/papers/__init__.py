"""How a receipt looks on paper: from its frozen content to a signed PDF. Knows no database."""
