"""Weighed means are those of the formula, and a weight of one leaves vectors as they are."""

from __future__ import annotations

import numpy as np
import pytest

from clippings.errors import EncoderError
from clippings.text.onnx_encoder import OnnxTextEncoder
from clippings.text.token_weights import TokenWeighted
from model_hub import bundled

TEXTS = ["Hill Railway Ltd", "Boat Works Ltd", "Tea Ltd", "KDL-40V3000 Ltd", "Hill Ltd"]


@pytest.fixture(scope="module")
def encoder() -> OnnxTextEncoder:
    return OnnxTextEncoder.from_folder(bundled(), threads=1)


def test_weighed_means_are_those_of_the_formula(encoder: OnnxTextEncoder) -> None:
    found = TokenWeighted(encoder, power=0.5).fit(TEXTS).encode(TEXTS)
    ids = encoder.tokens(TEXTS)
    of = {number: sum(number in one for one in ids) for one in ids for number in one.tolist()}
    inverse = {number: np.log(6 / (1 + count)) + 1 for number, count in of.items()}
    whole = encoder.tokens([""])[0].tolist()
    rest = np.mean([value for number, value in inverse.items() if number not in whole])
    inverse |= dict.fromkeys(whole, rest)
    for row, one in zip(found, ids, strict=True):
        known = {"input_ids": one[None].astype(np.int64)}
        known |= {
            "attention_mask": np.ones((1, len(one)), np.int64),
            "token_type_ids": np.zeros((1, len(one)), np.int64),
        }
        feed = {name: value for name, value in known.items() if name in encoder._inputs}
        tokens = encoder._session.run(None, feed)[0][0]
        mean = np.average(tokens, axis=0, weights=[inverse[number] ** 0.5 for number in one.tolist()])
        np.testing.assert_allclose(row, mean / np.linalg.norm(mean), atol=1e-5)
    assert np.linalg.norm(found - encoder.encode(TEXTS), axis=1).min() > 1e-3


def test_no_power_changes_nothing(encoder: OnnxTextEncoder) -> None:
    same = TokenWeighted(encoder, power=0.0).fit(TEXTS).encode(TEXTS)
    np.testing.assert_allclose(same, encoder.encode(TEXTS), atol=1e-6)


def test_what_cannot_be_weighed_is_refused(encoder: OnnxTextEncoder) -> None:
    with pytest.raises(EncoderError, match="fit"):
        TokenWeighted(encoder).encode(TEXTS)
    with pytest.raises(EncoderError, match="mean over them"):
        TokenWeighted(object())
