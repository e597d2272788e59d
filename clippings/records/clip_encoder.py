"""CLIP models of open_clip and transformers behind `encode_records`: to begin from, and to compare with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from clippings.arrays import Floats
from clippings.errors import EncoderError
from clippings.records.bi_encoder_config import HINTS
from clippings.records.clip_config import ClipConfig
from clippings.records.clip_libraries import Tokenize, from_open_clip, from_transformers, tokenizer
from clippings.records.folder import (
    WEIGHTS,
    load_weights,
    read_config,
    save_weights,
    seal_records,
    write_config,
)
from clippings.records.inputs import ImageBatch, Picture, TextBatch
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
    """Pictures on white paper and tokens, as a CLIP model takes them.

    Args:
        config: Settings of the model.
        tokenize: Texts to ids and a mask.
        strips: Where `strip` and `square` are; None is `clippings.pictures.strips`.
    """

    def __init__(self, config: ClipConfig, tokenize: Tokenize, strips: Any = None) -> None:
        self.config, self._tokenize, self._strips = config, tokenize, strips

    def prepare(self, pictures: Sequence[Picture | None]) -> tuple[list[Any], Floats]:
        """Put pictures on paper.

        Args:
            pictures: Pictures.

        Returns:
            (height, width, 3) uint8 of each picture, None where there is none, and its contrast and
            sharpness, (n, 2) float32, nan where there is none.
        """
        module = self._strips or import_module("clippings.pictures.strips")
        quality = np.full((len(pictures), len(HINTS) - 1), np.nan, np.float32)
        made: list[Any] = []
        for row, picture in enumerate(pictures):
            pixels = None if picture is None else picture.pixels
            if pixels is None:
                made.append(None)
                continue
            quality[row] = module.strip(pixels, short=32, longest=512).quality
            paper = on_paper(pixels, self.config.height, self.config.width, module.square)
            made.append(paper if paper.ndim == 3 else np.repeat(paper[:, :, None], 3, axis=2))
        return made, quality

    def image_batches(self, prepared: Sequence[Any], size: int) -> Iterator[ImageBatch]:
        """Pictures, normalised.

        Args:
            prepared: What `prepare` gives; None is left out.
            size: At most so many at once.

        Yields:
            The batches.
        """
        rows = np.array([row for row, pixels in enumerate(prepared) if pixels is not None], np.int64)
        mean, std = (np.array(part, np.float32) for part in (self.config.mean, self.config.std))
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            shares = np.stack([prepared[row] for row in part.tolist()]) / np.float32(255)
            pixels = np.ascontiguousarray(((shares - mean) / std).transpose(0, 3, 1, 2), dtype=np.float32)
            yield ImageBatch(part, pixels, np.ones((len(part), self.config.width), np.bool_))

    def text_batches(self, texts: Sequence[str], size: int) -> Iterator[TextBatch]:
        """Texts as tokens, all of one length.

        Args:
            texts: Any texts.
            size: At most so many at once.

        Yields:
            The batches.

        Raises:
            EncoderError: Something is no string.
        """
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
    """A CLIP model behind `encode_records` and `encode`.

    Args:
        model: The model.
        tokenize: Texts to ids and a mask.
        name: What it is called.
        device: Where it runs; None takes a GPU when there is one.
        keep: What saves the tokenizer beside the weights, or None.
    """

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

    def save(self, folder: str | os.PathLike[str], **facts: Any) -> Manifest:
        """Write the model as a folder that can be published: safetensors, settings, manifest and card.

        Args:
            folder: A folder to be made or filled.
            facts: What `model_hub.seal` shall write of it: name, licence, languages, trained_on, metrics...

        Returns:
            Its manifest; the architecture is "clippings-clip".
        """
        root, config = Path(folder), self.model.config
        root.mkdir(parents=True, exist_ok=True)
        write_config(root, config.to_dict(), PREPROCESSING)
        save_weights(self.model, root / WEIGHTS)
        shutil.rmtree(root / TOKENIZER, ignore_errors=True)
        if self._keep is not None:
            self._keep(root / TOKENIZER)
        plain = "".join(letter if letter.isalnum() or letter in ".-_" else "-" for letter in self.name)
        known = {"name": plain.strip(".-_")[:128] or "clip", "base_model": config.name, "pooling": "cls"}
        known |= {"source": config.library}
        return seal_records(root, "clippings-clip", config.dim, config.longest_text, {**known, **facts})


def load_clip(reference: str, device: str | None = None, **changes: Any) -> ClipRecordEncoder:
    """Load a CLIP model by its name.

    Args:
        reference: "open_clip:NAME/PRETRAINED" (nothing behind the stroke: random weights), or "hf:org/name"
            for a CLIPModel of transformers.
        device: Where it runs; None takes a GPU when there is one.
        changes: Settings that shall be others: fusion, image_weight.

    Returns:
        The encoder.

    Raises:
        EncoderError: There is no such model, or it cannot be loaded.
        MissingPackageError: torch, open_clip or transformers is not installed.
    """
    need_torch("A CLIP model")
    from clippings.records.clip_model import ClipModel

    kind, _, name = reference.partition(":")
    if not name or kind not in ("open_clip", "hf"):
        raise EncoderError(
            f"A CLIP model is named 'open_clip:NAME/PRETRAINED' or 'hf:org/name'. Given: {reference!r}."
        )
    if kind == "open_clip":
        config, clip = from_open_clip(*_parts(name), **changes)
    else:
        config, clip = from_transformers(name, **changes)
    tokenize, own = tokenizer(config)
    model = ClipModel(config, clip).eval()
    return ClipRecordEncoder(model, tokenize, reference, device, own and own.save_pretrained)


def open_clip_folder(folder: ModelFolder, device: str | None = None) -> ClipRecordEncoder:
    """Load a CLIP model of a verified folder.

    Args:
        folder: What `model_hub.open_model` gives.
        device: Where it runs; None takes a GPU when there is one.

    Returns:
        The encoder.

    Raises:
        EncoderError: Settings and weights are not those of one model.
    """
    need_torch("A CLIP model")
    from clippings.records.clip_model import ClipModel

    config = ClipConfig.from_dict(read_config(folder, PREPROCESSING)["model"])
    model = ClipModel(config)
    load_weights(model, folder.file(WEIGHTS))
    place = folder.path / TOKENIZER
    tokenize, own = tokenizer(config, place if place.is_dir() else None)
    keep = own and own.save_pretrained
    return ClipRecordEncoder(model.eval(), tokenize, folder.manifest.name, device, keep)


def on_paper(
    pixels: npt.NDArray[np.uint8], height: int, width: int, square: Callable[..., Any]
) -> npt.NDArray[np.uint8]:
    """A picture in the middle of white paper, as large as it can be.

    Args:
        pixels: (h, w) or (h, w, 3).
        height: Of the paper.
        width: Of the paper; where it is not the height, tall crops are turned to lie on wide paper, and wide
            ones to stand on tall paper, for else they would be small.
        square: What puts a picture in the middle of a square.

    Returns:
        (height, width) or (height, width, 3) uint8.
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
    found = np.asarray(square(pixels, side), np.uint8)
    paper = np.full((height, width, *pixels.shape[2:]), 255, np.uint8)
    down, down_found = _shared(height, side)
    across, across_found = _shared(width, side)
    paper[down, across] = found[down_found, across_found]
    return paper


def _shared(paper: int, found: int) -> tuple[slice, slice]:
    """The middle that two lengths share, as a slice of each."""
    both = min(paper, found)
    first, second = (paper - both) // 2, (found - both) // 2
    return slice(first, first + both), slice(second, second + both)


def _parts(name: str) -> tuple[str, str]:
    """Model and weights: the last stroke parts them."""
    model, _, pretrained = name.rpartition("/")
    return (model, pretrained) if model else (name, "")
