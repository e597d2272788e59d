"""Batches of the linking model as tokens, made by other processes ahead of the steps that want them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.recipes.ahead import Ahead
from tools.recipes.linker.groups import Draws, Group, Step, read

NEAR = "near.json"


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """Texts of a step as tokens.

    Attributes:
        ids: Tokens of all texts, one text after the other, (sum of lengths,) int32.
        lengths: Of each text: first the left ones, then the right ones, then the wrong ones, (n,) int64.
        group: A number for each pair, (n_pairs,) int64.
    """

    ids: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class How:
    """What a process needs to know to make any step.

    Args:
        inputs: The folder of groups.
        tokenizer: The tokenizer.json.
        draws: Settings of `Draws`, its groups left out.
        max_tokens: Texts are cut after so many tokens.
        most: At most so many groups of a kind; 0 for all.
        near: A file with the nearest groups of groups, or None.
    """

    inputs: Path
    tokenizer: Path
    draws: Mapping[str, Any]
    max_tokens: int = 48
    most: int = 0
    near: Path | None = None


def open_tokenizer(path: Path, max_tokens: int) -> Any:
    """A tokenizer that cuts and does not pad."""
    from tokenizers import Tokenizer

    found = Tokenizer.from_file(str(path))
    found.no_padding()
    found.enable_truncation(max_tokens)
    return found


def tokens_of(texts: Sequence[str], tokenizer: Any, group: Sequence[int] = ()) -> Tokens:
    """Texts as tokens."""
    found = [one.ids for one in tokenizer.encode_batch_fast(list(texts))]
    lengths = np.fromiter(map(len, found), np.int64, len(found))
    ids = np.fromiter((number for one in found for number in one), np.int32, int(lengths.sum()))
    return Tokens(ids, lengths, np.asarray(group, dtype=np.int64))


def of_step(step: Step, tokenizer: Any) -> Tokens:
    """A step as tokens."""
    return tokens_of([*step.left, *step.right, *step.wrong], tokenizer, step.group)


def draws_of(how: How) -> Draws:
    """The draws that a process makes steps from."""
    near = json.loads(how.near.read_text("utf-8")) if how.near and how.near.exists() else {}
    groups: dict[str, list[Group]] = read(how.inputs, most=how.most)
    return Draws(groups, near=near, **how.draws)


def maker(how: How) -> Callable[[int], Tokens]:
    """What makes the tokens of a step of a number."""
    draws, tokenizer = draws_of(how), open_tokenizer(how.tokenizer, how.max_tokens)
    return lambda number: of_step(draws.step(number), tokenizer)


def ahead(how: How, workers: int) -> Ahead[Tokens]:
    """The tokens of steps by their number, made ahead where there are processes for it."""
    return Ahead(partial(maker, how), workers)


def padded_parts(
    tokens: Tokens, parts: int, pad: int, front: Sequence[int] = ()
) -> list[tuple[Any, Any, Any]]:
    """Texts in parts of like length, each padded to its longest.

    Args:
        tokens: The texts.
        parts: How many.
        pad: What fills the rows.
        front: Tokens put after the first one of each text.

    Returns:
        For each part, as tensors, the places of its texts, (n,), input_ids and attention_mask, (n, t) each.
    """
    import torch

    starts = np.concatenate([[0], np.cumsum(tokens.lengths)[:-1]])
    order = np.argsort(-tokens.lengths, kind="stable")
    found = []
    for rows in filter(len, np.array_split(order, max(1, min(parts, len(order))))):
        lengths = tokens.lengths[rows]
        at = np.arange(int(lengths.max()))[None]
        mask = at < lengths[:, None]
        place = np.minimum(starts[rows][:, None] + at, len(tokens.ids) - 1)
        ids = np.where(mask, tokens.ids[place], pad)
        if len(front):
            more = np.broadcast_to(np.asarray(front, dtype=ids.dtype), (len(rows), len(front)))
            ids = np.concatenate([ids[:, :1], more, ids[:, 1:]], axis=1)
            mask = np.concatenate([mask[:, :1], np.ones_like(more, dtype=bool), mask[:, 1:]], axis=1)
        found.append(
            (
                torch.from_numpy(rows),
                torch.from_numpy(ids.astype(np.int64)),
                torch.from_numpy(mask.astype(np.int64)),
            )
        )
    return found
