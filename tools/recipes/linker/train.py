"""Train the small multilingual model for linking, from multilingual-e5-small, within a time budget.

First `--prepare FOLDER --sources S --e5 E`: groups of public names without those of any benchmark, the
vocabulary that they need, the teacher with that vocabulary (packed in 8 bits). Then `--inputs FOLDER --to RUN
--minutes M`: the student imitates the teacher (distil), learns which names are one (contrast), and that again
among names that it takes for each other (hard). At last `--export RUN/model --to OUT`. A run that was stopped
goes on where it was when the command is given again. Only names that are held out of our own lists are
measured on the way.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_hub import bundled, open_model
from tools import data
from tools.recipes.linker import groups
from tools.report import Report, Table, say

STAGES = {"distil": 0.3, "contrast": 0.45, "hard": 0.25}  # of the time, when all are run
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "full": {"pairs": 1024, "n": 20_000, "vocabulary": 60_000, "most": 0, "measured": 400},
    "tiny": {"pairs": 32, "n": 60, "vocabulary": 16_000, "most": 2_000, "measured": 40},
}
RATES = {"distil": 4e-4, "contrast": 2e-4, "hard": 1e-4}
PLANNED = 0.92  # of a stage's time is planned as steps
CENTRE = (10**9, 10**9 + 1, 10**9 + 2, 10**9 + 3)  # numbers of steps that no stage has
SHIPPED = "linker-multilingual"
TEACHER, STUDENT = "teacher", "student"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this entry."""
    parser.add_argument(
        "--prepare", type=Path, default=None, metavar="DIR", help="write groups and teacher here"
    )
    parser.add_argument("--sources", type=Path, default=Path(".venv/linker"), help="what was fetched")
    parser.add_argument(
        "--e5", type=Path, default=None, help="multilingual-e5-small as a transformers folder"
    )
    parser.add_argument("--leave", nargs="*", default=[], help="sources that shall not be used")
    parser.add_argument("--vocabulary", type=int, default=0, help="pieces; 0: as the preset")
    parser.add_argument("--inputs", type=Path, default=None, help="a folder that --prepare wrote")
    parser.add_argument("--to", type=Path, default=Path("models/linker"), help="the folder of run and model")
    parser.add_argument("--minutes", type=float, default=25.0, help="for all stages")
    parser.add_argument("--stages", nargs="+", default=list(STAGES), choices=list(STAGES))
    parser.add_argument(
        "--layers", type=int, default=6, help="of the student; 12 trains the teacher's own size"
    )
    parser.add_argument("--start", type=Path, default=None, metavar="DIR", help="a model to go on from")
    parser.add_argument(
        "--teacher", type=Path, default=None, metavar="DIR", help="a model trained here to imitate"
    )
    parser.add_argument("--preset", default="full", choices=sorted(PRESETS))
    parser.add_argument("--pairs", type=int, default=0, help="of a batch; 0: as the preset")
    parser.add_argument("--temperature", type=float, default=0.05)
    parser.add_argument("--anchor", type=float, default=0.2, help="weight of the teacher after distillation")
    parser.add_argument("--noise", type=float, default=0.5)
    parser.add_argument("--rate", type=float, default=0.0, help="learning rate; 0: as the stage has it")
    parser.add_argument("--rounds", type=int, default=4, help="validations of a stage")
    parser.add_argument("--steps", type=int, default=0, help="of each stage; 0: what the time allows")
    parser.add_argument("--workers", type=int, default=0, help="processes that make batches; 14 on 16 cores")
    parser.add_argument("--device", default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--export", type=Path, default=None, metavar="DIR", help="write this model in 8 bits to --to"
    )
    parser.add_argument(
        "--speed",
        action="store_true",
        help="only: size, time to load and names a second of the bundled model",
    )


def run(options: argparse.Namespace) -> Report:
    """Prepare, train or export."""
    if options.prepare:
        return prepare(options)
    if options.export:
        return export(options)
    if options.speed:
        return Report("linker", [Table("speed", speeds(bundled().path))])
    if options.inputs is None:
        return Report("linker", skipped=["nothing to do: give --prepare, --inputs or --export"])
    return train(options)


def prepare(options: argparse.Namespace) -> Report:
    """Groups, vocabulary, teacher: all that a machine without a network needs."""
    from tools.recipes.linker.leave_out import measured_texts

    gone = data.missing("data", "baseline.py")
    if gone:
        return Report("linker", skipped=[f"{gone}; without it nothing can be left out"])
    preset = PRESETS[options.preset]
    counts = groups.prepare(
        options.sources, options.prepare, n=preset["n"], seed=options.seed,
        left_out=measured_texts(), leave=options.leave,
    )  # fmt: skip
    rows = [{"kind": kind, "groups": count} for kind, count in sorted(counts.items())]
    if options.e5:
        pieces = make_teacher(
            options.e5, options.prepare, options.vocabulary or preset["vocabulary"], options.seed
        )
        rows.append({"kind": "pieces of the vocabulary", "groups": pieces})
    return Report("linker", [Table("prepared", rows)])


