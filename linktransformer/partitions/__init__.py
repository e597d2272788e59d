"""link_files: tables too large for memory, partition by partition."""
