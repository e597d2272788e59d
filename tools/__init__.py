"""Tools that make what the packages ship."""
