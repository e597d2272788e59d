"""Which kernels a model in training uses."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")

from clippings.long.convert import Plan, convert  # noqa: E402
from clippings.text.sentence_models import load_sentence_transformer  # noqa: E402
from clippings.training.trainable import Trainable, _kernels  # noqa: E402
from model_hub import parse  # noqa: E402
from tests.tiny_model import make_base  # noqa: E402


def test_short_texts_never_wait_for_a_plan_of_their_shape(tmp_path: Path) -> None:
    base = load_sentence_transformer(parse(make_base(tmp_path)), "cpu")
    before = torch.backends.cuda.cudnn_sdp_enabled()
    for model, varied in ((base, True), (convert(base, Plan("based")), False)):
        with _kernels("cuda", Trainable(model, "made")._varied):
            assert torch.backends.cuda.cudnn_sdp_enabled() is (before and not varied)
            assert torch.backends.cuda.flash_sdp_enabled()
        assert torch.backends.cuda.cudnn_sdp_enabled() is before
    with _kernels("cpu", True):
        assert torch.backends.cuda.cudnn_sdp_enabled() is before
