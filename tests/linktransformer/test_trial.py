"""When a model that nobody named is run on large tables, and when it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from clippings import wrap_encoder
from linktransformer import encode

N = 2_100  # of each table: enough for a trial


class Numbered:
    """Knows the number that a text holds in its own script, and nothing else."""

    def __init__(self, wrong: bool = False) -> None:
        self.wrong, self.asked = wrong, 0
        self.vectors = np.random.default_rng(0).standard_normal((2 * N, 64)).astype(np.float32)

    def encode(self, texts: list[str]) -> np.ndarray:
        self.asked += len(texts)
        numbers = [int("".join(char for char in text if char.isdecimal())) for text in texts]
        if self.wrong:
            numbers = [
                (number * 7 + len(text)) % (2 * N) for number, text in zip(numbers, texts, strict=True)
            ]
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
        # one row in twelve has three letters of no meaning: n-grams are sure of what is wrong
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


def test_where_ngrams_find_all_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Numbered()
    as_default(monkeypatch, model)
    links = lt.link(*tables(same_script=True), on="name")
    assert "of the left records have a link" in links.report()["views_left_out"]["dense"]
    assert len(links.pairs) > 0.95 * N and not model.asked


def test_a_model_that_disagrees_with_sure_ngrams_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Numbered(wrong=True)
    as_default(monkeypatch, model)
    left, right = tables(same_script=True)
    right = pd.concat([right.iloc[: N // 2], pd.DataFrame({"name": [f"Q{n}Q" for n in range(N // 2)]})])
    links = lt.link(left, right, on="name")
    assert "sure lexical links" in links.report()["views_left_out"]["dense"]
    assert model.asked < N


def test_many_left_rows_for_each_right_one_are_no_sign_that_ngrams_know_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw = np.random.default_rng(3)
    letters = list("abcdefghijklmnopqrstuvwxyz")
    words = ["".join(draw.choice(letters, 8)) for _ in range(2_500)]
    right = pd.DataFrame({"name": [f"{word} works {number}" for number, word in enumerate(words[:500])]})
    left = [f"{word} wks {number} no {copy}" for copy in range(5) for number, word in enumerate(words[:500])]
    left += [f"{word} mill {number}" for number, word in enumerate(words[500:], 500)]
    model = Numbered(wrong=True)
    as_default(monkeypatch, model)
    links = lt.link(pd.DataFrame({"name": left}), right, on="name")
    assert "sure lexical links" in links.report()["views_left_out"]["dense"] and model.asked < 2_000
