"""Which files hold tables: their suffixes."""

from __future__ import annotations

from pathlib import Path

from linktransformer.errors import InvalidArgumentError

__all__ = ["READ", "TEXT", "WRITTEN", "kind_to_read", "kind_to_write"]

TEXT = (".csv", ".tsv", ".txt")
READ = (*TEXT, ".parquet", ".xlsx", ".dta", ".sav")
WRITTEN = (*TEXT, ".parquet", ".xlsx")


def kind_to_read(path: Path) -> str:
    """The suffix in lower case, without .gz.

    Raises:
        InvalidArgumentError: No such files are read.

    Example:
        >>> kind_to_read(Path("Firms.CSV.gz"))
        '.csv'
    """
    return _kind(path, READ)


def kind_to_write(path: Path) -> str:
    """As `kind_to_read`, for files that are written."""
    if path.suffix.lower() in (".dta", ".sav"):
        raise InvalidArgumentError(
            f"{path}: {path.suffix} files are read and not written. Use one of {_known(WRITTEN)}."
        )
    return _kind(path, WRITTEN)


def _kind(path: Path, known: tuple[str, ...]) -> str:
    name = path.name.lower()
    suffix = Path(name.removesuffix(".gz")).suffix
    if suffix not in (TEXT if name.endswith(".gz") else known):
        if path.is_dir():
            raise InvalidArgumentError(f"{path} is a folder. Give the path of a file in it.")
        given = "".join(Path(name).suffixes[-2:]) if name.endswith(".gz") else path.suffix
        raise InvalidArgumentError(f"{path}: the suffix {given!r} is not known. Use one of {_known(known)}.")
    return suffix


def _known(suffixes: tuple[str, ...]) -> str:
    return ", ".join([*suffixes, *(f"{suffix}.gz" for suffix in TEXT)])
