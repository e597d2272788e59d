"""A model of photographs and captions on torch or onnxruntime, and its folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from clippings.arrays import Bools, Floats
from clippings.records.encoder import TowerEncoder
from clippings.records.folder import (
    WEIGHTS,
    load_weights,
    read_config,
    save_weights,
    seal_records,
    write_config,
)
from clippings.records.inputs import ImageBatch, TextBatch
from clippings.records.photo_config import PHOTO_PREPROCESSING, PhotoConfig
from clippings.records.photo_inputs import PhotoInputs
from clippings.records.torch_encoder import TorchRecordEncoder
from clippings.text.onnx_encoder import session
from clippings.third_party import need_torch
from model_hub import Manifest, ModelFolder

if TYPE_CHECKING:
    from clippings.records.photo_model import PhotoModel

PHOTO_GRAPHS = ("image", "text", "fuse")
BATCH = 8  # measured: more fall out of the processor's cache
ARCHITECTURE, ONNX_ARCHITECTURE = "clippings-photos", "clippings-photos-onnx"


class PhotoEncoder(TorchRecordEncoder):
    """A `PhotoModel` behind `encode_records` and `encode`."""

    def __init__(self, model: PhotoModel, name: str = "photos", device: str | None = None) -> None:
        super().__init__(model, name, device, PhotoInputs(model.config))

    @classmethod
    def from_folder(cls, folder: ModelFolder, *, device: str | None = None) -> PhotoEncoder:
        """Load a model of a verified folder."""
        need_torch("A model of photographs")
        from clippings.records.photo_model import PhotoModel

        model = PhotoModel(PhotoConfig.from_dict(read_config(folder, PHOTO_PREPROCESSING)["model"]))
        load_weights(model, folder.file(WEIGHTS))
        return cls(model.eval(), folder.manifest.name, device)

    def save(self, folder: str | os.PathLike[str], **facts: object) -> Manifest:
        """Write the model as a folder that can be published; `facts` are keys of `model_hub.seal`."""
        root, config = Path(folder), self.model.config
        root.mkdir(parents=True, exist_ok=True)
        write_config(root, config.to_dict(), PHOTO_PREPROCESSING)
        save_weights(self.model, root / WEIGHTS)
        facts = {"name": self.name, "pooling": "mean", **facts}
        return seal_records(root, ARCHITECTURE, config.dim, config.longest_text, facts)


class OnnxPhotoTowers:
    """The three graphs of a folder: pixels to a vector, a text model's vector to one, both to one."""

    def __init__(self, folder: ModelFolder, device: str | None, threads: int | None) -> None:
        opened = {name: session(folder, device, threads, f"{name}.onnx") for name in PHOTO_GRAPHS}
        self._image, self._text, self._fuse = (opened[name][0] for name in PHOTO_GRAPHS)
        self.device = opened["image"][1]
        # a graph that does not use an input does not have it
        self._hinted = any(item.name == "hints" for item in self._fuse.get_inputs())

    def image(self, batch: ImageBatch) -> Floats:
        """Unit rows of pictures, (n, dim)."""
        rows: Floats = self._image.run(None, {"pixels": batch.pixels})[0]
        return rows

    def text(self, batch: TextBatch) -> Floats:
        """Unit rows of texts, (n, dim)."""
        rows: Floats = self._text.run(None, {"vectors": batch.ids})[0]
        return rows

    def fuse(self, image: Floats, text: Floats, has_image: Bools, has_text: Bools, hints: Floats) -> Floats:
        """Unit rows of records, (n, dim)."""
        inputs = {"image": image, "text": text, "has_image": has_image, "has_text": has_text}
        rows: Floats = self._fuse.run(None, inputs | ({"hints": hints} if self._hinted else {}))[0]
        return rows


class OnnxPhotoEncoder(TowerEncoder):
    """The encoder of a verified folder that `export_photos` made."""

    def __init__(self, folder: ModelFolder, *, device: str | None = None, threads: int | None = None) -> None:
        self.config = PhotoConfig.from_dict(read_config(folder, PHOTO_PREPROCESSING)["model"])
        towers = OnnxPhotoTowers(folder, device, threads)
        super().__init__(
            folder.manifest.name, self.config.dim, PhotoInputs(self.config), towers, batch_size=BATCH,
            device=towers.device,
        )  # fmt: skip


def opened(folder: ModelFolder, device: str | None, threads: int | None) -> TowerEncoder:
    """The encoder of a verified folder of photographs, on onnxruntime or torch by its architecture."""
    if folder.manifest.architecture == ONNX_ARCHITECTURE:
        return OnnxPhotoEncoder(folder, device=device, threads=threads)
    return PhotoEncoder.from_folder(folder, device=device)
