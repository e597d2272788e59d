"""The recipe of the linking model from end to end with a model of a few kilobytes, and its parts."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch

from tests.benchmarks import probes
from tools.data import ROOT
from tools.recipes.linker import groups as linker_data
from tools.recipes.linker import stages as linker_stages
from tools.recipes.linker import train as train_linker
from tools.recipes.linker.batches import of_step, open_tokenizer, padded_parts, tokens_of
from tools.recipes.linker.leave_out import LeftOut

COLOURS = ["red", "green", "blue", "black", "white", "grey", "brown", "pink"]
FARBEN = ["rot", "grün", "blau", "schwarz", "weiss", "grau", "braun", "rosa"]
THINGS = ["tea", "cup", "tree", "house", "boat", "stone", "chair", "lamp", "door", "hill", "bank", "mill"]
DINGE = ["Tee", "Tasse", "Baum", "Haus", "Boot", "Stein", "Stuhl", "Lampe", "Tür", "Hügel", "Bank", "Mühle"]


def groups() -> list[tuple[str, tuple[str, ...]]]:
    pairs = [
        (f"{colour} {thing}", f"{farbe} {ding}")
        for colour, farbe in zip(COLOURS, FARBEN, strict=True)
        for thing, ding in zip(THINGS, DINGE, strict=True)
    ]
    firms = [
        (f"{thing.title()} {other.title()} {n} Ltd.",) for n, thing in enumerate(THINGS) for other in THINGS
    ]
    return [*(("phrase_de", pair) for pair in pairs), *(("us_firm", firm) for firm in firms)]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Groups and a packed teacher, as --prepare leaves them."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    root = tmp_path_factory.mktemp("linker")
    linker_data.write(groups(), root / "inputs", LeftOut(["red tea"]), held_out=0.15)
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=120, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator([text for _, of in groups() for text in of], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    )
    config = BertConfig(vocab_size=len(fast), hidden_size=32, num_hidden_layers=3, num_attention_heads=2,
                        intermediate_size=48, max_position_embeddings=64, pad_token_id=1)  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config, add_pooling_layer=False).save_pretrained(root / "e5")
    fast.save_pretrained(root / "e5")
    train_linker.make_teacher(root / "e5", root / "inputs", 1_000, 0, steps=2)
    return root / "inputs"


def options(**given: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    train_linker.add_arguments(parser)
    made = parser.parse_args([])
    fixed = {
        "preset": "tiny",
        "layers": 2,
        "device": "cpu",
        "rounds": 2,
        "rate": 3e-3,
        "pairs": 24,
        "workers": 0,
    }
    vars(made).update({**fixed, **given})
    return made


def test_all_stages_run_and_learn_and_go_on(inputs: Path, tmp_path: Path) -> None:
    to = tmp_path / "run"
    report = train_linker.run(options(inputs=inputs, to=to, steps=30))
    rows = {row["stage"]: row for row in report.tables[0].rows}
    assert list(rows) == ["start", "distil", "contrast", "hard"]
    assert rows["distil"]["last loss"] < rows["distil"]["first loss"]
    assert rows["contrast"]["last loss"] < rows["contrast"]["first loss"]
    assert rows["hard"]["hit"] > rows["start"]["hit"] + 0.1
    assert json.loads((to / "2-hard/near.json").read_text())["us_firm"]
    # given again, every stage is there already, and the weights are the same ones
    before = (to / "model/model.safetensors").read_bytes()
    again = train_linker.run(options(inputs=inputs, to=to, steps=30))
    assert again.tables[0].rows[-1]["steps"] == 30
    assert (to / "model/model.safetensors").read_bytes() == before
    made = train_linker.run(options(export=to / "model", to=tmp_path / "out"))
    assert made.tables[0].rows[0]["cosine_mean"] > 0.97
    table = probes.run(argparse.Namespace(models=["lexical", str(tmp_path / "out")], wrong=False)).tables[-1]
    assert len(table.rows) == 2 and 0 <= table.rows[1]["all"] <= 1


AHEAD = """
import sys
from pathlib import Path
import numpy as np
from tools.recipes.linker.batches import How, ahead

