"""Dataframes and files in, arrays and key texts out."""
