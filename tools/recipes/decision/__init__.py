"""The recipe of the learned match decision."""
