"""Many prompts to one chat model: each different one is sent once, and never again once it is answered."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from linktransformer import progress
from linktransformer.encoding.remote.chat_reply import Answer, answer_of, kept, said, stored
from linktransformer.encoding.remote.client import Outcome, Patience, Requests, Route
from linktransformer.encoding.remote.endpoint import Endpoint
from linktransformer.encoding.remote.parameters import described
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
        argument: The caller's name of `params`, for messages.
    """

    endpoint: Endpoint
    system: str
    texts: Sequence[str]
    params: Mapping[str, object]
    argument: str = "llm_params"

    def payload(self, text: str) -> dict[str, object]:
        """The request of one text as JSON values."""
        request: dict[str, object] = {"temperature": 0, "max_tokens": MAX_TOKENS, **self.params}
        if request.get("max_completion_tokens") is not None and "max_tokens" not in self.params:
            request["max_tokens"] = None
        messages = [{"role": "system", "content": self.system}, {"role": "user", "content": text}]
        settings = {name: value for name, value in request.items() if value is not None}
        return {"model": self.endpoint.model, "messages": messages, "stream": False, **settings}

    def keys(self) -> list[str]:
        """The key of every text's answer in a `ResponseCache`."""
        return [request_key(self.endpoint.base_url, PATH, self.payload(text)) for text in self.texts]


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
        changed: Parameters that the server refused, and what was sent in their place.
    """

    calls: int
    reused: int
    requests: int
    failed: int
    prompt_tokens: int
    completion_tokens: int
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a call would cost; nothing is sent for it.

    Args:
        calls: Different questions that are still to be asked.
        reused: Those that are answered in the store.
        prompt_characters: Of the questions still to be asked.
        prompt_tokens: About how many: a quarter of the ASCII characters and each other one.
        most_completion_tokens: If every answer were as long as it may be.
        host: Where the questions would go.
    """

    calls: int
    reused: int
    prompt_characters: int
    prompt_tokens: int
    most_completion_tokens: int
    host: str


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
    with ResponseCache(cache, write=False) as responses:
        texts = [text for key, text in text_of_key.items() if stored(responses.get(key)) is None]
    request = prompts.payload("")
    limit = request.get("max_tokens") or request.get("max_completion_tokens")
    return Estimate(
        calls=len(texts),
        reused=len(text_of_key) - len(texts),
        prompt_characters=sum(map(len, texts)) + len(texts) * len(prompts.system),
        prompt_tokens=sum(map(_tokens, texts)) + len(texts) * _tokens(prompts.system),
        most_completion_tokens=len(texts) * (int(limit) if isinstance(limit, (int, float, str)) else 0),
        host=prompts.endpoint.host,
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
    sent: list[tuple[Outcome, int, int]] = []
    with ResponseCache(cache) as responses, progress.stage("ask", len(text_of_key)) as tick:
        known = {key: stored(responses.get(key)) for key in text_of_key}
        replies = {key: reply for key, reply in known.items() if reply is not None}
        errors: dict[str, str | None] = {}
        reused = len(replies)
        tick(reused)
        missing = [key for key in text_of_key if key not in replies]

        def done(number: int, outcome: Outcome) -> None:
            key, tokens = missing[number], (0, 0)
            if outcome.value is None:
                errors[key] = outcome.error
            else:
                tokens = _tokens_of(outcome.value)
                replies[key] = said(outcome.value, prompts.endpoint.without_key)
                if (entry := kept(replies[key])) is not None:
                    responses.put(key, {**entry, "usage": tokens})
            sent.append((outcome, *tokens))
            tick(1)

        given = frozenset(prompts.params)
        route = Route(PATH, "choices", given, prompts.argument, known=reused > 0)
        with Requests(prompts.endpoint, route, patience) as requests:
            requests.send_all((prompts.payload(text_of_key[key]) for key in missing), done)
    answers = {key: Answer(None, error=error) for key, error in errors.items()}
    for key, reply in replies.items():
        answers[key] = answer_of(reply, text_of_key[key], prompts.system, prompts.argument)
    usage = Usage(
        calls=len(text_of_key),
        reused=reused,
        requests=sum(outcome.tries for outcome, _, _ in sent),
        failed=sum(answers[key].text is None for key in missing),
        prompt_tokens=sum(tokens for _, tokens, _ in sent),
        completion_tokens=sum(tokens for _, _, tokens in sent),
        changed=described(requests.changes),
    )
    logger.info("model %r: %s", prompts.endpoint.model, usage)
    return Answers([answers[key] for key in keys], usage)


def _tokens_of(value: Mapping[str, object]) -> tuple[int, int]:
    """Tokens of the prompt and of the answer, as the server counted them."""
    usage = value.get("usage")
    counts = usage if isinstance(usage, Mapping) else {}
    return _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens"))


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def checked_params(params: object, argument: str) -> dict[str, object]:
    """The caller's parameters of a request; refuses what is not a dict, and names that the request sets."""
    settings = {} if params is None else params
    if not isinstance(settings, Mapping):
        raise InvalidArgumentError(f"{argument}={params!r} is not a dict. Give such as {{'temperature': 0}}.")
    for name in ("model", "messages", "stream", "n"):
        if name in settings:
            raise InvalidArgumentError(f"{argument}= has {name!r}, which is not set there. Leave it out.")
    return dict(settings)
