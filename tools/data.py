"""The labelled data sets and the synthetic firms, read from a folder outside the repository."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
VARIABLE = "LINKTRANSFORMER_DATA"
GROUPS = ("autofj",)  # folders that hold many small tasks and count as one data set
PAIRS_ONLY = ("dm_beer", "dm_rotten_imdb", "dm_zomato_yelp")  # only the labelled pairs of these are known


@dataclass(frozen=True, slots=True)
class TwoTables:
    """Two tables with an `id` column each, and the true pairs of ids."""

    name: str
    left: Any
    right: Any
    truth: frozenset[tuple[str, str]]

    @property
    def left_keys(self) -> list[str]:
        """Every left column but `id`."""
        return [name for name in self.left.columns if name != "id"]

    @property
    def right_keys(self) -> list[str]:
        """Every right column but `id`."""
        return [name for name in self.right.columns if name != "id"]


def shared() -> Path:
    """The folder with `data/` and `peers/`: from the environment, else `../shared` beside the repository."""
    return Path(os.environ.get(VARIABLE) or ROOT.parent / "shared").expanduser().resolve()


def missing(*parts: str) -> str | None:
    """None where that file or folder is in the shared folder, else the line that says it is not."""
    path = shared().joinpath(*parts)
    if path.exists():
        return None
    return f"{'/'.join(parts)} is not in the data folder; set {VARIABLE} to the folder that holds it"


def module(*parts: str) -> ModuleType:
    """A Python file of the shared folder, imported from its path."""
    path = shared().joinpath(*parts)
    spec = importlib.util.spec_from_file_location(f"shared_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {path}")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def baseline() -> ModuleType:
    """The script of the character TF-IDF baseline, which also knows how the tables are read."""
    return module("data", "baseline.py")


def names(wanted: Sequence[str] = ()) -> list[str]:
    """The two-table data sets present, groups last; or the wanted ones of them."""
    folder = shared() / "data"
    single = sorted(path.parent.name for path in folder.glob("*/left.csv*"))
    every = single + [name for name in GROUPS if (folder / name).is_dir()]
    unknown = sorted(set(wanted) - set(every))
    if unknown:
        raise SystemExit(f"no such data set: {', '.join(unknown)}; there are: {', '.join(every)}")
    return [name for name in every if not wanted or name in wanted]


def whole(wanted: Sequence[str] = ()) -> list[str]:
    """As `names`, without the sets of which only some pairs are known."""
    return [name for name in names(wanted) if name not in PAIRS_ONLY]


def tasks(name: str) -> list[Path]:
    """The folders of a data set: one, or every task of a group."""
    return sorted({path.parent for path in (shared() / "data" / name).rglob("left.csv*")})


def load(folder: Path) -> TwoTables:
    """Read one folder: every cell a string, an empty one where a value is missing."""
    read = baseline().read
    left, right, matches = (read(folder, part) for part in ("left", "right", "matches"))
    truth = frozenset(zip(matches.left_id, matches.right_id, strict=True))
    return TwoTables(folder.relative_to(shared() / "data").as_posix(), left, right, truth)


def labelled_pairs(name: str) -> dict[tuple[str, str], bool]:
    """The pairs of the published test split, and whether each is a match."""
    split = baseline().read(shared() / "data" / name, "test")
    ids = zip(split.left_id, split.right_id, strict=True)
    return dict(zip(ids, (split.label == "1").tolist(), strict=True))


def baseline_scores(folder: Path, cache: Path | None) -> dict[str, float]:
    """The four numbers of the baseline on one folder, kept in `cache` when it is given."""
    if cache is None:
        return numbers(baseline().measure(folder))
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / f"baseline-{fingerprint(folder)}.json"
    if kept.exists():
        return numbers(json.loads(kept.read_text(encoding="utf-8")))
    scores = numbers(baseline().measure(folder))
    kept.write_text(json.dumps(scores), encoding="utf-8")
    return scores


def numbers(scores: Any) -> dict[str, float]:
    """The scores as plain floats."""
    return {str(name): float(value) for name, value in scores.items()}


def fingerprint(folder: Path) -> str:
    """A hash of the baseline's script and of the tables it is measured on."""
    digest = hashlib.sha256(folder.name.encode())
    for path in [shared() / "data" / "baseline.py", *files(folder)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:20]


def size(folder: Path) -> int:
    """Bytes of the tables of a folder."""
    return sum(path.stat().st_size for path in files(folder))


def files(folder: Path) -> Iterator[Path]:
    """The tables of a folder, in a fixed order."""
    yield from sorted(path for path in folder.iterdir() if ".csv" in path.name)
