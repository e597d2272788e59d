"""The columns of labelled tables: pairs, labelled pairs, or rows with a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from linktransformer.errors import InvalidArgumentError

__all__ = ["Columns", "Shape", "shape_of"]

Columns = str | Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of labelled rows.

    Args:
        left: Columns of the left text; of the text, where rows have a cluster.
        right: Columns of the right text; equal to `left` where rows have a cluster.
        left_id: Columns that together identify the left row's entity.
        right_id: Columns that together identify the right row's entity.
        label: The column with 1 or 0; None where every pair is a match.
        cluster: The column with the cluster; None where rows are pairs.
    """

    left: tuple[str, ...]
    right: tuple[str, ...]
    left_id: tuple[str, ...] = ()
    right_id: tuple[str, ...] = ()
    label: str | None = None
    cluster: str | None = None

    @property
    def name(self) -> str:
        """The shape in words."""
        return "clusters" if self.cluster else "labelled pairs" if self.label else "positive pairs"


def shape_of(
    left_col_names: Columns,
    right_col_names: Columns,
    left_id_name: Columns,
    right_id_name: Columns,
    label_col_name: str | None,
    clus_id_col_name: str | None,
    clus_text_col_names: Columns,
) -> Shape:
    """The shape that the arguments of `train_model` mean; refuses none of the three, or two at a time."""
    of_pairs = {"left_col_names": left_col_names, "right_col_names": right_col_names}
    of_clusters = {"clus_id_col_name": clus_id_col_name, "clus_text_col_names": clus_text_col_names}
    named = [name for name, value in {**of_pairs, **of_clusters}.items() if value is not None]
    if named == list(of_clusters):
        text = _names(clus_text_col_names)
        return Shape(text, text, cluster=clus_id_col_name)
    if named == list(of_pairs):
        left, right = _names(left_col_names), _names(right_col_names)
        return Shape(left, right, _names(left_id_name), _names(right_id_name), label_col_name)
    raise InvalidArgumentError(
        f"It is not clear how the rows are labelled. Given: {named or 'no columns'}. Give left_col_names "
        "and right_col_names for pairs (with label_col_name where some are not matches), or "
        "clus_id_col_name and clus_text_col_names for rows with a cluster."
    )


def _names(names: Columns) -> tuple[str, ...]:
    return () if names is None else (names,) if isinstance(names, str) else tuple(names)