def make_teacher(e5: Path, to: Path, vocabulary: int, seed: int, steps: int = 200) -> int:
    """The teacher with the pieces that the groups need, noise and prefix included, in 8 bits."""
    import tempfile

    from clippings.export.prune import kept_pieces, pack, prune
    from tools.recipes.linker.stages import PREFIX

    draws = groups.Draws(groups.read(to), pairs=1024, seed=seed)

    def texts() -> Any:
        for number in range(steps):  # groups in the shares in which they are learned from, ten times
            step = draws.step(-1 - number)
            yield from (*step.left, *step.right)
        for of in draws.groups.values():
            for group in of:
                yield from group
        yield from [PREFIX] * 1000

    spec = json.loads((e5 / "tokenizer.json").read_text("utf-8"))
    keep = kept_pieces(spec, texts(), vocabulary)
    with tempfile.TemporaryDirectory() as place:
        pack(prune(e5, place, keep=keep), to / TEACHER)
    return len(keep) + 256


@dataclass(frozen=True, eq=False)
class Setting:
    """What all stages share.

    Attributes:
        model: The student, a `Trainable`.
        tokenizer: Its tokenizer, which is the teacher's.
        teacher: What it imitates.
        tasks: What it is measured on.
        how: How batches are made.
    """

    model: Any
    tokenizer: Any
    teacher: Any
    tasks: Mapping[str, Any]
    how: Any


def train(options: argparse.Namespace) -> Report:
    """All stages, and the model after each."""
    import torch

    began = time.perf_counter()
    torch.set_float32_matmul_precision("high")
    torch.manual_seed(options.seed)
    setting = setting_of(options)
    from tools.recipes.linker.stages import measure

    left = 60 * options.minutes - (time.perf_counter() - began)
    whole = sum(STAGES[name] for name in options.stages)
    rows = [{"stage": "start", **measure(setting.model, setting.tasks, setting.tokenizer)}]
    say(json.dumps(rows[-1]), note=True)
    for number, name in enumerate(options.stages):
        rows.append(
            stage(name, setting, options, options.to / f"{number}-{name}", left * STAGES[name] / whole)
        )
        say(json.dumps(rows[-1]), note=True)
        setting.model.save(options.to / f"after-{name}")
    setting.model.save(options.to / "model")
    settings = {name: value for name, value in vars(options).items() if isinstance(value, (int, float, list))}
    settings |= {"device": setting.model.device, "minutes used": (time.perf_counter() - began) / 60}
    settings["parameters"] = sum(value.numel() for value in setting.model.model.parameters())
    return Report("linker", [Table("stages", rows)], [], settings)


def setting_of(options: argparse.Namespace) -> Setting:
    """The student, out of the teacher's layers or a model that was trained before, and all that it needs."""
    from clippings.export.prune import prune, unpack
    from tools.recipes.linker.batches import How, maker
    from tools.recipes.linker.model import load
    from tools.recipes.linker.stages import tasks_of, teacher_of, tokenizer_of

    preset = PRESETS[options.preset]
    plain = options.to / TEACHER
    if not (plain / "model.safetensors").exists():
        unpack(options.inputs / TEACHER, plain)
    start = options.start or prune(plain, options.to / STUDENT, layers=options.layers)
    model, taught = (load(folder, options.device) for folder in (start, options.teacher or plain))
    for one in (model, taught):
        one.use("auto", None)
    tokenizer = tokenizer_of(start, 48)
    draws = {"pairs": options.pairs or preset["pairs"], "noise": options.noise, "seed": options.seed}
    how = How(options.inputs, start / "tokenizer.json", draws, most=preset["most"])
    made = maker(how)
    some = [made(number) for number in CENTRE]
    teacher = teacher_of(taught, tokenizer, some, "" if options.teacher else "query: ")
    tasks = tasks_of(groups.read(options.inputs, "held"), options.seed, preset["measured"])
    return Setting(model, tokenizer, teacher, tasks, how)


