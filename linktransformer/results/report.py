"""Reports: what was done, entry by entry. Each step returns its part, and the parts are put together once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum

__all__ = [
    "ABSENT",
    "Absent",
    "ChoiceReport",
    "ClusterReport",
    "ClusteringReport",
    "LinkReport",
    "PairsReport",
    "Report",
]


class Absent(Enum):
    """An entry that a report does not have; None is a value."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


@dataclass(frozen=True, slots=True, eq=False)
class Report(Mapping[str, object]):
    """A dataclass read as a mapping: an entry for each field, and those of fields that are reports."""

    def entries(self) -> dict[str, object]:
        """All entries in order of the fields."""
        entries: dict[str, object] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Report):
                entries |= value.entries()
            elif value is not ABSENT:
                entries[field.name] = value
        return entries

    def __getitem__(self, name: str) -> object:
        return self.entries()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries())

    def __len__(self) -> int:
        return len(self.entries())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairsReport(Report):
    """How candidate pairs were found and compared.

    Args:
        model: Its name.
        rows_cut: Rows with a text that was cut.
        images: The columns of pictures.
        rows_without_picture: By reason.
        encoded: Which records a model encoded where n-grams leave doubt.
        read: Which pairs a cross-encoder read.
        views_left_out: By view, why it was left out.
        decision: "learned from labels" where labels correct it.
        key_column: The column that names records, None for none.
        comparisons: By column, the kind of comparison.
        match_weights: By column, the bits of each level of similarity.
        model_reads: "all columns" or "the key column".
        rows_cut_by_model: Rows that the model reads in part only.
        encoder: On what device the model ran.
        cache: Vectors read from a cache on disk, and encoded.
        long: How records longer than the model reads were read.
        search: Indexes, counts and seconds.
    """

    model: str
    rows_cut: int
    images: object | Absent = ABSENT
    rows_without_picture: object | Absent = ABSENT
    encoded: object | Absent = ABSENT
    read: object | Absent = ABSENT
    views_left_out: Mapping[str, str] | Absent = ABSENT
    decision: str | Absent = ABSENT
    key_column: str | Absent | None = ABSENT
    comparisons: Mapping[str, str] | Absent = ABSENT
    match_weights: object | Absent = ABSENT
    model_reads: str | Absent | None = ABSENT
    rows_cut_by_model: object | Absent = ABSENT
    encoder: object | Absent = ABSENT
    cache: object | Absent = ABSENT
    long: Mapping[str, object] | Absent = ABSENT
    search: Mapping[str, object] | Absent = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChoiceReport(Report):
    """How links were chosen, with estimates that are None where nothing is linked.

    `precision` alone is there, and None, where scores are not probabilities.
    """

    components_assigned_greedily: int | Absent = ABSENT
    rule: str
    threshold: float | None
    precision: float | None
    recall: float | Absent | None = ABSENT
    precision_interval: Sequence[float] | Absent | None = ABSENT
    recall_interval: Sequence[float] | Absent | None = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinkReport(Report):
    """How two tables were linked; `choice` is a `ChoiceReport`, `options` are those of the call."""

    left_on: Sequence[str]
    right_on: Sequence[str]
    validate: str
    pairs: PairsReport
    choice: Mapping[str, object]
    warnings: Sequence[str]
    warning_codes: Sequence[str]
    null_values: Mapping[str, Mapping[str, int]]
    options: Mapping[str, object] | Absent = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClusteringReport(Report):
    """How nodes were clustered; an estimate is None where there are too few pairs."""

    threshold: float
    components_too_large: int | Absent = ABSENT
    rows_without_key: int
    rows_of_equal_key: int
    estimated_precision: float | None
    estimated_precision_interval: Sequence[float] | None
    pairs_within_clusters: int
    rows_with_more_neighbours_than_k: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClusterReport(Report):
    """How one table was clustered; `clustering` is a `ClusteringReport`, `options` are those of the call."""

    on: Sequence[str]
    method: str
    pairs: PairsReport | Absent
    clustering: Mapping[str, object]
    warnings: Sequence[str] = ()
    warning_codes: Sequence[str] = ()
    null_values: Mapping[str, int] | Absent = ABSENT
    sources: Mapping[str, int] | Absent = ABSENT
    options: Mapping[str, object] | Absent = ABSENT
