"""Tables from and to files, for the command line: csv, tsv, parquet and xlsx by their suffix."""

from __future__ import annotations

import csv
import json
import os
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoDataFrame

from linktransformer.errors import InvalidArgumentError, MissingExtraError
from linktransformer.optional import need
from linktransformer.progress import stage
from linktransformer.tables.columns import Frame, Native

__all__ = [
    "SUFFIXES",
    "as_csv",
    "check_folder",
    "check_path",
    "read",
    "restore",
    "store",
    "write",
    "write_parts",
]

SUFFIXES = (".csv", ".tsv", ".parquet", ".xlsx")


@stage("read")
def read(path: str | Path) -> IntoDataFrame:
    """Read a table with the first of pandas, polars and pyarrow that is installed.

    Cells of csv and tsv files are strings: "007" stays "007", and "NA" and "None" are strings too. An empty
    cell is null. The encoding is UTF-8, with or without a byte order mark. An xlsx file needs pandas; its
    first sheet is read.

    Raises:
        InvalidArgumentError: The suffix is not known, there is no such file, or it cannot be read.
        MissingExtraError: The library that reads such a file is not installed.
    """
    path = Path(path)
    suffix = _suffix(path)
    if not path.is_file():
        raise InvalidArgumentError(f"{path} is not a file. Give the path of a table ({', '.join(SUFFIXES)}).")
    try:
        native: IntoDataFrame = _READERS[suffix](path)
    except MissingExtraError:
        raise
    except Exception as error:  # each library has its own errors for a broken file
        raise InvalidArgumentError(f"{path} cannot be read as {suffix[1:]}: {error}") from error
    return native


