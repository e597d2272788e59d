"""A model folder on disk: every file is checked against its manifest, and none can run code."""

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
# what people write beside a model, and no loader reads
NOTES = frozenset(
    {"", ".md", ".rst", ".txt", ".html", ".pdf", ".csv", ".log", ".png", ".jpg", ".jpeg", ".svg"}
)
_TOKENIZER_TEXT = re.compile(r"vocab|merges|dict|tokens", re.IGNORECASE)  # vocab.txt, merges.txt, dict.txt
CARD_NAME = "README.md"  # not hashed: a card may be corrected, and only people read it
_OBJECTS = re.compile(rb"'descr':[^}]*[|'\"]O")  # an array of Python objects, in the header of an .npy file
_hashes: dict[tuple[str, int, int, int], str] = {}  # by path, mtime, ctime and size: hashed once a process


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model whose files have been checked: its path and its manifest."""

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
    """Check that a folder holds the files of its manifest, and none that could run code.

    Args:
        path: The model's folder.

    Returns:
        The folder and its manifest.

    Raises:
        ModelNotFoundError: There is no such folder, or no manifest in it.
        ManifestError: The manifest cannot be read or is not allowed.
        ChecksumError: A listed file is missing or is not the one described.
        UnsafeModelError: There is a pickle, a program, a link out of the folder, or an unlisted file that a
            loader might read. Hidden files and notes (README, notes.txt) may stay.
    """
    if not path.is_dir():
        raise ModelNotFoundError("There is no such model folder.", str(path), "Check the path.")
    root = path.resolve()
    manifest = read(root)
    listed = {file.path for file in manifest.files}
    for path in _files(root):
        name = refuse_unsafe(root, path)
        if name not in listed and name != MANIFEST_NAME and path.is_file() and is_read(name):
            kind = "weights" if path.suffix.lower() in WEIGHTS else "a file"
            raise UnsafeModelError(
                f"The model's folder holds {kind} that its manifest does not list, and that may be read when "
                "the model is loaded.",
                f"{name} in {root}",
                "Remove the file, or download the model again. After a change of your own, seal it again.",
            )
    for file in manifest.files:
        _check(root, file)
    return ModelFolder(root, manifest)


def is_read(name: str) -> bool:
    """Whether a loader may read a file of this name; hidden files and notes for people are not read.

    Example:
        >>> [is_read(name) for name in ("adapter_config.json", "vocab.txt", "notes.txt", ".git/config.json")]
        [True, True, False, False]
    """
    parts = name.split("/")
    if any(part.startswith(".") for part in parts):
        return False
    path = Path(parts[-1])
    return path.suffix.lower() not in NOTES or bool(_TOKENIZER_TEXT.search(path.stem))


def _files(root: Path) -> Iterator[Path]:
    """Every file and link under a folder; linked folders are named but not entered."""
    for base, folders, names in os.walk(root):
        links = [name for name in folders if (Path(base) / name).is_symlink()]
        yield from (Path(base) / name for name in sorted([*names, *links]))


def refuse_unsafe(root: Path, path: Path) -> str:
    """The path of a file inside its folder; a link out of it and a file that could run code are errors."""
    name = path.relative_to(root).as_posix()
    if path.is_symlink() and not path.resolve().is_relative_to(root):
        raise UnsafeModelError(
            "A link in the model's folder leads out of it.", f"{name} in {root}", "Put the file itself there."
        )
    if reason := dangerous_name(name) or pickled(path):
        raise unsafe(f"{name} in {root}", reason)
    return name


def dangerous_name(name: str) -> str:
    """The reason why a model folder may not hold a file of this name, empty without one.

    Example:
        >>> dangerous_name("pytorch_model.bin"), dangerous_name("model.safetensors")
        ('the suffix .bin', '')
    """
    suffix = Path(name).suffix.lower()
    return f"the suffix {suffix}" if suffix in PICKLE_SUFFIXES | PROGRAMS | {".bin"} else ""


def unsafe(where: str, reason: str) -> UnsafeModelError:
    """The error for a file that could run code."""
    return UnsafeModelError(
        f"The model's folder holds a file that can run code when it is read ({reason}).",
        where,
        "Save the weights as safetensors or ONNX and remove the file.",
    )


def pickled(path: Path) -> str:
    """The reason why a file counts as a pickle, by its name or first bytes; empty without one.

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
    path, where = root / file.path, f"{file.path} in {root}"
    try:
        size = path.stat().st_size if path.is_file() else -1
    except OSError:
        size = -1
    if size < 0:
        raise ChecksumError("A file of the model is missing.", where, "Download the model again.")
    if not path.resolve().is_relative_to(root):
        raise UnsafeModelError(
            "A file of the model lies outside its folder.", where, "Put the file itself there."
        )
    difference = f"{size} bytes instead of {file.size}" if size != file.size else ""
    if not difference and (digest := sha256(path)) != file.sha256:
        difference = f"sha256 {digest} instead of {file.sha256}"
    if difference:
        raise ChecksumError(
            "A file of the model is not the one that its manifest describes: it is damaged or was changed.",
            f"{where}: {difference}",
            "Download the model again (for the bundled model: reinstall the package).",
        )


def sha256(path: Path) -> str:
    """The SHA-256 of a file, computed once a process for an unchanged file."""
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
    """Describe files for a manifest."""
    return tuple(ModelFile(name, (root / name).stat().st_size, sha256(root / name)) for name in names)
