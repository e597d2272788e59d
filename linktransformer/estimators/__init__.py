"""Linker and Deduplicator: fit once, query and update."""
