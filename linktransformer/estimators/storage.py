"""A fitted reference on disk: safetensors, parquet and JSON, each file with its hash; no pickle."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer.errors import InvalidArgumentError
from linktransformer.estimators.neighbours import Matrix
from linktransformer.estimators.reference import Reference
from linktransformer.estimators.row_reader import REFERENCE, Keys, Pictures, RowReader
from linktransformer.search.matrices import Passages
from linktransformer.search.vocabulary import Vocabulary
from linktransformer.tables import frames, saved_tables
from linktransformer.tables.columns import emptied
from linktransformer.tables.frames import Table
from linktransformer.tables.records import Records
from linktransformer.tables.serialize import Serializer
from model_hub.work_folder import work_folder

__all__ = [
    "Arrays",
    "Json",
    "matrix_arrays",
    "matrix_of",
    "objects",
    "read",
    "vocabulary_arrays",
    "vocabulary_of",
    "write",
]

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
FORMAT = 3
SPARSE = ("data", "indices", "indptr")
EXTRA = "extra."  # before the names of arrays that an estimator adds

Arrays = dict[str, NDArray[Any]]  # by name, as safetensors has them
Json = dict[str, Any]


def write(folder: str | Path, reference: Reference, settings: Mapping[str, object], extra: Arrays) -> None:
    """Write a reference, settings and arrays; the folder appears whole or not at all.

    A folder that was there is replaced, if it is empty or was written by this function.
    """
    from safetensors.numpy import save_file

    target = Path(folder)
    own = target.is_dir() and (not any(target.iterdir()) or (target / MANIFEST).is_file())
    if target.exists() and not own:
        raise InvalidArgumentError(f"{target} holds something else. Give a new or an empty folder.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with work_folder(target.parent, f".{target.name}.", ".part") as temporary:
        table = saved_tables.store(_without_pictures(reference).frame.to_native(), temporary)
        arrays = _arrays(reference) | {EXTRA + name: values for name, values in extra.items()}
        contiguous = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
        save_file(contiguous, temporary / "arrays.safetensors")
        contents = {"table": table, "settings": dict(settings), **_json(reference)}
        (temporary / "reference.json").write_text(json.dumps(contents), encoding="utf-8")
        manifest = {
            "format": FORMAT,
            "files": {path.name: _sha256(path) for path in sorted(temporary.iterdir())},
        }
        (temporary / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        os.replace(temporary, target)  # noqa: PTH105 - as in writers.whole


def read(folder: str | Path) -> tuple[Reference, Json, Arrays]:
    """The reference, the settings and the arrays that `write` wrote, after a check of every file's hash."""
    from safetensors.numpy import load_file

    root = Path(folder)
    _check(root)
    contents: Json = json.loads((root / "reference.json").read_text(encoding="utf-8"))
    arrays: Arrays = load_file(root / "arrays.safetensors")
    table = frames.wrap(saved_tables.restore(root / contents["table"], contents["library"]), "reference")
    labels = arrays.get("labels")
    n_texts, pictures = contents["n_texts"], contents["pictures"]
    columns = {} if pictures is None else pictures["columns"]
    named = {**contents["keys"], **columns}.items()
    tuples: Json = {name: None if names is None else tuple(names) for name, names in named}
    keys = Keys(**tuples)
    reference = Reference(
        table=table,
        records=Records(objects(contents["texts"]), arrays["text_of_row"], contents["n_cut"], keys.reference),
        matrices={name: matrix_of(name, arrays) for name in contents["views"]},
        pictures=None if pictures is None else _pictures(pictures, arrays["has_picture"]),
        labels=frames.index_labels(table, np.arange(table.n_rows)) if labels is None else labels,
        next_label=contents["next_label"],
        reader=_reader(keys, contents["reading"]),
        words=vocabulary_of("words", arrays, n_texts[0]),
        head_words=None if n_texts[1] is None else vocabulary_of("head_words", arrays, n_texts[1]),
        weights=contents["weights"],
        threshold=contents["threshold"],
        details=contents["details"],
    )
    extra = {name.removeprefix(EXTRA): of for name, of in arrays.items() if name.startswith(EXTRA)}
    return reference, contents["settings"], extra


def _json(reference: Reference) -> Json:
    pictures, vocabularies = reference.pictures, (reference.words, reference.head_words)
    keys = reference.reader.keys
    return {
        "library": reference.table.library,
        "next_label": reference.next_label,
        "keys": {"reference": keys.reference, "queries": keys.queries, "blocks": keys.blocks},
        "texts": reference.records.texts.tolist(),
        "n_cut": reference.records.n_cut,
        "n_texts": [None if words is None else words.n_texts for words in vocabularies],
        "views": list(reference.matrices),
        "weights": dict(reference.weights),
        "threshold": reference.threshold,
        "details": dict(reference.details),
        "reading": {name: value for name, value in asdict(reference.reader).items() if name != "keys"},
        "pictures": None
        if pictures is None
        else {
            "columns": {"images": keys.images, "confidence": keys.confidence},
            "identity": pictures.identity.tolist(),
            "lines": {name: list(line) for name, line in pictures.lines.items()},
        },
    }


