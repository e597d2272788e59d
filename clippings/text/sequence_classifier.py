"""A sequence classifier of transformers in a local folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clippings.arrays import Doubles
from clippings.errors import EncoderError, MissingPackageError

__all__ = ["SequenceClassifier", "is_sequence_classifier"]

BATCH = 64
KIND = "ForSequenceClassification"


def is_sequence_classifier(folder: Path) -> bool:
    """Whether a folder's config.json names a sequence classifier of transformers."""
    try:
        config = json.loads((folder / "config.json").read_bytes())
        return any(str(name).endswith(KIND) for name in config["architectures"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


class SequenceClassifier:
    """A model that gives each text the probability of each class (`labels`, by number).

    The folder has config.json, a tokenizer and model.safetensors; nothing is downloaded, no code of the
    folder is run, and pickled weights are not read. `device` None takes a GPU where there is one.
    """

    def __init__(self, folder: Path, device: str | None = None) -> None:
        try:
            import torch
            import transformers
        except ImportError as error:
            raise MissingPackageError(error.name or "torch", "A sequence classifier") from error
        try:
            options = {"local_files_only": True, "trust_remote_code": False}
            auto: Any = transformers.AutoTokenizer
            self._tokenizer: Any = auto.from_pretrained(str(folder), **options)
            auto = transformers.AutoModelForSequenceClassification
            model: Any = auto.from_pretrained(str(folder), use_safetensors=True, **options)
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise EncoderError(f"The classifier cannot be loaded: {error}") from error
        config = model.config
        if config.num_labels < 2 or config.problem_type not in (None, "single_label_classification"):
            raise EncoderError(
                f"The model does not give a single class. Given: {config.num_labels} outputs, problem_type "
                f"{config.problem_type!r}. Give one that was trained for classes that exclude each other."
            )
        self.labels = tuple(str(config.id2label[number]) for number in range(config.num_labels))
        self._device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._model = model.to(self._device).eval()
        most = getattr(config, "max_position_embeddings", None) or 512
        self._longest = min(int(most), int(self._tokenizer.model_max_length))

    def probabilities(
        self,
        texts: Sequence[str],
        *,
        batch_size: int | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> Doubles:
        """The probability of each class, (n_texts, n_labels) float64; too long texts are cut.

        `batch_size` changes the last bits only; `progress` is called with the number of texts done since
        its last call.
        """
        import torch

        probabilities = np.zeros((len(texts), len(self.labels)))
        order = np.argsort([-len(text) for text in texts], kind="stable")
        size = BATCH if batch_size is None else batch_size
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            batch = self._tokenizer(
                [texts[row] for row in rows.tolist()],
                padding=True,
                truncation=True,
                max_length=self._longest,
                return_tensors="pt",
            ).to(self._device)
            with torch.inference_mode():
                logits = self._model(**batch).logits.double()
            probabilities[rows] = torch.softmax(logits, dim=-1).cpu().numpy()
            if progress is not None:
                progress(len(rows))
        return probabilities
