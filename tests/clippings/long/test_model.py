"""The encoder of long records: padding, length groups, kinds of layers, saving, and its cost."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from clippings.errors import EncoderError  # noqa: E402
from clippings.long import model as based_model  # noqa: E402
from clippings.long.model import BasedBertConfig, BasedBertModel, register  # noqa: E402

SMALL = {"vocab_size": 100, "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64, "window": 8}
KINDS = ["window", "based", "linear", "full"]


def model(**settings) -> BasedBertModel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = BasedBertModel(BasedBertConfig(**{**SMALL, "mixers": KINDS, **settings}))
        for name, weight in made.named_parameters():
            if "gate" in name or "near.outward" in name or name.startswith("pool"):
                torch.nn.init.normal_(weight, std=0.5)  # nothing is left out by a zero
    return made.eval()


def batch(lengths):
    ids = torch.randint(5, 100, (len(lengths), max(lengths)), generator=torch.Generator().manual_seed(3))
    mask = (torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]).long()
    return ids, mask


@pytest.mark.parametrize("settings", [
    {}, {"pooling": "attention"}, {"positions": "rotary"}, {"full_below": 40, "own_short": True},
    {"full_below": 40, "mixers": ["window", "based"]}, {"feature_form": "full"}, {"centred": True},
])  # fmt: skip
def test_padded_is_alone(settings) -> None:
    made, lengths = model(**settings), [300, 151, 12, 40, 41]
    ids, mask = batch(lengths)
    with torch.no_grad():
        together = made(ids, mask).last_hidden_state
        for row, length in enumerate(lengths):
            alone = made(ids[row : row + 1, :length])[0]
            assert torch.allclose(together[row : row + 1, :length], alone, atol=2e-6)


def test_pieces_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    made = model(full_below=20, own_short=True)
    ids, mask = batch([300, 151, 12, 40, 41, 7])
    with torch.no_grad():
        whole = made(ids, mask)[0]
        monkeypatch.setitem(based_model.AT_ONCE, "cpu", 310)
        pieces = made(ids, mask)[0]
    assert torch.allclose(whole * mask[..., None], pieces * mask[..., None], atol=2e-6)


def test_gradients_reach_every_weight() -> None:
    made = model(pooling="attention", full_below=20, own_short=True).train()
    ids, mask = batch([300, 151, 12])
    (made(ids, mask)[0] * torch.randn(32)).square().mean().backward()
    without = [
        name for name, weight in made.named_parameters() if weight.grad is None or not weight.grad.any()
    ]
    # a softmax does not see what all keys have in common
    assert [name for name in without if not name.endswith("key.bias")] == []


def test_a_based_layer_is_a_window_and_what_all_places_say() -> None:
    """By its definition, head by head, with plain attention."""
    from clippings.layers.linear_attention import linear_attention_plain
    from clippings.layers.window_attention import Places, attend_plain

    mixer = model(mixers=["based"]).layers[0].mixer
    x, places = torch.randn(2, 90, 32), Places(torch.tensor([90, 33]), 90, True)
    heads = lambda part: part.view(2, 90, 2, -1).transpose(1, 2)  # noqa: E731
    with torch.no_grad():
        q, k, v = (heads(layer(x)) for layer in (mixer.query, mixer.key, mixer.value))
        left, gate = mixer.near.inward(x).chunk(2, dim=-1)
        left = (left * places.mask[..., None]).transpose(1, 2)
        along = torch.nn.functional.conv1d(left, mixer.near.along.T[:, None], padding=1, groups=8)
        seen = x + mixer.near.outward(torch.nn.functional.silu(along.transpose(1, 2)) * gate)
        weight = torch.sigmoid(mixer.key_gate(x)).transpose(1, 2) * places.mask[:, None]
        far = linear_attention_plain(
            heads(mixer.feature_query(seen)), heads(mixer.feature_key(seen)), v, weight
        )
        wanted = attend_plain(q, k, v, places, 8) + torch.tanh(mixer.gate)[:, None, None] * far
        found = mixer(x, places)
    keep = places.mask[..., None]
    assert torch.allclose(found * keep, wanted.transpose(1, 2).flatten(2) * keep, atol=1e-5)


def test_what_is_faint_among_many_places_is_as_large_as_a_value() -> None:
    from clippings.long.layers import deviation

    v = torch.randn(1, 2, 500, 8, generator=torch.Generator().manual_seed(1))
    weight = torch.rand(1, 2, 500, generator=torch.Generator().manual_seed(2))
    weight[..., 400:] = 0
    mean = (v * weight[..., None]).sum(dim=2, keepdim=True) / weight.sum(dim=-1)[..., None, None]
    signs = torch.where(torch.arange(8) % 2 == 0, 1.0, -1.0)
    made = deviation(mean + 1e-3 * signs, v, weight)
    spread = ((v - mean).square().mean(dim=-1) * weight).sum(dim=-1) / weight.sum(dim=-1)
    wanted = spread.sqrt()[..., None, None] * signs
    assert torch.allclose(made, wanted, rtol=2e-2)
    far = v.clone()
    far[:, :, 400:] = 1e3  # padding, which counts nothing
    assert torch.allclose(deviation(mean + 1e-3 * signs, far, weight), made)


def test_attention_pooling_is_a_weighted_mean() -> None:
    from clippings.layers.window_attention import Places
    from clippings.long.layers import attention_pooling

    x, score = torch.randn(2, 30, 8), torch.randn(2, 30, 2)
    places = Places(torch.tensor([30, 11]), 30, True)
    for row, length in enumerate((30, 11)):
        share = score[row, :length].softmax(dim=0).repeat_interleave(4, dim=1)
        mean = attention_pooling(x, score, places)[row, :length].mean(dim=0)
        assert torch.allclose(mean, (share * x[row, :length]).sum(dim=0), atol=1e-6)
    assert torch.allclose(
        attention_pooling(x, torch.zeros(2, 30, 2), places) * places.mask[..., None],
        x * places.mask[..., None],
        atol=1e-6,
    )


def test_a_far_place_is_heard_by_the_linear_branch_alone() -> None:
    ids, _ = batch([400])
    other = ids.clone()
    other[0, 390] = 7 if int(ids[0, 390]) != 7 else 8
    for kind, hears in (("window", False), ("based", True), ("linear", True), ("full", True)):
        made = model(mixers=[kind, kind])
        with torch.no_grad():
            change = (made(ids)[0] - made(other)[0])[0, 0].abs().max()
        assert bool(change > 0) is hears, kind


def test_windows_are_dropped_in_training_only() -> None:
    made = model(mixers=["window", "based"], hidden_dropout_prob=0.0)
    ids, mask = batch([100, 50])
    with torch.no_grad():
        plain = made(ids, mask)[0]
        made.window_dropout = 1.0
        assert made.window_dropout == 1.0 and torch.equal(made(ids, mask)[0], plain)
        dropped = made.train()(ids, mask)[0]
        made.layers[1].mixer.query.weight.add_(5)  # without its window nothing hears of it
        assert torch.equal(made(ids, mask)[0], dropped)
    assert not torch.allclose(plain, dropped)


def test_what_cannot_work_is_refused() -> None:
    for wrong, said in (
        ({"mixers": ["windows"]}, "windows"),
        ({"positions": "absolute"}, "absolute"),
        ({"pooling": "max"}, "max"),
        ({"mixers": ["linear"], "full_below": 9}, "own_short"),
    ):
        with pytest.raises(ValueError, match=said):
            BasedBertConfig(**wrong)
    ids, mask = batch([10, 5])
    with pytest.raises(EncoderError, match="padding_side"):
        model()(ids, mask.flip(1))


def test_saved_is_loaded_bit_by_bit(tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModel

    register()
    register()
    made = model(pooling="attention", full_below=20, own_short=True, features=8)
    made.save_pretrained(tmp_path)
    assert AutoConfig.from_pretrained(tmp_path).mixers == KINDS
    again = AutoModel.from_pretrained(tmp_path).eval()
    ids, mask = batch([300, 151, 12])
    with torch.no_grad():
        assert torch.equal(made(ids, mask)[0], again(ids, mask)[0])


def test_checkpointing_changes_no_gradient() -> None:
    found = []
    for on in (False, True):
        made = model(mixers=["window", "based"], hidden_dropout_prob=0.0).train()
        if on:
            made.gradient_checkpointing_enable()
        made(*batch([100, 50]))[0].square().mean().backward()
        found.append([weight.grad for weight in made.parameters()])
    for a, b in itertools.zip_longest(*found):
        assert torch.allclose(a, b, atol=1e-7)
