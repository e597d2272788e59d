"""What a chat model's reply says: read in one place for every function that asks one.

A reply is whole where `finish_reason` is one of `WHOLE`, null or missing. Every other one, a refusal, a part
that is not a text and thoughts without an answer are errors of their row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from linktransformer.encoding.remote.thoughts import answer_in

__all__ = ["Answer", "Said", "answer_of", "kept", "said", "stored"]

WHOLE = ("", "stop", "end_turn", "eos", "eos_token", "stop_sequence", "complete")
TRUNCATED = ("length", "max_tokens", "model_length", "max_output_tokens")
TEXT_PARTS = ("text", "output_text")
THOUGHT_PARTS = ("thinking", "reasoning", "redacted_thinking")
THOUGHT_FIELDS = ("reasoning", "reasoning_content", "reasoning_details", "thinking")
MOST = 300  # characters of a refusal in an error


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer.

    Args:
        text: Without thoughts; None where there is no whole answer.
        raw: As the model wrote it.
        error: Why there is no answer.
    """

    text: str | None
    raw: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A reply in the parts that matter, as it is stored.

    Args:
        text: None where it has no text.
        finish: Its finish_reason, "" for none.
        problem: A refusal, or a part that is not a text.
        thought: Whether it has thoughts in a field of their own.
    """

    text: str | None
    finish: str = ""
    problem: str | None = None
    thought: bool = False


def said(value: Mapping[str, object], without_key: Callable[[str], str] = str) -> Said:
    """Read the first choice of a reply; `without_key` takes keys out of what a server says of a refusal."""
    choices = value.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, Mapping):
        return Said(None, problem="the reply has no text")
    finish = choice.get("finish_reason")
    name = "" if finish is None else str(finish)[:MOST]
    message = choice.get("message")
    if not isinstance(message, Mapping):
        return Said(None, name, "the reply has no text")
    text, problem, thought = _content(message.get("content"))
    refusal = message.get("refusal")
    if refusal:
        problem = f"the model refuses: {str(refusal)[:MOST]}"
    problem = None if problem is None else without_key(problem)
    return Said(text, name, problem, thought or any(message.get(field) for field in THOUGHT_FIELDS))


def _content(content: object) -> tuple[str | None, str | None, bool]:
    """Text, problem and whether there are thoughts, of a text or a list of parts."""
    if content is None or isinstance(content, str):
        return content, None, False
    if not isinstance(content, list):
        return None, f"the reply's content is {type(content).__name__} and no text", False
    texts, problem, thought = [], None, False
    for part in content:
        kind = part.get("type", "text") if isinstance(part, Mapping) else "text"
        text = part.get("text") if isinstance(part, Mapping) else part
        if kind in TEXT_PARTS and isinstance(text, str):
            texts.append(text)
        elif kind in THOUGHT_PARTS:
            thought = True
        elif kind == "refusal":
            problem = f"the model refuses: {str(part.get('refusal') or text)[:MOST]}"
        else:
            problem = problem or f"the reply has a part of type {kind!r}, which is not a text"
    return ("".join(texts) if texts else None), problem, thought


def answer_of(reply: Said, given: str, prompt: str, argument: str) -> Answer:
    """The answer in a reply to the text `given` under a system prompt.

    `argument` is the caller's name of the parameters.
    """
    more = f"raise max_tokens in {argument}="
    finish = reply.finish.strip().casefold()
    thought_only = reply.thought and not (reply.text or "").strip()
    error = reply.problem
    if finish not in WHOLE:
        reason = f"the reply is not whole: finish_reason is {reply.finish!r}"
        reason += ", and the model only thought" if thought_only else ""
        reason += f"; {more}" if finish in TRUNCATED else ""
        error = f"{error} (finish_reason is {reply.finish!r})" if error else reason
    elif error is None and thought_only:
        error = f"the model only thought and gave no answer: {more}"
    elif error is None and reply.text is None:
        error = "the reply has no text"
    if error is not None or reply.text is None:
        return Answer(None, reply.text, error)
    try:
        text = answer_in(reply.text, given, prompt)
    except ValueError as failure:
        return Answer(None, reply.text, f"{failure}; {more}" if "only" in str(failure) else str(failure))
    return Answer(text, reply.text) if text else Answer(None, reply.text, "the reply is empty")


def kept(reply: Said) -> dict[str, object] | None:
    """What is stored of a reply; None where the same question may be answered better the next time."""
    finish = reply.finish.strip().casefold()
    empty = reply.text is None and reply.problem is None and not reply.thought
    return None if empty or finish not in WHOLE + TRUNCATED else asdict(reply)


def stored(value: object) -> Said | None:
    """A reply that was stored, None for anything else."""
    if not isinstance(value, Mapping):
        return None
    text, finish, problem = value.get("text"), value.get("finish"), value.get("problem")
    if not isinstance(finish, str) or not all(isinstance(v, str | None) for v in (text, problem)):
        return None
    return Said(text, finish, problem, bool(value.get("thought")))
