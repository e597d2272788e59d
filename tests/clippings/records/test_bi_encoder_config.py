"""Settings of the model are kept, checked, and read again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clippings import EncoderError
from clippings.records.bi_encoder_config import BiEncoderConfig


def test_written_and_read_again() -> None:
    config = BiEncoderConfig.tiny(fusion="centred", stages=(8, 8, 24), image_weight=0)
    assert BiEncoderConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert config.dim == 32 and config.stages == (8, 8, 24)


def test_the_nearest_name_is_told() -> None:
    with pytest.raises(EncoderError, match=r"Given: \['fusoin'\]\. Did you mean 'fusion'\?"):
        BiEncoderConfig.from_dict({"fusoin": "mean"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dim", 0),
        ("dim", True),
        ("dim", 3.0),
        ("heads", 3),
        ("heads", 256),  # heads of width 1 cannot be rotated
        ("stages", (8, 8)),
        ("stages", (8, 8, 0)),
        ("depths", [1, 1, 1]),
        ("short", 22),
        ("dropout", 1.0),
        ("fusion", "sum"),
        ("image_weight", 1.5),
        ("image_weight", 0.0),  # not with a gate
        ("characters", -1),
    ],
)
def test_refused(name: str, value: Any) -> None:
    with pytest.raises(EncoderError, match=f"Given: {name}="):
        BiEncoderConfig(**{name: value})
