"""A program that links two tables with a cache, and may end itself in the middle; run by test_cache."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import Any

import numpy as np
import pandas as pd

import linktransformer as lt
from clippings.text import text_encoder
from linktransformer.encoding import cached_encoder
from linktransformer.encoding.cache_settings import CacheSettings
from linktransformer.search import candidate_search

N = 500
point = 0  # after so many texts the program dies


class Model:
    """Encodes a hundred texts at a time and dies at its point."""

    cache_key, done = "v1", 0

    def encode(self, texts: list[str]) -> np.ndarray:
        self.done += len(texts)
        if 0 < point < self.done:
            os.kill(os.getpid(), signal.SIGKILL)
        seeds = [sum(ord(letter) * 31**place for place, letter in enumerate(text)) for text in texts]
        return np.array([np.random.default_rng(seed).normal(size=8) for seed in seeds])


def die(*_: Any, **__: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def main(out: str, kept: str, bound: str) -> None:
    logging.basicConfig(level=logging.INFO)
    text_encoder.CHUNK = cached_encoder.LEAST = 100
    if point > 2 * N:  # after all was encoded
        candidate_search.search = die
    left = pd.DataFrame({"name": [f"firm {n * n} north" for n in range(N)]})
    right = pd.DataFrame({"name": [f"firm {n * n} north co" for n in range(N)]})
    size = None if bound == "large" else 40_000  # files are removed while others read
    cache = None if kept == "none" else CacheSettings(kept, size)
    links = lt.link(left, right, on="name", model=Model(), cache=cache, progress=False)
    np.save(out, links.pairs[["left", "right", "score"]].to_numpy(np.float64))
    told = links.report().get("cache", {})
    sys.stdout.write(" ".join(f"{name} {value}" for name, value in told.items()) + "\n")


if __name__ == "__main__":
    point = int(sys.argv[3])
    main(sys.argv[1], sys.argv[2], sys.argv[4])
