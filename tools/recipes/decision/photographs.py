"""Correct the decision for photographs: prints of pictures that training left out, with captions of others.

python -m tools.recipes.decision.photographs INPUTS SOURCES.zip RUN/left-out.npz WEIGHTS decision.json

The decision for rows with pictures was fitted on vectors of printed names. Those of photographs have other
cosines, so the model carries a correction of its own, fitted as `fit_decision` does. How many pictures a task
has, how often each is printed, how badly, and what is missing differ from task to task. Captions are those of
pictures that trained: which one a picture gets says nothing of it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from clippings.arrays import Floats
from linktransformer.decision.correction import write
from linktransformer.decision.correction_fit import LabelledJob, fit_correction
from linktransformer.decision.model import decision
from linktransformer.decision.pair_probabilities import judge
from linktransformer.dedup.cluster import K
from linktransformer.scoring.describe import Options, describe
from linktransformer.search import blocking
from linktransformer.tables import frames, records
from linktransformer.tables.records import Records
from linktransformer.tables.serialize import Serializer
from tools.recipes.photos.packing import FORMS, SEEDS, planned, read_texts
from tools.recipes.photos.sources import load

TASKS, MOST_PRINTS, MOST_ROWS = 24, 8, 500
WRONG = 0.03  # captions of other pictures


class Prints:
    """Vectors of prints and of captions, and what the captions say."""

    def __init__(self, inputs: Path, sources: Path, left_out: Path, weights: Path) -> None:
        import torch
        from safetensors.torch import load_file

        with np.load(left_out) as file:
            self.image = file["image"].astype(np.float32)
            self.severity, self.source = file["severity"], file["source"]
        self.image /= np.linalg.norm(self.image, axis=1, keepdims=True)
        captions, _ = read_texts(inputs)
        kept = np.flatnonzero((captions.of_source >= 0).all(axis=1))
        train = [source for source in load(sources)[0] if source.split == "train"]
        forms = planned(train, "train", FORMS, (1.0,), SEEDS["train"])
        self.texts = np.array([one.text for one in forms], object).reshape(-1, FORMS)[kept]
        state = load_file(weights)
        head = state["text_head.weight"].float(), state["text_head.bias"].float()
        vectors = torch.from_numpy(captions.vectors) @ head[0].T + head[1]
        rows = torch.nn.functional.normalize(vectors, dim=1).numpy()
        self.spoken = rows[captions.of_source[kept]]


def job(prints: Prints, share: float, draw: np.random.Generator) -> LabelledJob:
    """The candidates of one task, by the shipped decision, and which of them show one picture."""
    pictures = np.unique(prints.source)
    chosen = draw.permutation(pictures)[: int(np.exp(draw.uniform(np.log(25), np.log(len(pictures)))))]
    low, high = np.sort(draw.uniform(0.1, 1.8, 2))
    high = max(high, low + 0.4)
    rows: list[int] = []
    for picture in chosen.tolist():
        able = np.flatnonzero(
            (prints.source == picture) & (prints.severity >= low) & (prints.severity <= high)
        )
        rows += draw.permutation(able)[: min(MOST_PRINTS, int(draw.geometric(0.4)))].tolist()
    at = np.array(rows[:MOST_ROWS])
    source = prints.source[at]
    said = draw.permutation(len(prints.texts))[: pictures.max() + 1][source]
    wrong = draw.random(len(at)) < WRONG
    said = np.where(wrong, draw.integers(len(prints.texts), size=len(at)), said)
    form = draw.integers(FORMS, size=len(at))
    kind = draw.random()  # pictures by themselves, pictures with captions, both with gaps
    gap = 0.0 if kind < 0.7 else float(draw.uniform(0.05, 0.35))
    lot = draw.random(len(at))
    says = np.zeros(len(at), bool) if kind < 0.3 else lot >= gap
    shows = (lot < 1 - gap) | ~says
    image = prints.image[at] * shows[:, None]
    text = prints.spoken[said, form] * says[:, None]
    both = (shows & says)[:, None]
    fused = np.where(both, share * image + (1 - share) * text, image + text)
    fused /= np.maximum(np.linalg.norm(fused, axis=1, keepdims=True), 1e-9)
    texts = [text if spoken else None for text, spoken in zip(prints.texts[said, form], says, strict=True)]
    return _described(texts, image, fused.astype(np.float32), source, captions=bool(says.any()))


def _described(
    texts: list[str | None], image: Floats, fused: Floats, source: np.ndarray, *, captions: bool
) -> LabelledJob:
    table = frames.wrap(pd.DataFrame({"caption": pd.Series(texts, dtype=object)}), "left")
    on, number = ["caption"] if captions else [], np.arange(len(texts), dtype=np.int64)
    read = Records(np.full(len(number), "", dtype=object), number, 0, ())
    if captions:
        found = records.read(table, on, Serializer())
        read = Records(np.append(found.texts, "")[found.text_of_row], number, found.n_cut, found.columns)
    nodes = blocking.nodes(read.text_of_row)
    options = Options(k=K, vectors={"dense": (image, image), "fused": (fused, fused)}, readings=True)
    described = describe((table, table), (on, on), (nodes, nodes), (read, read), options, same=True)
    judged = judge(described, pictures=True).in_job((read, read), readings=True)
    assert judged.decided is not None
    features, pairs = described.features, described.candidates
    same = source[pairs.left[features.at]] == source[pairs.right[features.at]]
    no_bits = np.zeros((len(same), 0), np.float32)
    return LabelledJob(
        judged.decided.log_odds, features.names, features.values, no_bits, (),
        np.flatnonzero(same), np.flatnonzero(~same),
    )  # fmt: skip


def joined(jobs: list[LabelledJob]) -> LabelledJob:
    """All jobs as one."""
    names = jobs[0].names
    starts = np.cumsum([0, *(len(one.log_odds) for one in jobs)])
    return LabelledJob(
        np.concatenate([one.log_odds for one in jobs]),
        names,
        np.concatenate([one.values[:, [one.names.index(name) for name in names]] for one in jobs]),
        np.concatenate([one.bits for one in jobs]),
        (),
        np.concatenate([one.matches + start for one, start in zip(jobs, starts, strict=False)]),
        np.concatenate([one.others + start for one, start in zip(jobs, starts, strict=False)]),
    )


def main() -> None:
    """Read the command line."""
    from tools.make_photos_model import SHARE

    inputs, sources, left_out, weights, out = map(Path, sys.argv[1:6])
    prints = Prints(inputs, sources, left_out, weights)
    draw = np.random.default_rng(0)
    every = joined([job(prints, SHARE, draw) for _ in range(TASKS)])
    found = fit_correction(every, decision(pictures=True).uncertainty)
    write(found, out, {"learned from": "prints of pictures that the model did not see in training"})


if __name__ == "__main__":
    main()
