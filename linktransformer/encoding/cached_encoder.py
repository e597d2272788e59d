"""An encoder with a cache on disk: a text or picture that a model has encoded once is not encoded again."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict, cast

import numpy as np

from linktransformer.arrays import Doubles, Floats, Integers
from linktransformer.encoding.cache_settings import CacheLike, CacheSettings, check_cache
from linktransformer.encoding.vector_file import Keys
from linktransformer.encoding.vector_store import VectorStore, keys_of

if TYPE_CHECKING:
    from clippings.records.encoder import RecordEncoder
    from clippings.records.inputs import Picture
    from clippings.text.text_encoder import TextEncoder

__all__ = ["PARTS", "CachedEncoder", "Lookup", "ModelUse", "cached", "of_report", "parts_of", "uncached"]

logger = logging.getLogger(__name__)

# inputs that are encoded before they are stored: as many as take so many seconds, within bounds
LEAST, MOST, SECONDS = 256, 8192, 10.0
FORMAT = "1"  # of the keys of texts and pictures
PARTS = ("fused", "image", "text")  # vectors of a record, concatenated in a row

Tick = Callable[[int], object]
Encode = Callable[[Integers, int | None, Tick], Floats]


def cached(
    encoder: TextEncoder | RecordEncoder | CachedEncoder | None, cache: CacheLike, model: object = None
) -> TextEncoder | RecordEncoder | CachedEncoder | None:
    """An encoder with a cache; `model` is the caller's `model=`.

    The encoder itself where there is no cache, or where nothing says when its vectors change (logged).
    """
    settings = check_cache(cache)
    if settings is None or encoder is None or isinstance(encoder, CachedEncoder):
        return encoder
    key = getattr(encoder, "cache_key", None)
    # the caller may have trained the weights of an encoder object since its files were read
    if not isinstance(key, str) or not key or (encoder is model and hasattr(encoder, "model")):
        logger.info(
            "the cache is not used: nothing says when the vectors of %s change. Give the model by its folder "
            "or name, or the object an attribute `cache_key`, a text that changes with its vectors",
            getattr(encoder, "name", type(encoder).__name__),
        )
        return encoder
    return CachedEncoder(encoder, key, settings)


def uncached(encoder: object) -> object:
    """The encoder without its cache."""
    return encoder.inner if isinstance(encoder, CachedEncoder) else encoder


class ModelUse(TypedDict, total=False):
    """Entries of a report on a model: where it ran, the use of its cache, rows that it truncates."""

    encoder: str
    cache: Mapping[str, int]
    rows_cut_by_model: Mapping[str, float]


def of_report(encoder: object) -> ModelUse:
    """The report's {"cache": {"reused": n, "encoded": n}} and {"encoder": "on the GPU ..."}, where used."""
    use = ModelUse()
    note = getattr(uncached(encoder), "note", None)
    if isinstance(note, str):
        use["encoder"] = note
    if isinstance(encoder, CachedEncoder):
        use["cache"] = dict(encoder.counts)
    return use


