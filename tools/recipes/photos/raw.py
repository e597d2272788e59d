"""Write the network as it comes, as a model of photographs: its vectors are the pooled features of ImageNet.

python -m tools.recipes.photos.raw INPUTS FOLDER    # INPUTS: a folder that `packing` wrote
"""

from __future__ import annotations

import sys
from pathlib import Path

from clippings.export.photo_export import export_photos
from tools.recipes.photos.packing import BACKBONE


def main() -> None:
    """Read the command line."""
    import torch
    from safetensors.torch import load_file

    from clippings.layers.efficientnet import WIDTH
    from clippings.records.photo_config import PhotoConfig
    from clippings.records.photo_model import PhotoModel

    model = PhotoModel(PhotoConfig(dim=WIDTH, fusion="mean"))
    model.backbone.load_pretrained(load_file(Path(sys.argv[1]) / BACKBONE))
    with torch.no_grad():
        model.image_head.weight.copy_(torch.eye(WIDTH))
        model.image_head.bias.zero_()
    export_photos(model, sys.argv[2], precision="float16", name="efficientnet-lite0")


if __name__ == "__main__":
    main()