def _arrays(reference: Reference) -> Arrays:
    arrays: Arrays = {"text_of_row": reference.records.text_of_row}
    if reference.table.index is None:  # else the table has them
        arrays["labels"] = reference.labels
    arrays |= vocabulary_arrays("words", reference.words)
    if reference.head_words is not None:
        arrays |= vocabulary_arrays("head_words", reference.head_words)
    if reference.pictures is not None:
        arrays["has_picture"] = reference.pictures.has_picture.astype(np.uint8)
    for name, matrix in reference.matrices.items():
        arrays |= matrix_arrays(name, matrix)
    return arrays


def _reader(keys: Keys, values: Json) -> RowReader:
    column, order = values["column"], values["order"]
    pairs = {
        "column": None if column is None else tuple(column),
        "order": None if order is None else tuple(map(tuple, order)),
        "serializer": Serializer.from_dict(values["serializer"]),
    }
    return RowReader(keys, **{**values, **pairs})


def _pictures(values: Json, has_picture: NDArray[np.uint8]) -> Pictures:
    lines = {name: (line[0], line[1]) for name, line in values["lines"].items()}
    return Pictures(objects(values["identity"]), has_picture.astype(bool), lines)


def _without_pictures(reference: Reference) -> Table:
    """The table, with nulls for pictures that are in it themselves; names of files stay."""
    table, images = reference.table, reference.reader.keys.images
    if images is None:
        return table
    cells = frames.column(table, images[REFERENCE]).tolist()
    if all(cell is None or isinstance(cell, str) for cell in cells):
        return table
    logger.info("the pictures of column %r are not saved: their vectors are", images[REFERENCE])
    return frames.wrap(emptied(table.frame, images[REFERENCE]), table.name)


def matrix_arrays(name: str, matrix: Matrix) -> Arrays:
    """A sparse or a dense matrix, or passages, as arrays."""
    if isinstance(matrix, np.ndarray):
        return {name: matrix}
    if isinstance(matrix, Passages):
        corrected = np.array([matrix.slope, matrix.level], dtype=np.float64)
        parts = {"passages": np.asarray(matrix.vectors), "starts": matrix.starts, "correction": corrected}
        return {f"{name}.{part}": values for part, values in parts.items()}
    arrays: Arrays = {f"{name}.{part}": getattr(matrix, part) for part in SPARSE}
    return arrays | {f"{name}.shape": np.array(matrix.shape, dtype=np.int64)}


def matrix_of(name: str, arrays: Arrays) -> Matrix:
    """The matrix of `matrix_arrays`."""
    if name in arrays:
        return arrays[name]
    if f"{name}.passages" in arrays:
        slope, level = arrays[f"{name}.correction"].tolist()
        return Passages(arrays[f"{name}.passages"], arrays[f"{name}.starts"], slope=slope, level=level)
    parts = tuple(arrays[f"{name}.{part}"] for part in SPARSE)
    matrix = sp.csr_matrix(parts, shape=tuple(arrays[f"{name}.shape"].tolist()))
    matrix.has_sorted_indices = True
    return matrix


def vocabulary_arrays(name: str, words: Vocabulary) -> Arrays:
    """A vocabulary as arrays, without the number of texts that it was learned from."""
    return {
        f"{name}.alphabet": words.alphabet,
        f"{name}.codes": words.codes,
        f"{name}.counts": words.n_texts_with,
    }


def vocabulary_of(name: str, arrays: Arrays, n_texts: int) -> Vocabulary:
    """The vocabulary of `vocabulary_arrays`."""
    alphabet, codes, counts = (arrays[f"{name}.{part}"] for part in ("alphabet", "codes", "counts"))
    return Vocabulary(alphabet, codes, counts, n_texts)


def objects(values: Sequence[str]) -> NDArray[np.object_]:
    """Texts as an array, (n,) object."""
    return np.fromiter(values, dtype=object, count=len(values))


def _check(root: Path) -> None:
    if not (root / MANIFEST).is_file():
        raise InvalidArgumentError(f"{root} is not a folder that save() wrote: it has no {MANIFEST}.")
    try:
        manifest = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
        version, hashes = manifest["format"], dict(manifest["files"])
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidArgumentError(f"{root / MANIFEST} cannot be read: {error}. Save it again.") from error
    if version != FORMAT:
        todo = "Fit and save again" if version in range(FORMAT) else "Update the package"
        raise InvalidArgumentError(f"{root} has format {version}; this version reads {FORMAT}. {todo}.")
    if not {"reference.json", "arrays.safetensors"} <= set(hashes):
        raise InvalidArgumentError(f"{root / MANIFEST} does not name all files. Save it again.")
    for name, digest in hashes.items():
        path = root / name
        if Path(name).name != name or not path.is_file() or _sha256(path) != digest:
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
