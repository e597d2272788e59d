"""What a model thinks aloud before its answer, put aside.

1. Channels of harmony: the answer is what follows the last `<|channel|>final`.
2. Tags: the answer is what follows the last closing tag, with or without its opening tag before it.
3. An opening tag that is never closed, or channels without a final one: there is no answer.
4. Where the text that the model was given has such a tag too, thoughts and answer cannot be told apart.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["answer_in"]

_NAMES = (
    "think|thinking|thoughts?|reasoning|reflection|scratchpad|chain_of_thought|inner_monologue|seed:think"
)
# names that a caller's prompt may also give to parts of the answer
_ALSO_OF_ANSWERS = ("analysis", "cot", "deliberation", "plan", "planning", "rationale", "reason")
_OPEN = (
    r"<(?:NAMES)(?:\s[^<>]*)?>|\[THINK\]|◁think▷|<\|channel>thought"
    r"|<\|(?:START_THINKING|begin_of_thought|inner_prefix)\|>|^\s*Here(?: is|'s) my thought process:"
)
_CLOSE = (
    r"</(?:NAMES)\s*>|\[/THINK\]|◁/think▷|<channel\|>"
    r"|<\|(?:END_THINKING|end_of_thought|inner_suffix)\|>|Here(?: is|'s) my response:"
)
_CHANNEL = re.compile(r"<\|channel\|>", re.IGNORECASE)
_FINAL = re.compile(
    r"<\|channel\|>\s*final\b(?:\s*<\|constrain\|>[^<]*)?|^(?:analysis|commentary).*assistantfinal"
    r"|^assistantfinal",
    re.IGNORECASE | re.DOTALL,
)
_MESSAGE = "<|message|>"
_END = re.compile(r"<\|(?:end|return|call|start|channel)\|>", re.IGNORECASE)
_WRAPPED = re.compile(
    r"<(answer|final_answer|final|response|output)>(.*)</\1>|<\|START_RESPONSE\|>(.*)<\|END_RESPONSE\|>",
    re.IGNORECASE | re.DOTALL,
)
_FENCED = re.compile(r"```[\w+-]*[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)


def answer_in(text: str, given: str = "", prompt: str = "") -> str:
    """The answer in a reply, without thoughts, and without the fence where all of it is fenced.

    Args:
        text: The reply.
        given: The data that the model was given; its own tags and fences are not thoughts.
        prompt: The caller's prompt: tags such as `<plan>` that it names are parts of the answer.

    Raises:
        ValueError: There are thoughts and no answer, or they cannot be told apart.

    Example:
        >>> answer_in("First: yes. But no.</think>No")
        'No'
    """
    answer = _without_thoughts(text, given, *_tags(prompt))
    thought = len(answer) < len(text)
    answer = answer.strip()
    if thought and (wrapped := _WRAPPED.fullmatch(answer)):
        answer = next(part for part in wrapped.groups()[1:] if part is not None).strip()
    fenced = _FENCED.fullmatch(answer)
    if fenced and "```" not in fenced.group(1) and "```" not in given:
        answer = fenced.group(1).strip()
    if thought and not answer:
        raise ValueError("the model only thought")
    return answer


@lru_cache(64)
def _tags(prompt: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The opening and the closing tags of thoughts, without those that a prompt asks for."""
    also = [name for name in _ALSO_OF_ANSWERS if not re.search(rf"</?{name}\b", prompt, re.IGNORECASE)]
    names = "|".join([_NAMES, *also])
    opening, closing = (re.compile(tag.replace("NAMES", names), re.IGNORECASE) for tag in (_OPEN, _CLOSE))
    return opening, closing


def _without_thoughts(text: str, given: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> str:
    marks = (opening, closing, _CHANNEL, _FINAL)
    if not any(mark.search(text) for mark in marks):
        return text
    if any(mark.search(given) for mark in marks):
        raise ValueError(
            "the row's own text has a tag for thoughts, so that thoughts and answer cannot be told apart"
        )
    finals = list(_FINAL.finditer(text))
    if finals:
        rest = text[finals[-1].end() :]
        rest = rest[rest.rfind(_MESSAGE) + len(_MESSAGE) :] if _MESSAGE in rest else rest
        text = _END.split(rest, maxsplit=1)[0]
    elif _CHANNEL.search(text):
        raise ValueError("the model only thought: its channels have no final one")
    ends = list(closing.finditer(text))
    answer = text[ends[-1].end() :] if ends else text
    if opening.search(answer):
        raise ValueError("the reply breaks off in its thoughts")
    return answer
