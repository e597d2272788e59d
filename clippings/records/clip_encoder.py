"""CLIP models of open_clip and transformers as record encoders: to start from, and to compare with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from clippings.arrays import Floats
from clippings.errors import EncoderError
from clippings.records.bi_encoder_config import HINTS
from clippings.records.clip_config import ClipConfig
from clippings.records.clip_libraries import Tokenize, tokenizer
from clippings.records.clip_names import from_open_clip, from_transformers, parts_of_name
from clippings.records.folder import (
    WEIGHTS,
    load_weights,
    read_config,
    save_weights,
    seal_records,
    write_config,
)
from clippings.records.inputs import ImageBatch, Picture, Pixels, TextBatch
from clippings.records.torch_encoder import TorchRecordEncoder
from clippings.third_party import need_torch
from model_hub import Manifest, ModelFolder

if TYPE_CHECKING:
    from clippings.records.clip_model import ClipModel

PREPROCESSING = {"pixels": "white paper, RGB, normalised", "text": "tokens"}
TOKENIZER = "tokenizer"
TALL = 1.2  # a crop that is so many times as high as wide is turned where the paper is wide
CHARACTERS_PER_TOKEN = 64  # a text is cut at so many characters a token before it is read


class ClipInputs:
    """Pictures on white paper and tokens, as CLIP takes them; `strips` replaces `pictures.strips`."""

    def __init__(self, config: ClipConfig, tokenize: Tokenize, strips: ModuleType | None = None) -> None:
        self.config, self._tokenize, self._strips = config, tokenize, strips
        self.photo_side = max(config.height, config.width)

    def prepare(self, pictures: Sequence[Picture | None]) -> tuple[list[Pixels | None], Floats]:
        """Pictures on paper, (height, width, 3) uint8 or None; contrast and sharpness, (n, 2) float32."""
        module = self._strips or import_module("clippings.pictures.strips")
        quality = np.full((len(pictures), len(HINTS) - 1), np.nan, np.float32)
        papers: list[Pixels | None] = []
        for row, picture in enumerate(pictures):
            pixels = None if picture is None else picture.pixels
            if pixels is None:
                papers.append(None)
                continue
            quality[row] = module.strip(pixels, short=32, longest=512).quality
            paper = on_paper(pixels, self.config.height, self.config.width, module.square)
            papers.append(paper if paper.ndim == 3 else np.repeat(paper[:, :, None], 3, axis=2))
        return papers, quality

    def image_batches(self, prepared: Sequence[Pixels | None], size: int) -> Iterator[ImageBatch]:
        """Normalised pixels of the prepared pictures that are not None."""
        papers = {row: pixels for row, pixels in enumerate(prepared) if pixels is not None}
        rows = np.array(list(papers), np.int64)
        mean, std = (np.array(part, np.float32) for part in (self.config.mean, self.config.std))
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            shares = np.stack([papers[row] for row in part.tolist()]) / np.float32(255)
            pixels = np.ascontiguousarray(((shares - mean) / std).transpose(0, 3, 1, 2), dtype=np.float32)
            yield ImageBatch(part, pixels, np.ones((len(part), self.config.width), np.bool_))

    def text_batches(self, texts: Sequence[str], size: int) -> Iterator[TextBatch]:
        """Texts as tokens, all of one length."""
        wrong = next((text for text in list[object](texts) if not isinstance(text, str)), None)
        if wrong is not None or None in texts:
            raise EncoderError(
                f"A text was expected. Given: a {type(wrong).__name__}, {wrong!r:.60}. Convert it to str."
            )
        longest = self.config.longest_text * CHARACTERS_PER_TOKEN
        for start in range(0, len(texts), size):
            part = [text[:longest] for text in texts[start : start + size]]
            ids, mask = self._tokenize(part)
            yield TextBatch(np.arange(start, start + len(part), dtype=np.int64), ids, mask)


class ClipRecordEncoder(TorchRecordEncoder):
    """A CLIP model as a `RecordEncoder`; `keep` saves the tokenizer beside the weights."""

    def __init__(
        self,
        model: ClipModel,
        tokenize: Tokenize,
        name: str,
        device: str | None = None,
        keep: Callable[[Path], object] | None = None,
    ) -> None:
        super().__init__(model, name, device, ClipInputs(model.config, tokenize))
        self._keep = keep

    def save(self, folder: str | os.PathLike[str], **facts: object) -> Manifest:
        """Write the model as a folder that can be published: safetensors, settings, manifest and card."""
        root, config = Path(folder), self.model.config
        root.mkdir(parents=True, exist_ok=True)
        write_config(root, config.to_dict(), PREPROCESSING)
        save_weights(self.model, root / WEIGHTS)
        shutil.rmtree(root / TOKENIZER, ignore_errors=True)
        if self._keep is not None:
            self._keep(root / TOKENIZER)
        plain = "".join(letter if letter.isalnum() or letter in ".-_" else "-" for letter in self.name)
        defaults = {"name": plain.strip(".-_")[:128] or "clip", "base_model": config.name, "pooling": "cls"}
        defaults |= {"source": config.library}
        return seal_records(root, "clippings-clip", config.dim, config.longest_text, {**defaults, **facts})


def load_clip(reference: str, device: str | None = None, **changes: object) -> ClipRecordEncoder:
    """Load the CLIP model "open_clip:NAME/WEIGHTS" (without WEIGHTS: random ones) or "hf:org/name".

    WEIGHTS are a tag of open_clip or a file of safetensors; "open_clip:local-dir:FOLDER" and
    "open_clip:hf-hub:org/name" are models of open_clip with their own settings.

    `changes` are other settings: fusion, image_weight.
    """
    need_torch("A CLIP model")
    from clippings.records.clip_model import ClipModel

    kind, _, name = reference.partition(":")
    if not name or kind not in ("open_clip", "hf"):
        raise EncoderError(
            f"A CLIP model is named 'open_clip:NAME/WEIGHTS' or 'hf:org/name'. Given: {reference!r}."
        )
    if kind == "open_clip":
        config, clip, folder = from_open_clip(*parts_of_name(name), changes)
    else:
        config, clip, folder = from_transformers(name, changes)
    tokenize, own = tokenizer(config, folder)
    model = ClipModel(config, clip).eval()
    return ClipRecordEncoder(model, tokenize, reference, device, own and own.save_pretrained)


def open_clip_folder(folder: ModelFolder, device: str | None = None) -> ClipRecordEncoder:
    """Load a CLIP model of a verified folder."""
    need_torch("A CLIP model")
    from clippings.records.clip_model import ClipModel

    config = ClipConfig.from_dict(read_config(folder, PREPROCESSING)["model"])
    model = ClipModel(config)
    load_weights(model, folder.file(WEIGHTS))
    place = folder.path / TOKENIZER
    tokenize, own = tokenizer(config, place if place.is_dir() else None)
    keep = own and own.save_pretrained
    return ClipRecordEncoder(model.eval(), tokenize, folder.manifest.name, device, keep)


def on_paper(pixels: Pixels, height: int, width: int, square: Callable[[Pixels, int], Pixels]) -> Pixels:
    """A picture, (h, w) or (h, w, 3), in the middle of white paper, as large as it fits.

    Tall crops are turned to lie on wide paper, and wide ones to stand on tall paper.
    """
    if height == width:
        return np.asarray(square(pixels, height), np.uint8)
    h, w = pixels.shape[:2]
    if (h > TALL * w and width > height) or (w > TALL * h and height > width):
        pixels = np.ascontiguousarray(np.rot90(pixels))
        h, w = w, h
    # the square's longer side is filled by the picture's: it has to be as long as fits the paper
    factor = min(height / h, width / w)
    side = max(1, int(max(h, w) * factor))
    picture = np.asarray(square(pixels, side), np.uint8)
    paper = np.full((height, width, *pixels.shape[2:]), 255, np.uint8)
    rows, picture_rows = _shared(height, side)
    columns, picture_columns = _shared(width, side)
    paper[rows, columns] = picture[picture_rows, picture_columns]
    return paper


def _shared(paper: int, picture: int) -> tuple[slice, slice]:
    """The common middle of two lengths, as a slice of each."""
    both = min(paper, picture)
    first, second = (paper - both) // 2, (picture - both) // 2
    return slice(first, first + both), slice(second, second + both)
