"""Labelled rows become models and decisions."""
