"""Names and call styles of linktransformer 0.1.18."""
