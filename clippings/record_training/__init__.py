"""Training of models of pictures and texts."""