@dataclass(slots=True, eq=False)
class Lookup:
    """Cached vectors of some inputs, and the inputs that are missing.

    Args:
        keys: (n,) of `vector_file.KEY`.
        vectors: (n, width), None where none is cached.
        missing: Numbers of the inputs to encode, ascending.
        group_size: Inputs whose vectors depend on one another in the last bits, None for none: they are
            encoded in the same groups as without a cache, so that vectors are the same.
        encode: Encodes inputs by their numbers.
        store: Stores vectors.
        shared: The files of all processes.
        reuse: Counts inputs whose vectors another process stored meanwhile.
        listings: How often the files had been listed for the lookup.
    """

    keys: Keys
    vectors: Floats | None
    missing: Integers
    group_size: int | None
    encode: Encode
    store: Callable[[Keys, Floats], None]
    shared: VectorStore
    reuse: Callable[[int], None]
    listings: int

    def complete(self, batch_size: int | None, tick: Tick) -> Floats:
        """Encode and store what is missing; (n, width) float32 of all inputs.

        Of two processes with the same inputs the second begins at the end, and both use what the other has
        stored: they meet in the middle.
        """
        unsaved: list[tuple[Integers, Floats]] = []
        saved_at = time.monotonic()
        try:
            with self.shared.first() if len(self.missing) else nullcontext(True) as first:
                for rows in self._groups(backwards=not first):
                    if not len(rows := self._not_stored(rows, tick)):
                        continue
                    new = self.encode(rows, batch_size, tick)
                    self._keep(rows, new)
                    unsaved.append((rows, new))
                    many = sum(len(part) for part, _ in unsaved) >= LEAST
                    if many or time.monotonic() - saved_at > SECONDS:
                        self._save(unsaved)
                        unsaved, saved_at = [], time.monotonic()
        finally:  # vectors encoded before an error or Ctrl-C are stored too
            self._save(unsaved)
        return np.empty((0, 1), np.float32) if self.vectors is None else self.vectors

    def _keep(self, rows: Integers, vectors: Floats) -> None:
        if self.vectors is None:
            self.vectors = np.empty((len(self.keys), vectors.shape[1]), np.float32)
        self.vectors[rows] = vectors

    def _not_stored(self, rows: Integers, tick: Tick) -> Integers:
        """The rows whose vectors no other process has stored since; those of the others are read.

        Of inputs that depend on one another all or none are read.
        """
        if self.shared.see_new() == self.listings:
            return rows
        vectors, missing = self.shared.take(self.keys[rows])
        if vectors is None or (self.group_size is not None and len(missing)):
            return rows
        stored = np.setdiff1d(np.arange(len(rows)), missing)
        self._keep(rows[stored], vectors[stored])
        self.reuse(len(stored))
        tick(len(stored))
        return rows[missing]

    def _save(self, parts: list[tuple[Integers, Floats]]) -> None:
        if parts:
            rows = np.concatenate([part for part, _ in parts])
            self.store(self.keys[rows], np.concatenate([new for _, new in parts]))

    def _groups(self, backwards: bool = False) -> Iterator[Integers]:
        """The missing inputs that are encoded together."""
        if self.group_size is not None:
            edges = np.flatnonzero(np.diff(self.missing // self.group_size)) + 1
            groups = [group for group in np.split(self.missing, edges) if len(group)]
            yield from groups[::-1] if backwards else groups
            return
        waiting, size = self.missing, LEAST
        while len(waiting):
            began = time.monotonic()
            yield waiting[-size:] if backwards else waiting[:size]
            waiting = waiting[:-size] if backwards else waiting[size:]
            rate = size / max(1e-3, time.monotonic() - began)
            size = int(min(MOST, max(LEAST, rate * SECONDS)))


@dataclass(slots=True, eq=False)
class CachedEncoder:
    """An encoder that looks for vectors on disk before it encodes.

    Args:
        inner: The encoder.
        key: A text that changes whenever its vectors do.
        settings: Where vectors are stored.
        counts: Inputs reused and encoded so far.
    """

    inner: TextEncoder | RecordEncoder
    key: str
    settings: CacheSettings
    counts: dict[str, int] = field(default_factory=lambda: {"reused": 0, "encoded": 0})
    _stores: dict[str, VectorStore] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The model's name."""
        return str(getattr(self.inner, "name", type(self.inner).__name__))

    def lookup(self, texts: Sequence[str]) -> Lookup:
        """Cached vectors of texts."""

        def encode(rows: Integers, batch_size: int | None, tick: Tick) -> Floats:
            part = [texts[row] for row in rows.tolist()]
            return np.asarray(self.inner.encode(part, batch_size=batch_size, progress=tick), np.float32)

        keys = keys_of([text.encode("utf-8", "surrogatepass") for text in texts])
        return self._lookup("texts", keys, encode)

    def lookup_records(
        self, texts: Sequence[str | None], pictures: Sequence[Picture | None], confidence: Doubles
    ) -> Lookup:
        """Cached vectors of texts with pictures, `PARTS` concatenated; confidence is NaN where unknown."""

        def encode(rows: Integers, batch_size: int | None, tick: Tick) -> Floats:
            numbers = rows.tolist()
            vectors = cast("RecordEncoder", self.inner).encode_records(
                [texts[row] for row in numbers],
                [pictures[row] for row in numbers],
                confidence=confidence[rows],
                batch_size=batch_size,
                progress=tick,
            )
            return np.concatenate(list(parts_of(vectors).values()), axis=1)

        different = {id(picture): picture for picture in pictures}
        pixels = {number: _pixel_digest(picture) for number, picture in different.items()}
        contents = []
        for text, picture, sure in zip(texts, pictures, confidence.tolist(), strict=True):
            written = b"-" if text is None else b"+" + text.encode("utf-8", "surrogatepass")
            confidence_text = b"nan" if sure != sure else np.float64(sure).tobytes()
            contents.append(b"\0".join([pixels[id(picture)], confidence_text.hex().encode(), written]))
        return self._lookup("records", keys_of(contents), encode)

    def _lookup(self, kind: str, keys: Keys, encode: Encode) -> Lookup:
        if kind not in self._stores:
            model = hashlib.sha256(f"{FORMAT} {kind} {self.key}".encode()).hexdigest()[:32]
            self._stores[kind] = VectorStore(self.settings.place(), model, self.settings.bound())
        store = self._stores[kind]
        store.refresh()
        vectors, missing = store.take(keys)
        n = len(keys) - len(missing)
        self.counts["reused"] += n
        logger.info("%d of %d %s from the cache, %d to encode", n, len(keys), kind, len(missing))

        def save(new: Keys, rows: Floats) -> None:
            self.counts["encoded"] += len(new)
            store.put(new, rows)

        def reuse(n: int) -> None:
            self.counts["reused"] += n

        at_once = getattr(self.inner, f"{kind}_at_once", None)  # texts_at_once, records_at_once
        return Lookup(keys, vectors, missing, at_once, encode, save, store, reuse, store.see_new())


def parts_of(vectors: object) -> Mapping[str, Floats]:
    """Vectors of records by the names of `PARTS`, (n, d) float32 each."""
    return {name: np.asarray(getattr(vectors, name), np.float32) for name in PARTS}


def _pixel_digest(picture: object) -> bytes:
    """A hash of a picture's pixels, shape and type."""
    content = getattr(picture, "content", None)
    if isinstance(content, bytes):  # a stored picture; equal bytes are equal pixels
        return hashlib.blake2b(content, digest_size=16).hexdigest().encode()
    pixels = getattr(picture, "pixels", None)
    if pixels is None:
        return b"none"
    array = np.ascontiguousarray(pixels)
    digest = hashlib.blake2b(f"{array.dtype.str} {array.shape} ".encode(), digest_size=16)
    digest.update(array.tobytes())
    return digest.hexdigest().encode()
