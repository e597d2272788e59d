"""CLIPPINGS: models of pictures and texts."""
