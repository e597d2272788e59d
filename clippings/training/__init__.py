"""Training of text models, and the loop that all training runs."""
