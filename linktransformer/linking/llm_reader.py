"""A language model behind an address as a reader of pairs, asked as `merge_k_judge` asks it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from linktransformer import check
from linktransformer.arrays import Floats
from linktransformer.encoding.remote import chat
from linktransformer.encoding.remote.chat import Prompts
from linktransformer.encoding.remote.client import Patience
from linktransformer.encoding.remote.endpoint import Endpoint, chat_endpoint
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.llm_verdict import FORM, QUESTION, Verdict, read_verdict
from linktransformer.linking.reader_scale import LEAST_PAIRS

__all__ = ["MOST_PAIRS", "LLMReader", "llm_reader"]

MOST_PAIRS = 500  # that are sent, if nobody says more
UNSAID = 0.9  # the confidence of a verdict without one; its scale is learned
LIMIT = 0.99


@dataclass(frozen=True, slots=True, eq=False)
class LLMReader:
    """A chat model that is asked whether both records of a pair are one thing, as `llm_reader` gives it."""

    endpoint: Endpoint
    most_pairs: int
    prompt: str
    params: Mapping[str, object]
    patience: Patience
    cache: str | os.PathLike[str] | bool | None
    may_abstain: bool = True

    @property
    def name(self) -> str:
        """The model's name and its host."""
        return f"{self.endpoint.model} at {self.endpoint.host}"

    def log_odds(self, left: Sequence[str], right: Sequence[str]) -> Floats:
        """The log-odds of the confidence of each verdict, (n_pairs,) float32; NaN for no verdict."""
        questions = [
            json.dumps({"record_1": one, "record_2": other}, ensure_ascii=False)
            for one, other in zip(left, right, strict=True)
        ]
        prompts = Prompts(self.endpoint, f"{self.prompt}\n{FORM}", questions, self.params, "params")
        answers = chat.ask(prompts, self.patience, self.cache).answers
        return np.array(
            [np.nan if answer.text is None else _log_odds(read_verdict(answer.text)) for answer in answers],
            dtype=np.float32,
        )


def llm_reader(
    model: str,
    *,
    most_pairs: int = MOST_PAIRS,
    prompt: str | None = None,
    params: Mapping[str, object] | None = None,
    key: str | None = None,
    concurrency: int = 8,
    timeout: float = 120.0,
    cache: str | os.PathLike[str] | bool | None = None,
) -> LLMReader:
    """A language model by its address as a reader of pairs in doubt: the key columns of these are sent to it.

    Args:
        model: "openai:NAME" or "gemini:NAME"; "@https://host/v1" may follow (docs/llm.md).
        most_pairs: How many pairs are sent at the most, those included that calibrate it; more than 20.
        prompt: What to ask, in place of our question; the form of the reply is added.
        params: More for the request, such as {"max_tokens": 900}; None as a value leaves a key out.
        key: The key; None takes the one of the environment (docs/llm.md).
        concurrency: Questions at a time.
        timeout: Seconds for one answer.
        cache: Folder of the answers; None is the user's cache folder, False keeps none.

    Returns:
        The reader, for `merge(..., reader=...)`. A pair without a verdict stays as it is.

    Raises:
        InvalidArgumentError: An argument that cannot work, or no key.

    Example:
        >>> llm_reader("openai:small@http://127.0.0.1:8080/v1").name
        'small at 127.0.0.1:8080'
    """
    check.whole("most_pairs", most_pairs, "pairs")
    if most_pairs <= 2 * LEAST_PAIRS:
        raise InvalidArgumentError(
            f"most_pairs={most_pairs} is too few: {2 * LEAST_PAIRS} pairs calibrate the model first."
        )
    gemini = model.startswith("gemini:")
    endpoint = chat_endpoint(
        model,
        openai_key=None if gemini else key,
        gemini_key=key if gemini else None,
        argument="reader",
    )
    patience = Patience(timeout=timeout, at_once=concurrency)
    checked = chat.checked_params(params, "params")
    return LLMReader(endpoint, most_pairs, QUESTION if prompt is None else prompt, checked, patience, cache)


def _log_odds(verdict: Verdict) -> float:
    if verdict.is_match is None:
        return math.nan
    sure = UNSAID if verdict.confidence is None else verdict.confidence
    p = min(max(sure if verdict.is_match else 1 - sure, 1 - LIMIT), LIMIT)
    return math.log(p / (1 - p))
