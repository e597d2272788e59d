"""What each stage of the linking model makes small, how it is measured, and which groups are near."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tools.recipes.linker.batches import Tokens, open_tokenizer, padded_parts, tokens_of
from tools.recipes.linker.groups import Draws, Group, Step

PREFIX = "query: "  # what the teacher was trained to see before every text; the student needs none
PARTS = 4  # of a step, by length
TAUGHT = 384  # texts of a step whose likeness to each other is taught
TOO_NEAR = 0.95  # cosine from which two groups may well be one thing
KEPT = 4  # near groups of a group
MEASURED = 400  # groups of a kind that are measured, at most
AT_ONCE = 1024  # texts that are encoded together


@dataclass(frozen=True, eq=False)
class Teacher:
    """A model that is imitated.

    Args:
        model: A `Trainable`; it is not changed.
        front: The tokens of its prefix.
        centre: The mean of its vectors, (d,): taken away from each, since they all lie in one direction.
    """

    model: Any
    front: tuple[int, ...]
    centre: Any = None

    def vectors(self, tokens: Tokens) -> Any:
        """Unit rows, (n, d), around the centre."""
        import torch

        with torch.no_grad():
            found = vectors_of(self.model, tokens, self.front)
            if self.centre is None:
                return found
            return torch.nn.functional.normalize(found - self.centre, dim=1)


def teacher_of(model: Any, tokenizer: Any, some: Sequence[Tokens], prefix: str = PREFIX) -> Teacher:
    """A teacher, its centre measured on some steps."""
    import torch

    model.model.eval()
    front = tuple(tokenizer.encode(prefix.strip(), add_special_tokens=False).ids) if prefix else ()
    plain = Teacher(model, front)
    return Teacher(model, front, torch.cat([plain.vectors(one) for one in some]).mean(dim=0))


def vectors_of(model: Any, tokens: Tokens, front: Sequence[int] = (), parts: int = PARTS) -> Any:
    """Texts as unit rows in their order, (n, d), with gradients where the model has them."""
    import torch

    order, found = [], []
    for rows, ids, mask in padded_parts(tokens, parts, model.pad, front):
        order.append(rows)
        found.append(model.vectors_of({"input_ids": ids, "attention_mask": mask}))
    back = torch.argsort(torch.cat(order)).to(found[0].device)
    return torch.cat(found)[back]


def some_of(tokens: Tokens, n: int) -> Tokens:
    """The first texts of a step."""
    lengths = tokens.lengths[:n]
    return Tokens(tokens.ids[: int(lengths.sum())], lengths, tokens.group[:0])


def imitation(found: Any, wanted: Any, temperature: float = 0.05) -> Any:
    """How far vectors are from the teacher's: each from its own, and their likeness to each other.

    Args:
        found: The student's unit rows, (n, d), whatever their number.
        wanted: The teacher's, (n, d).
        temperature: Of the likenesses, as shares of a row.

    Returns:
        One minus the mean cosine, and the divergence of the likenesses (W. Park et al., Relational Knowledge
        Distillation, 2019), a scalar.
    """
    import torch

    entropy = torch.nn.functional.kl_div
    own = (1 - (found * wanted).sum(dim=1)).mean()
    n = min(TAUGHT, len(found))
    itself = torch.eye(n, dtype=torch.bool, device=found.device)
    ours, theirs = (
        ((rows[:n] @ rows[:n].T) / temperature).masked_fill(itself, -1e4).log_softmax(dim=1)
        for rows in (found, wanted)
    )
    return own + entropy(ours, theirs, log_target=True, reduction="batchmean")


def contrast(vectors: Any, group: Any, temperature: float) -> Any:
    """`info_nce` of the pairs of a step; texts that name none of its groups are wrong for all.

    Args:
        vectors: Unit rows of the left texts, the right ones, and the wrong ones, (2 p + w, d).
        group: (p,) numbers; pairs of one group are not wrong for each other.
        temperature: Cosines are divided by it.

    Returns:
        A scalar.
    """
    import torch

    from clippings.training.losses import info_nce

    n = len(group)
    more = torch.arange(len(vectors) - 2 * n, device=vectors.device)
    entity = torch.cat([group, group, -1 - more])
    place = torch.arange(n, device=vectors.device)
    return info_nce(vectors, entity, place, place + n, temperature)


def measure(model: Any, tasks: Mapping[str, Step], tokenizer: Any) -> dict[str, float]:
    """How often a left text's nearest right text is its own, by kind; and is its own before a near miss.

    Args:
        model: A `Trainable`.
        tasks: Held-out pairs by kind.
        tokenizer: Its own.

    Returns:
        "hit" and "sibling", means over the kinds, and "hit KIND".
    """
    import torch

    found: dict[str, float] = {}
    hits, siblings = [], []
    for kind, step in tasks.items():
        n = len(step.left)
        with torch.no_grad():
            every = (
                vectors_of(model, tokens_of([*step.left, *step.right, *step.wrong], tokenizer)).cpu().numpy()
            )
        left, right, wrong = every[:n], every[n : 2 * n], every[2 * n :]
        score = left @ right.T
        group = np.asarray(step.group)
        found[f"hit {kind}"] = float((group[score.argmax(axis=1)] == group).mean())
        hits.append(found[f"hit {kind}"])
        if len(wrong):
            own = score[np.arange(n), np.arange(n)]
            siblings.append(float((own > (left @ wrong.T).max(axis=1)).mean()))
    means = {"hit": float(np.mean(hits)), "sibling": float(np.mean(siblings)) if siblings else 0.0}
    return {**means, **found}


def tasks_of(groups: Mapping[str, Sequence[Group]], seed: int = 0, most: int = MEASURED) -> dict[str, Step]:
    """Held-out pairs by kind: the same for every run of a seed."""
    found = {}
    for kind, of in sorted(groups.items()):
        if len(of) >= 8:
            draws = Draws({kind: random.Random(f"{seed} {kind}").sample(list(of), min(most, len(of)))},
                          pairs=min(most, len(of)), parts=1, seed=seed)  # fmt: skip
            found[kind] = draws.step(0)
    return found


def encode(model: Any, texts: Sequence[str], tokenizer: Any) -> Any:
    """Unit rows of many texts on the model's device, (n, d)."""
    import torch

    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    found = torch.empty(len(texts), model.dim, device=model.device)
    with torch.no_grad():
        for start in range(0, len(order), AT_ONCE):
            rows = order[start : start + AT_ONCE]
            part = vectors_of(model, tokens_of([texts[at] for at in rows], tokenizer), parts=1)
            found[torch.tensor(rows, device=model.device)] = part
    return found


