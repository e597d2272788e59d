"""Nearest rows on GPUs: exact for dense rows, with a measured recall for sparse ones."""