def stage(
    name: str, setting: Setting, options: argparse.Namespace, folder: Path, seconds: float
) -> dict[str, Any]:
    """One stage, planned to its time; a run that goes on keeps its plan."""
    from dataclasses import replace

    from clippings.training.long_training import LongRecipe, StepCourse, pace, trained
    from clippings.training.loop import run_course
    from tools.recipes.linker.batches import NEAR, ahead
    from tools.recipes.linker.stages import measure, mine

    folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    model, how = setting.model, setting.how
    named = trained(model, lambda one: True)
    if name == "hard":
        how = replace(how, near=folder / NEAR)
        if not how.near.exists():
            mine(model, groups.read(options.inputs, most=how.most), setting.tokenizer, how.near)
    steps = ahead(how, options.workers)
    try:
        loss = loss_of(name, setting, options, steps.step)

        def planned() -> int:
            steps.begin()
            model.model.train()
            one = pace(loss, model.device, 20)
            model.model.zero_grad(set_to_none=True)
            return max(4, int((PLANNED * seconds - (time.perf_counter() - start)) / one))

        n_steps = options.steps or plan(folder, planned)
        rate = options.rate or RATES[name]
        recipe = LongRecipe(n_steps, epochs=options.rounds, learning_rate=rate,
                            temperature=options.temperature, seed=options.seed,
                            save_steps=250, log_steps=max(1, min(20, n_steps // 20)))  # fmt: skip
        course = StepCourse(
            model,
            named,
            loss,
            lambda: measure(model, setting.tasks, setting.tokenizer),
            recipe,
            f"{name} {settings_of(options)}",
        )
        done = run_course(
            course, recipe, folder / "run", score="hit", resume=True, keep_last=True, average=0.998
        )
    finally:
        steps.close()
    losses = [float(line["loss"]) for line in done.history if "loss" in line]
    ends = {"first loss": losses[0], "last loss": losses[-1]} if losses else {}
    return {"stage": name, "steps": done.steps, **ends, **done.best, "seconds": time.perf_counter() - start}


def settings_of(options: argparse.Namespace) -> str:
    """What makes a stage this one, beside its recipe."""
    begins = [str(options.start), str(options.teacher)]
    return json.dumps([options.pairs, options.noise, options.anchor, options.layers, options.preset, *begins])


def plan(folder: Path, planned: Callable[[], int]) -> int:
    """How many steps a stage has, written down when it is first run."""
    path = folder / "plan.json"
    if not path.exists():
        path.write_text(json.dumps({"steps": planned()}) + "\n", encoding="utf-8")
    return int(json.loads(path.read_text("utf-8"))["steps"])


def loss_of(
    name: str, setting: Setting, options: argparse.Namespace, step: Callable[[int], Any]
) -> Callable[[int], Any]:
    """The loss of a step by its number."""
    import torch

    from tools.recipes.linker.stages import TAUGHT, contrast, imitation, some_of, vectors_of

    def distil(number: int) -> Any:
        tokens = step(number)
        return imitation(vectors_of(setting.model, tokens), setting.teacher.vectors(tokens))

    def contrasted(number: int) -> Any:
        tokens = step(number)
        vectors = vectors_of(setting.model, tokens)
        group = torch.from_numpy(tokens.group).to(vectors.device)
        found = contrast(vectors, group, options.temperature)
        if options.anchor:
            n = min(TAUGHT, len(group))
            found = found + options.anchor * imitation(
                vectors[:n], setting.teacher.vectors(some_of(tokens, n))
            )
        return found

    return distil if name == "distil" else contrasted


def export(options: argparse.Namespace) -> Report:
    """A model in 8 bits for onnxruntime, its size and what was lost."""
    from clippings.export.text_export import export_text

    made = export_text(
        str(options.export),
        options.to,
        name="linker",
        licence="MIT, and see what it learns from in docs/linking-model.md",
        languages=["multilingual"],
    )
    files = {f"MB {path.name}": path.stat().st_size / 1e6 for path in sorted(options.to.iterdir())}
    row = {**dict(made.metrics), **files, "MB": sum(files.values())}
    return Report("linker", [Table("exported", [row]), Table("speed", speeds(options.to))])


def speeds(folder: Path, times: int = 9) -> list[dict[str, Any]]:
    """Names a second on two threads, beside the shipped model in turn; medians of runs and their ratios."""
    from clippings.text.onnx_encoder import OnnxTextEncoder
    from tests.benchmarks.probes import probes

    every = [text for of in probes().values() for probe in of for text in probe]
    texts = [f"{text} {number}" for number in range(10) for text in every]
    rows = []
    for name, model in (("this model", open_model(folder)), (SHIPPED, bundled(SHIPPED))):
        began = time.perf_counter()
        encoder = OnnxTextEncoder.from_folder(model, threads=2)
        rows.append({"model": name, "folder": model, "encoder": encoder})
        rows[-1] |= {"load s": time.perf_counter() - began, "seconds": []}
    for _ in range(times):
        for row in rows:
            began = time.perf_counter()
            row["encoder"].encode(texts)
            row["seconds"].append(time.perf_counter() - began)
    return [
        {
            "model": row["model"],
            "MB": sum(file.size for file in row["folder"].manifest.files) / 1e6,
            "load s": row["load s"],
            "names/s": len(texts) / sorted(row["seconds"])[times // 2],
            f"times {SHIPPED}": sorted(
                theirs / own for own, theirs in zip(row["seconds"], rows[-1]["seconds"], strict=True)
            )[times // 2],
            "tokens a name": sum(map(len, row["encoder"].tokens(texts))) / len(texts),
        }
        for row in rows
    ]
