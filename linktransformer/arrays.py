"""Names of array types that many modules use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bools", "Column", "Doubles", "Floats", "Integers", "Objects"]

Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Objects = NDArray[np.object_]  # texts, or Python values of any type
Column = NDArray[np.generic]  # values of one column of a table, of any dtype
