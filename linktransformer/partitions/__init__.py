"""link_files, cluster_files: tables too large for memory, partition by partition."""
