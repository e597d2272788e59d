"""Records become the vectors of their own picture and text, in any batch and after any journey."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from clippings import EncoderError, load_record_encoder, load_text_encoder, wrap_encoder  # noqa: E402
from clippings.records.bi_encoder import BiEncoder  # noqa: E402
from clippings.records.encoder import RecordVectors  # noqa: E402
from clippings.records.inputs import StripInputs  # noqa: E402
from clippings.records.torch_encoder import TorchRecordEncoder  # noqa: E402
from model_hub import ChecksumError, bundled, open_model, publish  # noqa: E402
from tests.small_records import N, Shot, cut, of, records, small  # noqa: E402


def one_by_one(model: BiEncoder) -> RecordVectors:
    """The plain reference: every record through the towers in a call of its own."""
    texts, pictures, confidence = records()
    inputs = StripInputs(model.config, cut)
    rows: list[list[np.ndarray]] = []
    has = []
    with torch.no_grad():
        for text, picture, sure in zip(texts, pictures, confidence, strict=True):
            vectors = [torch.zeros(1, 32), torch.zeros(1, 32)]
            prepared, quality = inputs.prepare([picture])
            for batch in inputs.image_batches(prepared, 1):
                vectors[0] = model.image(
                    torch.from_numpy(batch.pixels), torch.from_numpy(batch.mask), batch.vertical
                )
            has_text = bool(text and text.strip())
            for letters in inputs.text_batches([text], 1) if has_text else []:
                vectors[1] = model.text(torch.from_numpy(letters.ids), torch.from_numpy(letters.mask))
            flags = torch.tensor([prepared[0] is not None]), torch.tensor([has_text])
            hints = torch.tensor([[sure, *quality[0]]], dtype=torch.float32)
            rows.append([v.numpy()[0] for v in (*vectors, model.fuse(*vectors, *flags, hints))])
            has.append([prepared[0] is not None, has_text])
    image, text_rows, fused = (np.stack(part) for part in zip(*rows, strict=True))
    has_image, has_text_rows = np.array(has).T
    return RecordVectors(image, text_rows, fused, has_image, has_text_rows)


@pytest.mark.parametrize("fusion", ["gate", "mean", "centred"])
@pytest.mark.parametrize("size", [None, 1, 7])
def test_as_one_by_one(fusion: str, size: int | None) -> None:
    model = small(fusion)
    texts, pictures, confidence = records()
    done: list[int] = []
    found = of(model).encode_records(
        texts, pictures, confidence=confidence, batch_size=size, progress=done.append
    )
    expected = one_by_one(model)
    for name in ("image", "text", "fused", "has_image", "has_text"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-5)
        assert getattr(found, name).dtype == (bool if name.startswith("has") else np.float32)
    for name, there in (("image", found.has_image), ("text", found.has_text)):
        lengths = np.linalg.norm(getattr(found, name), axis=1)
        np.testing.assert_allclose(lengths, there, atol=1e-5)
    either = found.has_image | found.has_text
    np.testing.assert_allclose(np.linalg.norm(found.fused, axis=1), either, atol=1e-5)
    assert not found.has_text[2] and found.has_text[3] and sum(done) == N


def test_order_and_chunks_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, pictures, confidence = records()
    encoder = of(small())
    whole = encoder.encode_records(texts, pictures, confidence=confidence)
    monkeypatch.setattr("clippings.records.encoder.CHUNK", 4)
    monkeypatch.setattr("clippings.records.encoder.TEXTS", 3)
    order = np.random.default_rng(1).permutation(N)
    done: list[int] = []
    mixed = encoder.encode_records(
        [texts[row] for row in order],
        [pictures[row] for row in order],
        confidence=confidence[order],
        progress=done.append,
    )
    np.testing.assert_allclose(mixed.fused, whole.fused[order], atol=1e-5)
    np.testing.assert_allclose(
        encoder.encode(["ab", "", "abc", "d"]),
        encoder.encode(["ab", "", "abc", "d"], batch_size=1),
        atol=1e-5,
    )
    assert done == [4] * 7 + [2]


def test_hints_are_heard() -> None:
    encoder = of(small("gate"))
    texts, pictures, _ = records()
    unsure = encoder.encode_records(texts, pictures, confidence=np.zeros(N))
    sure = encoder.encode_records(texts, pictures, confidence=np.ones(N))
    both = unsure.has_image & unsure.has_text
    assert (np.abs(sure.fused - unsure.fused).max(axis=1) > 1e-3).tolist() == both.tolist()
    np.testing.assert_allclose(sure.image, unsure.image, atol=1e-6)


def test_text_only() -> None:
    model = small()
    encoder = of(model)
    done: list[int] = []
    found = encoder.encode(["Deutsche Bank", "", "東京銀行"], progress=done.append)
    both = encoder.encode_records(["Deutsche Bank", "x", "東京銀行"], [None] * 3)
    np.testing.assert_allclose(found[::2], both.text[::2], atol=1e-5)
    np.testing.assert_allclose(both.fused, both.text, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert encoder.encode([]).shape == (0, 32) and done == [3]
    assert encoder.encode_records([], []).fused.shape == (0, 32)
    assert wrap_encoder(encoder) is encoder


def test_the_model_stays_in_training() -> None:
    model = small().train()
    encoder = of(model)
    first, again = encoder.encode(["ab"]), encoder.encode(["ab"])  # dropout would make them differ
    np.testing.assert_allclose(first, again, atol=1e-6)
    assert model.training


def test_refused() -> None:
    encoder = of(small())
    with pytest.raises(EncoderError, match="2 texts, 1 pictures"):
        encoder.encode_records(["a", "b"], [None])
    with pytest.raises(EncoderError, match=r"confidence of shape \(2,\)"):
        encoder.encode_records(["a"], [None], confidence=[0.1, 0.2])
    with pytest.raises(EncoderError, match="a int, 3"):
        encoder.encode_records([3], [None])  # type: ignore[list-item] # that it is refused is tested
    with pytest.raises(EncoderError, match="batch_size"):
        encoder.encode(["a"], batch_size=0)
    with pytest.raises(EncoderError, match="Put it in a list"):
        encoder.encode("a")


@pytest.mark.parametrize("fusion", ["gate", "centred"])
def test_saved_published_and_loaded(tmp_path: Path, fusion: str) -> None:
    encoder = of(small(fusion), name="lt-firms-match-ja")
    manifest = encoder.save(tmp_path / "made", licence="MIT", languages=["ja"])
    assert (manifest.architecture, manifest.dimension, manifest.max_tokens) == ("clippings", 32, 48)
    assert (manifest.name, manifest.pooling, manifest.languages) == (
        "lt-firms-match-ja", "attention", ("ja",),
    )  # fmt: skip
    ref = publish(tmp_path / "made", tmp_path / "shared")
    loaded = load_record_encoder(ref, device="cpu")
    assert loaded.name == "lt-firms-match-ja" and loaded.dim == 32
    assert isinstance(loaded, TorchRecordEncoder)
    loaded.inputs = StripInputs(loaded.model.config, cut)
    kept = loaded.model.state_dict()
    assert all(torch.equal(value, kept[key]) for key, value in encoder.model.state_dict().items())
    texts, pictures, confidence = records()
    before = encoder.encode_records(texts, pictures, confidence=confidence)
    after = loaded.encode_records(texts, pictures, confidence=confidence)
    np.testing.assert_allclose(before.fused, after.fused, atol=1e-6)
    as_text = load_text_encoder(ref, device="cpu")
    np.testing.assert_allclose(as_text.encode(["東京銀行"]), encoder.encode(["東京銀行"]), atol=1e-6)


def test_damaged_and_foreign_folders(tmp_path: Path) -> None:
    of(small()).save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "format": 2}))
    with pytest.raises(ChecksumError):
        load_record_encoder(tmp_path)
    for change, message in (
        ({"format": 2}, "newer kind"),
        ({"preprocessing": {}}, "newer kind"),
        ({"model": {"widht": 3}}, "Did you mean 'width'"),
        ({"model": {**config["model"], "dim": 8}}, "weights are not those"),
        ({"extra": 1}, "settings are not those"),
    ):
        of(small()).save(tmp_path)
        from clippings.records.folder import seal_records

        (tmp_path / "config.json").write_text(json.dumps({**config, **change}))
        seal_records(tmp_path, "clippings", 32, 48, {})
        with pytest.raises(EncoderError, match=message):
            load_record_encoder(tmp_path, device="cpu")
    with pytest.raises(EncoderError, match="reads texts only"):
        load_record_encoder(bundled())


def test_card_says_what_it_is(tmp_path: Path) -> None:
    of(small()).save(tmp_path)
    card = (tmp_path / "README.md").read_text("utf-8")
    assert "A model of pictures and texts for" in card and "48 characters" in card
    assert open_model(tmp_path).manifest.format == 2


def test_a_picture_of_another_kind_is_missing() -> None:
    found = of(small()).encode_records([None, None], [Shot(None), None])
    assert not found.has_image.any() and not found.fused.any()
