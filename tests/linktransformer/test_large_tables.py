"""When a model that nobody named is run on large tables, and when it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from clippings import wrap_encoder
from linktransformer import comparing, encode

N = 2_100  # of each table: enough that n-grams are looked at first


class Numbered:
    """Knows the number that a text holds in its own script, and nothing else."""

    def __init__(self) -> None:
        self.asked = 0
        self.vectors = np.random.default_rng(0).standard_normal((2 * N, 64)).astype(np.float32)

    def encode(self, texts: list[str]) -> np.ndarray:
        self.asked += len(texts)
        numbers = [int("".join(char for char in text if char.isdecimal())) for text in texts]
        found: np.ndarray = self.vectors[numbers]
        return found


def as_default(monkeypatch: pytest.MonkeyPatch, model: Numbered) -> None:
    plan = encode.Plan("fake", wrap_encoder(model), chosen=False)
    monkeypatch.setattr(encode, "plan", lambda *_: plan)


def tables(same_script: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    draw = np.random.default_rng(1)
    letters = list("abcdefghijklmnopqrstuvwxyz")
    words = ["".join(draw.choice(letters, 6)) for _ in range(N)]
    arabic = str.maketrans("0123456789", "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669")
    left = [f"{word} {number}" for number, word in enumerate(words)]
    right = [f"{word} works {number}" for number, word in enumerate(words)]
    if not same_script:
        # one row in twelve has three letters of no meaning: n-grams find what is wrong
        right = [
            f"{''.join(draw.choice(letters, 3)) if number % 12 == 0 else ''} {str(number).translate(arabic)}"
            for number in range(N)
        ]
    order = draw.permutation(N)
    return pd.DataFrame({"name": left, "id": range(N)}), pd.DataFrame(
        {"name": [right[at] for at in order], "id": order}
    )


def right_share(linked: Any) -> float:
    return float((linked["id_x"] == linked["id_y"]).mean())


def test_where_ngrams_find_nothing_the_model_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Numbered()
    as_default(monkeypatch, model)
    assert right_share(lt.merge(*tables(same_script=False), on="name")) > 0.5
    assert model.asked >= 2 * N


def test_where_ngrams_settle_it_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Numbered()
    as_default(monkeypatch, model)
    left, right = tables(same_script=True)
    links = lt.link(left, right, on="name")
    assert "is expected without it" in links.report()["views_left_out"]["dense"]
    assert list(links.views) == ["lexical"] and not model.asked
    same = left["id"].to_numpy()[links.left_rows] == right["id"].to_numpy()[links.right_rows]
    assert same.sum() > 0.95 * N


@pytest.mark.parametrize("name", ["TRIAL_FROM", "SETTLED"])
def test_a_model_is_run_below_either_line(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(comparing, name, 2 * N + 1 if name == "TRIAL_FROM" else 1.01)
    model = Numbered()
    as_default(monkeypatch, model)
    links = lt.link(*tables(same_script=True), on="name")
    assert "views_left_out" not in links.report() and model.asked >= 2 * N
    assert "dense" in links.views
