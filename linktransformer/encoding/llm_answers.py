"""Many prompts to one chat model: each different one is asked once, and never again once it is answered."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from linktransformer import progress
from linktransformer.encoding.llm_client import Outcome, Patience, post_all
from linktransformer.encoding.llm_endpoint import Endpoint
from linktransformer.encoding.llm_store import Store, question_key
from linktransformer.errors import InvalidArgumentError

__all__ = ["Answer", "Asked", "Estimate", "Prompts", "Usage", "ask", "checked_params", "estimate"]

logger = logging.getLogger(__name__)
PATH = "chat/completions"
MAX_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Prompts:
    """What one call asks.

    Args:
        endpoint: Whom.
        system: What stands before every text.
        texts: The texts, each of which is one question.
        params: More for the request, such as {"temperature": 0}; a value of None leaves a key out.
    """

    endpoint: Endpoint
    system: str
    texts: Sequence[str]
    params: Mapping[str, Any]

    def payload(self, text: str) -> dict[str, Any]:
        """The request of one text.

        Args:
            text: The text that the question is about.

        Returns:
            The request as JSON values; a setting that is None is left out.
        """
        request = {"temperature": 0, "max_tokens": MAX_TOKENS, **self.params}
        if request.get("max_completion_tokens") is not None and "max_tokens" not in self.params:
            request["max_tokens"] = None
        messages = [{"role": "system", "content": self.system}, {"role": "user", "content": text}]
        kept = {name: value for name, value in request.items() if value is not None}
        return {"model": self.endpoint.model, "messages": messages, **kept}

    def keys(self) -> list[str]:
        """The key of every text's answer in a store.

        Returns:
            The keys in the order of the texts.
        """
        return [question_key(self.endpoint.base_url, PATH, self.payload(text)) for text in self.texts]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said.

    Args:
        text: Its words, None where none came.
        cut: Whether it was cut off by the limit of tokens.
        error: Why there are no words.
    """

    text: str | None
    cut: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call cost.

    Args:
        calls: Different questions.
        reused: Of them answered from the store.
        requests: How often something was sent, repeats too.
        failed: Questions without an answer.
        prompt_tokens: As the server counted what it answered now.
        completion_tokens: As the server counted them in what it answered now; reused answers have none.
    """

    calls: int
    reused: int
    requests: int
    failed: int
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a call would cost, without asking anybody.

    Args:
        calls: Different questions that are still to be asked.
        reused: Those that are answered in the store.
        prompt_characters: Of what is to be asked.
        prompt_tokens: About how many: a quarter of the ASCII characters and each other one.
        most_completion_tokens: If every answer were as long as it may be.
    """

    calls: int
    reused: int
    prompt_characters: int
    prompt_tokens: int
    most_completion_tokens: int


@dataclass(frozen=True, slots=True)
class Asked:
    """The answers in the order of the texts, and what they cost."""

    answers: list[Answer]
    usage: Usage


