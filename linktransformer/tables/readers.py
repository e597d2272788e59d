"""Tables from files, with the values that the files hold."""

from __future__ import annotations

import datetime as dt
import gzip
import logging
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from linktransformer.errors import InvalidArgumentError, LinkTransformerError, MissingExtraError
from linktransformer.optional import need
from linktransformer.progress import stage
from linktransformer.tables import workbooks
from linktransformer.tables.arrow_tables import in_pandas
from linktransformer.tables.columns import Native
from linktransformer.tables.delimited import Cells, Dialect, parse
from linktransformer.tables.file_kinds import READ, TEXT, kind_to_read
from linktransformer.tables.file_text import decoded

__all__ = ["FileTable", "Reading", "read", "read_table"]

logger = logging.getLogger(__name__)
INTEGERS = 2**63


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read. Each argument is for the files that it can be said of.

    Args:
        sep: One character between the cells of text; None: by the suffix and the header.
        encoding: Of text; None: by a byte order mark, UTF-8 if that is valid, else cp1252, a guess.
        sheet: Name or number from 1 of a sheet; None: the first one.
        header_row: Line or row of the column names, from 1.
        na: Texts that are null, beside empty cells.
        quotes: Whether cells of text may be in double quotes.
    """

    sep: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    header_row: int = 1
    na: tuple[str, ...] = ()
    quotes: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class FileTable:
    """A pandas table, and sentences on what was assumed to read it."""

    native: Native
    notes: tuple[str, ...] = ()


def read(path: str | Path) -> Native:
    """`read_table` with nothing said of the file; what was assumed is logged as a warning."""
    table = read_table(path)
    for note in table.notes:
        logger.warning(note)
    return table.native


@stage("read")
def read_table(path: str | Path, reading: Reading | None = None) -> FileTable:
    """Read a file into a pandas table.

    Cells of text files are texts: "007" stays "007", "NA" and "None" are texts too. An empty cell is null.
    Sheets of workbooks: a column of texts, whole numbers, numbers, booleans or datetimes has that dtype, any
    other one keeps its cells as they are. Parquet: whole numbers beside nulls, decimals, dates and times keep
    their types. Stata: whole numbers stay whole, labelled values are their labels.

    Raises:
        InvalidArgumentError: The suffix is not known, there is no such file, or it cannot be read.
        MissingExtraError: The library that reads such a file is not installed.
    """
    path, reading = Path(path), reading or Reading()
    kind = kind_to_read(path)
    if not path.is_file():
        raise InvalidArgumentError(f"{path} is not a file. Give the path of a table ({', '.join(READ)}).")
    try:
        table = _read(path, kind, reading)
    except LinkTransformerError:
        raise
    except Exception as error:  # each library has its own errors for a broken file
        raise InvalidArgumentError(f"{path} cannot be read as {kind[1:]}: {error}") from error
    return FileTable(_with_null(table.native, reading.na), table.notes) if reading.na else table


def _read(path: Path, kind: str, reading: Reading) -> FileTable:
    if kind in TEXT:
        return _read_text(path, kind, reading)
    if kind == ".xlsx":
        return _framed(workbooks.read_sheet(path, reading.sheet, reading.header_row))
    if kind == ".parquet":
        return FileTable(in_pandas(need("pyarrow.parquet", extra="cli").read_table(path)))
    return _read_stata(path) if kind == ".dta" else FileTable(_read_spss(path))


def _read_text(path: Path, kind: str, reading: Reading) -> FileTable:
    data = path.read_bytes()
    if path.suffix.lower() == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidArgumentError(f"{path} cannot be read as gzip: {error}") from error
    text, note = decoded(data, reading.encoding, str(path))
    dialect = Dialect(reading.sep, "," if kind == ".csv" else "\t", reading.header_row, reading.quotes)
    cells = parse(text, dialect, str(path))
    columns = [[text or None for text in column] if "" in column else column for column in cells.columns]
    return _framed(Cells(cells.names, columns, ((note,) if note else ()) + cells.notes))


def _framed(cells: Cells) -> FileTable:
    pd = need("pandas", extra="cli")
    columns = [_series(column) for column in cells.columns]
    frame = pd.concat(columns, axis=1, keys=cells.names) if columns else pd.DataFrame()
    return FileTable(frame, cells.notes)


def _series(values: Sequence[object]) -> Native:
    """A pandas column of values, in the dtype that all of them fit, else object."""
    pd = need("pandas", extra="cli")
    kinds = set(map(type, values)) - {type(None)}
    dtype: object = object
    if kinds <= {str}:
        dtype = _text_dtype()
    elif kinds == {bool}:
        dtype = "boolean"
    elif kinds == {int}:
        largest = max(abs(value) for value in values if isinstance(value, int))
        dtype = "Int64" if largest < INTEGERS else object
    elif kinds == {float}:
        dtype = "float64"
    elif kinds == {dt.datetime}:
        dtype = "datetime64[us]"
    return pd.Series(list(values), dtype=dtype)


def _text_dtype() -> object:
    """The dtype of text in a pandas table: "str" from pandas 3 on."""
    return "str" if int(need("pandas", extra="cli").__version__.partition(".")[0]) >= 3 else object


def _with_null(native: Native, na: tuple[str, ...]) -> Native:
    """A table with null where a cell is one of some texts."""
    kinds = ("object", "str", "string", "category")
    texts = [name for name, dtype in native.dtypes.items() if str(dtype) in kinds]
    return native.assign(**{name: native[name].mask(native[name].isin(na), None) for name in texts})


def _read_stata(path: Path) -> FileTable:
    pd = need("pandas", extra="cli")
    notes: tuple[str, ...] = ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of value labels that are not unique, see below
        try:
            frame = pd.read_stata(path)
        except ValueError as error:
            if "label" not in str(error):
                raise
            frame = pd.read_stata(path, convert_categoricals=False)
            notes = (f"{path}: labels are not unique, so labelled columns hold their codes.",)
        # whole numbers beside missing ones come as floats; here they come as they are, and missing as objects
        stored = pd.read_stata(path, convert_missing=True, convert_categoricals=False, convert_dates=False)
    missing = need("pandas.io.stata", extra="cli").StataMissingValue
    whole = {}
    for name in frame.columns:
        if frame[name].dtype.kind == "f" and stored[name].dtype.kind == "O":
            values = [None if isinstance(value, missing) else value for value in stored[name]]
            if all(value is None or isinstance(value, (int, np.integer)) for value in values):
                whole[name] = pd.Series(values, dtype="Int64")
    for name in frame.columns:
        if str(frame[name].dtype) in ("object", "str"):  # Stata's missing text is the empty one
            whole[name] = pd.Series([value or None for value in frame[name]], dtype=_text_dtype())
    return FileTable(frame.assign(**whole), notes)


def _read_spss(path: Path) -> Native:
    try:
        frame = need("pandas", extra="cli").read_spss(path)
    except ImportError as error:
        raise MissingExtraError(
            f"{path}: pandas reads .sav files with pyreadstat, which is not installed. Install it with:  "
            'pip install "linktransformer[spss]"'
        ) from error
    whole = {}
    for name in frame.columns:
        values = frame[name]
        if values.dtype.kind == "f":  # every number of SPSS is a float; whole ones are written as such
            present = values.dropna().to_numpy()
            if len(present) and (np.trunc(present) == present).all() and (np.abs(present) <= 2.0**53).all():
                whole[name] = values.astype("Int64")
        elif str(values.dtype) in ("object", "str"):  # the missing text of SPSS is the empty one
            whole[name] = need("pandas", extra="cli").Series([v or None for v in values], dtype=_text_dtype())
    return frame.assign(**whole)
