"""One partition searched: its candidates set aside, and what the statistics of the job take from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Floats, Integers
from linktransformer.decision.equal_texts import SAME, alike
from linktransformer.partitions.file_job import FileJob, Partition, Texts
from linktransformer.partitions.file_survey import Survey
from linktransformer.partitions.search_tiles import own_rivals_in_tiles, search_in_tiles
from linktransformer.scoring import ranks
from linktransformer.scoring.candidate_evidence import nearest_pairs, own_rivals
from linktransformer.scoring.features import mutual_and_strength, near
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates, search
from linktransformer.search.matrices import Matrix
from linktransformer.tables.normalize import folded

__all__ = ["Searched", "search_partition", "searched"]

OfSide = tuple[Integers, Floats]  # numbers, and what belongs to each

_searching = (
    Lock()
)  # one piece at a time has the memory and all cores, or the GPU, while the next one is read


@dataclass(frozen=True, slots=True, eq=False)
class Searched:
    """What the statistics of the job take from the candidates of a partition.

    Args:
        n_candidates: How many there are.
        n_described: How many of them are described.
        lowest: By view, the lowest similarity, at most 0.
        seconds: By view, the second highest similarity of left and of right records, NaN for none.
        own: By view, some left and some right records, and how near the nearest other one of their own file
            is to each.
        vectors: By view of a model, which of the left and of the right random texts are here, and theirs.
        related: Random texts that are the nearest of one of their records, left and right.
    """

    n_candidates: int
    n_described: int
    lowest: Mapping[str, float]
    seconds: Mapping[str, Floats]
    own: Mapping[str, tuple[OfSide, OfSide]]
    vectors: Mapping[str, tuple[OfSide, OfSide]]
    related: tuple[Integers, Integers]

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All of it as arrays by name, to be written to disk."""
        arrays = {"n": np.array([self.n_candidates, self.n_described])}
        arrays |= {f"lowest {name}": np.array(value) for name, value in self.lowest.items()}
        arrays |= {f"seconds {name}": values for name, values in self.seconds.items()}
        for kind, of_views in (("own", self.own), ("vectors", self.vectors)):
            for name, sides in of_views.items():
                for side, (numbers, values) in enumerate(sides):
                    arrays |= {f"{kind} {name} {side} n": numbers, f"{kind} {name} {side} v": values}
        return arrays | {f"related {side}": values for side, values in enumerate(self.related)}

    @staticmethod
    def of(arrays: Mapping[str, NDArray[np.generic]]) -> Searched:
        """What `arrays` was made of."""
        names = [name.split(" ", 1)[1] for name in arrays if name.startswith("lowest ")]

        def sides(kind: str) -> dict[str, tuple[OfSide, OfSide]]:
            return {
                name: (_of_side(arrays, f"{kind} {name} 0"), _of_side(arrays, f"{kind} {name} 1"))
                for name in names
                if f"{kind} {name} 0 n" in arrays
            }

        return Searched(
            int(arrays["n"][0]),
            int(arrays["n"][1]),
            {name: float(arrays[f"lowest {name}"]) for name in names},
            {name: arrays[f"seconds {name}"].astype(np.float32) for name in names},
            sides("own"),
            sides("vectors"),
            (arrays["related 0"].astype(np.int64), arrays["related 1"].astype(np.int64)),
        )


def _of_side(arrays: Mapping[str, NDArray[np.generic]], name: str) -> OfSide:
    return arrays[f"{name} n"].astype(np.int64), arrays[f"{name} v"].astype(np.float32)


def searched(context: tuple[FileJob, Survey], number: int) -> Searched:
    """Read and search a partition, where that was not done before."""
    files, survey = context
    stored = files.stored(number)
    before = stored.result()
    if before is not None:
        return Searched.of(before)
    partition = files.read(number)
    with _searching:
        found = search_partition(files, survey, partition)
    del partition
    files.forget(number)
    stored.finish(found.arrays())
    return found


