"""A fitted estimator on disk: safetensors, parquet and JSON, each file sealed by its hash; no pickle."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer.arrays import Bools
from linktransformer.errors import InvalidArgumentError
from linktransformer.estimators.reference import Keys, Reference
from linktransformer.estimators.reference_pictures import Columns, Shown
from linktransformer.estimators.row_reading import Reading
from linktransformer.search.vocabulary import Vocabulary
from linktransformer.tables import files, frames
from linktransformer.tables.records import Records

__all__ = ["matrix_arrays", "read", "sparse_of", "vocabulary_of", "words_arrays", "write"]

MANIFEST = "manifest.json"
FORMAT = 3
WORDS = ("words", "head_words")

Arrays = dict[str, NDArray[Any]]


def write(
    folder: str | Path, reference: Reference, settings: Mapping[str, Any], extra: Mapping[str, NDArray[Any]]
) -> None:
    """Write a reference and what belongs to it; the folder appears whole or not at all.

    Args:
        folder: A new folder, an empty one, or one that this function wrote, which is replaced.
        reference: The reference.
        settings: What JSON can hold.
        extra: Arrays of numbers.

    Raises:
        InvalidArgumentError: The folder holds something else, or the table cannot be saved.
        MissingExtraError: A pandas table needs pyarrow.
    """
    from safetensors.numpy import save_file

    target = Path(folder)
    if target.exists() and not (
        target.is_dir() and (not any(target.iterdir()) or (target / MANIFEST).is_file())
    ):
        raise InvalidArgumentError(f"{target} holds something else. Give a new or an empty folder.")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{uuid.uuid4().hex}")
    temporary.mkdir()
    try:
        table = files.store(reference.table.frame.to_native(), temporary)
        arrays = _arrays(reference) | {f"extra.{name}": np.asarray(of) for name, of in extra.items()}
        save_file(
            {name: np.ascontiguousarray(of) for name, of in arrays.items()}, temporary / "arrays.safetensors"
        )
        said = {
            "table": table,
            "library": reference.table.library,
            "next_label": reference.next_label,
            "keys": asdict(reference.keys),
            "texts": reference.records.texts.tolist(),
            "n_cut": reference.records.n_cut,
            "n_texts": [None if words is None else words.n_texts for words in _words(reference)],
            "views": list(reference.matrices),
            "weights": dict(reference.weights),
            "threshold": reference.threshold,
            "details": dict(reference.details),
            "reading": reference.reading.to_dict(),
            "pictures": None if reference.shown is None else _said_of_pictures(reference.shown),
            "settings": dict(settings),
        }
        (temporary / "reference.json").write_text(json.dumps(said), encoding="utf-8")
        seals = {path.name: _sha256(path) for path in sorted(temporary.iterdir())}
        manifest = {"format": FORMAT, "files": seals}
        (temporary / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        os.replace(temporary, target)  # noqa: PTH105 - as in files.write
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read(folder: str | Path) -> tuple[Reference, dict[str, Any], Arrays]:
    """Read what `write` wrote, after a look at every file's hash.

    Args:
        folder: The folder.

    Returns:
        The reference, the settings and the arrays.

    Raises:
        InvalidArgumentError: There is no such folder, a file is missing or was changed, or it is of a later
            version.
        MissingExtraError: The library of the table is not installed.
    """
    from safetensors.numpy import load_file

    root = Path(folder)
    _check(root)
    said = json.loads((root / "reference.json").read_text(encoding="utf-8"))
    arrays: Arrays = load_file(root / "arrays.safetensors")
    table = frames.wrap(files.restore(root / said["table"], said["library"]), "reference")
    texts = np.fromiter(said["texts"], dtype=object, count=len(said["texts"]))
    names = {name: tuple(columns) for name, columns in said["keys"].items()}
    keys = Keys(**names)
    labels = arrays.get("labels")
    if labels is None:
        labels = frames.index_labels(table, np.arange(table.n_rows))
    learned = [
        vocabulary_of(of, arrays, n or 0)
        for of, n in zip(WORDS, said["n_texts"], strict=True)
        if n is not None
    ]
    matrices: dict[str, Any] = {
        name: arrays[name] if name in arrays else sparse_of(name, arrays) for name in said["views"]
    }
    reference = Reference(
        table,
        labels,
        said["next_label"],
        keys,
        Records(texts, arrays["text_of_row"], said["n_cut"], keys.reference),
        learned[0],
        learned[1] if len(learned) > 1 else None,
        matrices,
        said["weights"],
        said["threshold"],
        said["details"],
        None if said["pictures"] is None else _shown(said["pictures"], arrays["has_picture"].astype(bool)),
        Reading.from_dict(said["reading"]),
    )
    extra = {name.removeprefix("extra."): of for name, of in arrays.items() if name.startswith("extra.")}
    return reference, said["settings"], extra


def _words(reference: Reference) -> tuple[Vocabulary, Vocabulary | None]:
    return reference.words, reference.head_words


def _arrays(reference: Reference) -> Arrays:
    arrays: Arrays = {"text_of_row": reference.records.text_of_row}
    if reference.table.index is None:  # else the table has them
        arrays["labels"] = reference.labels
    for name, words in zip(WORDS, _words(reference), strict=True):
        if words is not None:
            arrays |= words_arrays(name, words)
    if reference.shown is not None:
        arrays["has_picture"] = reference.shown.has_picture.astype(np.uint8)
    for name, given in reference.matrices.items():
        arrays |= matrix_arrays(name, given)
    return arrays


def matrix_arrays(name: str, of: Any) -> Arrays:
    """A sparse or a dense matrix as arrays.

    Args:
        name: Of the matrix.
        of: It.

    Returns:
        Arrays by name.
    """
    if not sp.issparse(of):
        return {name: of}
    parts: Any = of
    arrays = {f"{name}.{part}": getattr(parts, part) for part in ("data", "indices", "indptr")}
    return arrays | {f"{name}.shape": np.array(parts.shape, dtype=np.int64)}


def words_arrays(name: str, words: Vocabulary) -> Arrays:
    """A vocabulary as arrays; how many texts it was learned from is not among them.

    Args:
        name: Of the vocabulary.
        words: It.

    Returns:
        Arrays by name.
    """
    parts: Arrays = {"alphabet": words.alphabet, "codes": words.codes, "counts": words.n_texts_with}
    return {f"{name}.{part}": of for part, of in parts.items()}


def _said_of_pictures(shown: Shown) -> dict[str, Any]:
    """What JSON holds of pictures; they themselves are not kept."""
    return {
        "columns": asdict(shown.columns),
        "identity": shown.identity.tolist(),
        "lines": {name: list(line) for name, line in shown.lines.items()},
    }


def _shown(said: dict[str, Any], has_picture: Bools) -> Shown:
    identity = np.fromiter(said["identity"], dtype=object, count=len(said["identity"]))
    sure = said["columns"]["confidence"]
    columns = Columns(tuple(said["columns"]["images"]), None if sure is None else tuple(sure))
    lines = {name: (line[0], line[1]) for name, line in said["lines"].items()}
    return Shown(columns, identity, has_picture, lines)


def vocabulary_of(name: str, arrays: Mapping[str, NDArray[Any]], n_texts: int) -> Vocabulary:
    """A vocabulary from what `words_arrays` made of it.

    Args:
        name: Of the vocabulary.
        arrays: Arrays by name.
        n_texts: From how many texts it was learned.

    Returns:
        The vocabulary.
    """
    alphabet, codes, counts = (arrays[f"{name}.{part}"] for part in ("alphabet", "codes", "counts"))
    return Vocabulary(alphabet, codes, counts, n_texts)


def sparse_of(name: str, arrays: Mapping[str, NDArray[Any]]) -> sp.csr_matrix:
    """A sparse matrix from what `matrix_arrays` made of it.

    Args:
        name: Of the matrix.
        arrays: Arrays by name.

    Returns:
        The matrix.
    """
    parts = tuple(arrays[f"{name}.{part}"] for part in ("data", "indices", "indptr"))
    matrix = sp.csr_matrix(parts, shape=tuple(arrays[f"{name}.shape"].tolist()))
    matrix.has_sorted_indices = True
    return matrix


def _check(root: Path) -> None:
    if not (root / MANIFEST).is_file():
        raise InvalidArgumentError(f"{root} is no folder that save() wrote: it has no {MANIFEST}.")
    try:
        manifest = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
        version, seals = manifest["format"], dict(manifest["files"])
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidArgumentError(f"{root / MANIFEST} cannot be read: {error}. Save it again.") from error
    if version != FORMAT:
        todo = "Fit and save again" if version in range(FORMAT) else "Update the package"
        raise InvalidArgumentError(f"{root} has format {version}; this version reads {FORMAT}. {todo}.")
    if not {"reference.json", "arrays.safetensors"} <= set(seals):
        raise InvalidArgumentError(f"{root / MANIFEST} does not name all files. Save it again.")
    for name, seal in seals.items():
        path = root / name
        if Path(name).name != name or not path.is_file() or _sha256(path) != seal:
            raise InvalidArgumentError(
                f"{name!r} in {root} is missing, damaged or was changed: it is not what {MANIFEST} says. "
                "Save it again."
            )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
