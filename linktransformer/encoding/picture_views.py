"""The views of rows that have a picture beside their text, and what each of the two says of a pair."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.encoding.cached_encoder import PARTS as VECTORS
from linktransformer.encoding.cached_encoder import CachedEncoder
from linktransformer.errors import ModelError
from linktransformer.scoring.gaps import line_of
from linktransformer.search import edits
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates
from linktransformer.search.pair_products import pair_scores
from linktransformer.tables import factorize
from linktransformer.tables.picture_records import Units

__all__ = [
    "EDIT",
    "VECTORS",
    "both_have",
    "edit_of",
    "encoded",
    "filled",
    "gap_lines",
    "vectors_of",
    "with_edit",
    "with_vectors",
    "without_gaps",
]

EDIT = "edit"
OF_TEXT, OF_PICTURE = ("lexical", "text", EDIT), ("image",)


def vectors_of(
    units: tuple[Units, Units],
    encoder: Any,
    *,
    batch_size: int | None = None,
    same: bool = False,
) -> dict[str, tuple[Floats, Floats]]:
    """Encode two tables with pictures.

    Args:
        units: Of the left and of the right table.
        encoder: With `encode_records`, or None for the texts alone.
        batch_size: For the encoder.
        same: Both sides are one table, which is encoded once.

    Returns:
        "fused", "image" and "text" -> vectors of left and right units, (n_units, d) float32 unit rows. One
        that has no text or no picture has a row of zeros there. Nothing without an encoder.
    """
    if encoder is None:
        return {}
    vectors = [encoded(encoder, side, batch_size) for side in units[: 1 if same else 2]]
    return {name: (vectors[0][name], vectors[-1][name]) for name in VECTORS}


def with_vectors(
    found: Candidates, vectors: Mapping[str, tuple[Floats, Floats]], nodes: tuple[Nodes, Nodes]
) -> Candidates:
    """Add the cosine of each candidate in each of the model's views.

    Args:
        found: The candidates.
        vectors: From `vectors_of`.
        nodes: Of both tables.

    Returns:
        The candidates with "fused", "image" and "text" in place of "dense".
    """
    a, b = nodes[0].text[found.left], nodes[1].text[found.right]
    views = {name: score for name, score in found.views.items() if name != "dense"}
    views |= {name: np.clip(pair_scores(*both, a, b), -1, 1) for name, both in vectors.items()}
    return replace(found, views=views)


def encoded(encoder: Any, units: Units, batch_size: int | None) -> Mapping[str, Floats]:
    """The model's views of units; one with several pictures has the direction in which they point together.

    Args:
        encoder: With `encode_records`.
        units: The units.
        batch_size: For the encoder.

    Returns:
        "fused", "image" and "text", (n_units, d) float32 each.
    """
    from clippings import EncoderError

    texts = [text or None for text in units.records.texts.tolist()]
    count = np.array([max(1, len(pictures)) for pictures in units.pictures], dtype=np.int64)
    owner = np.repeat(np.arange(len(texts)), count)
    shown = [picture for pictures in units.pictures for picture in (pictures or (None,))]
    said, sure = [texts[unit] for unit in owner.tolist()], units.confidence[owner]
    recall = encoder.recall_records(said, shown, sure) if isinstance(encoder, CachedEncoder) else None
    with progress.stage("encode", len(shown) if recall is None else len(recall.missing)) as tick:
        try:
            if recall is not None:
                parts = np.split(recall.complete(batch_size, tick), len(VECTORS), axis=1)
                vectors = dict(zip(VECTORS, map(np.ascontiguousarray, parts), strict=True))
            else:
                found = encoder.encode_records(
                    said, shown, confidence=sure, batch_size=batch_size, progress=tick
                )
                vectors = {name: np.asarray(getattr(found, name), dtype=np.float32) for name in VECTORS}
        except EncoderError as error:
            raise ModelError(str(error)) from error
    if len(shown) == len(texts):
        return vectors
    starts = np.cumsum(count) - count
    return {name: _unit(np.add.reduceat(rows, starts, axis=0)) for name, rows in vectors.items()}


def _unit(rows: Floats) -> Floats:
    length = np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
    return np.asarray(rows / np.where(length > 0, length, 1), dtype=np.float32)


def with_edit(found: Candidates, nodes: tuple[Nodes, Nodes], units: tuple[Units, Units]) -> Candidates:
    """Add the likeness of the two texts by edit distance, for what an OCR engine read.

    Args:
        found: The candidates.
        nodes: Of both tables.
        units: Of both tables.

    Returns:
        The same with the view "edit": 1 - distance / length of the longer text, of texts without spaces and
        capitals.
    """
    sides = [factorize.factorize([_plain(text) for text in side.records.texts.tolist()]) for side in units]
    a, b = (
        side[1][node.text[place]]
        for side, node, place in zip(sides, nodes, (found.left, found.right), strict=True)
    )
    likeness = edits.edit_similarity(sides[0][0], sides[1][0], a, b)
    return replace(found, views={**found.views, EDIT: likeness.astype(np.float32)})


def edit_of(left: Sequence[str], right: Sequence[str], a: Integers, b: Integers) -> Floats:
    """The likeness of two texts by edit distance, capitals and spaces left out.

    Args:
        left: Left texts.
        right: Right texts.
        a: Left text of each pair, (n_pairs,) int64.
        b: The right one.

    Returns:
        (n_pairs,) float32.
    """
    plain = [[_plain(text) for text in side] for side in (left, right)]
    return edits.edit_similarity(plain[0], plain[1], a, b).astype(np.float32)


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def without_gaps(found: Candidates, nodes: tuple[Nodes, Nodes], units: tuple[Units, Units]) -> Candidates:
    """Say what a view that has nothing to go by would be expected to say.

    A pair one of whose rows has no picture has a cosine of 0 in the view of pictures, which is no evidence
    against it. It is given what pairs with both have there on average, at its cosine of the fused vectors.

    Args:
        found: The candidates with their views.
        nodes: Of both tables.
        units: Of both tables.

    Returns:
        The same, with no view that holds missing evidence against a pair.
    """
    there = both_have(found, nodes, [(side.has_text, side.has_picture) for side in units])
    return filled(found, there, gap_lines(found, there))


def both_have(
    found: Candidates, nodes: tuple[Nodes, Nodes], has: Sequence[tuple[Bools, Bools]]
) -> dict[str, Bools]:
    """Where both rows of a pair have what a view goes by.

    Args:
        found: The candidates.
        nodes: Of both tables.
        has: Of both tables, which units have a text and which have a picture.

    Returns:
        By view, (n_pairs,) bool.
    """
    known: dict[str, Bools] = {}
    for kind, names in enumerate((OF_TEXT, OF_PICTURE)):
        left, right = (side[kind][node.text] for side, node in zip(has, nodes, strict=True))
        known |= dict.fromkeys(names, left[found.left] & right[found.right])
    return known


def gap_lines(found: Candidates, there: Mapping[str, Bools]) -> dict[str, tuple[float, float]]:
    """What a view says on average at each cosine of the fused vectors, where some pairs have a gap there.

    Args:
        found: The candidates with their views.
        there: From `both_have`.

    Returns:
        By view, the slope and the level of a line.
    """
    by = found.views.get("fused")
    if by is None or not len(found):
        return {}
    return {
        name: line_of(by[there[name]], score[there[name]])
        for name, score in found.views.items()
        if name in there and there[name].any()
    }


def filled(
    found: Candidates, there: Mapping[str, Bools], lines: Mapping[str, tuple[float, float]]
) -> Candidates:
    """Put what the lines say where a view has nothing to go by.

    Args:
        found: The candidates with their views.
        there: From `both_have`.
        lines: From `gap_lines`.

    Returns:
        The candidates.
    """
    by = found.views.get("fused")
    if by is None or not len(found):
        return found
    views = dict(found.views)
    for name, (slope, level) in lines.items():
        line = np.clip(np.float32(level) + np.float32(slope) * by, -1, 1)
        views[name] = np.where(there[name], found.views[name], line).astype(np.float32)
    return replace(found, views=views)
