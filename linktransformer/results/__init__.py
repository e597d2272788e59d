"""Links and clusters as a user holds them: tables, reports, explanations, warnings."""
