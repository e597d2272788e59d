"""Fusion is what its formulas say, whatever stands where a picture or a text is missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from clippings import EncoderError  # noqa: E402 - after the check for torch
from clippings.records.bi_encoder_config import FUSIONS  # noqa: E402
from clippings.records.fusion import Fusion  # noqa: E402
from tests.clippings.plain_forms import fuse_plain  # noqa: E402

NAN = float("nan")


def unit(n: int, dim: int, seed: int) -> torch.Tensor:
    made = torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))
    return made / made.norm(dim=1, keepdim=True)


def fusion_of(kind: str, weight: float = 0.5, seed: int = 0) -> Fusion:
    """A fusion that has learned something."""
    fusion = Fusion(kind, 6, weight)
    if kind == "centred":
        fusion.calibrate(unit(20, 6, seed) + 0.5, unit(30, 6, seed + 1) - 0.3)
    if kind == "gate":
        with torch.no_grad():
            for number, value in enumerate(fusion.parameters()):
                value.copy_(torch.randn(value.shape, generator=torch.Generator().manual_seed(seed + number)))
    return fusion


@given(
    kind=st.sampled_from(FUSIONS),
    weight=st.floats(0.05, 0.95),
    has=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=6),
    seed=st.integers(0, 5),
    unknown=st.booleans(),
)
def test_as_the_plain_one(kind: str, weight: float, has: list, seed: int, unknown: bool) -> None:
    fusion = fusion_of(kind, weight, seed)
    n = len(has)
    image, text = unit(n, 6, seed + 7), unit(n, 6, seed + 8)
    has_image, has_text = torch.tensor(has).T
    hints = torch.rand(n, 3, generator=torch.Generator().manual_seed(seed))
    if unknown:
        hints[0, 0] = NAN
    with torch.no_grad():
        expected = fuse_plain(fusion, image, text, has_image, has_text, hints)
        image[~has_image], text[~has_text] = NAN, NAN  # and nothing of this may be seen
        found = fusion(image, text, has_image, has_text, hints)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", FUSIONS)
def test_what_is_missing_is_left_out(kind: str) -> None:
    fusion = fusion_of(kind)
    image, text = unit(4, 6, 1), unit(4, 6, 2)
    has_image, has_text = torch.tensor([True, True, False, False]), torch.tensor([True, False, True, False])
    with torch.no_grad():
        found = fusion(image, text, has_image, has_text, torch.full((4, 3), NAN))
        other = fusion(image, -text, has_image, has_text, torch.full((4, 3), NAN))
    assert not found[3].any()
    torch.testing.assert_close(found.norm(dim=1), torch.tensor([1.0, 1, 1, 0]))
    torch.testing.assert_close(found[1], other[1])
    if kind != "centred":
        torch.testing.assert_close(found[1:3], torch.stack([image[1], text[2]]))


@pytest.mark.parametrize("weight", [0.5, 0.8])
def test_the_gate_starts_as_the_plain_mean_and_moves(weight: float) -> None:
    gate, mean = Fusion("gate", 6, weight), Fusion("mean", 6, weight)
    image, text, both = unit(5, 6, 1), unit(5, 6, 2), torch.ones(5, dtype=torch.bool)
    hints = torch.rand(5, 3)
    torch.testing.assert_close(
        gate(image, text, both, both, hints).detach(), mean(image, text, both, both, hints)
    )
    # told which of two is right, it learns to look at the confidence
    hints[:, 0] = torch.tensor([0.0, 1, 0, 1, 0])
    right = torch.where(hints[:, :1] > 0.5, text, image)
    optimizer = torch.optim.Adam(gate.parameters(), lr=0.02)
    for _ in range(80):
        optimizer.zero_grad()
        (-(gate(image, text, both, both, hints) * right).sum()).backward()
        optimizer.step()
    share = gate.weight(image, text, hints).detach()[:, 0]
    assert share[0] > weight > share[1]


def test_no_hints_are_unknown_hints() -> None:
    gate = fusion_of("gate")
    image, text, both = unit(5, 6, 1), unit(5, 6, 2), torch.ones(5, dtype=torch.bool)
    none = gate(image, text, both, both)
    torch.testing.assert_close(none, gate(image, text, both, both, torch.full((5, 3), NAN)))
    # a confidence of 0 is not an unknown one
    assert (none - gate(image, text, both, both, torch.zeros(5, 3))).abs().max() > 1e-3


def test_centring_takes_the_gap_away() -> None:
    image, text = unit(50, 6, 1) + 2, unit(50, 6, 2) - 2
    image, text = (rows / rows.norm(dim=1, keepdim=True) for rows in (image, text))
    fusion = Fusion("centred", 6)
    fusion.calibrate(image, text)
    yes, no = torch.ones(50, dtype=torch.bool), torch.zeros(50, dtype=torch.bool)
    of_pictures, of_texts = fusion(image, text, yes, no), fusion(image, text, no, yes)
    assert image.mean(0) @ text.mean(0) < -0.8
    assert abs(of_pictures.mean(0) @ of_texts.mean(0)) < 0.1
    assert sorted(fusion.state_dict()) == ["image_mean", "text_mean"]  # they are saved with the weights


def test_calibration_is_refused_where_it_means_nothing() -> None:
    for kind, n in (("mean", 3), ("gate", 3), ("centred", 0)):
        with pytest.raises(EncoderError, match="cannot be taken"):
            Fusion(kind, 6).calibrate(unit(n, 6, 1), unit(3, 6, 2))
