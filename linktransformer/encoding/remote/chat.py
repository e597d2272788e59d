"""Many prompts to one chat model: each different one is sent once, and never again once it is answered."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from linktransformer import progress
from linktransformer.encoding.remote.client import Outcome, Patience, post_all
from linktransformer.encoding.remote.endpoint import Endpoint
from linktransformer.encoding.remote.response_cache import CacheFolder, ResponseCache, request_key
from linktransformer.errors import InvalidArgumentError

__all__ = ["Answer", "Answers", "Estimate", "Prompts", "Usage", "ask", "checked_params", "estimate"]

logger = logging.getLogger(__name__)
PATH = "chat/completions"
MAX_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of one call.

    Args:
        endpoint: The model.
        system: The system prompt of every text.
        texts: The texts, a prompt each.
        params: More for the request, such as {"temperature": 0}; a value of None leaves a key out.
    """

    endpoint: Endpoint
    system: str
    texts: Sequence[str]
    params: Mapping[str, object]

    def payload(self, text: str) -> dict[str, object]:
        """The request of one text as JSON values."""
        request: dict[str, object] = {"temperature": 0, "max_tokens": MAX_TOKENS, **self.params}
        if request.get("max_completion_tokens") is not None and "max_tokens" not in self.params:
            request["max_tokens"] = None
        messages = [{"role": "system", "content": self.system}, {"role": "user", "content": text}]
        settings = {name: value for name, value in request.items() if value is not None}
        return {"model": self.endpoint.model, "messages": messages, **settings}

    def keys(self) -> list[str]:
        """The key of every text's answer in a `ResponseCache`."""
        return [request_key(self.endpoint.base_url, PATH, self.payload(text)) for text in self.texts]


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer.

    Args:
        text: None where there is no answer.
        cut: Whether the limit of tokens truncated it.
        error: Why there is no answer.
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
    """What a call would cost; nothing is sent for it.

    Args:
        calls: Different questions that are still to be asked.
        reused: Those that are answered in the store.
        prompt_characters: Of the questions still to be asked.
        prompt_tokens: About how many: a quarter of the ASCII characters and each other one.
        most_completion_tokens: If every answer were as long as it may be.
    """

    calls: int
    reused: int
    prompt_characters: int
    prompt_tokens: int
    most_completion_tokens: int


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers in the order of the texts, and what they cost."""

    answers: list[Answer]
    usage: Usage


def estimate(prompts: Prompts, cache: CacheFolder) -> Estimate:
    """Count what `ask` would send.

    Example:
        >>> from linktransformer.encoding.remote.endpoint import Endpoint
        >>> estimate(Prompts(Endpoint("m", "https://a"), "1234", ["1234", "1234"], {}), False).prompt_tokens
        2
    """
    text_of_key = dict(zip(prompts.keys(), prompts.texts, strict=True))
    with ResponseCache(cache) as responses:
        texts = [text for key, text in text_of_key.items() if responses.get(key) is None]
    request = prompts.payload("")
    limit = request.get("max_tokens") or request.get("max_completion_tokens")
    return Estimate(
        calls=len(texts),
        reused=len(text_of_key) - len(texts),
        prompt_characters=sum(map(len, texts)) + len(texts) * len(prompts.system),
        prompt_tokens=sum(map(_tokens, texts)) + len(texts) * _tokens(prompts.system),
        most_completion_tokens=len(texts) * (int(limit) if isinstance(limit, (int, float, str)) else 0),
    )


def _tokens(text: str) -> int:
    """About how many tokens a text has: a quarter of its ASCII characters, and each other one."""
    n_ascii = sum(map(str.isascii, text))
    return -(-n_ascii // 4) + len(text) - n_ascii


def ask(prompts: Prompts, patience: Patience, cache: CacheFolder = None) -> Answers:
    """Send the prompts that have no stored answer; every answer is stored as soon as it comes.

    Raises ModelError where the server refuses every request.
    """
    keys = prompts.keys()
    text_of_key = dict(zip(keys, prompts.texts, strict=True))
    sent: list[tuple[Outcome, Answer, int, int]] = []
    with ResponseCache(cache) as responses, progress.stage("ask", len(text_of_key)) as tick:
        stored = {key: _stored_answer(responses.get(key)) for key in text_of_key}
        answers = {key: answer for key, answer in stored.items() if answer is not None}
        reused = len(answers)
        tick(reused)
        missing = [key for key in text_of_key if key not in answers]

        def done(number: int, outcome: Outcome) -> None:
            answer, tokens = _answer(outcome)
            if answer.text is not None:
                entry = {"text": answer.text, "cut": answer.cut, "usage": tokens}
                responses.put(missing[number], entry)
            answers[missing[number]] = answer
            sent.append((outcome, answer, *tokens))
            tick(1)

        payloads = (prompts.payload(text_of_key[key]) for key in missing)
        post_all(prompts.endpoint, PATH, payloads, patience, done)
    usage = Usage(
        calls=len(text_of_key),
        reused=reused,
        requests=sum(outcome.tries for outcome, _, _, _ in sent),
        failed=sum(answer.text is None for _, answer, _, _ in sent),
        prompt_tokens=sum(tokens for _, _, tokens, _ in sent),
        completion_tokens=sum(tokens for _, _, _, tokens in sent),
    )
    logger.info("model %r: %s", prompts.endpoint.model, usage)
    return Answers([answers[key] for key in keys], usage)


def _stored_answer(value: object) -> Answer | None:
    if isinstance(value, Mapping) and isinstance(value.get("text"), str):
        return Answer(value["text"], bool(value.get("cut")))
    return None


def _answer(outcome: Outcome) -> tuple[Answer, tuple[int, int]]:
    """The text in a reply of the right shape, an error for any other shape; prompt and answer tokens."""
    if outcome.value is None:
        return Answer(None, error=outcome.error), (0, 0)
    usage = outcome.value.get("usage")
    counts = usage if isinstance(usage, Mapping) else {}
    tokens = _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens"))
    choices = outcome.value.get("choices")
    if not isinstance(choices, list) or not choices:
        return Answer(None, error="the reply has no choices"), tokens
    choice = choices[0]
    message = choice.get("message") if isinstance(choice, Mapping) else None
    text = message.get("content") if isinstance(message, Mapping) else None
    if not isinstance(text, str):
        return Answer(None, error="the reply has no text"), tokens
    return Answer(text, choice.get("finish_reason") == "length"), tokens


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def checked_params(params: object, argument: str) -> dict[str, object]:
    """The caller's parameters of a request; refuses what is no dict, and names that the request sets."""
    settings = {} if params is None else params
    if not isinstance(settings, Mapping):
        raise InvalidArgumentError(f"{argument}={params!r} is no dict. Give such as {{'temperature': 0}}.")
    for name in ("model", "messages", "stream", "n"):
        if name in settings:
            raise InvalidArgumentError(f"{argument}= has {name!r}, which is not set there. Leave it out.")
    return dict(settings)
