"""A model of pictures and texts, run by onnxruntime: no torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from clippings.arrays import Bools, Floats
from clippings.records.bi_encoder_config import STRIDE, BiEncoderConfig
from clippings.records.encoder import TowerEncoder
from clippings.records.folder import read_config
from clippings.records.inputs import ImageBatch, Inputs, StripInputs, TextBatch
from clippings.text.onnx_encoder import session
from model_hub import ModelFolder

GRAPHS = ("glyphs", "line", "text", "fuse")
BATCH = 8  # measured: more fall out of the processor's cache


class OnnxTowers:
    """The four graphs of a folder: glyphs to columns, columns to a vector, text to a vector, both to one.

    Args:
        folder: A verified folder.
        device: "cpu" or "cuda"; None is "cpu".
        threads: Number of threads; None for all cores.
    """

    def __init__(self, folder: ModelFolder, device: str | None, threads: int | None) -> None:
        self._run: dict[str, Any] = {}
        for name in GRAPHS:
            self._run[name], self.device = session(folder, device, threads, f"{name}.onnx")
        # a graph that does not use an input does not have it
        self._hinted = any(item.name == "hints" for item in self._run["fuse"].get_inputs())

    def image(self, batch: ImageBatch) -> Floats:
        """Unit rows of pictures.

        Args:
            batch: The strips.

        Returns:
            (n, dim).
        """
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
        """Unit rows of texts.

        Args:
            batch: The texts.

        Returns:
            (n, dim).
        """
        return self._call("text", ids=batch.ids, mask=batch.mask)

    def fuse(self, image: Floats, text: Floats, has_image: Bools, has_text: Bools, hints: Floats) -> Floats:
        """Unit rows of records.

        Args:
            image: (n, dim).
            text: (n, dim).
            has_image: (n,).
            has_text: (n,).
            hints: (n, number of hints).

        Returns:
            (n, dim).
        """
        told = {"hints": hints} if self._hinted else {}
        return self._call("fuse", image=image, text=text, has_image=has_image, has_text=has_text, **told)

    def _call(self, name: str, **given: Any) -> Floats:
        found: Floats = self._run[name].run(None, given)[0]
        return found


class OnnxRecordEncoder(TowerEncoder):
    """A folder that `export_onnx` made, behind `encode_records` and `encode`.

    Args:
        folder: A verified folder of the architecture "clippings-onnx".
        device: "cpu" or "cuda"; None is "cpu".
        threads: Number of threads; None for all cores.
        inputs: Another way from pictures and texts to arrays than strips and characters.

    Raises:
        EncoderError: The device is unknown or not there, or a graph cannot be read.
    """

    def __init__(
        self,
        folder: ModelFolder,
        *,
        device: str | None = None,
        threads: int | None = None,
        inputs: Inputs | None = None,
    ) -> None:
        config = BiEncoderConfig.from_dict(read_config(folder)["model"])
        towers = OnnxTowers(folder, device, threads)
        ready = inputs or StripInputs(config)
        super().__init__(
            folder.manifest.name, config.dim, ready, towers, batch_size=BATCH, device=towers.device
        )
        self.config = config
