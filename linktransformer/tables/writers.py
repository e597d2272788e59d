"""Tables to files: a file appears whole or not at all."""

from __future__ import annotations

import csv
import gzip
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoDataFrame

from linktransformer import check
from linktransformer.errors import InvalidArgumentError, LinkTransformerError
from linktransformer.optional import need
from linktransformer.progress import stage
from linktransformer.tables import workbooks
from linktransformer.tables.arrow_tables import in_pandas
from linktransformer.tables.columns import Native
from linktransformer.tables.file_kinds import TEXT, kind_to_write
from model_hub.work_folder import work_folder

__all__ = ["as_csv", "check_folder", "check_path", "whole", "write", "write_parts"]

WIDEST = 150  # bytes of a file name in that of its work folder
NEEDED = {".parquet": "pyarrow", ".xlsx": "openpyxl"}


@stage("write")
def write(native: IntoDataFrame, path: str | Path) -> tuple[str, ...]:
    """Write a table without its pandas index; returns sentences on cells that the format cannot hold.

    Text is UTF-8, with commas in .csv and tabs in .tsv and .txt files.

    Raises:
        InvalidArgumentError: The suffix is not known, there is no such folder, or the format cannot hold the
            table.
        MissingExtraError: The library that writes such a file is not installed.
    """
    path = check_path(path)
    kind = kind_to_write(path)
    with whole(path) as temporary:
        try:
            return _write(_in_pandas(native), kind, temporary, path)
        except (LinkTransformerError, OSError):
            raise
        except Exception as error:  # such as times with a zone, which an xlsx file cannot hold
            raise InvalidArgumentError(f"{path} cannot be written as {kind[1:]}: {error}") from error


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A new file beside a path, which takes the path's place at the end, and is removed after an error.

    What a process that was killed has left of such a file is removed by the next one.
    """
    target = path.resolve()  # a link stays a link
    # in the same folder: a rename across file systems would not be atomic
    own = os.fsencode(target.name)
    name = target.name if len(own) <= WIDEST else hashlib.sha256(own).hexdigest()[:16]
    with work_folder(target.parent, f".{name}.", ".part") as folder:
        temporary = folder / f"new{''.join(target.suffixes[-2:])}"
        yield temporary
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)  # noqa: PTH105


def write_parts(path: str | os.PathLike[str], parts: Iterator[IntoDataFrame]) -> str:
    """Write tables with the same columns into one parquet file, which appears whole or not at all.

    Raises:
        InvalidArgumentError: The path is not a parquet file in an existing folder.
        MissingExtraError: pyarrow is not installed.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise InvalidArgumentError(f"out={check.shown(path)} is not a path. Give such as 'pairs.parquet'.")
    target = Path(path)
    if target.suffix.lower() != ".parquet":
        raise InvalidArgumentError(
            f"out={str(target)!r} is not a parquet file. Give such as 'pairs.parquet'."
        )
    check_folder(target)
    pa, parquet = need("pyarrow", extra="cli"), need("pyarrow.parquet", extra="cli")
    with whole(target) as partial:
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
        finally:
            if writer is not None:
                writer.close()
    return os.fspath(path)


def as_csv(native: IntoDataFrame, sep: str = ",") -> str:
    """A table as text with a header."""
    table = _in_pandas(native)
    text: str = table.to_csv(None, sep=sep, index=False, lineterminator="\n")
    if "\r" in text:  # ends a row for those who read the file, and is not quoted by itself
        text = table.to_csv(None, sep=sep, index=False, lineterminator="\n", quoting=csv.QUOTE_ALL)
    return text


def _in_pandas(native: IntoDataFrame) -> Native:
    frame = nw.from_native(native, eager_only=True)
    return native if frame.implementation.is_pandas_like() else in_pandas(frame.to_arrow())


def check_path(path: str | Path) -> Path:
    """Find before the long work begins that `write` could not write to a path.

    Raises:
        InvalidArgumentError: The suffix is not known, there is no such folder, or the path is a folder.
        MissingExtraError: The library that writes such a file is not installed.

    Example:
        >>> check_path("linked.doc")
        Traceback (most recent call last):
        linktransformer.errors.InvalidArgumentError: linked.doc: the suffix '.doc' is not known. ...
    """
    path = Path(path)
    kind = kind_to_write(path)
    check_folder(path)
    if kind in NEEDED:
        need(NEEDED[kind], extra="cli")
    return path


def check_folder(path: Path) -> None:
    """Raise InvalidArgumentError if the folder of a file is missing, or the file is a folder."""
    if not path.parent.is_dir():
        raise InvalidArgumentError(f"{path} cannot be written: there is no folder {path.parent}.")
    if path.is_dir():
        raise InvalidArgumentError(f"{path} cannot be written: it is a folder. Give a file in it.")


def _write(native: Native, kind: str, temporary: Path, path: Path) -> tuple[str, ...]:
    if kind in TEXT:
        data = as_csv(native, "," if kind == ".csv" else "\t").encode("utf-8")
        temporary.write_bytes(gzip.compress(data) if path.suffix.lower() == ".gz" else data)
        return ()
    if kind == ".parquet":
        return _write_parquet(native, temporary, path)
    names = list(native.columns)
    return workbooks.write_sheet(names, [_cells(native[name]) for name in names], temporary)


def _cells(column: Native) -> list[object]:
    """A pandas column as Python objects, None for null."""
    cells: list[object] = column.astype(object).where(column.notna(), None).tolist()
    return cells


def _write_parquet(native: Native, temporary: Path, path: Path) -> tuple[str, ...]:
    """A column that pyarrow has no type for, such as one of numbers and texts, is written as texts."""
    pa = need("pyarrow", extra="cli")
    texts = {}
    for name in [name for name, dtype in native.dtypes.items() if str(dtype) == "object"]:
        try:
            pa.array(native[name], from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            texts[name] = [None if value is None else str(value) for value in _cells(native[name])]
    native.assign(**texts).to_parquet(temporary, index=False, engine="pyarrow")
    return tuple(
        f"{path}: column {name!r} holds values of several kinds, written as texts." for name in texts
    )
