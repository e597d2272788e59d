"""Names of array types that many modules use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bools", "Doubles", "Floats", "Integers"]

Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
