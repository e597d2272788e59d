"""A model of pictures and texts on onnxruntime, without torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from clippings.arrays import Bools, Floats
from clippings.records.bi_encoder_config import STRIDE, BiEncoderConfig
from clippings.records.encoder import TowerEncoder
from clippings.records.folder import read_config
from clippings.records.inputs import ImageBatch, StripInputs, TextBatch
from clippings.text.onnx_encoder import session
from model_hub import ModelFolder

GRAPHS = ("glyphs", "line", "text", "fuse")
BATCH = 8  # measured: more fall out of the processor's cache


class OnnxTowers:
    """The four graphs of a folder: glyphs to columns, columns to a vector, text to a vector, both to one."""

    def __init__(self, folder: ModelFolder, device: str | None, threads: int | None) -> None:
        self._run: dict[str, Any] = {}
        for name in GRAPHS:
            self._run[name], self.device = session(folder, device, threads, f"{name}.onnx")
        # a graph that does not use an input does not have it
        self._hinted = any(item.name == "hints" for item in self._run["fuse"].get_inputs())

    def image(self, batch: ImageBatch) -> Floats:
        """Unit rows of pictures, (n, dim)."""
        seen = batch.mask[:, None, :, None] if batch.vertical else batch.mask[:, None, None, :]
        x = self._call("glyphs", strips=batch.pixels, seen=seen.astype(np.float32))
        # (n, channels, rows, t) or (n, channels, t, rows) to (n, t, channels * rows)
        x = x.transpose(0, 2, 1, 3) if batch.vertical else x.transpose(0, 3, 1, 2)
        return self._call(
            "line",
            columns=np.ascontiguousarray(x).reshape(*x.shape[:2], -1),
            mask=np.ascontiguousarray(batch.mask[:, ::STRIDE]),
            direction=np.array(int(batch.vertical), np.int64),
        )

    def text(self, batch: TextBatch) -> Floats:
        """Unit rows of texts, (n, dim)."""
        return self._call("text", ids=batch.ids, mask=batch.mask)

    def fuse(self, image: Floats, text: Floats, has_image: Bools, has_text: Bools, hints: Floats) -> Floats:
        """Unit rows of records, (n, dim)."""
        optional = {"hints": hints} if self._hinted else {}
        return self._call("fuse", image=image, text=text, has_image=has_image, has_text=has_text, **optional)

    def _call(self, name: str, **inputs: npt.NDArray[np.generic]) -> Floats:
        output: Floats = self._run[name].run(None, inputs)[0]
        return output


class OnnxRecordEncoder(TowerEncoder):
    """The encoder of a verified folder that `export_onnx` made."""

    def __init__(
        self,
        folder: ModelFolder,
        *,
        device: str | None = None,
        threads: int | None = None,
    ) -> None:
        config = BiEncoderConfig.from_dict(read_config(folder)["model"])
        towers = OnnxTowers(folder, device, threads)
        super().__init__(
            folder.manifest.name,
            config.dim,
            StripInputs(config),
            towers,
            batch_size=BATCH,
            device=towers.device,
        )
        self.config = config
