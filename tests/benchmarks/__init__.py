"""Benchmarks: `python -m tests.benchmarks NAME`; every number with its baseline in the same run."""
