"""Text models: texts in, unit vectors out."""
