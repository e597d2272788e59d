"""LinkTransformer as an object: vectors, folders, and what a name on the hub must say."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import linktransformer as lt
import model_hub
from linktransformer.errors import ModelError


def test_one_text_is_one_row_of_the_vectors_of_many() -> None:
    model = lt.LinkTransformer()
    both = model.encode(["tea", "coffee"])
    np.testing.assert_array_equal(model.encode("tea"), both[0])
    np.testing.assert_array_equal(model.encode(["tea", "coffee"], batch_size=1), both)
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), 1, atol=1e-5)
    assert repr(model) == f"LinkTransformer({model.name!r})"


def test_a_saved_folder_is_the_model(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = lt.LinkTransformer()
    with caplog.at_level(logging.INFO, logger="linktransformer"):
        path = model.save(tmp_path / "saved", create_model_card=False, safe_serialization=False)
    assert "safe_serialization=False has no effect" in caplog.text
    assert path == str(tmp_path / "saved") and not (tmp_path / "saved" / "README.md").exists()
    np.testing.assert_array_equal(lt.LinkTransformer(path).encode("tea"), model.encode("tea"))
    for taken in (tmp_path / "saved", tmp_path / "saved" / "manifest.json"):
        with pytest.raises(ModelError, match=r"path=.* is not empty"):
            model.save(taken)


def test_a_model_without_vectors_is_refused() -> None:
    with pytest.raises(ModelError, match="model_name_or_path='lexical'"):
        lt.LinkTransformer("lexical")


@pytest.mark.parametrize(
    ("name", "how", "reference"),
    [
        ("firms", {"organization": "us"}, "hf://us/firms"),
        ("them/firms", {"organization": "us", "revision": "v1"}, "hf://them/firms@v1"),
    ],
)
def test_it_is_published_under_its_owner(
    name: str,
    how: dict[str, Any],
    reference: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    published: list[tuple[Any, ...]] = []

    def publish(folder: Path, to: Any, **options: Any) -> str:
        if not str(to).startswith("hf://"):  # the folder of this model is made by the same function
            return real(folder, to, **options)
        published.append((model_hub.open_model(folder).manifest.name, to, options))
        return f"{to}@abc"

    real: Any = model_hub.publish
    monkeypatch.setattr("model_hub.publish", publish, raising=False)
    model = lt.LinkTransformer()
    with caplog.at_level(logging.INFO, logger="linktransformer"):
        assert model.save_to_hub(name, token="t", private=True, exist_ok=True, **how) == f"{reference}@abc"
    assert published == [(model.name, reference, {"token": "t", "private": True})]
    assert "exist_ok=: no effect" in caplog.text


def test_a_name_without_an_owner_is_refused() -> None:
    with pytest.raises(ModelError, match=r"repo_name='firms'.*org/name"):
        lt.LinkTransformer().save_to_hub("firms")
