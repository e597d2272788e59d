"""merge, link and their kin: two tables."""
