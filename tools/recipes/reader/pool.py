"""Pairs of tasks on the device, drawn by weight, with noise of columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from clippings.text.pair_reader import COLUMNS, PAD

__all__ = ["Pool", "compacted"]


class Pool:
    """Pairs of tasks on the device."""

    def __init__(self, path: Path, device: Any, most: int) -> None:
        with np.load(path) as packed:
            file = dict(packed)
        self.tasks = json.loads(str(file["tasks"]))
        lengths = file["lens"].astype(np.int64)
        at = np.arange(int(lengths.max()))[None]
        mask = at < lengths[:, None]
        tokens = np.full(mask.shape, PAD, np.int32)
        columns = np.full(mask.shape, 255, np.uint8)
        tokens[mask], columns[mask] = file["ids"], file["cols"]
        self.tokens = torch.from_numpy(tokens).to(device)
        self.columns = torch.from_numpy(columns).to(device)
        self.left = torch.from_numpy(file["left"].astype(np.int64)).to(device)
        self.right = torch.from_numpy(file["right"].astype(np.int64)).to(device)
        self.y = torch.from_numpy(file["y"].astype(np.float32)).to(device)
        self.own, self.task, self.most = file["own"].astype(np.float32), file["task"], most
        self.offset = torch.from_numpy(0.7 * np.clip(self.own, -8, 8) + 0.5).to(device)
        self.device = device

    def weights(self, out: str) -> Any:
        """How often each pair is drawn: families alike, in a task half matches, near non-matches more."""
        weight = np.zeros(len(self.task))
        count: dict[str, int] = {}
        for task in self.tasks:
            count[task["family"]] = count.get(task["family"], 0) + 1
        y = self.y.cpu().numpy() > 0
        for number, task in enumerate(self.tasks):
            if str(task["fold"]) == out:
                continue
            at = np.flatnonzero(self.task == number)
            of_task = count[task["family"]] ** -0.75 * min(1.0, len(at) / 300)
            for which, share in ((y[at], 0.4), (~y[at], 0.6)):
                places = at[which]
                if len(places):
                    p = 1 / (1 + np.exp(-self.own[places]))
                    doubt = np.where(y[places], 1 - p, p)
                    part = 0.3 / len(places) + 0.7 * (doubt + 1e-3) / (doubt + 1e-3).sum()
                    part = np.minimum(part, 20 / len(places))
                    weight[places] = share * of_task * part
        return weight

    def batch(self, at: Any, *, augment: bool) -> tuple[Any, ...]:
        """Tokens and columns of both records of pairs, sides swapped and columns dropped at random."""
        sides = [self.left[at], self.right[at]]
        if augment:
            swap = torch.rand(len(at), device=self.device) < 0.5
            sides = [torch.where(swap, sides[1 - i], sides[i]) for i in (0, 1)]
        tokens = [self.tokens[side] for side in sides]
        columns = [self.columns[side] for side in sides]
        if augment:
            n_columns = torch.where(columns[0] == 255, 0, columns[0] + 1).amax(1)
            drop = (torch.rand(len(at), COLUMNS, device=self.device) < 0.15) & (
                torch.rand(len(at), 1, device=self.device) < 0.5
            )
            drop[:, 0] &= n_columns > 1
            for i in (0, 1):
                gone = torch.gather(drop, 1, columns[i].clamp(max=COLUMNS - 1).long()) & (columns[i] != 255)
                alone = ((tokens[i] != PAD) & ~gone).sum(1) == 0
                gone &= ~alone[:, None]
                tokens[i], columns[i] = compacted(
                    tokens[i].masked_fill(gone, PAD), columns[i].masked_fill(gone, 255)
                )
        most = self.most
        return tokens[0][:, :most], tokens[1][:, :most], columns[0][:, :most], columns[1][:, :most]


def compacted(tokens: Any, columns: Any) -> tuple[Any, Any]:
    """Padding at the end of each row."""
    order = torch.argsort((tokens == PAD).byte(), dim=1, stable=True)
    return torch.gather(tokens, 1, order), torch.gather(columns, 1, order)
