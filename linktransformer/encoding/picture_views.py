"""Views of rows with a picture beside their text: cosines of the model's vectors, and edit similarity."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.encoding.cached_encoder import PARTS as VECTORS
from linktransformer.encoding.cached_encoder import CachedEncoder, parts_of
from linktransformer.encoding.model_plan import Encoder, encoding_errors
from linktransformer.scoring.missing_inputs import line_of
from linktransformer.search import edit_similarity
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates
from linktransformer.search.pair_products import pair_scores
from linktransformer.tables import factorize
from linktransformer.tables.picture_records import Units

if TYPE_CHECKING:
    from clippings.records.encoder import RecordEncoder

__all__ = [
    "EDIT", "VECTORS", "both_have", "edit_of", "encoded", "filled", "gap_lines", "vectors_of", "with_edit",
    "with_vectors", "without_gaps",
]  # fmt: skip

EDIT = "edit"
TEXT_VIEWS, PICTURE_VIEWS = ("lexical", "text", EDIT), ("image",)


def vectors_of(
    units: tuple[Units, Units],
    encoder: Encoder | None,
    *,
    batch_size: int | None = None,
    same: bool = False,
) -> dict[str, tuple[Floats, Floats]]:
    """Vectors of left and right units in each of the model's views, (n_units, d) float32 unit rows.

    A unit without text or picture has a row of zeros there. Nothing without an encoder. `same`: both sides
    are one table, which is encoded once.
    """
    if encoder is None:
        return {}
    vectors = [encoded(encoder, side, batch_size) for side in units[: 1 if same else 2]]
    return {name: (vectors[0][name], vectors[-1][name]) for name in VECTORS}


def with_vectors(
    candidates: Candidates, vectors: Mapping[str, tuple[Floats, Floats]], nodes: tuple[Nodes, Nodes]
) -> Candidates:
    """The candidates with their cosines in the views "fused", "image" and "text", in place of "dense"."""
    left, right = nodes[0].text[candidates.left], nodes[1].text[candidates.right]
    views = {name: score for name, score in candidates.views.items() if name != "dense"}
    views |= {name: np.clip(pair_scores(*sides, left, right), -1, 1) for name, sides in vectors.items()}
    return replace(candidates, views=views)


def encoded(encoder: Encoder, units: Units, batch_size: int | None) -> Mapping[str, Floats]:
    """The model's "fused", "image" and "text" vectors of units, (n_units, d) float32 each.

    A unit with several pictures has the normalised sum of their vectors.
    """
    texts = [text or None for text in units.records.texts.tolist()]
    count = np.array([max(1, len(pictures)) for pictures in units.pictures], dtype=np.int64)
    owner = np.repeat(np.arange(len(texts)), count)
    pictures = [picture for of_unit in units.pictures for picture in (of_unit or (None,))]
    repeated, confidence = [texts[unit] for unit in owner.tolist()], units.confidence[owner]
    lookup = None
    if isinstance(encoder, CachedEncoder):
        lookup = encoder.lookup_records(repeated, pictures, confidence)
    n = len(pictures) if lookup is None else len(lookup.missing)
    with progress.stage("encode", n) as tick, encoding_errors(encoder):
        if lookup is not None:
            parts = np.split(lookup.complete(batch_size, tick), len(VECTORS), axis=1)
            vectors: Mapping[str, Floats] = dict(zip(VECTORS, map(np.ascontiguousarray, parts), strict=True))
        else:
            vectors = parts_of(
                cast("RecordEncoder", encoder).encode_records(
                    repeated, pictures, confidence=confidence, batch_size=batch_size, progress=tick
                )
            )
    if len(pictures) == len(texts):
        return vectors
    starts = np.cumsum(count) - count
    return {name: _unit(np.add.reduceat(rows, starts, axis=0)) for name, rows in vectors.items()}


def _unit(rows: Floats) -> Floats:
    length = np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
    return np.asarray(rows / np.where(length > 0, length, 1), dtype=np.float32)


def with_edit(candidates: Candidates, nodes: tuple[Nodes, Nodes], units: tuple[Units, Units]) -> Candidates:
    """The candidates with the view "edit": `edit_of` their texts, for what an OCR engine read."""
    sides = [factorize.factorize([_plain(text) for text in side.records.texts.tolist()]) for side in units]
    left, right = (
        code[node.text[place]]
        for (_, code), node, place in zip(sides, nodes, (candidates.left, candidates.right), strict=True)
    )
    similarity = edit_similarity.edit_similarity(sides[0][0], sides[1][0], left, right)
    return replace(candidates, views={**candidates.views, EDIT: similarity.astype(np.float32)})


def edit_of(left: Sequence[str], right: Sequence[str], a: Integers, b: Integers) -> Floats:
    """1 - edit distance / length of the longer text of pairs (a, b), spaces and case ignored; float32."""
    plain = [[_plain(text) for text in side] for side in (left, right)]
    return edit_similarity.edit_similarity(plain[0], plain[1], a, b).astype(np.float32)


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def without_gaps(
    candidates: Candidates, nodes: tuple[Nodes, Nodes], units: tuple[Units, Units]
) -> Candidates:
    """The candidates with an expected similarity in views where a row lacks its text or picture.

    A pair one of whose rows has no picture has a cosine of 0 in the view of pictures, which is no evidence
    against it. It gets the average there of pairs with both, at its cosine of the fused vectors.
    """
    present = both_have(candidates, nodes, [(side.has_text, side.has_picture) for side in units])
    return filled(candidates, present, gap_lines(candidates, present))


def both_have(
    candidates: Candidates, nodes: tuple[Nodes, Nodes], has: Sequence[tuple[Bools, Bools]]
) -> dict[str, Bools]:
    """By view, whether both rows of a pair have the text or picture that it compares, (n_pairs,) bool.

    `has` holds, for each table, which units have a text, and which have a picture.
    """
    present: dict[str, Bools] = {}
    for kind, names in enumerate((TEXT_VIEWS, PICTURE_VIEWS)):
        left, right = (side[kind][node.text] for side, node in zip(has, nodes, strict=True))
        present |= dict.fromkeys(names, left[candidates.left] & right[candidates.right])
    return present


def gap_lines(candidates: Candidates, present: Mapping[str, Bools]) -> dict[str, tuple[float, float]]:
    """By view, slope and level of its similarity as a line of the fused cosine, of pairs without a gap."""
    fused = candidates.views.get("fused")
    if fused is None or not len(candidates):
        return {}
    return {
        name: line_of(fused[present[name]], score[present[name]])
        for name, score in candidates.views.items()
        if name in present and present[name].any()
    }


def filled(
    candidates: Candidates, present: Mapping[str, Bools], lines: Mapping[str, tuple[float, float]]
) -> Candidates:
    """The candidates with the values of `gap_lines` where a view lacks a text or picture."""
    fused = candidates.views.get("fused")
    if fused is None or not len(candidates):
        return candidates
    views = dict(candidates.views)
    for name, (slope, level) in lines.items():
        line = np.clip(np.float32(level) + np.float32(slope) * fused, -1, 1)
        views[name] = np.where(present[name], candidates.views[name], line).astype(np.float32)
    return replace(candidates, views=views)
