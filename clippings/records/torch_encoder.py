"""A model of pictures and texts on torch, and its folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from clippings.arrays import Bools, Floats
from clippings.records.bi_encoder_config import BiEncoderConfig
from clippings.records.encoder import TowerEncoder
from clippings.records.folder import (
    WEIGHTS,
    load_weights,
    read_config,
    save_weights,
    seal_records,
    write_config,
)
from clippings.records.inputs import PREPROCESSING, ImageBatch, Inputs, StripInputs, TextBatch
from clippings.third_party import need_torch
from model_hub import Manifest, ModelFolder

if TYPE_CHECKING:
    from torch import Tensor

    from clippings.records.bi_encoder import BiEncoder
    from clippings.records.clip_model import ClipModel
    from clippings.records.photo_model import PhotoModel

BATCH = {"cpu": 64, "cuda": 256}


class TorchTowers:
    """A module with `image`, `text` and `fuse`, run on arrays in evaluation mode."""

    def __init__(self, model: BiEncoder | ClipModel | PhotoModel, device: str) -> None:
        self.model, self.device = model.to(device), device

    def image(self, batch: ImageBatch) -> Floats:
        """Unit rows of pictures, (n, dim)."""
        return self._run(self.model.image, batch.pixels, batch.mask, batch.vertical)

    def text(self, batch: TextBatch) -> Floats:
        """Unit rows of texts, (n, dim)."""
        return self._run(self.model.text, batch.ids, batch.mask)

    def fuse(self, image: Floats, text: Floats, has_image: Bools, has_text: Bools, hints: Floats) -> Floats:
        """Unit rows of records, (n, dim)."""
        return self._run(self.model.fuse, image, text, has_image, has_text, hints)

    def _run(self, part: Callable[..., Tensor], *inputs: object) -> Floats:
        torch = import_module("torch")
        placed = [
            torch.from_numpy(value).to(self.device) if isinstance(value, np.ndarray) else value
            for value in inputs
        ]
        training = self.model.training
        self.model.eval()
        try:
            # not inference_mode: what a model caches on the way is used in training afterwards
            with torch.no_grad():
                rows: Floats = part(*placed).float().cpu().numpy()
        finally:
            self.model.train(training)
        return rows


class TorchRecordEncoder(TowerEncoder):
    """A `BiEncoder` behind `encode_records` and `encode`.

    Attributes:
        model: The model.
    """

    def __init__(
        self,
        model: BiEncoder | ClipModel | PhotoModel,
        name: str = "clippings",
        device: str | None = None,
        inputs: Inputs | None = None,
    ) -> None:
        device = device or best_device()
        batch = BATCH.get(device.partition(":")[0], 64)
        towers = TorchTowers(model, device)
        ready = inputs or StripInputs(cast("BiEncoderConfig", model.config))
        super().__init__(name, model.config.dim, ready, towers, batch_size=batch, device=device)
        self.model: Any = model

    @classmethod
    def from_folder(cls, folder: ModelFolder, *, device: str | None = None) -> TorchRecordEncoder:
        """Load a model of a verified folder."""
        need_torch("A model of pictures and texts")
        from clippings.records.bi_encoder import BiEncoder

        config = BiEncoderConfig.from_dict(read_config(folder)["model"])
        model = BiEncoder(config)
        load_weights(model, folder.file(WEIGHTS))
        return cls(model.eval(), folder.manifest.name, device)

    def save(self, folder: str | os.PathLike[str], **facts: object) -> Manifest:
        """Write the model as a folder that can be published; `facts` are keys of `model_hub.seal`."""
        return save(self.model, folder, **{"name": self.name, **facts})


def save(model: BiEncoder, folder: str | os.PathLike[str], **facts: object) -> Manifest:
    """Write a `BiEncoder` as a folder that can be published; `facts` are keys of `model_hub.seal`."""
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    write_config(root, model.config.to_dict(), PREPROCESSING)
    save_weights(model, root / WEIGHTS)
    return seal_records(root, "clippings", model.config.dim, model.config.longest_text, facts)


def best_device() -> str:
    """The device "cuda" where there is a GPU, else "cpu"."""
    torch = need_torch("A model of pictures and texts")
    return "cuda" if torch.cuda.is_available() else "cpu"
