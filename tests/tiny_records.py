"""Made-up print for tests: every letter is a pattern of its own, every record a noisy line of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from clippings.record_training.examples import RecordExamples
from clippings.record_training.record_augment import misread

SHORT, WIDE = 32, 12
LETTERS = "abcdefghij"


def glyph(letter: str) -> np.ndarray:
    """The pattern of a letter, (32, 12), blocks of ink and paper."""
    draw = np.random.default_rng(ord(letter))
    return np.kron(draw.integers(0, 2, (4, 3)), np.ones((8, 4), np.int64)) * 200 + 20


def line(text: str, draw: Any, upright: bool = False) -> np.ndarray:
    """A noisy line of print."""
    clean = np.concatenate([glyph(letter) for letter in text] or [np.full((SHORT, WIDE), 220)], axis=1)
    if upright:  # glyphs one below the other
        clean = np.concatenate(
            [np.pad(glyph(letter), ((0, 0), (10, 10)), constant_values=220) for letter in text] or [clean.T],
            axis=0,
        )
    return np.clip(clean + draw.normal(0, 25, clean.shape), 0, 255).astype(np.uint8)


def records(n: int, seed: int = 0, *, known: bool = True) -> RecordExamples:
    """n entities with a lying and an upright record each, the text of which is misread at times."""
    draw = np.random.default_rng(seed)
    names: set[str] = set()
    while len(names) < n:
        names.add("".join(draw.choice(list(LETTERS), int(draw.integers(3, 6)))))
    texts, strips, entity, side = [], [], [], []
    for number, name in enumerate(sorted(names)):
        for of_side in (0, 1):
            texts.append(misread(name, 0.15, LETTERS, draw))
            strips.append(line(name, draw, upright=bool(of_side)))
            entity.append(number if known else -1)
            side.append(of_side)
    return RecordExamples(tuple(texts), strips, np.array(entity), np.array(side, np.int8))


def model(seed: int = 0, **changes: Any) -> Any:
    """A model with gradients, tinier than tiny."""
    import torch

    from clippings.record_training.trainable import RecordTrainable
    from clippings.records.bi_encoder import BiEncoder
    from clippings.records.bi_encoder_config import BiEncoderConfig

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sizes = {"dim": 16, "stages": (4, 6, 8), "width": 16, "table_width": 8, **changes}
        return RecordTrainable(BiEncoder(BiEncoderConfig.tiny(**sizes)))