@stage("write")
def write(native: IntoDataFrame, path: str | Path) -> None:
    """Write a table without its pandas index; the file appears whole or not at all.

    Raises:
        InvalidArgumentError: The suffix is not known, there is no such folder, or the format cannot hold the
            table.
        MissingExtraError: The library that writes such a file is not installed.
    """
    path = check_path(path)
    # beside the target: a rename across file systems would not be atomic
    temporary = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        _write(nw.from_native(native, eager_only=True), temporary)
        os.replace(temporary, path)  # noqa: PTH105
    except (MissingExtraError, OSError):
        raise
    except Exception as error:  # as in `read`; an xlsx file cannot hold times with a zone, for example
        raise InvalidArgumentError(f"{path} cannot be written as {path.suffix[1:]}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_parts(path: str | os.PathLike[str], parts: Iterator[IntoDataFrame]) -> str:
    """Write tables with the same columns into one parquet file, which appears whole or not at all.

    Raises:
        InvalidArgumentError: The path is no parquet file in an existing folder.
        MissingExtraError: pyarrow is not installed.
    """
    target = Path(path)
    if target.suffix.lower() != ".parquet":
        raise InvalidArgumentError(f"out={str(target)!r} is no parquet file. Give such as 'pairs.parquet'.")
    check_folder(target)
    pa, parquet = need("pyarrow", extra="cli"), need("pyarrow.parquet", extra="cli")
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    writer = None
    try:
        for native in parts:
            table = nw.from_native(native, eager_only=True).to_arrow()
            if writer is None:
                # the dtype of a column of nulls is unknown until a value comes
                fields = [
                    pa.field(f.name, pa.string() if f.type == pa.null() else f.type) for f in table.schema
                ]
                writer = parquet.ParquetWriter(partial, pa.schema(fields))
            writer.write_table(table.cast(writer.schema))
        if writer is not None:
            writer.close()
            partial.replace(target)
    finally:
        if writer is not None:
            writer.close()
        partial.unlink(missing_ok=True)
    return os.fspath(path)


def as_csv(native: IntoDataFrame) -> str:
    """A table as csv text with a header."""
    return str(nw.from_native(native, eager_only=True).write_csv(None))


def store(native: Native, folder: Path) -> str:
    """Write a table for `restore`, with its pandas index; returns the file's name.

    The format is parquet. A pandas table without pyarrow is written as JSON if it holds strings, numbers and
    booleans only and its index is 0, 1, 2, ...

    Raises:
        InvalidArgumentError: Neither format can hold the table.
        MissingExtraError: pyarrow is needed and not installed.
    """
    frame = nw.from_native(native, eager_only=True)
    if frame.implementation.is_pandas_like() and not find_spec("pyarrow"):
        return _store_json(native, folder)
    try:
        if frame.implementation.is_pandas_like():
            native.to_parquet(folder / "table.parquet", engine="pyarrow")
        else:
            frame.write_parquet(folder / "table.parquet")
    except Exception as error:  # as in `write`: a column of mixed Python objects, for example
        raise InvalidArgumentError(f"The table cannot be saved as parquet: {error}") from error
    return "table.parquet"


def _store_json(native: Native, folder: Path) -> str:
    dtypes = {name: str(dtype) for name, dtype in native.dtypes.items()}
    has_plain_dtypes = all(
        dtype in ("str", "object", "string") or dtype.startswith(("int", "float", "bool"))
        for dtype in dtypes.values()
    )
    columns = {
        name: native[name].astype(object).where(native[name].notna(), None).tolist() for name in dtypes
    }
    types = {type(value) for values in columns.values() for value in values}
    if (
        not has_plain_dtypes
        or types - {str, int, float, bool, type(None)}
        or native.index.tolist() != list(range(len(native)))
    ):
        need("pyarrow", extra="cli")
    (folder / "table.json").write_text(json.dumps({"dtypes": dtypes, "columns": columns}), encoding="utf-8")
    return "table.json"


def restore(path: Path, library: str) -> Native:
    """Read what `store` wrote, into "pandas", "polars" or "pyarrow"."""
    if path.suffix == ".json":
        stored, pd = json.loads(path.read_text(encoding="utf-8")), need("pandas", extra="cli")
        return pd.DataFrame(
            {
                name: pd.Series(stored["columns"][name], dtype=dtype)
                for name, dtype in stored["dtypes"].items()
            }
        )
    if library == "pyarrow":
        return need("pyarrow.parquet", extra="cli").read_table(path)
    module = need(library, extra="cli")
    return module.read_parquet(path, **({"engine": "pyarrow"} if library == "pandas" else {}))


def check_path(path: str | Path) -> Path:
    """Raise InvalidArgumentError for a path that `write` could not write to, before the long work begins.

    Example:
        >>> check_path("linked.doc")
        Traceback (most recent call last):
        linktransformer.errors.InvalidArgumentError: linked.doc: the suffix '.doc' is not known. ...
    """
    path = Path(path)
    _suffix(path)
    check_folder(path)
    return path


def check_folder(path: Path) -> None:
    """Raise InvalidArgumentError if the folder of a file is missing, or the file is a folder."""
    if not path.parent.is_dir():
        raise InvalidArgumentError(f"{path} cannot be written: there is no folder {path.parent}.")
    if path.is_dir():
        raise InvalidArgumentError(f"{path} cannot be written: it is a folder. Give a file in it.")


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidArgumentError(
            f"{path}: the suffix {path.suffix!r} is not known. Use one of {', '.join(SUFFIXES)}."
        )
    return suffix


def _installed() -> str:
    """The first installed library; pandas when there is none, so that its error is shown."""
    return next((name for name in ("pandas", "polars", "pyarrow") if find_spec(name)), "pandas")


def _read_csv(path: Path, separator: str) -> Native:
    library = _installed()
    if library == "pyarrow":
        return _read_csv_pyarrow(path, separator)
    module = need(library, extra="cli")
    if library == "polars":
        return module.read_csv(path, separator=separator, infer_schema=False)
    with warnings.catch_warnings():
        # rows with more cells than the header would be shifted or cut
        warnings.simplefilter("error", module.errors.ParserWarning)
        return module.read_csv(
            path,
            sep=separator,
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            encoding="utf-8-sig",
            index_col=False,
        )


def _read_csv_pyarrow(path: Path, separator: str) -> Native:
    reader, types = need("pyarrow.csv", extra="cli"), need("pyarrow", extra="cli")
    with path.open(encoding="utf-8-sig", newline="") as file:
        names = next(csv.reader(file, delimiter=separator))
    return reader.read_csv(
        path,
        parse_options=reader.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=reader.ConvertOptions(
            column_types=dict.fromkeys(names, types.string()), null_values=[""], strings_can_be_null=True
        ),
    )


def _read_parquet(path: Path) -> Native:
    library = _installed()
    if library == "polars":
        return need(library, extra="cli").read_parquet(path)
    table = need("pyarrow.parquet", extra="cli").read_table(path)
    return table.to_pandas() if library == "pandas" else table


def _read_xlsx(path: Path) -> Native:
    need("openpyxl", extra="cli")
    return need("pandas", extra="cli").read_excel(path, keep_default_na=False, na_values=[""])


def _write(frame: Frame, path: Path) -> None:
    suffix = _suffix(path)
    if suffix == ".parquet":
        frame.write_parquet(path)
    elif suffix == ".xlsx":
        need("openpyxl", extra="cli")
        need("pandas", extra="cli")
        frame.to_pandas().to_excel(path, index=False)
    elif suffix == ".csv":
        frame.write_csv(path)
    else:
        _write_tsv(frame, path)


def _write_tsv(frame: Frame, path: Path) -> None:
    native: Native = frame.to_native()
    if frame.implementation.is_pandas_like():
        native.to_csv(path, sep="\t", index=False)
    elif frame.implementation.is_polars():
        native.write_csv(path, separator="\t")
    else:
        writer = need("pyarrow.csv", extra="cli")
        writer.write_csv(native, path, writer.WriteOptions(delimiter="\t"))


_READERS: Mapping[str, Callable[[Path], Native]] = {
    ".csv": partial(_read_csv, separator=","),
    ".tsv": partial(_read_csv, separator="\t"),
    ".parquet": _read_parquet,
    ".xlsx": _read_xlsx,
}
