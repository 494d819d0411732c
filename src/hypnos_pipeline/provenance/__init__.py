"""Where a cell comes from: its record, its lineage, and the same number again."""
