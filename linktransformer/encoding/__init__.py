"""The name of a model becomes vectors of texts."""
