"""Vectors of the towers do not depend on the company, and are those of plain references."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from clippings import EncoderError  # noqa: E402 - after the check for torch
from clippings.layers.attention import Attention, Convolution, Pool, at_least_one, pool_plain, rotate  # noqa: E402
from clippings.records.bi_encoder import BiEncoder  # noqa: E402
from clippings.records.bi_encoder_config import BiEncoderConfig  # noqa: E402
from clippings.records.characters import character_ids  # noqa: E402

LENGTHS = [1, 7, 8, 9, 40, 63, 100, 129]


@pytest.fixture(scope="module")
def model() -> BiEncoder:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return BiEncoder(BiEncoderConfig.tiny(characters=5, image_layers=2)).eval()


def strips_of(vertical: bool) -> list:
    make = torch.Generator().manual_seed(1)
    shapes = [(1, n, 32) if vertical else (1, 32, n) for n in LENGTHS]
    return [torch.rand(shape, generator=make) for shape in shapes]


def batch_of(strips: list, vertical: bool, filling: float) -> tuple:
    """Strips side by side, whatever is given in the padding."""
    axis = 1 if vertical else 2
    longest = max(strip.shape[axis] for strip in strips) + 5
    shape = (1, longest, 32) if vertical else (1, 32, longest)
    batch = torch.full((len(strips), *shape), filling)
    mask = torch.zeros(len(strips), longest, dtype=torch.bool)
    for row, strip in enumerate(strips):
        batch[row, :, : strip.shape[1], : strip.shape[2]] = strip
        mask[row, : strip.shape[axis]] = True
    return batch, mask


@pytest.mark.parametrize("vertical", [False, True])
@pytest.mark.parametrize("filling", [0.0, 1.0, 1e6, float("nan")])
def test_a_strip_has_its_vector_in_any_company(model: BiEncoder, vertical: bool, filling: float) -> None:
    strips = strips_of(vertical)
    with torch.no_grad():
        together = model.image(*batch_of(strips, vertical, filling), vertical)
        for strip, found in zip(strips, together, strict=True):
            length = strip.shape[1 if vertical else 2]
            alone = model.image(strip[None], torch.ones(1, length, dtype=torch.bool), vertical)
            torch.testing.assert_close(found, alone[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(together.norm(dim=1), torch.ones(len(strips)))
    assert (together @ together.T).fill_diagonal_(0).max() < 1 - 1e-4  # and another one than the others


def test_convolutions_are_shared_by_both_directions(model: BiEncoder) -> None:
    square = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(2))
    seen: list = []
    watch = list(model.image.stages[-1].children())[-1].register_forward_hook
    handle = watch(lambda module, given, made: seen.append(made))
    try:
        mask = torch.ones(2, 32, dtype=torch.bool)
        with torch.no_grad():
            across, down = model.image(square, mask, False), model.image(square, mask, True)
    finally:
        handle.remove()
    torch.testing.assert_close(seen[0], seen[1])
    assert (across - down).abs().max() > 1e-2


def test_masked_convolution_is_the_plain_one_on_what_is_there() -> None:
    block = Convolution(6).eval()
    x = torch.randn(3, 9, 6)
    mask = torch.arange(9) < torch.tensor([9, 4, 1])[:, None]
    with torch.no_grad():
        found = block(x, mask)
        for row, length in enumerate([9, 4, 1]):
            kept = x[row, :length]
            wide = torch.nn.functional.pad(kept, (0, 0, 2, 2))
            along = torch.stack(
                [
                    (wide[place : place + 5] * block.along.weight[:, 0].T).sum(dim=0) + block.along.bias
                    for place in range(length)
                ]
            )
            expected = kept + block.across(block.norm(along))
            torch.testing.assert_close(found[row, :length], expected, atol=1e-6, rtol=1e-5)


def test_attention_is_the_plain_sum() -> None:
    attention = Attention(8, 2).eval()
    x = torch.randn(2, 5, 8)
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    with torch.no_grad():
        found = attention(x, mask)
        for row, length in enumerate([5, 3]):
            query, key, value = attention.inward(x[row, :length]).chunk(3, dim=1)
            heads = []
            for part in (slice(0, 4), slice(4, 8)):
                turned = [rotate(one[None, None, :, part])[0, 0] for one in (query, key)]
                share = (turned[0] @ turned[1].T / 2).softmax(dim=1)  # 2 is the root of a head's width
                heads.append(share @ value[:, part])
            expected = attention.outward(torch.cat(heads, dim=1))
            torch.testing.assert_close(found[row, :length], expected, atol=1e-6, rtol=1e-5)


def test_rotation_depends_on_distances_only() -> None:
    one, other = torch.randn(2, 6)
    row = rotate(one.expand(1, 1, 50, 6)), rotate(other.expand(1, 1, 50, 6))
    score = row[0][0, 0] @ row[1][0, 0].T
    for distance in (-3, 0, 7):
        diagonal = torch.diagonal(score, distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand(len(diagonal)), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(score[0, 0], one @ other)
    assert (score[0, 1:9] - score[0, 0]).abs().min() > 1e-4


def test_pooling_is_the_plain_one_in_values_and_gradients() -> None:
    pool = Pool(8, 2, 3)
    x = torch.randn(4, 6, 8)
    mask = torch.arange(6) < torch.tensor([6, 1, 3, 5])[:, None]
    made = []
    for way in (pool, lambda *given: pool_plain(pool, *given)):
        leaf = x.clone().requires_grad_(True)
        vectors = way(leaf, mask)
        (vectors * torch.arange(12.0).view(4, 3)).sum().backward()
        made.append((vectors.detach(), leaf.grad, pool.score.weight.grad.clone()))
        pool.zero_grad()
    for fast, plain in zip(*made, strict=True):
        torch.testing.assert_close(fast, plain, atol=1e-5, rtol=1e-4)


def test_every_fourth_column_of_the_mask_counts() -> None:
    """The place of a column in which the first of its four pixels is."""
    tower = BiEncoder(BiEncoderConfig.tiny(characters=2)).image
    for length in (1, 4, 5, 8, 9, 31):
        for there in range(1, length + 1):
            mask = torch.arange(length)[None] < there
            logits, counts = tower.read(torch.rand(1, 1, 32, length), mask)
            assert logits.shape[1] == -(-length // 4) and counts.tolist() == [-(-there // 4)]


def test_texts_have_their_vectors_in_any_company(model: BiEncoder) -> None:
    texts = ["", "a", "東京銀行", "Deutsche Bank AG, Frankfurt am Main", "x" * 100_000, "\ud800"]
    read = {"longest": model.config.longest_text, "rows": model.config.table_rows}
    with torch.no_grad():
        together = model.text(*map(torch.from_numpy, character_ids(texts, **read)))
        for text, found in zip(texts, together, strict=True):
            alone = model.text(*map(torch.from_numpy, character_ids([text], **read)))
            torch.testing.assert_close(found, alone[0], atol=1e-5, rtol=0)
    assert (together @ together.T).fill_diagonal_(0).max() < 1 - 1e-4


def test_order_of_characters_counts(model: BiEncoder) -> None:
    read = {"longest": model.config.longest_text, "rows": model.config.table_rows}
    with torch.no_grad():
        one, other = model.text(*map(torch.from_numpy, character_ids(["abcd", "dcba"], **read)))
    assert one @ other < 1 - 1e-4


def test_empty_masks_give_numbers(model: BiEncoder) -> None:
    none = torch.zeros(2, 24, dtype=torch.bool)
    strips = torch.rand(2, 1, 32, 24, requires_grad=True)
    vectors = model.image(strips, none)
    ids = torch.zeros(2, 24, 2, dtype=torch.int64)
    (vectors.sum() + model.text(ids, none).sum()).backward()
    grads = [value.grad for value in model.parameters() if value.grad is not None]
    assert vectors.isfinite().all() and all(grad.isfinite().all() for grad in grads)
    assert at_least_one(none).sum(dim=1).tolist() == [1, 1]
    model.zero_grad()


def test_reading_learns_a_known_text() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BiEncoder(BiEncoderConfig.tiny(characters=4))
        strips, mask = torch.rand(3, 1, 32, 72), torch.ones(3, 72, dtype=torch.bool)
        mask[2, 40:] = False
        targets = torch.tensor([[1, 2, 3], [3, 3, 1], [2, 1, 0]])
        optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
        for _ in range(60):
            logits, lengths = model.image.read(strips, mask)
            loss = torch.nn.functional.ctc_loss(
                logits.log_softmax(dim=2).transpose(0, 1), targets, lengths, torch.tensor([3, 3, 2])
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert lengths.tolist() == [18, 18, 10]
    best = logits.argmax(dim=2).tolist()
    said = [
        [a for a, b in zip(row[:n], [0, *row[:n]], strict=False) if a not in (0, b)]
        for row, n in zip(best, lengths.tolist(), strict=True)
    ]
    assert said == [[1, 2, 3], [3, 3, 1], [2, 1]]


def test_no_head_no_reading() -> None:
    with pytest.raises(EncoderError, match="characters=0"):
        BiEncoder(BiEncoderConfig.tiny()).image.read(torch.rand(1, 1, 32, 8), torch.ones(1, 8) > 0)


def test_sizes() -> None:
    sizes = {
        kind: sum(value.numel() for value in BiEncoder(kind).parameters())
        for kind in (BiEncoderConfig(), BiEncoderConfig.tiny())
    }
    assert 6e6 < sizes[BiEncoderConfig()] < 10e6
    assert sizes[BiEncoderConfig.tiny()] < 100_000


def test_logits_start_as_in_siglip(model: BiEncoder) -> None:
    one = torch.eye(3)
    torch.testing.assert_close((one @ one.T * model.scale.exp() + model.bias).detach(), 10 * one - 10)


@pytest.mark.parametrize("vertical", [False, True])
def test_each_direction_has_its_own_fold(vertical: bool) -> None:
    tower = BiEncoder(BiEncoderConfig.tiny()).image
    strips, there = torch.rand(2, 1, 32, 32), torch.ones(2, 32, dtype=torch.bool)
    tower(strips, there, vertical).square().sum().backward()
    for weight in (tower.line.fold, tower.line.fold_bias):
        moved = weight.grad.flatten(1).abs().max(dim=1).values > 0
        assert moved.tolist() == [not vertical, vertical]


def test_half_precision_is_near(model: BiEncoder) -> None:
    strips, mask = batch_of(strips_of(False), False, 1.0)
    ids, there = map(torch.from_numpy, character_ids(["ab", "cde"] * 4, 8, rows=model.config.table_rows))
    both, hints = torch.ones(8, dtype=torch.bool), torch.rand(8, 3)

    def vectors() -> torch.Tensor:
        image, text = model.image(strips, mask), model.text(ids, there)
        return torch.cat([image, text, model.fuse(image, text, both, both, hints)])

    exact = vectors().detach()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = vectors()
        half.square().sum().backward()
    assert half.dtype == torch.float32 and (half.detach() * exact).sum(dim=1).min() > 0.995
    assert all(value.grad is None or value.grad.isfinite().all() for value in model.parameters())
    model.zero_grad()


def test_gradients_reach_every_weight() -> None:
    model = BiEncoder(BiEncoderConfig.tiny())
    ids, mask = map(torch.from_numpy, character_ids(["ab", "cde"], 8, rows=model.config.table_rows))
    strips, there = torch.rand(2, 1, 32, 40), torch.ones(2, 40, dtype=torch.bool)
    image = model.image(strips, there) + model.image(strips.transpose(2, 3), there, True)
    fused = model.fuse(image, model.text(ids, mask), there[:, 0], there[:, 0], torch.rand(2, 3))
    (fused @ image.T * model.scale.exp() + model.bias).square().sum().backward()
    still = [name for name, value in model.named_parameters() if value.grad is None]
    assert still == []
    assert np.isfinite(model.scale.grad.item())
