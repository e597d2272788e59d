"""A model folder on disk: every file checked against its manifest, nothing in it that could run code."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from model_hub.errors import ChecksumError, ModelNotFoundError, UnsafeModelError
from model_hub.manifest import MANIFEST_NAME, Manifest, ModelFile, read

PICKLE_SUFFIXES = frozenset({".pkl", ".pickle", ".pt", ".pth", ".joblib", ".dill", ".cloudpickle", ".ckpt"})
PROGRAMS = frozenset({".py", ".pyc", ".pyd", ".so", ".dll", ".dylib", ".exe", ".sh", ".bat"})
WEIGHTS = frozenset({".onnx", ".safetensors", ".data", ".bin", ".npy", ".npz"})
UNLISTED_REFUSED = PROGRAMS | WEIGHTS
CARD_NAME = "README.md"  # not hashed: a card may be corrected, and nothing reads it but people
_OBJECTS = re.compile(rb"'descr':[^}]*[|'\"]O")  # an array of Python objects, in the header of an .npy file
_hashes: dict[tuple[str, int, int, int], str] = {}  # by path, mtime, ctime and size: hashed once a process


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model whose files have been checked: where it is, and its manifest."""

    path: Path
    manifest: Manifest

    def file(self, name: str) -> Path:
        """Where a listed file is.

        Args:
            name: Its path as the manifest writes it.

        Returns:
            The path on disk.

        Raises:
            ModelNotFoundError: The manifest does not list it.
        """
        if name not in {file.path for file in self.manifest.files}:
            raise ModelNotFoundError(
                f"The model {self.manifest.name!r} has no file {name!r}.",
                str(self.path),
                f"It has {[file.path for file in self.manifest.files]}.",
            )
        return self.path / name


def verify(path: Path) -> ModelFolder:
    """Check that a folder holds what its manifest says and nothing that could run code.

    Args:
        path: The model's folder.

    Returns:
        The folder and its manifest.

    Raises:
        ModelNotFoundError: There is no such folder, or no manifest in it.
        ManifestError: The manifest cannot be read or is not allowed.
        ChecksumError: A listed file is missing or is not the one described.
        UnsafeModelError: There is a pickle, an unlisted program or weights file, or a link out of the folder.
    """
    if not path.is_dir():
        raise ModelNotFoundError("There is no such model folder.", str(path), "Check the path.")
    root = path.resolve()
    manifest = read(root)
    listed = {file.path for file in manifest.files}
    for found in _files(root):
        _refuse_unsafe(root, found, listed)
    for file in manifest.files:
        _check(root, file)
    return ModelFolder(root, manifest)


def _files(root: Path) -> Iterator[Path]:
    """Every file and link under a folder; linked folders are named but not entered."""
    for base, folders, names in os.walk(root):
        links = [name for name in folders if (Path(base) / name).is_symlink()]
        yield from (Path(base) / name for name in sorted([*names, *links]))


def _refuse_unsafe(root: Path, found: Path, listed: set[str]) -> None:
    name = found.relative_to(root).as_posix()
    if found.is_symlink() and not found.resolve().is_relative_to(root):
        raise UnsafeModelError(
            "A link in the model's folder leads out of it.", f"{name} in {root}", "Put the file itself there."
        )
    if reason := pickled(found):
        raise unsafe(f"{name} in {root}", reason)
    if name != MANIFEST_NAME and name not in listed and found.suffix.lower() in UNLISTED_REFUSED:
        raise UnsafeModelError(
            "The model's folder holds weights or a program that its manifest does not list.",
            f"{name} in {root}",
            "Remove the file, or get the model folder anew.",
        )
    if reason := dangerous_name(name):
        raise unsafe(f"{name} in {root}", reason)


def dangerous_name(name: str) -> str:
    """Say why no model of ours may hold a file of this name, whatever is in it.

    Args:
        name: A file's name or path.

    Returns:
        The reason; empty when there is none.

    Example:
        >>> dangerous_name("pytorch_model.bin"), dangerous_name("model.safetensors")
        ('the suffix .bin', '')
    """
    suffix = Path(name).suffix.lower()
    return f"the suffix {suffix}" if suffix in PICKLE_SUFFIXES | PROGRAMS | {".bin"} else ""


