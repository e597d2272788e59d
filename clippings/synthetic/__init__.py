"""Labelled pictures: names printed, scanned and read; photographs and captions printed again."""
