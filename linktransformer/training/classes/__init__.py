"""Labelled rows become a classifier of rows."""
