"""Labelled pictures made of names: printed, aged, scanned and read."""
