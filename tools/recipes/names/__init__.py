"""Train the bundled model "names": pictures and OCR text of names."""
