"""link_files: tables too large for memory, piece by piece."""
