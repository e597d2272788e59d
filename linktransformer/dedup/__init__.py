"""cluster and dedup_rows: one table, or several at once."""
