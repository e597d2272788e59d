"""Measure the packages, and draw the rooms of linktransformer and clippings from their imports.

python -m tools.house            # files, lines, functions, types and docstrings by room
python -m tools.house --picture  # the rooms and what they import, written into docs/architecture.md
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("linktransformer", "clippings", "model_hub")
LONG = 300  # lines of a file
PAGE = ROOT / "docs" / "architecture.md"
BEGIN = "<!-- rooms of {}: made by `python -m tools.house --picture` -->"
END = "<!-- end of rooms of {} -->"
NARROW = {"linktransformer": 3, "clippings": 1}  # modules that import: fewer are left out of the picture


def sources() -> dict[str, str]:
    """The source of every module, by its dotted name."""
    paths = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text(encoding="utf-8")
        for path in paths
    }


def room_of(name: str) -> str:
    """The folder of a module."""
    parts = name.split(".")
    return ".".join(parts[:2]) if len(parts) > 2 else parts[0]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def undescribed(tree: ast.Module) -> list[str]:
    """Public functions whose docstring does not describe their arguments, or what they return."""
    found = []
    for node in functions(tree):
        text = ast.get_docstring(node) or ""
        arguments = [a.arg for a in (*node.args.args, *node.args.kwonlyargs) if a.arg not in ("self", "cls")]
        if node.name.startswith("_") or not text:
            continue
        returns = not (node.returns is None or ast.unparse(node.returns) in ("None", "'None'"))
        plain = any(ast.unparse(d).endswith("property") for d in node.decorator_list)
        if (arguments and "Args:" not in text) or (
            returns and not plain and not re.search(r"Returns:|Yields:", text)
        ):
            found.append(node.name)
    return found


def measured() -> list[dict[str, object]]:
    """A line for each room and one for all."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    lengths: dict[str, list[int]] = defaultdict(list)
    for name, source in sources().items():
        tree = ast.parse(source)
        lines = source.count("\n")
        for room in (room_of(name), "all"):
            rows[room].update({
                "files": 1,
                "lines": lines,
                f"over {LONG}": int(lines > LONG),
                "Any": len(re.findall(r"\bAny\b", source)),
                "docstrings without Args or Returns": len(undescribed(tree)),
                "'As for' or 'Likewise'": len(re.findall(r"\bAs for\b|\bLikewise\b", source)),
            })  # fmt: skip
            lengths[room] += [(node.end_lineno or node.lineno) - node.lineno + 1 for node in functions(tree)]
    return [
        {"room": room, **dict(rows[room]), "median function": median(lengths[room] or [0])} for room in rows
    ]


def imports_of(source: str) -> Iterator[str]:
    """Every imported name, lazy ones and those for types too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def edges(package: str) -> Counter[tuple[str, str]]:
    """How many modules of one room of a package import from another."""
    found: Counter[tuple[str, str]] = Counter()
    for name, source in sources().items():
        parts = name.split(".")
        if parts[0] != package or len(parts) < 3:
            continue
        rooms = {of.split(".")[1] for of in imports_of(source) if of.startswith(f"{package}.")}
        found.update(
            (parts[1], room) for room in rooms if room != parts[1] and (ROOT / package / room).is_dir()
        )
    return found


def purpose(package: str, room: str) -> str:
    """The first line of a room's docstring."""
    text = (ROOT / package / room / "__init__.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").splitlines()[0]


def picture(package: str) -> str:
    """The rooms of a package as a graph of Mermaid, and what each is for."""
    every, narrow = edges(package), NARROW[package]
    uses: dict[str, set[str]] = defaultdict(set)
    for above, below in every:
        uses[above].add(below)
    rooms = sorted({room for edge in every for room in edge}, key=lambda room: (_height(room, uses), room))
    lines = ["```mermaid", "graph TD"]
    lines += [f"  {above} --> {below}" for (above, below), n in sorted(every.items()) if n >= narrow]
    lines += ["```", "", f"Arrows: at least {narrow} of a room's files import from the other.", ""]
    lines += ["| room | holds |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{room}` | {purpose(package, room)} |" for room in rooms)])


def _height(room: str, uses: dict[str, set[str]]) -> int:
    return 1 + max((_height(below, uses) for below in uses[room]), default=0)


def main() -> None:
    """Print the measures, or write the picture."""
    if "--picture" in sys.argv[1:]:
        page = PAGE.read_text(encoding="utf-8")
        for package in NARROW:
            begin, end = BEGIN.format(package), END.format(package)
            before, _, rest = page.partition(begin)
            _, _, after = rest.partition(end)
            page = f"{before}{begin}\n{picture(package)}\n{end}{after}"
        PAGE.write_text(page, encoding="utf-8")
        return
    rows = measured()
    names = list(rows[0])
    print(" | ".join(names))  # noqa: T201
    for row in sorted(rows, key=lambda row: str(row["room"])):
        print(" | ".join(str(row.get(name, 0)) for name in names))  # noqa: T201


if __name__ == "__main__":
    main()
