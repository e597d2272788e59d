"""Which clippings show one photograph: captions, perceptual hashes, pictures, both, by kind of damage.

`python -m tools.recipes.photos.sources` makes the pictures. They are split by source picture; thresholds are
those that are best on the valid split, in the same condition. `--before` names a model whose picture vectors
are the network's own features (`python -m tools.recipes.photos.raw`), `--models` other models of photographs.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tools.report import Report, Table, say

from . import wire_data, wire_scores
from .wire_data import Wire
from .wire_scores import Matrix

Pair = tuple[Wire, Wire]  # valid, test


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--sources", type=Path, default=wire_data.SOURCES)
    parser.add_argument("--models", nargs="+", default=["photos"], help="names, folders or CLIP models")
    parser.add_argument("--before", type=Path, default=None, metavar="DIR")
    parser.add_argument("--conditions", nargs="+", default=[*wire_data.CONDITIONS, "gaps"])
    parser.add_argument(
        "--limit", type=int, default=0, help="source pictures of test, half of it of valid; 0: all"
    )
    parser.add_argument("--no-linking", action="store_true", help="leave out `cluster` by the first model")


def run(options: argparse.Namespace) -> Report:
    """Measure every view in every condition."""
    if not options.sources.exists():
        gone = f"{options.sources} is not there: python -m tools.recipes.photos.sources makes it"
        return Report("wire", skipped=[gone])
    tables, mixed = [], None
    for condition in options.conditions:
        if condition == "gaps":
            mixed = mixed or made(options, "mixed")
            wires = mixed[0].gaps(), mixed[1].gaps()
        else:
            wires = made(options, condition)
            mixed = wires if condition == "mixed" else mixed
        rows = []
        for name, valid, test in views(options, wires):
            by = wire_scores.chosen(valid, wires[0].source)
            rows.append({"view": name, **wire_scores.measured(test, wires[1].source, by)})
            say(f"{condition}: {rows[-1]}", note=True)
        if not options.no_linking:
            rows += list(linked(str(options.models[0]), wires[1]))
        n = f"{len(wires[1]):,} clippings of {len(set(wires[1].source.tolist())):,} pictures"
        tables.append(Table(f"{condition}: {n}", rows))
    names = [Path(str(one)).name for one in options.models]
    return Report("wire", tables, settings={"models": names, "pictures drawn": options.limit})


def made(options: argparse.Namespace, condition: str) -> Pair:
    """The clippings of both splits; of valid, which chooses two numbers, half as many pictures are drawn."""
    limits = {"valid": -(-options.limit // 2), "test": options.limit}
    valid, test = (wire_data.made(options.sources, split, condition, limits[split]) for split in limits)
    return valid, test


def views(options: argparse.Namespace, wires: Pair) -> Iterator[tuple[str, Matrix, Matrix]]:
    """Name and similarities, (n, n) on valid and on test, of each way to compare clippings."""
    ways = {"captions, Jaccard": jaccard, "captions, n-grams": ngrams, "captions, text model": texts}
    for name, way in {**ways, "perceptual hash": hashes}.items():
        yield name, way(wires[0]), way(wires[1])
    if options.before is not None:
        bare = [replace(one, captions=(None,) * len(one)) for one in wires]
        valid, test = (vectors(str(options.before), one).image for one in bare)
        yield "picture, before training", valid @ valid.T, test @ test.T
    for model in options.models:
        sides = [vectors(str(model), one) for one in wires]
        for part, name in {"image": "picture", "text": "caption", "fused": "fused"}.items():
            valid, test = (getattr(side, part) for side in sides)
            yield f"{Path(str(model)).name}, {name}", valid @ valid.T, test @ test.T


def jaccard(wire: Wire) -> Matrix:
    """Shared words over all words."""
    from sklearn.feature_extraction.text import CountVectorizer

    words = CountVectorizer(binary=True, token_pattern=r"(?u)\w+")
    counts = words.fit_transform([text or "" for text in wire.captions]).astype(np.float32)
    shared = (counts @ counts.T).toarray()
    size = np.asarray(counts.sum(axis=1)).ravel()
    return np.asarray(shared / np.maximum(1, size[:, None] + size[None, :] - shared), np.float32)


def ngrams(wire: Wire) -> Matrix:
    """Cosines of TF-IDF of 2 to 4 characters."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    rows = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)).fit_transform(
        [text or "" for text in wire.captions]
    )
    return np.asarray((rows @ rows.T).toarray(), np.float32)


def texts(wire: Wire) -> Matrix:
    """Cosines of the bundled text model; 0 for missing captions."""
    from clippings import load_text_encoder

    rows = load_text_encoder("linker-multilingual").encode([text or "" for text in wire.captions])
    rows = rows * np.array([text is not None for text in wire.captions])[:, None]
    return np.asarray(rows @ rows.T, np.float32)


def hashes(wire: Wire) -> Matrix:
    """Cosines of perceptual hashes: 1 - distance / 32."""
    from clippings.records.hash_encoder import PerceptualHash

    rows = PerceptualHash().encode_records(wire.captions, pictures_of(wire)).image
    return np.asarray(rows @ rows.T, np.float32)


def vectors(model: str, wire: Wire) -> Any:
    """The vectors of clippings by a model."""
    from clippings import load_record_encoder

    began = time.perf_counter()
    encoder = load_record_encoder(model)
    found = encoder.encode_records(wire.captions, pictures_of(wire, encoder.photo_side))
    say(f"{model}: {len(wire) / (time.perf_counter() - began):.1f} clippings a second", note=True)
    return found


def pictures_of(wire: Wire, side: int = 64) -> Sequence[Any]:
    """The pictures as linking reads them."""
    from clippings import read_pictures

    return read_pictures(list(wire.photos), colour=side > 0, shortest=side or 64, stored=True)


def linked(model: str, wire: Wire) -> Iterator[Mapping[str, Any]]:
    """`cluster` by default, without a label: what the shipped decision makes of all views."""
    import linktransformer as lt

    both = {"on": "caption", "images": "photo", "model": model}
    ways = {"captions": {"on": "caption"}, "both": both, "pictures": {"images": "photo", "model": model}}
    for name, arguments in ways.items():
        began = time.perf_counter()
        frame = wire.frame() if "on" in arguments else wire.frame()[["photo"]]
        found = lt.cluster(frame, progress=False, **arguments)
        row = {
            "view": f"{Path(model).name}: cluster, {name}",
            **wire_scores.of_clusters(found.label, wire.source),
            "seconds": time.perf_counter() - began,
            "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        say(str(row), note=True)
        yield row
