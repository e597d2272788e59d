"""A converted encoder gives the original's vectors of short records, and reads long ones as any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")

from clippings.errors import EncoderError  # noqa: E402
from clippings.loading import load_text_encoder  # noqa: E402
from clippings.long.convert import Plan, convert, pattern  # noqa: E402
from clippings.long.feature_maps import code_maps, hidden_states, softmax_maps  # noqa: E402
from clippings.text.sentence_models import (  # noqa: E402
    PACKAGE,
    is_based,
    load_converted,
    load_sentence_transformer,
)
from clippings.training.trainable import load_trainable  # noqa: E402
from model_hub import parse  # noqa: E402
from tests.tiny_model import WORDS, make_base  # noqa: E402

SMALL = Plan(window=8, max_tokens=512)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("base"))


def texts(*lengths: int) -> list[str]:
    draw = np.random.default_rng(0)
    return [" ".join(draw.choice(WORDS, length).tolist()) for length in lengths]


def vectors(model, some: list[str]) -> np.ndarray:
    made = model.encode(some)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def test_short_records_have_the_vectors_of_the_original(base: Path) -> None:
    original = load_sentence_transformer(parse(base), "cpu")
    some = texts(1, 5, 20, 40, 62)  # 62 words and two marks: all 64 places
    wanted = vectors(original, some)
    for plan in (SMALL, Plan(window=8, gate=0.7, mixers="linear")):
        found = vectors(convert(original, plan), [*some, *texts(300)])
        assert (found[:-1] * wanted).sum(axis=1).min() > 0.9999
    assert original.max_seq_length == 64  # it was not changed
    assert (vectors(original, some) == wanted).all()


def test_with_the_gate_shut_and_room_for_all_it_is_the_original_without_layers_of_its_own(base: Path) -> None:
    original = load_sentence_transformer(parse(base), "cpu")
    some = texts(5, 40, 62)
    made = convert(original, Plan(window=64, own_short=False, max_tokens=512))
    assert np.abs(vectors(made, some) - vectors(original, some)).max() < 1e-5
    near = convert(original, Plan(window=2, own_short=False, max_tokens=512))
    assert np.abs(vectors(near, some) - vectors(original, some)).max() > 1e-5


def test_places_beyond_the_table_begin_anew(base: Path) -> None:
    from clippings.layers.window_attention import Places

    original = load_sentence_transformer(parse(base), "cpu")
    body = convert(original, Plan(window=8, max_tokens=512, own_short=False, pooling="mean"))[0].auto_model
    ids = torch.randint(5, 60, (1, 130))
    with torch.no_grad():
        again = body.norm(body.tokens(ids) + body.places.weight.repeat(3, 1)[:130])
        for layer in body.layers:
            again = layer(again, Places(torch.tensor([130]), 130, False))
        assert torch.allclose(body(ids)[0], again, atol=1e-5)


def test_saved_and_loaded_it_gives_the_same_vectors(base: Path, tmp_path: Path) -> None:
    made = convert(load_sentence_transformer(parse(base), "cpu"), SMALL)
    some = texts(3, 50, 200, 400)
    wanted = made.encode(some)
    made.save_pretrained(str(tmp_path / "made"), create_model_card=False)
    again = load_text_encoder(tmp_path / "made", device="cpu")
    assert (again.model.encode(some) == wanted).all()
    assert again.model.max_seq_length == 512
    alone = np.concatenate([again.model.encode([text]) for text in some])
    assert np.allclose(alone, wanted, atol=1e-5)


def test_it_is_loaded_where_nothing_has_imported_us(base: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    made = convert(load_sentence_transformer(parse(base), "cpu"), SMALL)
    made.save_pretrained(str(tmp_path / "made"), create_model_card=False)
    code = (
        "import sys; from clippings import load_text_encoder; assert 'torch' not in sys.modules;"
        f"print(load_text_encoder({str(tmp_path / 'made')!r}, device='cpu').encode(['acme steel']).shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(1, 32)"


def test_the_name_stands_for_a_folder(base: Path) -> None:
    encoder = load_text_encoder(f"based:{base}", device="cpu")
    assert encoder.name == f"based:{base}" and encoder.encode(texts(300)).shape == (1, 32)
    assert is_based("based") and not is_based("based/on") and not is_based(None)


def test_it_is_trained_as_any_other(base: Path) -> None:
    model = load_trainable(f"based:{base}", "cpu")
    model.use("fp32", 300)
    loss = -(model.vectors(texts(200))[0] * model.vectors(texts(250))[0]).sum()
    loss.backward()
    moved = {
        name for name, weight in model.weights().items() if weight.grad is not None and weight.grad.any()
    }
    assert any("gate" in name for name in moved) and any(".pool." in name for name in moved)
    assert not any("short_layers" in name for name in moved)


def test_features_are_the_best_of_their_width() -> None:
    from clippings.long.layers import Shape

    draw = torch.Generator().manual_seed(0)
    query, key = torch.randn((2, 24, 24), generator=draw).double().unbind()
    shape = Shape(24, 2, 48, features=12)
    made = [part.view(2, 12, 24) for part in softmax_maps(query, key, 2, shape.features)]
    for head in range(2):
        rows = slice(12 * head, 12 * head + 12)
        # as wide as a head, the products are the softmax's own
        wanted = query[rows].T @ key[rows] / 12**0.5
        assert torch.allclose(made[0][head].T @ made[1][head] / 12**0.5, wanted, atol=1e-9)
    narrow = [part.view(2, 4, 24) for part in softmax_maps(query, key, 2, 4)]
    wanted = query[:12].T @ key[:12] / 12**0.5
    left, strength, right = torch.linalg.svd(wanted)
    best = (left[:, :4] * strength[:4]) @ right[:4]
    assert torch.allclose(narrow[0][0].T @ narrow[1][0] / 4**0.5, best, atol=1e-9)


def test_codes_tell_words_apart_whatever_stands_around_them() -> None:
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(0, 30, (40, 50), generator=draw)
    word = torch.randn(30, 48, generator=draw) * torch.linspace(1, 0, 48)  # words differ in the first numbers
    around = torch.randn(40, 50, 48, generator=draw) * torch.linspace(0, 1, 48)  # and places in the last
    x = word[ids] + around + 20 * torch.randn(48, generator=draw)  # all share a direction
    code = code_maps(ids, x, 2, 8)
    found = (x @ code.T).view(40 * 50, 2, 8)
    for head in range(2):
        product = found[:, head] @ found[:, head].T / 8**0.5
        same = ids.reshape(-1)[:, None] == ids.reshape(-1)[None]
        assert product[same].mean() == pytest.approx(4 * 8**0.5, rel=0.3)
        assert abs(float(product[~same].mean())) < 1
        weight = 1 + product + product.square() / 2
        assert weight[same].mean() > 5 * weight[~same].mean()
    assert (code_maps(ids, x, 2, 8) == code).all() and code_maps(ids, x, 0, 8).shape == (0, 48)


def test_words_are_heard_where_else_they_stand(base: Path) -> None:
    original = load_sentence_transformer(parse(base), "cpu")
    ids, states = hidden_states(original[0].auto_model)
    assert len(states) == 2 and states[0].shape[:2] == ids.shape
    mixers = convert(original, SMALL)[0].auto_model.mixers()
    made = next(mixer for mixer in mixers if mixer.kind == "based")
    heads, features = made.shape.heads, made.shape.features
    query, key = (part.weight.view(heads, features, -1) for part in (made.feature_query, made.feature_key))
    assert (query[1::2] == key[1::2]).all() and query[1::2].abs().sum() > 0
    assert not torch.allclose(query[::2], key[::2])


def test_what_cannot_be_converted_is_said(base: Path) -> None:
    original = load_sentence_transformer(parse(base), "cpu")
    with pytest.raises(EncoderError, match="2 layers"):
        convert(original, Plan(mixers=["full"]))
    with pytest.raises(EncoderError, match="wide"):
        pattern("wide", 3)
    with pytest.raises(EncoderError, match="based_bert"):
        convert(convert(original, SMALL), SMALL)


def test_minilm_up_to_512_tokens() -> None:
    pytest.importorskip(PACKAGE)
    original = load_sentence_transformer(parse(_minilm()), "cpu")
    original.max_seq_length = 512
    made = load_converted("based", "cpu")
    some = [*texts(2, 60, 240), "river " * 509, "river " * 510]  # the last has 512 tokens
    assert (vectors(made, some) * vectors(original, some)).sum(axis=1).min() > 0.9999
    assert made.max_seq_length == 32768


def _minilm():
    from clippings.text.sentence_models import base_folder

    return base_folder("bundled")
