"""Pairs of names on the device: what the reader learns first."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import torch

from clippings.text.pair_reader import PAD
from tools.recipes.linker.batches import How, Tokens, ahead, open_tokenizer, tokens_of
from tools.recipes.linker.groups import KINDS, read
from tools.recipes.reader.pool import compacted

__all__ = ["PARTS", "General"]

PARTS = 4  # of a step, by length


class General:
    """Pairs of names: of one group, nearly of it, and of others that the text model takes for it."""

    def __init__(self, options: argparse.Namespace, body: Any, device: Any) -> None:
        how = How(options.groups, options.tokenizer, {"pairs": options.groups_batch, "seed": options.seed})
        self.steps = ahead(how, options.workers)
        self.body, self.device, self.most = body, device, options.most
        self.number, self.size = 0, options.groups_batch
        groups = read(options.groups)
        self.kinds = [kind for kind, of in groups.items() if len(of) >= self.size // 4]
        self.odds = np.array([KINDS.get(kind, 1.0) for kind in self.kinds])
        self.draw = np.random.default_rng(options.seed)
        texts = [text for kind in self.kinds for group in groups[kind] for text in group]
        made = tokens_of(texts, open_tokenizer(options.tokenizer, 48))
        self.ids, self.lengths = made.ids, made.lengths
        self.starts = np.cumsum(made.lengths) - made.lengths
        sizes = np.array([len(group) for kind in self.kinds for group in groups[kind]])
        self.sizes, self.first = sizes, np.cumsum(sizes) - sizes
        counts = np.array([len(groups[kind]) for kind in self.kinds])
        self.counts, self.of_kind = counts, np.cumsum(counts) - counts

    def drawn(self) -> Tokens:
        """A step's names as they are written in the lists, without noise."""
        part = self.size // 4
        groups = []
        for kind in self.draw.choice(len(self.kinds), 4, p=self.odds / self.odds.sum()):
            at = self.of_kind[kind] + self.draw.choice(self.counts[kind], min(part, self.counts[kind]), False)
            groups.append(at[self.sizes[at] > 1])
        group = np.concatenate(groups)
        size = self.sizes[group]
        one = np.where(self.draw.random(len(group)) < 0.5, 0, self.draw.integers(0, size))
        two = (one + self.draw.integers(1, size)) % size
        text = np.concatenate([self.first[group] + one, self.first[group] + two])
        lengths = self.lengths[text]
        at = np.repeat(self.starts[text] - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        return Tokens(self.ids[at], lengths, group)

    def batch(self) -> tuple[Any, Any]:
        """Tokens of both records and columns, and whether they are one thing, of a step."""
        if not self.number or self.steps.ready:
            made = self.steps.step(self.number)
            self.number += 1
        else:
            made = self.drawn()
        lengths = torch.from_numpy(made.lengths).to(self.device)
        starts = torch.cumsum(lengths, 0) - lengths
        longest = int(lengths.max())
        at = torch.arange(longest, device=self.device)[None]
        mask = at < lengths[:, None]
        flat = torch.from_numpy(made.ids).to(self.device)
        ids = torch.where(mask, flat[(starts[:, None] + at).clamp(max=len(flat) - 1)], PAD)
        n = len(made.group)
        group = torch.from_numpy(made.group).to(self.device)
        with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16):
            order = torch.argsort(lengths)
            vectors = torch.empty(len(ids), self.body.config.hidden_size, device=self.device)
            for part in order.chunk(PARTS):
                some, real = ids[part, : int(lengths[part].max())], mask[part, : int(lengths[part].max())]
                hidden = self.body(input_ids=some, attention_mask=real.long()).last_hidden_state
                wide = real[..., None].float()
                vectors[part] = torch.nn.functional.normalize(
                    (hidden.float() * wide).sum(1) / wide.sum(1), dim=1
                )
        near = vectors[:n] @ vectors[n:].T
        near[:, :n][group[:, None] == group[None]] = -1
        top = near.topk(4, dim=1).indices
        pick = torch.randint(0, 4, (n,), device=self.device)
        hard = top[torch.arange(n, device=self.device), pick] + n
        own = torch.arange(n, device=self.device)
        left = torch.cat([own, own])
        right = torch.cat([own + n, hard])
        y = torch.cat([torch.ones(n), torch.zeros(n)]).to(self.device)
        plain = ids.clone()  # without the first and the last token
        plain[:, 0] = PAD
        plain[torch.arange(len(ids), device=self.device), lengths - 1] = PAD
        plain, columns = compacted(plain, torch.zeros_like(ids))
        columns = torch.where(plain == PAD, 255, 0)
        swap = torch.rand(len(left), device=self.device) < 0.5
        left, right = torch.where(swap, right, left), torch.where(swap, left, right)
        most = self.most
        return (
            plain[left][:, :most], plain[right][:, :most], columns[left][:, :most], columns[right][:, :most],
        ), y  # fmt: skip
