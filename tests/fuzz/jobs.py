"""Jobs that `tests.fuzz.kill` kills and starts again, and what they leave."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["ANSWERS", "JOBS", "prepare", "result", "run"]

N_ROWS = 400
LABELS = 60  # answers of a reviewer
ANSWERS = 60  # pairs that the language model is asked for


def prepare(folder: Path, url: str | None = None) -> None:
    """Write the tables, labels and models that the jobs read."""
    import pandas as pd

    from tests.tiny_model import make_base

    rng = np.random.default_rng(0)
    words = [
        "acme",
        "baxter",
        "steel",
        "dairy",
        "motors",
        "paper",
        "mills",
        "north",
        "river",
        "stone",
        "iron",
    ]
    names = [" ".join(rng.choice(words, 3)) + f" {i}" for i in range(N_ROWS)]
    noisy = [name.replace("e", "", 1) for name in names]
    city = rng.choice(["boston", "leith", "tulsa"], N_ROWS).tolist()
    left, right = pd.DataFrame({"name": names, "city": city}), pd.DataFrame({"name": noisy, "city": city})
    left.to_csv(folder / "left.csv", index=False)
    right.to_csv(folder / "right.csv", index=False)
    many = pd.concat([left] * 6, ignore_index=True)
    for side, frame in (("left", many), ("right", many.assign(name=many["name"].str.replace("a", "", n=1)))):
        frame["name"] += " " + pd.Series(np.arange(len(frame)) // 50).astype(str)
        frame.to_parquet(folder / f"{side}.parquet")
    pd.DataFrame({"left": names, "right": noisy}).head(120).to_csv(folder / "labels.csv", index=False)
    make_base(folder)
    (folder / "url").write_text(url or "")


def merge_with_cache(folder: Path) -> None:
    """The command line's merge, with vectors kept on disk."""
    from linktransformer.cli.main import main

    code = main(
        [
            *("merge", str(folder / "left.csv"), str(folder / "right.csv"), "--on", "name"),
            *("--model", str(folder / "base"), "--cache", str(folder / "cache")),
            *("--out", str(folder / "out.csv")),
        ]
    )
    if code:
        raise SystemExit(code)


def link_files(folder: Path) -> None:
    """Two parquet files linked in partitions."""
    import linktransformer as lt

    lt.link_files(
        folder / "left.parquet",
        folder / "right.parquet",
        folder / "out.parquet",
        on="name",
        block_on="city",
        workspace=_made(folder / "workspace"),
    )


def train(folder: Path) -> None:
    """Training that is taken up again."""
    import pandas as pd

    import linktransformer as lt

    pairs = pd.read_csv(folder / "labels.csv")
    lt.train_model(
        pairs,
        left_col_names="left",
        right_col_names="right",
        base=folder / "base",
        out=folder / "run",
        resume=(folder / "run").exists(),
        epochs=2,
        batch_size=16,
        save_steps=5,
    )


def publish(folder: Path) -> None:
    """The bundled model published into a folder."""
    from model_hub import bundled
    from model_hub.publishing import publish as published

    target = folder / "hub" / "linker"
    target.parent.mkdir(exist_ok=True)
    if not target.exists():
        published(bundled(), target)


def judge(folder: Path) -> None:
    """Questions to a language model, whose answers are kept."""
    import pandas as pd

    import linktransformer as lt

    pairs = pd.read_csv(folder / "labels.csv").head(ANSWERS)
    out = lt.merge_k_judge(
        pairs[["left"]],
        pairs[["right"]],
        left_on="left",
        right_on="right",
        k=1,
        knn_sbert_model="lexical",
        judge_llm_model=f"openai:small@{(folder / 'url').read_text()}",
        openai_key="none",
        cache=str(folder / "answers"),
    )
    out.to_csv(folder / "judged.csv", index=False)


def label(folder: Path) -> None:
    """The answers of a reviewer, one by one; `said` has those that the package said were on disk."""
    from linktransformer.review.answers import Answer, Answers

    answers = Answers(folder / "answers.sqlite")
    done = sum(answers.count().values())
    with (folder / "said").open("a") as said:
        for number in range(done, LABELS):
            answers.add(Answer(str(number), str(number), ("yes", "no", "unsure")[number % 3], "ann"))
            said.write(f"{number}\n")
            said.flush()


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


JOBS: dict[str, Callable[[Path], None]] = {
    "merge": merge_with_cache,
    "link_files": link_files,
    "train": train,
    "publish": publish,
    "judge": judge,
    "label": label,
}


def result(name: str, folder: Path) -> Any:
    """What a finished job left, to be compared; None where there is nothing.

    Raises:
        Exception: What is there cannot be read: it was half-written.
    """
    from model_hub import verify

    if name == "merge":
        path = folder / "out.csv"
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None
    if name == "link_files":
        import pyarrow.parquet as parquet

        path = folder / "out.parquet"
        return parquet.read_table(path).to_pylist() if path.exists() else None
    if name == "label":
        return _labelled(folder)
    if name == "judge":
        path = folder / "judged.csv"
        return path.read_text() if path.exists() else None
    model = folder / ("run/model" if name == "train" else "hub/linker")
    if not model.exists():
        return None
    return json.dumps({file.path: file.sha256 for file in verify(model).manifest.files})


def _labelled(folder: Path) -> Any:
    """All answers once; None while some are to come. Raises where one is damaged, doubled or lost."""
    path = folder / "answers.sqlite"
    if not path.exists():
        return None
    with closing(sqlite3.connect(path)) as connection:
        sound = connection.execute("PRAGMA integrity_check").fetchone()[0]
        is_made = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'answers'").fetchone()[
            0
        ]
        asked = "SELECT left_label, answer FROM answers ORDER BY id"
        rows = connection.execute(asked).fetchall() if is_made else []
    said = (folder / "said").read_text().split() if (folder / "said").exists() else []
    labels = [label for label, _ in rows]
    if sound != "ok" or len(set(labels)) < len(labels) or set(said) - set(labels):
        raise ValueError(f"{sound}, {len(rows)} answers, lost: {sorted(set(said) - set(labels))}")
    return rows if len(rows) == LABELS else None


def run(name: str, folder: str) -> None:
    """Run a job as the leader of a group of processes, its output in a file."""
    os.setsid()
    output = os.open(f"{folder}.output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    warnings.simplefilter("ignore")
    JOBS[name](Path(folder))
