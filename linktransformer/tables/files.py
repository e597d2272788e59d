"""Tables from and to files, for the command line: csv, tsv, parquet and xlsx by their suffix."""

from __future__ import annotations

import csv
import json
import os
import uuid
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw

from linktransformer.errors import InvalidArgumentError, MissingExtraError
from linktransformer.optional import need
from linktransformer.progress import stage

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
def read(path: str | Path) -> Any:
    """Read a table with whichever of pandas, polars and pyarrow is installed, in that order.

    Cells of csv and tsv files are read as texts: "007" stays "007", and "NA" and "None" are texts
    too. An empty cell is null. Parquet and xlsx files say what their cells are. An xlsx file needs
    pandas; its first sheet is read.

    Args:
        path: A .csv, .tsv, .parquet or .xlsx file; texts in UTF-8, with or without a mark.

    Returns:
        A pandas or polars DataFrame or a pyarrow Table.

    Raises:
        InvalidArgumentError: The suffix is not known, there is no such file, or it cannot be read.
        MissingExtraError: What reads such a file is not installed.
    """
    path = Path(path)
    suffix = _suffix(path)
    if not path.is_file():
        raise InvalidArgumentError(f"{path} is not a file. Give the path of a table ({', '.join(SUFFIXES)}).")
    try:
        if suffix in (".csv", ".tsv"):
            return _read_csv(path, "," if suffix == ".csv" else "\t")
        return _read_parquet(path) if suffix == ".parquet" else _read_xlsx(path)
    except MissingExtraError:
        raise
    except Exception as error:  # every library has errors of its own for a file that is broken
        raise InvalidArgumentError(f"{path} cannot be read as {suffix[1:]}: {error}") from error