def search_partition(files: FileJob, survey: Survey, partition: Partition) -> Searched:
    """Search a partition, and set its candidates aside on disk.

    Of all candidates the similarities are kept; of those that are described, whether the two are each other's
    nearest, how equal their texts are, and how equal their cells.
    """
    candidates = _candidates(files, partition)
    same = files.partitions.same  # of one table all pairs are described
    is_near = (
        np.ones(len(candidates), dtype=bool)
        if same
        else near(candidates.left, candidates.right, candidates.views)
    )
    at = np.flatnonzero(is_near)
    left, right = candidates.left[at], candidates.right[at]
    places = {
        name: ranks.places(candidates.left, candidates.right, score, same=same).some(at)
        for name, score in candidates.views.items()
    }
    scores = {name: score[at] for name, score in candidates.views.items()}
    nearest, strong = mutual_and_strength(scores, places)
    texts = partition.nodes[0].text[left], partition.nodes[1].text[right]
    cells: dict[str, NDArray[np.generic]] = {}
    for number, column in enumerate(survey.columns):
        sides = [
            folded(side.cells[place]).tolist()
            for side, place in zip(partition.sides, column.places, strict=True)
        ]
        compared = column.compare(sides[0], sides[1], *texts)
        cells |= {
            f"similarity {number}": compared.similarity,
            f"equal {number}": compared.equal,
            f"frequency {number}": compared.frequency,
        }
    described: dict[str, NDArray[np.generic]] = {
        "left": candidates.left.astype(np.int32),
        "right": candidates.right.astype(np.int32),
        "at": at.astype(np.int32),
        "nearest": nearest,
        "strong": strong,
        "same": _same(partition.texts, texts, candidates.views["lexical"][at]),
        **cells,
        **{f"view {name}": score for name, score in candidates.views.items()},
    }
    files.stored(partition.number).put(described)
    drawn = [
        _places_of(side.tolist(), texts)
        for side, texts in zip(partition.texts, survey.random.texts, strict=True)
    ]
    return Searched(
        len(candidates),
        len(at),
        {name: float(score.min(initial=0)) for name, score in candidates.views.items()},
        {name: _seconds(candidates, score, same=same) for name, score in candidates.views.items()},
        {name: _own(files, survey, partition, name) for name in files.views},
        {
            name: (_some(sides[0], drawn[0]), _some(sides[1], drawn[1]))
            for name, sides in partition.matrices.items()
            if name == "dense"
        },
        _related(candidates, partition.nodes, (drawn[0], drawn[1]), same=same),
    )


def _candidates(files: FileJob, partition: Partition) -> Candidates:
    job = files.job
    if files.most is not None and files.is_tiled(*partition.sides):
        return search_in_tiles(files, partition, files.most)
    return search(
        partition.matrices,
        *partition.nodes,
        int(job.k),
        memory_limit=job.memory_limit,
        device=job.device,
        same=files.partitions.same,
    )


def _same(texts: tuple[Texts, Texts], pairs: tuple[Integers, Integers], cosine: Floats) -> NDArray[np.int8]:
    """How equal the texts of pairs are, as `equal_texts.alike` has it; as in `equal_texts.same_text`."""
    close = np.flatnonzero(np.clip(cosine, -1, 1) > SAME)
    same = np.zeros(len(cosine), dtype=np.int8)
    same[close] = alike(texts[0][pairs[0][close]], texts[1][pairs[1][close]])
    return same


def _seconds(candidates: Candidates, score: Floats, *, same: bool) -> Floats:
    """The second highest similarity of each left and then of each right record; of one table, of each."""
    if same:
        both = np.concatenate([candidates.left, candidates.right])
        return ranks.highest(both, np.concatenate([score, score]), candidates.n_left, 2)[:, 1]
    sides = ((candidates.left, candidates.n_left), (candidates.right, candidates.n_right))
    return np.concatenate([ranks.highest(group, score, n, 2)[:, 1] for group, n in sides])


def _own(files: FileJob, survey: Survey, partition: Partition, name: str) -> tuple[OfSide, OfSide]:
    """How near the nearest other record of their own file and block is to some records."""
    sides: list[OfSide] = []
    for side, nodes in enumerate(partition.nodes[: 1 if files.partitions.same else 2]):
        numbers = survey.counted.numbers[side][partition.number]
        some = np.flatnonzero(np.isin(numbers, survey.own[name][side]))
        score = np.empty(0, dtype=np.float32)
        whole = survey.counted.whole[side]
        if len(some) and files.most is not None and files.is_tiled(*partition.sides):
            score = own_rivals_in_tiles(files, partition, name, side, some, files.most, whole=whole)
        elif len(some):
            matrix = partition.matrices[name][side]
            score = own_rivals(matrix, nodes, some, whole=whole, device=files.job.device)
        sides.append((numbers[some], score))
    return sides[0], sides[-1]


def _places_of(texts: list[str], sample: list[str]) -> Integers:
    """The place of each text in a sample, -1 for none."""
    number = {text: place for place, text in enumerate(sample)}
    return np.fromiter((number.get(text, -1) for text in texts), dtype=np.int64, count=len(texts))


def _some(matrix: Matrix, drawn: Integers) -> OfSide:
    """The random texts that are here, and their vectors."""
    here = np.flatnonzero(drawn >= 0)
    return drawn[here], np.asarray(matrix[here], dtype=np.float32)


def _related(
    candidates: Candidates, nodes: tuple[Nodes, Nodes], drawn: tuple[Integers, Integers], *, same: bool
) -> tuple[Integers, Integers]:
    """Random texts that are the nearest of one of their records, left and right."""
    nearest = nearest_pairs(candidates.left, candidates.right, candidates.views, same=same)
    a, b = nodes[0].text[candidates.left[nearest]], nodes[1].text[candidates.right[nearest]]
    if same:  # either record of a pair may have been drawn first
        a, b = np.concatenate([a, b]), np.concatenate([b, a])
    left, right = drawn[0][a], drawn[1][b]
    both = (left >= 0) & (right >= 0)
    return left[both], right[both]
