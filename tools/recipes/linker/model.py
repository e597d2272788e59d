"""The model in training: transformers' BERT and a mean over tokens, without sentence-transformers.

A machine with a GPU may have torch and transformers only; the folder that is written is one of
sentence-transformers all the same.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clippings.training.trainable import Trainable


def load(folder: Path, device: str | None = None) -> Trainable:
    """A folder that `clippings.export.prune` wrote, as something that can be trained.

    Args:
        folder: The folder.
        device: None takes a GPU where there is one.

    Returns:
        The model in float32; its `pad` is the token that fills rows.
    """
    import torch
    from transformers import BertConfig, BertModel

    from clippings.training.trainable import Trainable

    class MeanOfTokens(torch.nn.Module):
        """Texts' vectors as sentence-transformers names them."""

        def __init__(self) -> None:
            super().__init__()
            config = BertConfig.from_pretrained(str(folder))
            self.auto_model = BertModel.from_pretrained(
                str(folder), config=config, add_pooling_layer=False, dtype=torch.float32
            )
            self.tokenize = None  # texts come as tokens

        @property
        def device(self) -> Any:
            return next(self.parameters()).device

        def get_embedding_dimension(self) -> int:
            return int(self.auto_model.config.hidden_size)

        def forward(self, tokens: Mapping[str, Any]) -> dict[str, Any]:
            mask = tokens["attention_mask"]
            found = self.auto_model(input_ids=tokens["input_ids"], attention_mask=mask).last_hidden_state
            wide = mask[..., None].to(found.dtype)
            return {"sentence_embedding": (found * wide).sum(dim=1) / wide.sum(dim=1)}

        def save_pretrained(self, to: str, **_: object) -> None:
            from safetensors.torch import save_file

            root = Path(to)
            for path in folder.rglob("*"):
                if path.is_file() and path.suffix != ".safetensors":
                    place = root / path.relative_to(folder)
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, place)
            (root / "2_Normalize").mkdir(parents=True, exist_ok=True)
            weights = {
                name: value.detach().cpu().contiguous()
                for name, value in self.auto_model.state_dict().items()
            }
            save_file(weights, root / "model.safetensors", metadata={"format": "pt"})

    model = MeanOfTokens().to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    found = Trainable(model, folder.name)
    found.pad = json.loads((folder / "config.json").read_text("utf-8"))["pad_token_id"]  # type: ignore[attr-defined] # for padding
    return found
