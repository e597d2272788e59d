"""answer_in: thoughts of every notation are put aside, and never read as an answer."""

from __future__ import annotations

import pytest

from linktransformer.encoding.remote.thoughts import answer_in

TAGS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<thoughts>", "</thoughts>"),
    ("<reasoning>", "</reasoning>"),
    ("<reflection>", "</reflection>"),
    ("<THINK>", "</THINK>"),
    ('<think effort="low">', "</think >"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|channel>thought", "<channel|>"),
    ("Here is my thought process:", "Here is my response:"),
)


@pytest.mark.parametrize(("start", "end"), TAGS, ids=[start for start, _ in TAGS])
def test_tags(start: str, end: str) -> None:
    assert answer_in(f"{start} a draft\nof two lines {end}\n\nNo") == "No"
    assert answer_in(f"a draft {end} No") == "No"
    assert answer_in(f"{start}one{end}two{start}three{end}No") == "No"
    for text in (f"{start} No", f"{start}one{end}{start}No", f"{start}No{end}", f"{start}No{end} \n"):
        with pytest.raises(ValueError, match="thought"):
            answer_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "<|channel|>analysis<|message|>Yes.<|end|><|start|>assistant<|channel|>final<|message|>No<|return|>",
        "<|channel|>analysis<|message|>Yes.<|end|><|channel|>final <|constrain|>json<|message|>No",
        "<|channel|>analysis Yes. <|channel|>final No",
        "<|channel|>final<|message|>No<|end|>",
        "<|channel|>final<|message|>Yes<|end|><|channel|>analysis<|message|>hm<|channel|>final<|message|>No",
        "analysisThe user asks. Yes.assistantfinalNo",
        "assistantfinalNo",
        "<think>Yes</think><answer>No</answer>",
        "```\nNo\n```",
        "```json\nNo```",
        " No\n",
    ],
)
def test_channels_wrappers_and_fences(text: str) -> None:
    assert answer_in(text) == "No"


def test_channels_without_a_final_one_have_no_answer() -> None:
    with pytest.raises(ValueError, match="only thought"):
        answer_in("<|channel|>analysis<|message|>Yes.<|end|><|channel|>commentary<|message|>No")


@pytest.mark.parametrize(
    "text", ["a < b and c > d", "I think so", "a ``` b", "<b>x</b>", "the analysis is final"]
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert answer_in(text) == text


def test_tags_and_fences_of_the_data_are_not_those_of_the_model() -> None:
    assert answer_in("```\nx\n```", "fix ```x```") == "```\nx\n```"
    with pytest.raises(ValueError, match="own text"):
        answer_in("A </think> B", "a </think> b")
    assert answer_in("A B", "a </think> b") == "A B"


def test_tags_that_the_prompt_asks_for_belong_to_the_answer() -> None:
    text = "<plan>Basic</plan><price>3</price>"
    assert answer_in(text, "", "Reply as <plan>...</plan><price>...</price>") == text
    assert answer_in("<plan>first A, then B</plan>No") == "No"
    assert answer_in("<think>Yes</think>No", "", "Think in <think> tags, then reply") == "No"
