"""Random tables, arguments and verbs, held against what the package promises for any input."""
