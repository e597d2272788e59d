"""Features of candidate pairs: similarities, ranks, words and comparisons of columns."""
