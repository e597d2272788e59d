"""The reader in training: the layers of the bundled text model over the tokens of both records."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

CLS, PAD, SEP = 0, 1, 2
MARKS = 4  # of a token: none, not in the other record, in another column of it, in the same column
COLUMNS = 16  # columns beyond share the last number
SIDES = 3  # special tokens, left record, right record


class Reader(nn.Module):
    """Log-odds that both records of a pair are one thing.

    Args:
        body: A BertModel; its table of tokens is kept as it is, so that the text model can share it.
        layers: How many of its layers are used, evenly spread.
    """

    def __init__(self, body: Any, layers: int) -> None:
        super().__init__()
        kept = [round(i * (len(body.encoder.layer) - 1) / max(1, layers - 1)) for i in range(layers)]
        body.encoder.layer = nn.ModuleList([body.encoder.layer[place] for place in kept])
        body.config.num_hidden_layers = layers
        self.table = body.embeddings.word_embeddings
        self.table.weight.requires_grad_(False)
        self.body = body
        size = int(body.config.hidden_size)
        for values in body.embeddings.parameters():  # the gradient of a table with few rows is slow
            values.requires_grad_(False)
        # a product with one-hot rows, in place of three tables
        self.place = nn.Linear(MARKS + SIDES + COLUMNS, size, bias=False)
        nn.init.zeros_(self.place.weight)
        self.head = nn.Sequential(nn.Linear(2 * size, size), nn.GELU(), nn.Dropout(0.1), nn.Linear(size, 2))

    def forward(self, ids: Any, marks: Any, sides: Any, columns: Any, mask: Any) -> Any:
        """Log-odds by the texts alone, and what they add to a decision's own; (n, 2), of pairs as `paired` gives them."""
        kinds = torch.cat(
            [
                nn.functional.one_hot(of, count)
                for of, count in ((marks, MARKS), (sides, SIDES), (columns, COLUMNS))
            ],
            dim=2,
        )
        given = self.table(ids) + self.place(kinds.to(self.place.weight.dtype))
        hidden = self.body(inputs_embeds=given, attention_mask=mask).last_hidden_state
        wide = mask[..., None].to(hidden.dtype)
        mean = (hidden * wide).sum(dim=1) / wide.sum(dim=1)
        return self.head(torch.cat([hidden[:, 0], mean], dim=1))


def paired(left: Any, right: Any, columns_left: Any, columns_right: Any) -> tuple[Any, Any, Any, Any, Any]:
    """The tokens of pairs: first, left record, separator, right record, separator.

    Args:
        left: Tokens of the left records, padded at their end, (n, t).
        right: Of the right records, (n, u).
        columns_left: The column of each token, (n, t).
        columns_right: Of the right records.

    Returns:
        Token ids, marks, sides, columns and mask, (n, longest) int64 each.
    """
    n, t = left.shape
    u = right.shape[1]
    real = left != PAD, right != PAD
    same = (left[:, :, None] == right[:, None, :]) & real[0][:, :, None] & real[1][:, None, :]
    there = same & (columns_left[:, :, None] == columns_right[:, None, :])
    marks = [torch.where(there.any(dim), 3, torch.where(same.any(dim), 2, 1)) for dim in (2, 1)]
    counts = [part.sum(1) for part in real]
    longest = int((counts[0] + counts[1]).max()) + 3 if n else 3
    row = torch.arange(n, device=left.device)
    found = [torch.full((n, longest), fill, dtype=torch.int64, device=left.device) for fill in (PAD, 0, 0, 0)]
    ids = found[0]
    ids[:, 0] = CLS
    ids[row, counts[0] + 1] = SEP
    ids[row, counts[0] + counts[1] + 2] = SEP
    for side, (tokens, of_column, mark, first) in enumerate(
        (
            (left, columns_left, marks[0], torch.ones_like(counts[0])),
            (right, columns_right, marks[1], counts[0] + 2),
        )
    ):
        which, place = real[side].nonzero(as_tuple=True)
        to = place + first[which]
        ids[which, to] = tokens[which, place].long()
        found[1][which, to] = mark[which, place]
        found[2][which, to] = side + 1
        found[3][which, to] = of_column[which, place].long()
    return ids, found[1], found[2], found[3], (ids != PAD).long()


def restored(path: Any) -> Reader:
    """The reader of a file that `train` wrote, in float32 on the CPU."""
    import copy

    import numpy as np

    from tools.recipes.reader.train import body_of

    with np.load(path) as file:
        arrays = dict(file)
    state = {
        name: torch.from_numpy(
            values.astype(np.float32) * arrays[f"{name}.scale"]
            if f"{name}.scale" in arrays
            else values.astype(np.float32)
        )
        for name, values in arrays.items()
        if not name.endswith(".scale")
    }
    layers = 1 + max(int(name.split(".")[3]) for name in state if name.startswith("body.encoder.layer."))
    reader = Reader(copy.deepcopy(body_of(torch.device("cpu"))), layers)
    missing, unknown = reader.load_state_dict(state, strict=False)
    if unknown or any("table" not in name and "word_embeddings" not in name for name in missing):
        raise ValueError(f"{path} is not a reader: {missing[:3]} {unknown[:3]}")
    return reader
