"""Measure the packages, and draw the rooms of linktransformer and clippings from their imports.

python -m tools.house                # files, lines, functions, types and docstrings by room
python -m tools.house --against REV  # the same beside those of another commit
python -m tools.house --picture      # the rooms and what they import, written into docs/architecture.md
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import subprocess
import tarfile
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

from tools.imports import PACKAGES, ROOT, cycles, imports, modules, wrong_direction, wrong_room
from tools.public_api import Public, public_functions

LONG = 300  # lines of a file
PAGE = ROOT / "docs" / "architecture.md"
BEGIN = "<!-- rooms of {}: made by `python -m tools.house --picture` -->"
END = "<!-- end of rooms of {} -->"
NARROW = {"linktransformer": 3, "clippings": 1}  # modules that import: fewer are left out of the picture
ALL = "all"
UNDESCRIBED = "public docstrings without Args or Returns"
BY_ROOM = ("files", "lines", "code lines", "Any", UNDESCRIBED)  # what is compared room by room
Measures = dict[str, dict[str, float]]  # room -> measure -> number


def room_of(name: str, sources: Mapping[str, str]) -> str:
    """The folder of a module, or the package where the module is in none."""
    parts = name.split(".")
    is_folder = len(parts) > 1 and any(other.startswith(f"{name}.") for other in sources)
    return ".".join(parts[:2]) if len(parts) > 2 or is_folder else parts[0]


def functions(tree: ast.AST) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function, and every method as Class.method."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        yield from ((prefix + name, inner) for name, inner in functions(node))


def undescribed(module: str, tree: ast.Module, public: Public) -> list[str]:
    """Public functions whose docstring does not describe their arguments, or their result."""
    names = []
    for name, node in functions(tree):
        text = ast.get_docstring(node) or ""
        if (module, name) not in public or node.name.startswith("_") or not text:
            continue
        arguments = [a.arg for a in (*node.args.args, *node.args.kwonlyargs) if a.arg not in ("self", "cls")]
        returns = not (node.returns is None or ast.unparse(node.returns) in ("None", "'None'"))
        plain = any(ast.unparse(d).endswith("property") for d in node.decorator_list)
        if (arguments and "Args:" not in text) or (
            returns and not plain and not re.search(r"Returns:|Yields:", text)
        ):
            names.append(name)
    return names


def code_lines(source: str, tree: ast.Module) -> int:
    """Lines that are neither blank nor part of a docstring."""
    lines = {number for number, line in enumerate(source.splitlines(), 1) if line.strip()}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", None), str):
                lines -= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return len(lines)


def measured(root: Path = ROOT) -> Measures:
    """The measures of every room, and of all of them together."""
    sources = modules(root)
    public = public_functions(root, sources)
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    lengths: dict[str, list[int]] = defaultdict(list)
    for name, source in sources.items():
        tree = ast.parse(source)
        lines = source.count("\n")
        own = {
            "files": 1,
            "lines": lines,
            "code lines": code_lines(source, tree),
            f"over {LONG}": int(lines > LONG),
            "Any": len(re.findall(r"\bAny\b", source)),
            UNDESCRIBED: len(undescribed(name, tree, public)),
            "imports against the order": len(wrong_direction(name, source)) + len(wrong_room(name, source)),
            "'As for' or 'Likewise'": len(re.findall(r"\bAs for\b|\bLikewise\b", source)),
        }
        for room in (room_of(name, sources), ALL):
            rows[room].update(own)
            lengths[room] += [(n.end_lineno or n.lineno) - n.lineno + 1 for _, n in functions(tree)]
    rooms: Measures = {room: dict(row) for room, row in rows.items()}
    for room, row in rooms.items():
        row["median function"] = median(lengths[room] or [0])
    for label, lazy in (("eager", False), ("eager, lazy or for types", True)):
        groups = cycles(sources, lazy=lazy)
        rooms[ALL][f"import cycles ({label})"] = len(groups)
        rooms[ALL][f"modules in them ({label})"] = sum(map(len, groups))
    return rooms


def measured_at(revision: str) -> Measures:
    """The measures of another commit, whose files are unpacked into a temporary folder."""
    held = subprocess.run(
        ["git", "ls-tree", "--name-only", revision, *PACKAGES, "docs", "README.md"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    packed = subprocess.run(
        ["git", "archive", revision, *held], cwd=ROOT, check=True, capture_output=True
    ).stdout
    with tempfile.TemporaryDirectory() as folder, tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        wanted = [member for member in archive if member.name.endswith((".py", ".md"))]
        archive.extractall(folder, members=wanted, filter="data")
        return measured(Path(folder))


def table(rooms: Measures) -> list[list[str]]:
    """A row for each room, all of them last, and a column for each measure."""
    names = list(rooms[ALL])
    order = [*sorted(set(rooms) - {ALL}), ALL]
    rows = [[room, *(f"{rooms[room][n]:g}" if n in rooms[room] else "" for n in names)] for room in order]
    return [["room", *names], *rows]


def comparison(before: Measures, after: Measures) -> list[list[str]]:
    """All measures before and after, then the main ones room by room."""
    rows = [["measure", "before", "after", "change"]]
    for name in after[ALL]:
        rows.append([name, *_change(before[ALL].get(name, 0), after[ALL][name])])
    for room in sorted({*before, *after} - {ALL}):
        for name in BY_ROOM:
            pair = before.get(room, {}).get(name, 0), after.get(room, {}).get(name, 0)
            if pair[0] != pair[1]:
                rows.append([f"{room}: {name}", *_change(*pair)])
    return rows


def _change(before: float, after: float) -> list[str]:
    share = f" ({after / before - 1:+.0%})" if before and before != after else ""
    return [f"{before:g}", f"{after:g}", f"{after - before:+g}{share}"]


def edges(package: str, sources: Mapping[str, str]) -> Counter[tuple[str, str]]:
    """How many modules of one room of a package import from another."""
    pairs: Counter[tuple[str, str]] = Counter()
    for name, source in sources.items():
        parts = name.split(".")
        if parts[0] != package or len(parts) < 3:
            continue
        dotted = [of.split(".") for of, _ in imports(source, name)]
        rooms = {of[1] for of in dotted if of[0] == package and len(of) > 1} - {parts[1]}
        pairs.update((parts[1], room) for room in rooms if (ROOT / package / room).is_dir())
    return pairs


def purpose(package: str, room: str) -> str:
    """The first line of a room's docstring."""
    text = (ROOT / package / room / "__init__.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").splitlines()[0]


