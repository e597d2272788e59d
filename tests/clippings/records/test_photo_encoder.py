"""A model of photographs gives the numbers of its towers, in any batch; what ships finds prints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PIL", reason="pillow is not installed: photographs are not read")

from clippings import EncoderError, Press, load_record_encoder, load_text_encoder, press, read_pictures
from clippings.pictures.decoding import Picture
from clippings.records.photo_config import PhotoConfig
from clippings.records.photo_inputs import normalised, text_model
from tests.scenes import captions, scene

TEXTS = [one["en"] for one in captions(5)] + ["", None]


def pictures() -> list[Picture | None]:
    return [*read_pictures([scene(number) for number in range(5)], colour=True, stored=True), None, None]


@pytest.mark.parametrize("size", [None, 1, 3])
def test_torch_folder_gives_the_numbers_of_the_towers(tmp_path: Path, size: int | None) -> None:
    torch = pytest.importorskip("torch")
    from clippings.pictures.photographs import photographs
    from clippings.records.photo_encoder import PhotoEncoder
    from clippings.records.photo_model import PhotoModel

    torch.manual_seed(1)
    model = PhotoModel(PhotoConfig(side=64, dim=16)).eval()
    manifest = PhotoEncoder(model, "mine", "cpu").save(tmp_path)
    encoder = load_record_encoder(tmp_path, device="cpu")
    assert manifest.architecture == "clippings-photos" and encoder.photo_side == 64
    found = encoder.encode_records(TEXTS, pictures(), batch_size=size)
    squares = np.stack([one.pixels for one in photographs(pictures(), 64) if one is not None])
    with torch.no_grad():
        image = model.image(torch.from_numpy(normalised(squares))).numpy()
        vectors = text_model("linker-multilingual").encode([text for text in TEXTS if text])
        text = model.text(torch.from_numpy(vectors)).numpy()
    np.testing.assert_allclose(found.image[:5], image, atol=1e-5)
    np.testing.assert_allclose(found.text[:5], text, atol=1e-5)
    assert found.has_image.tolist() == found.has_text.tolist() == [True] * 5 + [False] * 2
    np.testing.assert_allclose(np.linalg.norm(found.fused[:5], axis=1), 1, atol=1e-5)
    assert not found.fused[5:].any()


def test_discriminant_heads_put_printings_of_one_picture_together() -> None:
    torch = pytest.importorskip("torch")
    from clippings.records.photo_model import PhotoModel

    draw = torch.Generator().manual_seed(0)
    group = torch.arange(12).repeat_interleave(10)
    signal, noise = torch.randn(12, 20, generator=draw), torch.randn(120, 20, generator=draw) * 20
    signal = signal[group] + torch.randn(120, 20, generator=draw) / 10
    rows = torch.cat([signal, noise, torch.zeros(120, 1280 - 40)], dim=1)
    model = PhotoModel(PhotoConfig(side=64, dim=8))
    model.start_from(rows, group, rows[:, :384], group, shrinkage=0.001)

    def right(vectors: object) -> float:
        unit = torch.nn.functional.normalize(vectors, dim=1)
        nearest = (unit @ unit.T - 2 * torch.eye(120)).argmax(dim=1)
        return float((group[nearest] == group).float().mean())

    assert right(rows) < 0.3  # the noise has 20 times the size
    assert right(model.image_head(rows)) == right(model.text_head(rows[:, :384])) == 1.0


def test_bundled_model_finds_the_print_of_a_picture() -> None:
    encoder = load_record_encoder("photos", threads=1)
    plain = [scene(number) for number in range(8)]
    prints = [press(one, Press(severity=0.3), seed) for seed, one in enumerate(plain)]
    a, b = (encoder.encode_records([None] * 8, read_pictures(side, colour=True)) for side in (plain, prints))
    assert (b.image @ a.image.T).argmax(axis=1).tolist() == list(range(8))
    assert encoder.dim == 256 and load_text_encoder("photos", threads=1).encode(["A chick"]).shape == (1, 256)


@pytest.mark.parametrize(
    "wrong",
    [{"side": 16}, {"depth": 0}, {"fusion": "sum"}, {"text_model": ""}, {"image_weight": 1.0}, {"dim": 0}],
)
def test_settings_that_cannot_work(wrong: dict[str, object]) -> None:
    with pytest.raises(EncoderError, match=next(iter(wrong))):
        PhotoConfig(**wrong)  # type: ignore[arg-type]


def test_a_text_that_is_none() -> None:
    with pytest.raises(EncoderError, match="Given: a int, 3"):
        load_text_encoder("photos", threads=1).encode(["a", 3])  # type: ignore[list-item]
