"""The reader: a small model that reads both records of a pair together, trained on tasks with a truth."""
