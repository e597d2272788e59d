"""The command line on random files: each cell a text, in one format to another."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import linktransformer as lt
from linktransformer.cli.main import main
from tests.fuzz.cases import Case
from tests.fuzz.cells import Broken
from tests.fuzz.tables import Table

__all__ = ["command"]

Rows = list[list[str]]


def command(case: Case) -> list[str]:
    """Run a command and hold its file against those that it read.

    Returns:
        The rows that were written.

    Raises:
        Broken: A cell was changed, a row lost, or the command did not end with one of its own messages.
    """
    kinds, name = case.options["files"], case.options["name"]
    tables = [_texts(case.left), _texts(case.right)][: 2 if name == "merge" else 1]
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i}.{kind}" for i, kind in enumerate(kinds)]
        for path, rows in zip(paths, tables, strict=False):
            _write(path, rows)
        out = Path(folder) / f"out.{kinds[2]}"
        typed = [name, *map(str, paths[: len(tables)]), "--on", ",".join(case.on), "--model", "lexical"]
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            code = _code([*typed, *case.options["typed"], "--out", str(out), "--quiet"])
        if code == 2:
            if out.exists():
                raise Broken("command: a file is there after an error")
            raise lt.LinkTransformerError(said.getvalue())
        if code:
            raise Broken(f"command: exit code {code}: {said.getvalue()[-300:]}")
        head, *rows = _read(out)
    _same_cells(name, tables, head, rows, case.options["typed"])
    return sorted(map(repr, rows))


def _code(typed: list[str]) -> int:
    try:
        return main(typed)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 2


def _same_cells(name: str, tables: list[Rows], head: list[str], rows: Rows, typed: list[str]) -> None:
    ends = ("_x", "_y") if name == "merge" else ("",)
    how = typed[typed.index("--how") + 1] if "--how" in typed else "left"
    for side, (table, end) in enumerate(zip(tables, ends, strict=True)):
        names, cells = table[0], table[1:]
        at = head.index(f"row{end}")
        found = {row[at] for row in rows} - {""}
        whole = how in (("left", "outer"), ("right", "outer"))[side] if name == "merge" else "--mark" in typed
        if whole and found != {row[-1] for row in cells}:
            raise Broken(f"command: rows of table {side} are lost")
        for row in rows:
            if row[at]:
                got = [row[head.index(one + end)] for one in names]
                if got != cells[int(row[at])]:
                    raise Broken(f"command: {cells[int(row[at])]!r:.200} became {got!r:.200}")


def _texts(table: Table) -> Rows:
    """Names and rows; no cell that XML cannot hold, and no line end that a reader of text would translate."""
    columns = [
        ["" if cell is None else _clean(str(cell)) for cell in cells] for cells in table.columns.values()
    ]
    return [list(table.columns), *map(list, zip(*columns, strict=True))]


def _clean(text: str) -> str:
    kept = "".join(sign for sign in text if sign >= " " or sign in "\t\n")
    return kept.encode("utf-8", "replace").decode()[:2_000]


def _write(path: Path, rows: Rows) -> None:
    if path.suffix == ".parquet":
        import pyarrow as pa
        from pyarrow import parquet

        columns = list(zip(*rows[1:], strict=True)) if len(rows) > 1 else [()] * len(rows[0])
        arrays = [pa.array([cell or None for cell in cells], pa.string()) for cells in columns]
        parquet.write_table(pa.table(arrays, names=rows[0]), path)
    elif path.suffix == ".xlsx":
        from openpyxl import Workbook

        book = Workbook(write_only=True)
        sheet = book.create_sheet()
        for row in rows:
            sheet.append([_cell(sheet, cell) for cell in row])
        book.save(path)
    else:
        file = io.StringIO(newline="")
        csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",").writerows(rows)
        data = file.getvalue().encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def _cell(sheet: object, text: str) -> object:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, text or None)
    if text:
        cell.data_type = "s"
    return cell


def _read(path: Path) -> Rows:
    if path.suffix == ".parquet":
        from pyarrow import parquet

        table = parquet.read_table(path)
        return [table.column_names, *([_shown(c) for c in row.values()] for row in table.to_pylist())]
    if path.suffix == ".xlsx":
        from openpyxl import load_workbook

        return [[_shown(c) for c in row] for row in load_workbook(path).active.iter_rows(values_only=True)]
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter="\t" if path.suffix == ".tsv" else ","))


def _shown(cell: object) -> str:
    return "" if cell is None else str(cell)