@stage("write")
def write(native: Any, path: str | Path) -> None:
    """Write a table; the file appears whole or not at all.

    Args:
        native: A pandas or polars DataFrame or a pyarrow Table; a pandas index is not written.
        path: A .csv, .tsv, .parquet or .xlsx file; one that exists is replaced.

    Raises:
        InvalidArgumentError: The suffix is not known, there is no such folder, or the file format cannot
            hold the table.
        MissingExtraError: What writes such a file is not installed.
    """
    path = check_path(path)
    # beside the target: a rename across file systems would not be atomic
    temporary = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        _write(nw.from_native(native, eager_only=True), temporary)
        os.replace(temporary, path)  # noqa: PTH105 - Path.replace would do, os.replace says atomic
    except (MissingExtraError, OSError):
        raise
    except Exception as error:  # as in `read`; an xlsx file holds no times with a zone, for one
        raise InvalidArgumentError(f"{path} cannot be written as {path.suffix[1:]}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_parts(path: str | os.PathLike[str], parts: Iterator[Any]) -> str:
    """Write tables one after the other into one parquet file, which appears whole or not at all.

    Args:
        path: A .parquet file; one that exists is replaced.
        parts: Tables with the same columns, one at least; each is let go before the next is made.

    Returns:
        The path.

    Raises:
        InvalidArgumentError: The path is no parquet file in a folder that is there.
        MissingExtraError: pyarrow is not installed.
    """
    target = Path(path)
    if target.suffix.lower() != ".parquet":
        raise InvalidArgumentError(f"out={str(target)!r} is no parquet file. Give such as 'pairs.parquet'.")
    check_folder(target)
    pa, parquet = need("pyarrow", extra="cli"), need("pyarrow.parquet", extra="cli")
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    writer = None
    try:
        for native in parts:
            table = nw.from_native(native, eager_only=True).to_arrow()
            if writer is None:
                # a part without any value does not say what the next ones hold
                fields = [
                    pa.field(f.name, pa.string() if f.type == pa.null() else f.type) for f in table.schema
                ]
                writer = parquet.ParquetWriter(part, pa.schema(fields))
            writer.write_table(table.cast(writer.schema))
        if writer is not None:
            writer.close()
            part.replace(target)
    finally:
        if writer is not None:
            writer.close()
        part.unlink(missing_ok=True)
    return os.fspath(path)


def as_csv(native: Any) -> str:
    """A table as the text of a csv file.

    Args:
        native: A pandas or polars DataFrame or a pyarrow Table.

    Returns:
        The text, with a header.
    """
    return str(nw.from_native(native, eager_only=True).write_csv(None))


def store(native: Any, folder: Path) -> str:
    """Write a table so that `restore` gives it back in its own library, the pandas index included.

    Parquet; a pandas table without pyarrow goes into JSON when it holds texts, numbers and truth values only
    and its index is 0, 1, 2 and so on.

    Args:
        native: A pandas or polars DataFrame or a pyarrow Table.
        folder: Where to.

    Returns:
        The name of the file.

    Raises:
        InvalidArgumentError: The table holds what neither format can.
        MissingExtraError: pyarrow is not installed and JSON will not do.
    """
    frame = nw.from_native(native, eager_only=True)
    if frame.implementation.is_pandas_like() and not find_spec("pyarrow"):
        return _store_json(native, folder)
    try:
        if frame.implementation.is_pandas_like():
            native.to_parquet(folder / "table.parquet", engine="pyarrow")
        else:
            frame.write_parquet(folder / "table.parquet")
    except Exception as error:  # as in `write`: a column of mixed Python objects, for one
        raise InvalidArgumentError(f"The table cannot be saved as parquet: {error}") from error
    return "table.parquet"


def _store_json(native: Any, folder: Path) -> str:
    kinds = {name: str(dtype) for name, dtype in native.dtypes.items()}
    plain = all(
        kind in ("str", "object", "string") or kind[:3] in ("int", "flo", "boo") for kind in kinds.values()
    )
    columns = {name: native[name].astype(object).where(native[name].notna(), None).tolist() for name in kinds}
    held = {type(value) for values in columns.values() for value in values}
    if (
        not plain
        or held - {str, int, float, bool, type(None)}
        or native.index.tolist() != list(range(len(native)))
    ):
        need("pyarrow", extra="cli")
    (folder / "table.json").write_text(json.dumps({"dtypes": kinds, "columns": columns}), encoding="utf-8")
    return "table.json"


def restore(path: Path, library: str) -> Any:
    """Read what `store` wrote.

    Args:
        path: The file.
        library: "pandas", "polars" or "pyarrow".

    Returns:
        The table.

    Raises:
        MissingExtraError: The library is not installed.
    """
    if path.suffix == ".json":
        held, pd = json.loads(path.read_text(encoding="utf-8")), need("pandas", extra="cli")
        return pd.DataFrame(
            {name: pd.Series(held["columns"][name], dtype=kind) for name, kind in held["dtypes"].items()}
        )
    if library == "pyarrow":
        return need("pyarrow.parquet", extra="cli").read_table(path)
    module = need(library, extra="cli")
    return module.read_parquet(path, **({"engine": "pyarrow"} if library == "pandas" else {}))


def check_path(path: str | Path) -> Path:
    """Refuse a path that `write` could not write to, before the long work begins.

    Args:
        path: The file to be written.

    Returns:
        The path.

    Raises:
        InvalidArgumentError: The suffix is not known, or there is no such folder.

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
    """Refuse a file whose folder is not there, or which is a folder itself.

    Args:
        path: The file to be written.

    Raises:
        InvalidArgumentError: It cannot be written.
    """
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
    """The first library that is there; pandas when none is, for its error to be shown."""
    return next((name for name in ("pandas", "polars", "pyarrow") if find_spec(name)), "pandas")


def _read_csv(path: Path, separator: str) -> Any:
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


def _read_csv_pyarrow(path: Path, separator: str) -> Any:
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


def _read_parquet(path: Path) -> Any:
    library = _installed()
    if library == "polars":
        return need(library, extra="cli").read_parquet(path)
    table = need("pyarrow.parquet", extra="cli").read_table(path)
    return table.to_pandas() if library == "pandas" else table


def _read_xlsx(path: Path) -> Any:
    need("openpyxl", extra="cli")
    return need("pandas", extra="cli").read_excel(path, keep_default_na=False, na_values=[""])


def _write(frame: nw.DataFrame[Any], path: Path) -> None:
    suffix = _suffix(path)
    if suffix == ".parquet":
        frame.write_parquet(path)
    elif suffix == ".xlsx":
        need("openpyxl", extra="cli")
        need("pandas", extra="cli")
        frame.to_pandas().to_excel(path, index=False)
    elif suffix == ".csv":
        frame.write_csv(path)
    elif frame.implementation.is_pandas_like():
        frame.to_native().to_csv(path, sep="\t", index=False)
    elif frame.implementation.is_polars():
        frame.to_native().write_csv(path, separator="\t")
    else:
        writer = need("pyarrow.csv", extra="cli")
        writer.write_csv(frame.to_native(), path, writer.WriteOptions(delimiter="\t"))
