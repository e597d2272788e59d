"""Models in a registry of containers, over the OCI distribution protocol."""
