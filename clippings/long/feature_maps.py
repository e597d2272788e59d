"""What the queries and keys of linear attention begin with, when a pretrained encoder is made linear.

The second-order Taylor map 1 + s + s^2 / 2 falls on either side of a valley: products far below zero weigh as
much as those far above. Queries and keys of the softmax have such products (a spread of 2 to 5 in MiniLM), so
that their best copies of low width point nowhere. Half of the heads therefore begin as codes: queries and
keys are one map, in which a word has one direction whatever stands around it, so that each word hears where
else it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

__all__ = ["code_maps", "hidden_states", "random_words", "softmax_maps"]

TEXTS, PLACES, WORDS = 64, 256, 1500  # random ones, from which codes are measured
SHARP = 4.0  # squared length of a word's code, in units of the number of features
SHRINK = 1e-4  # of the mean variance, added to what is inverted


def softmax_maps(query: Any, key: Any, heads: int, features: int) -> tuple[Any, Any]:
    """The maps to queries and keys of linear attention whose products are nearest to those of the softmax.

    Args:
        query: Weights of the softmax's queries, (width, width).
        key: Weights of the softmax's keys, (width, width).
        heads: Of the attention.
        features: Width of the queries and keys of a head.

    Returns:
        Two of (heads * features, width).
    """
    torch = import_module("torch")
    size = query.shape[0] // heads
    # softmax divides by sqrt(size), the Taylor map by sqrt(features)
    scale = (features / size) ** 0.25
    sides = [part.detach().double().view(heads, size, -1).transpose(1, 2) for part in (query, key)]
    (q_base, q_rest), (k_base, k_rest) = (torch.linalg.qr(side) for side in sides)
    left, strength, right = torch.linalg.svd(q_rest @ k_rest.transpose(1, 2))
    kept = min(features, size)
    root = strength[:, :kept].sqrt()[:, None, :]
    made = []
    for base, vectors in ((q_base, left), (k_base, right.transpose(1, 2))):
        best = scale * (base @ vectors[:, :, :kept]) * root  # (heads, width, kept)
        full = best.new_zeros((heads, best.shape[1], features))
        full[:, :, :kept] = best
        made.append(full.transpose(1, 2).reshape(heads * features, -1).to(query.dtype))
    return made[0], made[1]


def random_words(vocabulary: int, places: int, seed: int = 0) -> Any:
    """Words beside other words at random.

    Args:
        vocabulary: How many there are.
        places: That a model has.
        seed: Of the draws.

    Returns:
        (n, t) int64.
    """
    torch = import_module("torch")
    draw = torch.Generator().manual_seed(seed)
    n_words = min(WORDS, vocabulary)
    words = torch.randperm(vocabulary, generator=draw)[:n_words]
    return words[torch.randint(0, n_words, (TEXTS, min(PLACES, places)), generator=draw)]


def hidden_states(bert: Any, seed: int = 0) -> tuple[Any, Sequence[Any]]:
    """What goes into each layer where words stand beside other words at random.

    Args:
        bert: A `BertModel`; it is not changed.
        seed: Of the words.

    Returns:
        Words, (n, t) int64, and for each layer (n, t, width) float32.
    """
    torch = import_module("torch")
    ids = random_words(bert.config.vocab_size, bert.config.max_position_embeddings, seed)
    training, device = bert.training, next(bert.parameters()).device
    bert.eval()
    with torch.no_grad():
        found = bert(
            input_ids=ids.to(device),
            attention_mask=torch.ones_like(ids).to(device),
            output_hidden_states=True,
        ).hidden_states
    bert.train(training)
    return ids, [one.float() for one in found[:-1]]


def code_maps(ids: Any, x: Any, heads: int, features: int, seed: int = 0) -> Any:
    """A map by which a word's places are alike and those of different words are not.

    The directions are those in which words differ most from each other for what one word differs from place
    to place (R. Fisher, The use of multiple measurements in taxonomic problems, 1936), mixed at random so
    that all heads are alike. The direction that all places share is left out.

    Args:
        ids: Words, (n, t) int64.
        x: What goes into the layer there, (n, t, width).
        heads: Heads to make maps for.
        features: Width of each.
        seed: Of the mixing.

    Returns:
        (heads * features, width) float32, for queries and keys alike.
    """
    torch = import_module("torch")
    if not heads:
        return torch.zeros(0, x.shape[-1])
    width = x.shape[-1]
    flat = x.reshape(-1, width).double().cpu()
    shared = torch.nn.functional.normalize(flat.mean(dim=0), dim=0)
    rest = torch.eye(width, dtype=flat.dtype) - shared[:, None] * shared[None]
    flat = flat @ rest
    _, word, count = ids.reshape(-1).unique(return_inverse=True, return_counts=True)
    mean = torch.zeros(len(count), width, dtype=flat.dtype).index_add_(0, word, flat) / count[:, None]
    within = (flat - mean[word]).T @ (flat - mean[word]) / len(flat)
    between = mean.T @ mean / len(mean)
    level, basis = torch.linalg.eigh(within + SHRINK * within.trace() / width * torch.eye(width).double())
    white = basis @ torch.diag(level.rsqrt()) @ basis.T
    ratio, turn = torch.linalg.eigh(white @ between @ white)
    kept = min(heads * features, width)
    best = (white @ turn).flip(1)[:, :kept] / (ratio.flip(0)[:kept].clamp(min=0) + 1).sqrt()  # variance 1
    draw = torch.Generator().manual_seed(seed)
    mixed, _ = torch.linalg.qr(torch.randn(kept, kept, generator=draw).double())
    made = torch.zeros(heads * features, width, dtype=flat.dtype)
    made[:kept] = (rest @ best @ mixed).T
    return (SHARP**0.5 * made).float()