if __name__ == "__main__":
    how = How(Path(sys.argv[1]), Path(sys.argv[2]), {"pairs": 8, "seed": 3}, most=20)
    plain, other = ahead(how, 0), ahead(how, 1)
    for number in (5, 6, 2):
        one, two = plain.step(number), other.step(number)
        assert np.array_equal(one.ids, two.ids) and np.array_equal(one.lengths, two.lengths)
        assert np.array_equal(one.group, two.group) and len(one.group) == 8
    other.begin()
    other.close()
    print("same")
"""


def test_steps_ahead_are_the_steps(inputs: Path, tmp_path: Path) -> None:
    script = tmp_path / "ahead.py"  # of its own: a new process imports the modules by their true names
    script.write_text(AHEAD)
    command = [
        sys.executable,
        str(script),
        str(inputs),
        str(inputs / train_linker.TEACHER / "tokenizer.json"),
    ]
    place = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=place, timeout=100)
    assert done.stdout.strip() == "same", done.stderr


def test_parts_hold_every_text_once_with_its_prefix(inputs: Path) -> None:
    tokenizer = open_tokenizer(inputs / train_linker.TEACHER / "tokenizer.json", 48)
    texts = ["red tea", "a", "black stone chair", "blue boat", "x" * 30]
    tokens = tokens_of(texts, tokenizer)
    seen: dict[int, list[int]] = {}
    for rows, ids, mask in padded_parts(tokens, 2, 1, [7, 8]):
        for row, one, own in zip(rows.tolist(), ids, mask, strict=True):
            seen[row] = one[own.bool()].tolist()
            assert (one[~own.bool()] == 1).all()
    for at, text in enumerate(texts):
        ids = tokenizer.encode(text).ids
        assert seen[at] == [ids[0], 7, 8, *ids[1:]]


def test_contrast_takes_its_own_groups_for_no_negatives() -> None:
    draw = torch.Generator().manual_seed(0)
    vectors = torch.nn.functional.normalize(torch.randn(9, 5, generator=draw), dim=1)
    group = torch.tensor([0, 1, 0, 2])  # of two pairs with one name neither is wrong for the other
    found = linker_stages.contrast(vectors, group, 0.1)
    terms = []
    for a, b in [(0, 4), (1, 5), (2, 6), (3, 7)]:
        for query, item in ((a, b), (b, a)):
            names = [*group.tolist(), *group.tolist(), -1]
            wrong = [at for at in range(9) if names[at] != names[query]]
            scores = torch.stack([vectors[query] @ vectors[at] / 0.1 for at in [item, *wrong]])
            terms.append(-scores.log_softmax(0)[0])
    torch.testing.assert_close(found, torch.stack(terms).mean())


def test_imitation_is_nothing_for_the_same_vectors() -> None:
    draw = torch.Generator().manual_seed(0)
    one, other = (torch.nn.functional.normalize(torch.randn(6, 4, generator=draw), dim=1) for _ in range(2))
    assert abs(float(linker_stages.imitation(one, one))) < 1e-5 < float(linker_stages.imitation(one, other))
    turned = one[:, [1, 2, 3, 0]]  # likeness to each other is kept, each is elsewhere
    apart = float((1 - (turned * one).sum(dim=1)).mean())
    assert float(linker_stages.imitation(turned, one)) == pytest.approx(apart, abs=1e-5)


def test_a_step_is_left_right_and_wrong_in_this_order(inputs: Path) -> None:
    tokenizer = open_tokenizer(inputs / train_linker.TEACHER / "tokenizer.json", 48)
    step = linker_data.Step(["red tea"], ["rot Tee"], ["red cup", "red hill"], [0])
    tokens = of_step(step, tokenizer)
    ends = np.cumsum(tokens.lengths)
    assert tokens.ids[: ends[0]].tolist() == tokenizer.encode("red tea").ids
    assert tokens.ids[ends[2] :].tolist() == tokenizer.encode("red hill").ids and tokens.group.tolist() == [0]
