"""What a model does not read of a text is measured where it is cut."""

from __future__ import annotations

import numpy as np
import pytest

from clippings.text.truncation import Truncation, truncation_of


def reach(limit: int) -> Truncation:
    return Truncation(word_tokenizer(), limit)


def word_tokenizer():
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "ab": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return tokenizer


@pytest.mark.parametrize("words, lost", [(1, 0), (8, 0), (9, 1), (100, 92), (2000, 1992)])
def test_the_share_of_words_beyond_the_last_token(words: int, lost: int) -> None:
    text = " ".join(["ab"] * words)
    kept = len(" ".join(["ab"] * (words - lost)))
    found = reach(10).share_lost([text])[0]
    assert float(found) == pytest.approx((len(text) - kept) / len(text), abs=1e-6)
    assert bool(found) is bool(lost)


def test_few_tokens_in_many_characters_are_read() -> None:
    gap = " " * 300
    found = reach(10).share_lost([f"ab{gap}ab", f"ab{gap}" * 8, f"ab{gap}" * 9])
    assert found.tolist() == pytest.approx([0, 0, (9 * 302 - 7 * 302 - 2) / (9 * 302)], abs=1e-6)


def test_lone_surrogates_are_counted_as_characters() -> None:
    assert reach(10).share_lost(["\ud800 " * 40])[0] > 0.5


def test_models_without_a_tokenizer_are_not_measured() -> None:
    class Plain:
        def encode(self, texts):
            return np.ones((len(texts), 2))

    from clippings import wrap_encoder

    assert truncation_of(Plain()) is None
    assert wrap_encoder(Plain()).share_lost(["ab " * 1000]).tolist() == [0.0]


@pytest.mark.parametrize("limit, direction", [(10, "right"), (10, "left"), (12, "right")])
def test_how_a_tokenizer_cuts_before_makes_no_difference(limit: int, direction: str) -> None:
    tokenizer = word_tokenizer()
    tokenizer.enable_truncation(limit, direction=direction)
    texts = [" ".join(["ab"] * 5) + " " * 20, " ".join(["ab"] * 50)]
    assert Truncation(tokenizer, 10).share_lost(texts).tolist() == reach(10).share_lost(texts).tolist()
    assert tokenizer.truncation["max_length"] == limit and tokenizer.truncation["direction"] == direction