def unsafe(where: str, reason: str) -> UnsafeModelError:
    """The error for a file that could run code.

    Args:
        where: Which file, and in which folder.
        reason: Why, as `pickled` or `dangerous_name` says it.

    Returns:
        The error, to be raised.
    """
    return UnsafeModelError(
        f"The model's folder holds a file that can run code when it is read ({reason}).",
        where,
        "Save the weights as safetensors or ONNX and remove the file.",
    )


def pickled(path: Path) -> str:
    """Say why a file counts as a pickle.

    Args:
        path: A file.

    Returns:
        The reason, by its name or its first bytes; empty when the file is none.

    Example:
        >>> pickled(Path("weights.pt"))
        'the suffix .pt'
    """
    if path.suffix.lower() in PICKLE_SUFFIXES:
        return f"the suffix {path.suffix}"
    if not path.is_file():
        return ""
    with path.open("rb") as stream:
        head = stream.read(4096)
    return _by_content(path, head)


def _by_content(path: Path, head: bytes) -> str:
    # a safetensors file opens with the length of its header, which may look like a pickle's first two bytes
    safetensors = len(head) > 8 and head[8:9] == b"{" and head[4:8] == bytes(4)
    if len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5 and not safetensors:
        return "a pickle by its first bytes"
    if head.startswith(b"\x93NUMPY") and _OBJECTS.search(head):
        return "an array of Python objects"
    if head.startswith(b"PK\x03\x04"):
        return _in_zip(path)
    return ""


def _in_zip(path: Path) -> str:
    import zipfile  # only for the rare file that is one: keeps the import of this package cheap

    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if Path(name).suffix.lower() in PICKLE_SUFFIXES:
                    return f"an archive that holds {name}"
                with archive.open(name) as member:
                    head = member.read(4096)
                if head.startswith(b"\x80") or (head.startswith(b"\x93NUMPY") and _OBJECTS.search(head)):
                    return f"an archive that holds the pickle {name}"
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
        return "an archive that cannot be looked into"
    return ""


def _check(root: Path, file: ModelFile) -> None:
    path = root / file.path
    try:
        size = path.stat().st_size if path.is_file() else -1
    except OSError:
        size = -1
    if size < 0:
        raise ChecksumError(
            "A file of the model is missing.", f"{file.path} in {root}", "Get the model folder anew."
        )
    if not path.resolve().is_relative_to(root):
        raise UnsafeModelError(
            "A file of the model lies outside its folder.",
            f"{file.path} in {root}",
            "Put the file itself there.",
        )
    if size != file.size or (got := sha256(path)) != file.sha256:
        found = f"{size} bytes instead of {file.size}"
        if size == file.size:
            found = f"sha256 {got} instead of {file.sha256}"
        raise ChecksumError(
            "A file of the model is not the one that its manifest describes: it is damaged or was changed.",
            f"{file.path} in {root}: {found}",
            "Get the model folder anew (for the bundled model: reinstall the package).",
        )


def sha256(path: Path) -> str:
    """The SHA-256 of a file, worked out once a process for an unchanged file.

    Args:
        path: A file.

    Returns:
        64 hexadecimal digits.
    """
    import hashlib  # loads OpenSSL: only when a file is read

    state = path.stat()
    key = (str(path.resolve()), state.st_mtime_ns, state.st_ctime_ns, state.st_size)
    if key not in _hashes:
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        _hashes[key] = digest.hexdigest()
    return _hashes[key]


def describe(root: Path, names: list[str]) -> tuple[ModelFile, ...]:
    """Describe files for a manifest.

    Args:
        root: The model's folder.
        names: Their paths inside it.

    Returns:
        Path, size and hash of each, in the order given.
    """
    return tuple(ModelFile(name, (root / name).stat().st_size, sha256(root / name)) for name in names)
