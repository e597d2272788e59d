"""Nearest neighbours of records, exact or not, on CPU and GPU."""
