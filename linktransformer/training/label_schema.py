"""Which columns of labelled tables say what: pairs, labelled pairs, or rows with a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from linktransformer.errors import InvalidArgumentError

__all__ = ["Shape", "shape_of"]

Columns = str | Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Shape:
    """Which columns say what.

    Args:
        left: Columns of the left text; of the text, where rows have a cluster.
        right: Columns of the right text; equal to `left` where rows have a cluster.
        left_id: Columns that together name the left row's thing.
        right_id: Columns that together name the right row's thing.
        label: The column with 1 or 0, or None: every pair is a match.
        cluster: The column with the cluster, or None: rows are pairs.
    """

    left: tuple[str, ...]
    right: tuple[str, ...]
    left_id: tuple[str, ...] = ()
    right_id: tuple[str, ...] = ()
    label: str | None = None
    cluster: str | None = None

    @property
    def name(self) -> str:
        """In words."""
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
    """Find out which of the three shapes the caller means.

    Args:
        left_col_names: Columns of the left text.
        right_col_names: Columns of the right text.
        left_id_name: Columns that name the left row's thing, or None.
        right_id_name: Columns that name the right row's thing, or None.
        label_col_name: The column with 1 or 0, or None.
        clus_id_col_name: The column with the cluster.
        clus_text_col_names: Columns of the text of a row with a cluster.

    Returns:
        The shape.

    Raises:
        InvalidArgumentError: None of the shapes, or two at a time.
    """
    pairs = left_col_names is not None or right_col_names is not None
    clusters = clus_id_col_name is not None or clus_text_col_names is not None
    whole = left_col_names is not None and right_col_names is not None
    whole_clusters = clus_id_col_name is not None and clus_text_col_names is not None
    if pairs == clusters or (pairs and not whole) or (clusters and not whole_clusters):
        given = [
            name
            for name, value in (
                ("left_col_names", left_col_names),
                ("right_col_names", right_col_names),
                ("clus_id_col_name", clus_id_col_name),
                ("clus_text_col_names", clus_text_col_names),
            )
            if value is not None
        ]
        raise InvalidArgumentError(
            f"It is not clear how the rows are labelled. Given: {given or 'no columns'}. Give left_col_names "
            "and right_col_names for pairs (with label_col_name where some are no matches), or "
            "clus_id_col_name and clus_text_col_names for rows with a cluster."
        )
    if clusters:
        text = _listed(clus_text_col_names)
        return Shape(text, text, cluster=clus_id_col_name)
    return Shape(
        _listed(left_col_names),
        _listed(right_col_names),
        _listed(left_id_name),
        _listed(right_id_name),
        label_col_name,
    )


def _listed(names: Columns) -> tuple[str, ...]:
    return () if names is None else (names,) if isinstance(names, str) else tuple(names)