def mine(
    model: Any, groups: Mapping[str, Sequence[Group]], tokenizer: Any, to: Path, most: int = 40_000
) -> dict[str, int]:
    """Write which groups of a kind are nearest to each, those that may be one thing left out.

    Args:
        model: A `Trainable`.
        groups: By kind.
        tokenizer: The model's.
        to: A JSON file: by kind, for each group the numbers of others, nearest first.
        most: At most so many groups of a kind are looked at, the first ones.

    Returns:
        How many near groups there are of each kind.
    """
    model.model.eval()
    found: dict[str, list[list[int]]] = {}
    for kind, of in sorted(groups.items()):
        some = list(of[:most])
        if len(some) < 2 * KEPT:
            continue
        one = encode(model, [group[0] for group in some], tokenizer)
        other = encode(model, [group[-1] for group in some], tokenizer)
        names = [{text.casefold() for text in group} for group in some]
        rows: list[list[int]] = []
        for start in range(0, len(some), AT_ONCE):
            k = min(len(some), 3 * KEPT)
            score, place = (one[start : start + AT_ONCE] @ other.T).topk(k, dim=1)
            for at, (scores, places) in enumerate(zip(score.tolist(), place.tolist(), strict=True), start):
                near = [
                    number
                    for value, number in zip(scores, places, strict=True)
                    if value < TOO_NEAR and number != at and names[at].isdisjoint(names[number])
                ]
                rows.append(near[:KEPT])
        found[kind] = rows
    to.write_text(json.dumps(found), encoding="utf-8")
    return {kind: sum(map(len, rows)) for kind, rows in found.items()}


def tokenizer_of(folder: Path, max_tokens: int) -> Any:
    """The tokenizer of a model's folder."""
    return open_tokenizer(folder / "tokenizer.json", max_tokens)
