"""Models that run on torch, whose vectors depend in the last bits on what is encoded with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from linktransformer.encoding import cached_encoder, model_plan
from tests.tiny_model import make_base


def test_a_folder_of_sentence_transformers_is_taken_up_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sentence_transformers")
    monkeypatch.setattr("clippings.text.text_encoder.CHUNK", 20)
    monkeypatch.setattr(cached_encoder, "LEAST", 20)
    base, kept = make_base(tmp_path), tmp_path / "kept"
    texts = [f"acme {'steel ' * (n % 7)}{n}" for n in range(90)]
    plain = model_plan.plan(base, "cpu")
    whole = model_plan.embed(plain.encoder, texts)
    first = model_plan.plan(base, "cpu", kept).encoder
    work, done = first.lookup(texts), 0

    def stop(n: int) -> None:
        nonlocal done
        done += n
        if done > 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work.complete(None, stop)
    again = model_plan.plan(base, "cpu", kept).encoder
    assert np.array_equal(model_plan.embed(again, texts), whole)
    assert again.counts == {"reused": 40, "encoded": 50}
    # a caller's SentenceTransformer may have been trained: nothing is said of it
    assert model_plan.plan(plain.encoder.model, "cpu", kept).encoder.name
    assert not isinstance(
        model_plan.plan(plain.encoder.model, "cpu", kept).encoder, cached_encoder.CachedEncoder
    )
