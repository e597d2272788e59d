"""An encoder that remembers: what a model has made of a text or a picture once is not made again."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from linktransformer.arrays import Doubles, Floats, Integers
from linktransformer.encoding.cache_settings import CacheSettings, check_cache
from linktransformer.encoding.vector_file import Keys
from linktransformer.encoding.vector_store import VectorStore, keys_of

__all__ = ["PARTS", "CachedEncoder", "Recall", "cached", "of_report"]

logger = logging.getLogger(__name__)

LEAST, MOST, SECONDS = 256, 8192, 10.0  # texts that are encoded before they are kept: what takes so long
FORMAT = "1"  # of the keys of texts and pictures
PARTS = ("fused", "image", "text")  # vectors of a record, one after the other in a row

Encode = Callable[[Integers, int | None, Callable[[int], None]], Floats]


def cached(encoder: Any, cache: Any, given: Any = None) -> Any:
    """An encoder that remembers.

    Args:
        encoder: A model of texts, or of pictures and texts; None for none.
        cache: Cache of vectors on disk: None or False for none, True for the user's cache folder, a folder,
            or `CacheSettings`.
        given: What the caller gave as the model.

    Returns:
        A `CachedEncoder`; the encoder itself where there is no cache, or where nothing says when its vectors
        change (a line is logged).
    """
    settings = check_cache(cache)
    if settings is None or encoder is None:
        return encoder
    key = getattr(encoder, "cache_key", None)
    # the weights of an encoder in the caller's hands may have been trained since its files were read
    if not isinstance(key, str) or not key or (encoder is given and hasattr(encoder, "model")):
        logger.info(
            "the cache is not used: nothing says when the vectors of %s change. Give the model by its folder "
            "or name, or the object an attribute `cache_key`, a text that changes with its vectors",
            getattr(encoder, "name", type(encoder).__name__),
        )
        return encoder
    return CachedEncoder(encoder, key, settings)


def of_report(encoder: Any) -> dict[str, Any]:
    """What a report says of the cache, and of a model that was run on a GPU.

    Args:
        encoder: Of a plan.

    Returns:
        {"cache": {"reused": n, "encoded": n}} where a cache was in use, {"encoder": "on the GPU ..."} where
        many texts were encoded by a model on a GPU.
    """
    inner = encoder.inner if isinstance(encoder, CachedEncoder) else encoder
    note = getattr(inner, "note", None)
    told = {"encoder": note} if isinstance(note, str) else {}
    return told | ({"cache": dict(encoder.counts)} if isinstance(encoder, CachedEncoder) else {})


@dataclass(slots=True, eq=False)
class Recall:
    """Some vectors that were kept, and what is to be encoded.

    Args:
        keys: (n,) of `segments.KEY`.
        vectors: (n, width), None where nothing was kept.
        missing: Which are to be encoded, ascending.
        at_once: Inputs whose vectors depend on one another in the last bits, None for none: they are encoded
            in the same groups as without a cache, so that they are the same.
        encode: Encodes inputs by their numbers.
        keep: Keeps vectors.
    """

    keys: Keys
    vectors: Floats | None
    missing: Integers
    at_once: int | None
    encode: Encode
    keep: Callable[[Keys, Floats], None]

    def complete(self, batch_size: int | None, tick: Callable[[int], None]) -> Floats:
        """Encode what is missing, and keep it as it comes.

        Args:
            batch_size: For the encoder.
            tick: Called with the number of inputs done since its last call.

        Returns:
            (n, width) float32.
        """
        waiting: list[tuple[Integers, Floats]] = []
        since = time.monotonic()
        try:
            for rows in self._groups():
                fresh = self.encode(rows, batch_size, tick)
                if self.vectors is None:
                    self.vectors = np.empty((len(self.keys), fresh.shape[1]), np.float32)
                self.vectors[rows] = fresh
                waiting.append((rows, fresh))
                if sum(len(part) for part, _ in waiting) >= LEAST or time.monotonic() - since > SECONDS:
                    self._flush(waiting)
                    since = time.monotonic()
        finally:  # what was encoded before an error or Ctrl-C is kept as well
            self._flush(waiting)
        return np.empty((0, 1), np.float32) if self.vectors is None else self.vectors

    def _flush(self, waiting: list[tuple[Integers, Floats]]) -> None:
        if waiting:
            rows = np.concatenate([part for part, _ in waiting])
            self.keep(self.keys[rows], np.concatenate([fresh for _, fresh in waiting]))
            waiting.clear()

    def _groups(self) -> Iterator[Integers]:
        """What is encoded together."""
        if self.at_once is not None:
            edges = np.flatnonzero(np.diff(self.missing // self.at_once)) + 1
            yield from (group for group in np.split(self.missing, edges) if len(group))
            return
        start, size = 0, LEAST
        while start < len(self.missing):
            began = time.monotonic()
            yield self.missing[start : start + size]
            start += size
            rate = size / max(1e-3, time.monotonic() - began)
            size = int(min(MOST, max(LEAST, rate * SECONDS)))


@dataclass(slots=True, eq=False)
class CachedEncoder:
    """An encoder that looks for vectors on disk before it makes them.

    Args:
        inner: The encoder.
        key: What its vectors depend on.
        settings: Where they are kept.
        counts: How many inputs were reused and encoded so far.
    """

    inner: Any
    key: str
    settings: CacheSettings
    counts: dict[str, int] = field(default_factory=lambda: {"reused": 0, "encoded": 0})
    _stores: dict[str, VectorStore] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The model's name."""
        return str(getattr(self.inner, "name", type(self.inner).__name__))

    def recall(self, texts: Sequence[str]) -> Recall:
        """Look for the vectors of texts.

        Args:
            texts: Texts.

        Returns:
            What was kept, and how the rest is encoded.
        """

        def encode(rows: Integers, batch_size: int | None, tick: Callable[[int], None]) -> Floats:
            some = [texts[row] for row in rows.tolist()]
            return np.asarray(self.inner.encode(some, batch_size=batch_size, progress=tick), np.float32)

        keys = keys_of([text.encode("utf-8", "surrogatepass") for text in texts])
        return self._recalled("texts", keys, encode)

    def recall_records(
        self, texts: Sequence[str | None], pictures: Sequence[Any], confidence: Doubles
    ) -> Recall:
        """Look for the vectors of texts with pictures; fused, image and text one after the other.

        Args:
            texts: A text each, None for none.
            pictures: A picture each, None for none.
            confidence: How sure each text is, NaN where it is not known.

        Returns:
            What was kept, and how the rest is encoded.
        """

        def encode(rows: Integers, batch_size: int | None, tick: Callable[[int], None]) -> Floats:
            some = rows.tolist()
            found = self.inner.encode_records(
                [texts[row] for row in some],
                [pictures[row] for row in some],
                confidence=confidence[rows],
                batch_size=batch_size,
                progress=tick,
            )
            return np.concatenate([np.asarray(getattr(found, name), np.float32) for name in PARTS], axis=1)

        seen: dict[int, bytes] = {}
        contents = []
        for text, picture, sure in zip(texts, pictures, confidence.tolist(), strict=True):
            if id(picture) not in seen:
                seen[id(picture)] = _shown(picture)
            said = b"-" if text is None else b"+" + text.encode("utf-8", "surrogatepass")
            heard = b"nan" if sure != sure else np.float64(sure).tobytes()
            contents.append(b"\0".join([seen[id(picture)], heard.hex().encode(), said]))
        return self._recalled("records", keys_of(contents), encode)

    def _recalled(self, kind: str, keys: Keys, encode: Encode) -> Recall:
        store = self._store(kind)
        store.refresh()
        vectors, missing = store.take(keys)
        n = len(keys) - len(missing)
        self.counts["reused"] += n
        logger.info("%d of %d %s from the cache, %d to encode", n, len(keys), kind, len(missing))

        def keep(some: Keys, rows: Floats) -> None:
            self.counts["encoded"] += len(some)
            store.put(some, rows)

        return Recall(keys, vectors, missing, getattr(self.inner, f"{kind}_at_once", None), encode, keep)

    def _store(self, kind: str) -> VectorStore:
        if kind not in self._stores:
            told = f"{FORMAT} {kind} {self.key}"
            model = hashlib.sha256(told.encode()).hexdigest()[:32]
            self._stores[kind] = VectorStore(self.settings.place(), model, self.settings.bound())
        return self._stores[kind]


def _shown(picture: Any) -> bytes:
    """What an encoder sees of a picture: its pixels as they were read."""
    pixels = getattr(picture, "pixels", None)
    if pixels is None:
        return b"none"
    seen = np.ascontiguousarray(pixels)
    digest = hashlib.blake2b(f"{seen.dtype.str} {seen.shape} ".encode(), digest_size=16)
    digest.update(seen.tobytes())
    return digest.hexdigest().encode()