def picture(package: str) -> str:
    """The rooms of a package as a graph of Mermaid, and what each is for."""
    pairs, narrow = edges(package, modules()), NARROW[package]
    uses: dict[str, set[str]] = defaultdict(set)
    for above, below in pairs:
        uses[above].add(below)
    rooms = sorted({room for pair in pairs for room in pair}, key=lambda room: (_height(room, uses), room))
    lines = ["```mermaid", "graph TD"]
    lines += [f"  {above} --> {below}" for (above, below), n in sorted(pairs.items()) if n >= narrow]
    lines += ["```", "", f"Arrows: at least {narrow} of a room's files import from the other.", ""]
    lines += ["| room | holds |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{room}` | {purpose(package, room)} |" for room in rooms)])


def _height(room: str, uses: Mapping[str, set[str]]) -> int:
    return 1 + max((_height(below, uses) for below in uses[room]), default=0)


def draw() -> None:
    """Write the pictures into their page."""
    page = PAGE.read_text(encoding="utf-8")
    for package in NARROW:
        begin, end = BEGIN.format(package), END.format(package)
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        page = f"{before}{begin}\n{picture(package)}\n{end}{after}"
    PAGE.write_text(page, encoding="utf-8")


def main() -> None:
    """Print the measures, or write the picture."""
    parser = argparse.ArgumentParser(prog="python -m tools.house", description="Measure the packages.")
    parser.add_argument("--picture", action="store_true", help="write the rooms into docs/architecture.md")
    parser.add_argument("--against", metavar="REV", help="print the measures of this commit beside ours")
    options = parser.parse_args()
    if options.picture:
        draw()
        return
    rows = comparison(measured_at(options.against), measured()) if options.against else table(measured())
    print("\n".join(" | ".join(row) for row in rows))  # noqa: T201


if __name__ == "__main__":
    main()
