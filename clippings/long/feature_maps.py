"""Initial queries and keys of linear attention, when a pretrained encoder is converted.

The second-order Taylor map 1 + s + s^2 / 2 has a minimum: products far below zero weigh as much as those
far above. The softmax's queries and keys have such products (a spread of 2 to 5 in MiniLM), so their best
low-rank copies are useless. Half of the heads therefore start as codes: queries and keys are one map, in
which a word has one direction whatever stands around it, so that each word attends to its other
occurrences.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["code_maps", "hidden_states", "random_words", "softmax_maps"]

TEXTS, PLACES, WORDS = 64, 256, 1500  # random ones, from which codes are measured
SHARP = 4.0  # squared length of a word's code, in units of the number of features
SHRINK = 1e-4  # of the mean variance, added to what is inverted


def softmax_maps(query: Tensor, key: Tensor, heads: int, features: int) -> tuple[Tensor, Tensor]:
    """Maps (heads * features, width) to queries and keys whose products are nearest to those of the softmax.

    `query` and `key` are the softmax's weights, (width, width).
    """
    torch = import_module("torch")
    size = query.shape[0] // heads
    # softmax divides by sqrt(size), the Taylor map by sqrt(features)
    scale = (features / size) ** 0.25
    sides = [part.detach().double().view(heads, size, -1).transpose(1, 2) for part in (query, key)]
    (q_base, q_rest), (k_base, k_rest) = (torch.linalg.qr(side) for side in sides)
    left, strength, right = torch.linalg.svd(q_rest @ k_rest.transpose(1, 2))
    rank = min(features, size)
    root = strength[:, :rank].sqrt()[:, None, :]
    maps = []
    for base, vectors in ((q_base, left), (k_base, right.transpose(1, 2))):
        best = scale * (base @ vectors[:, :, :rank]) * root  # (heads, width, rank)
        filled = best.new_zeros((heads, best.shape[1], features))
        filled[:, :, :rank] = best
        maps.append(filled.transpose(1, 2).reshape(heads * features, -1).to(query.dtype))
    return maps[0], maps[1]


def random_words(vocabulary: int, places: int, seed: int = 0) -> Tensor:
    """Random words beside random words, (n, t) int64."""
    torch = import_module("torch")
    draw = torch.Generator().manual_seed(seed)
    n_words = min(WORDS, vocabulary)
    words = torch.randperm(vocabulary, generator=draw)[:n_words]
    ids: Tensor = words[torch.randint(0, n_words, (TEXTS, min(PLACES, places)), generator=draw)]
    return ids


def hidden_states(bert: Any, seed: int = 0) -> tuple[Tensor, list[Tensor]]:
    """Random words (n, t) int64, and the input of each layer of a `BertModel` for them, (n, t, width)."""
    torch = import_module("torch")
    ids = random_words(bert.config.vocab_size, bert.config.max_position_embeddings, seed)
    training, device = bert.training, next(bert.parameters()).device
    bert.eval()
    with torch.no_grad():
        states = bert(
            input_ids=ids.to(device),
            attention_mask=torch.ones_like(ids).to(device),
            output_hidden_states=True,
        ).hidden_states
    bert.train(training)
    return ids, [one.float() for one in states[:-1]]


def code_maps(ids: Tensor, x: Tensor, heads: int, features: int, seed: int = 0) -> Tensor:
    """A map by which the places of one word are similar and those of different words are not.

    The directions are those of linear discriminant analysis between words (R. Fisher, The use of multiple
    measurements in taxonomic problems, 1936), mixed at random so that all heads are alike; the direction
    that all places share is left out. `ids` is (n, t) int64, `x` the input of the layer, (n, t, width);
    returns (heads * features, width) float32, for queries and keys alike.
    """
    torch = import_module("torch")
    if not heads:
        return x.new_zeros((0, x.shape[-1]))
    width = x.shape[-1]
    flat = x.reshape(-1, width).double().cpu()
    shared = torch.nn.functional.normalize(flat.mean(dim=0), dim=0)
    rest = torch.eye(width, dtype=flat.dtype) - shared[:, None] * shared[None]
    flat = flat @ rest
    _, word, count = torch.unique(ids.reshape(-1), return_inverse=True, return_counts=True)
    mean = torch.zeros(len(count), width, dtype=flat.dtype).index_add_(0, word, flat) / count[:, None]
    within = (flat - mean[word]).T @ (flat - mean[word]) / len(flat)
    between = mean.T @ mean / len(mean)
    level, basis = torch.linalg.eigh(within + SHRINK * within.trace() / width * torch.eye(width).double())
    white = basis @ torch.diag(level.rsqrt()) @ basis.T
    ratio, turn = torch.linalg.eigh(white @ between @ white)
    rank = min(heads * features, width)
    best = (white @ turn).flip(1)[:, :rank] / (ratio.flip(0)[:rank].clamp(min=0) + 1).sqrt()  # variance 1
    draw = torch.Generator().manual_seed(seed)
    mixed, _ = torch.linalg.qr(torch.randn(rank, rank, generator=draw).double())
    maps = torch.zeros(heads * features, width, dtype=flat.dtype)
    maps[:rank] = (rest @ best @ mixed).T
    codes: Tensor = (SHARP**0.5 * maps).float()
    return codes
