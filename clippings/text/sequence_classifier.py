"""A sequence classifier of transformers, out of a local folder."""

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
    """Whether a folder holds a sequence classifier of transformers.

    Args:
        folder: The folder.

    Returns:
        True where its config.json says so.
    """
    try:
        config = json.loads((folder / "config.json").read_bytes())
        return any(str(name).endswith(KIND) for name in config["architectures"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


class SequenceClassifier:
    """A model that gives each text the probability of each class.

    Args:
        folder: With config.json, a tokenizer and model.safetensors; nothing is fetched, no code of the folder
            is run, and weights in pickles are not read.
        device: Where it runs; None takes a GPU when there is one.

    Attributes:
        labels: What the classes are called, by number.

    Raises:
        MissingPackageError: torch or transformers is not installed.
        EncoderError: The folder cannot be used.
    """

    def __init__(self, folder: Path, device: str | None = None) -> None:
        try:
            import torch
            import transformers
        except ImportError as error:
            raise MissingPackageError(error.name or "torch", "A sequence classifier") from error
        try:
            options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
            auto: Any = transformers.AutoTokenizer
            self._tokenizer: Any = auto.from_pretrained(str(folder), **options)
            auto = transformers.AutoModelForSequenceClassification
            model: Any = auto.from_pretrained(str(folder), use_safetensors=True, **options)
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise EncoderError(f"The classifier cannot be loaded: {error}") from error
        config = model.config
        if config.num_labels < 2 or config.problem_type not in (None, "single_label_classification"):
            raise EncoderError(
                f"The model gives no single class. Given: {config.num_labels} outputs, problem_type "
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
        progress: Callable[[int], None] | None = None,
    ) -> Doubles:
        """How likely each class is.

        Args:
            texts: Texts; the end of one that is too long is cut off.
            batch_size: Texts at a time; it changes last bits only.
            progress: Is called with the number of texts done since its last call.

        Returns:
            (n_texts, n_labels) float64; rows add up to 1.
        """
        import torch

        found = np.zeros((len(texts), len(self.labels)))
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
            found[rows] = torch.softmax(logits, dim=-1).cpu().numpy()
            if progress is not None:
                progress(len(rows))
        return found
