"""How alike the cells of two rows are, and what that says about the rows."""
