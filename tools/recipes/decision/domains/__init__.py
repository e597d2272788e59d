"""Made domains of record linkage: seeded tasks with much variety, to train and to try a decision on."""

from __future__ import annotations

from .task import FAMILIES, TABLES, Task, make

__all__ = ["FAMILIES", "TABLES", "Task", "make"]
