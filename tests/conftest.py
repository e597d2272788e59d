"""Tables in every library, and small helpers that all tests share."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test may reach out unless it is marked so
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

if find_spec("triton") and find_spec("torch") and not import_module("torch").cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # kernels are tested without a card; before Triton is read

if find_spec("torchvision") and find_spec("torch"):
    # tests that import transformers themselves need what `load_sentence_transformer` does for users
    import_module("clippings.third_party").declare_torchvision_ops()

# a shared machine is slow at times; the same examples each time, so that a red test stays red
settings.register_profile(
    "tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")

LIBRARIES = ("pandas", "pandas_object", "pandas_nullable", "pandas_arrow", "polars", "pyarrow")


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    """Each dataframe library, and each kind of pandas dtypes."""
    name = str(request.param)
    pytest.importorskip(name.partition("_")[0])
    return name


def make(library: str, columns: Mapping[str, Sequence[Any]]) -> Any:
    """A table of Python values, None for null."""
    if library == "polars":
        return importlib.import_module("polars").DataFrame(dict(columns), strict=False)
    if library == "pyarrow":
        return importlib.import_module("pyarrow").table(dict(columns))
    pd = importlib.import_module("pandas")
    if library == "pandas":
        return pd.DataFrame(dict(columns))
    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
    whole = {name: "Int64" for name in frame if set(map(type, columns[name])) - {type(None)} == {int}}
    if library != "pandas_object":  # pandas would read large integers beside a null as floats
        frame = frame.astype(whole)
    if library == "pandas_nullable":
        return frame.convert_dtypes()
    if library == "pandas_arrow":
        return frame.convert_dtypes(dtype_backend="pyarrow")
    return frame


def to_pandas(native: Any) -> Any:
    """A table of any library as a pandas DataFrame."""
    pd = importlib.import_module("pandas")
    if isinstance(native, pd.DataFrame):
        return native
    return native.to_pandas()


def rows_of(native: Any) -> list[tuple[Any, ...]]:
    """A table's rows as Python values, None for null and NaN: to compare tables of any library."""
    import narwhals.stable.v2 as nw

    frame = nw.from_native(native, eager_only=True)
    columns = [
        [None if null else value for value, null in zip(column.to_list(), _null(column), strict=True)]
        for column in frame.iter_columns()
    ]
    return list(zip(*columns, strict=True))


def _null(column: Any) -> list[bool]:
    null = np.asarray(column.is_null().to_numpy(), dtype=bool)
    if column.dtype.is_float():
        null = null | np.isnan(column.to_numpy())
    return [bool(value) for value in null]


@pytest.fixture
def data_dir() -> Path:
    """The example tables that come with the project."""
    return Path(__file__).parent.parent / "examples" / "data"


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The address of a cluster of two processes, to which this one is connected."""
    ray = pytest.importorskip("ray")
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=100 * 2**20,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    yield str(ray.get_runtime_context().gcs_address)
    ray.shutdown()
