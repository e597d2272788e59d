"""The Parquet files of a table: a path, a pattern, a folder, a list or an address; one schema for all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from linktransformer import check
from linktransformer.errors import InvalidArgumentError
from linktransformer.optional import need
from linktransformer.tables.columns import Native

__all__ = ["ON_BAD_FILE", "Part", "Place", "Places", "addresses_of", "are_places", "common_schema", "part_of"]

Place = str | os.PathLike[str]
Places = Place | Sequence[Place]

ON_BAD_FILE = ("raise", "skip")
PATTERN = "*?["
SUFFIX = ".parquet"


@dataclass(frozen=True, slots=True)
class Part:
    """A Parquet file: its address, rows and schema, and what changes with its content."""

    address: str
    n_rows: int
    schema: Native
    fingerprint: tuple[object, ...]

    def opened(self) -> Native:
        """The file, open; to be used with `with`."""
        return _opened(self.address)


def are_places(given: object) -> bool:
    """Whether an argument is a path, a pattern or a list of these, and not a table.

    Example:
        >>> are_places("left/*.parquet"), are_places(["a.parquet", "b.parquet"]), are_places([{"name": "a"}])
        (True, True, False)
    """
    places = given if isinstance(given, (list, tuple)) and given else [given]
    return all(isinstance(place, (str, os.PathLike)) for place in places)


def addresses_of(given: Places, name: str) -> list[str]:
    """The addresses that an argument stands for: those of a folder or a pattern are sorted.

    Raises:
        InvalidArgumentError: There is no such file.
    """
    if isinstance(given, (str, os.PathLike)):
        return _of_place(os.fspath(given), name)
    places = list(given)
    if not places:
        raise InvalidArgumentError(f"{name}=[] names no file. Give the path of a {SUFFIX} file.")
    return [address for place in places for address in _of_place(os.fspath(place), name)]


def part_of(address: str, name: str, *, whole: bool = False) -> Part:
    """Read the footer of a file, and with `whole` all of it, since only that shows whether it can be read.

    Raises:
        InvalidArgumentError: It cannot be read as Parquet.
    """
    try:
        with _opened(address) as file:
            schema, n_rows = file.schema_arrow, int(file.metadata.num_rows)
            if whole:
                for _ in file.iter_batches():
                    pass
    except Exception as error:  # pyarrow has a dozen errors for a broken file
        raise unreadable(address, name, error) from error
    return Part(address, n_rows, schema, _fingerprint(address))


def unreadable(address: str, name: str, error: Exception) -> InvalidArgumentError:
    """The error of a file that is broken."""
    why = str(error).rstrip(".")
    return InvalidArgumentError(
        f"{name}={address!r} cannot be read as parquet: {why}. Write it again, or leave it out by "
        'on_bad_file="skip".'
    )


def common_schema(parts: Sequence[Part], name: str) -> Native:
    """The schema of the first file, which all must have: the same columns, in any order, of the same types.

    A column that is null throughout a file has the type of the others.

    Raises:
        InvalidArgumentError: Two files differ.
    """
    pa = need("pyarrow", extra="cli")
    first, fields = parts[0], {field.name: (field, parts[0]) for field in parts[0].schema}
    for part in parts[1:]:
        missing = set(fields) ^ set(part.schema.names)
        if missing:
            raise InvalidArgumentError(
                f"{name}: {first.address!r} and {part.address!r} have different columns: {sorted(missing)} "
                "are in one of them only. Write all files with the same columns."
            )
        for field in part.schema:
            known, of = fields[field.name]
            if pa.types.is_null(known.type):
                fields[field.name] = field, part
            elif not pa.types.is_null(field.type) and field.type != known.type:
                raise InvalidArgumentError(
                    f"{name}: column {field.name!r} is {known.type} in {of.address!r} and {field.type} in "
                    f"{part.address!r}. Write all files with the same types."
                )
    return pa.schema([fields[column][0] for column in first.schema.names])


def _opened(address: str) -> Native:
    parquet = need("pyarrow.parquet", extra="cli")
    if "://" not in address:
        return parquet.ParquetFile(address)
    system, path = _system(address)
    return parquet.ParquetFile(system.open_input_file(path))


def _system(address: str) -> tuple[Native, str]:
    """The file system of an address, and the path in it; one that pyarrow does not know by fsspec."""
    fs = need("pyarrow.fs", extra="cli")
    try:
        system, path = fs.FileSystem.from_uri(address)
    except (ValueError, NotImplementedError):
        of_fsspec, path = need("fsspec.core", extra="cli").url_to_fs(address)
        return fs.PyFileSystem(fs.FSSpecHandler(of_fsspec)), str(path)
    return system, str(path)


def _fingerprint(address: str) -> tuple[object, ...]:
    if "://" not in address:
        about = Path(address).stat()
        return str(Path(address).resolve()), about.st_size, about.st_mtime_ns
    system, path = _system(address)
    info = system.get_file_info(path)
    return address, info.size, info.mtime_ns


def _of_place(place: str, name: str) -> list[str]:
    if "://" in place:
        found = _listed(place, name)
    else:
        try:
            found = _on_disk(place)
        except (OSError, ValueError):  # a text that can be no path
            found = None
    if found is None:
        raise InvalidArgumentError(
            f"{name}={check.shown(place)} is not a file. Give the path of a {SUFFIX} file."
        )
    if not found:
        raise InvalidArgumentError(
            f"{name}={check.shown(place)}: there is no {SUFFIX} file. Look at the path."
        )
    return found


def _on_disk(place: str) -> list[str] | None:
    path = Path(place)
    if path.is_file():
        return [place]
    if path.is_dir():
        return sorted(map(str, path.rglob(f"*{SUFFIX}")))
    if any(sign in place for sign in PATTERN):
        below = path.relative_to(path.anchor)
        return sorted(str(found) for found in Path(path.anchor).glob(str(below)) if found.is_file())
    return None


def _listed(place: str, name: str) -> list[str] | None:
    """The files of an address: itself, those of a folder, or those of a pattern in its last part."""
    fs = need("pyarrow.fs", extra="cli")
    folder, _, last = place.rpartition("/")
    is_pattern = any(sign in last for sign in PATTERN)
    try:
        system, path = _system(folder if is_pattern else place)
        if not is_pattern:
            kind = system.get_file_info(path).type
            if kind != fs.FileType.Directory:
                return [place] if kind == fs.FileType.File else None
        infos = system.get_file_info(fs.FileSelector(path, recursive=not is_pattern))
    except (OSError, ValueError) as error:
        raise InvalidArgumentError(f"{name}={check.shown(place)} cannot be read: {error}") from error
    before = folder if is_pattern else place.rstrip("/")
    names = [info.path[len(path.rstrip("/")) + 1 :] for info in infos if info.type == fs.FileType.File]
    wanted = last if is_pattern else f"*{SUFFIX}"
    return sorted(f"{before}/{found}" for found in names if fnmatch(found, wanted))
