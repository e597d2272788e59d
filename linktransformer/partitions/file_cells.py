"""The key cells of the records of two files, for a reader of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.linking.pair_cells import Cells
from linktransformer.partitions.file_job import FileJob
from linktransformer.partitions.file_survey import Counted
from linktransformer.partitions.key_cells import cell_name
from linktransformer.tables.binned_storage import texts_at

__all__ = ["FileCells"]


@dataclass(frozen=True, eq=False)
class FileCells:
    """The key cells of the records of two files, as of `PairCells`; they are read from disk."""

    files: FileJob
    counted: Counted

    @cached_property
    def _places(self) -> tuple[Integers, Integers]:
        left, right = (np.argsort(np.concatenate(side), kind="stable") for side in self.counted.numbers)
        return left, right

    def of(self, side: int, numbers: Integers) -> Cells:
        """The key cells of some records of the left (0) or right (1) file, in the naming order of columns."""
        naming, at = self.files.naming, self._places[side][numbers]
        columns = ["text"]
        if naming is not None:
            columns = list(map(cell_name, naming.order[side][: len(self.files.partitions.pairs)]))
        order = np.argsort(at)
        back = np.argsort(order).tolist()
        shelf = 0 if self.files.partitions.same else side
        found = [texts_at(self.counted.names, shelf, at[order], column) for column in columns]
        return list(zip(*([column[place] for place in back] for column in found), strict=True))