def estimate(prompts: Prompts, cache: str | os.PathLike[str] | bool | None) -> Estimate:
    """Count what `ask` would ask.

    Args:
        prompts: The questions.
        cache: Folder of stored answers; None is the user's cache folder, False keeps them in memory only.

    Returns:
        The counts.

    Example:
        >>> from linktransformer.encoding.llm_endpoint import Endpoint
        >>> estimate(Prompts(Endpoint("m", "https://a"), "1234", ["1234", "1234"], {}), False).prompt_tokens
        2
    """
    wanted = dict(zip(prompts.keys(), prompts.texts, strict=True))
    with Store(cache) as store:
        texts = [text for key, text in wanted.items() if store.get(key) is None]
    ascii_only = [sum(character.isascii() for character in text) for text in [*texts, prompts.system]]
    other = [len(text) - n for text, n in zip([*texts, prompts.system], ascii_only, strict=True)]
    tokens = [-(-n // 4) + more for n, more in zip(ascii_only, other, strict=True)]
    request = prompts.payload("")
    most = request.get("max_tokens") or request.get("max_completion_tokens") or 0
    return Estimate(
        calls=len(texts),
        reused=len(wanted) - len(texts),
        prompt_characters=sum(map(len, texts)) + len(texts) * len(prompts.system),
        prompt_tokens=sum(tokens[:-1]) + len(texts) * tokens[-1],
        most_completion_tokens=len(texts) * int(most),
    )


def ask(
    prompts: Prompts,
    patience: Patience,
    cache: str | os.PathLike[str] | bool | None = None,
) -> Asked:
    """Ask a model; every answer is on disk before the next is waited for.

    Args:
        prompts: The questions.
        patience: How often and how many at a time.
        cache: Folder of stored answers; None (the default) is the user's cache folder, False keeps them in
            memory only.

    Returns:
        The answers in the order of the texts, and the usage.

    Raises:
        ModelError: The server refuses every question.
    """
    keys = prompts.keys()
    wanted = dict(zip(keys, prompts.texts, strict=True))
    found: dict[str, Answer] = {}
    spent: list[tuple[Outcome, Answer, int, int]] = []
    with Store(cache) as store, progress.stage("ask", len(wanted)) as tick:
        for key in wanted:
            if (kept := _kept(store.get(key))) is not None:
                found[key] = kept
        reused = len(found)
        tick(reused)
        rest = [key for key in wanted if key not in found]

        def done(number: int, outcome: Outcome) -> None:
            answer, usage = _answer(outcome)
            if answer.text is not None:
                store.put(rest[number], {"text": answer.text, "cut": answer.cut, "usage": usage})
            found[rest[number]] = answer
            spent.append((outcome, answer, *usage))
            tick(1)

        # lazily: a million prompts are not held a second time
        post_all(prompts.endpoint, PATH, _Payloads(prompts, [wanted[key] for key in rest]), patience, done)
    usage = Usage(
        calls=len(wanted),
        reused=reused,
        requests=sum(outcome.tries for outcome, _, _, _ in spent),
        failed=sum(answer.text is None for _, answer, _, _ in spent),
        prompt_tokens=sum(tokens for _, _, tokens, _ in spent),
        completion_tokens=sum(tokens for _, _, _, tokens in spent),
    )
    logger.info("model %r: %s", prompts.endpoint.model, usage)
    return Asked([found[key] for key in keys], usage)


class _Payloads(Sequence[Mapping[str, Any]]):
    """The requests of texts, made when they are needed."""

    def __init__(self, prompts: Prompts, texts: list[str]) -> None:
        self._prompts, self._texts = prompts, texts

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, number: Any) -> Any:
        return self._prompts.payload(self._texts[number])


def _kept(value: Any) -> Answer | None:
    if isinstance(value, Mapping) and isinstance(value.get("text"), str):
        return Answer(value["text"], bool(value.get("cut")))
    return None


def _answer(outcome: Outcome) -> tuple[Answer, tuple[int, int]]:
    """The words in a reply of the right shape, and its tokens; an error for any other shape."""
    if outcome.value is None:
        return Answer(None, error=outcome.error), (0, 0)
    said = outcome.value.get("usage")
    usage = said if isinstance(said, Mapping) else {}
    tokens = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    choices = outcome.value.get("choices")
    if not isinstance(choices, list) or not choices:
        return Answer(None, error="the reply has no choices"), tokens
    choice = choices[0]
    message = choice.get("message") if isinstance(choice, Mapping) else None
    text = message.get("content") if isinstance(message, Mapping) else None
    if not isinstance(text, str):
        return Answer(None, error="the reply has no text"), tokens
    return Answer(text, choice.get("finish_reason") == "length"), tokens


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def checked_params(params: Any, argument: str) -> dict[str, Any]:
    """The caller's parameters of a request.

    Args:
        params: A mapping, or None.
        argument: What the caller calls it.

    Returns:
        A dict.

    Raises:
        InvalidArgumentError: It is none, or names what is not for it to say.
    """
    given = {} if params is None else params
    if not isinstance(given, Mapping):
        raise InvalidArgumentError(f"{argument}={given!r} is no dict. Give such as {{'temperature': 0}}.")
    taken = [name for name in ("model", "messages", "stream", "n") if name in given]
    if taken:
        raise InvalidArgumentError(f"{argument}= has {taken[0]!r}, which is not set there. Leave it out.")
    return dict(given)
