"""The imports of the packages: who imports what, in which order packages and rooms may, and cycles."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("linktransformer", "clippings", "model_hub")  # each imports only from those to its right
# rooms of a package, each of which imports only from those to its left, lazily or for types too
ROOMS = {
    "linktransformer": (
        "engines", "tables", "datasets", "search", "scoring", "decision", "encoding", "charts", "results",
        "linking", "dedup", "partitions", "estimators", "training", "review", "compat", "cli",
    ),
    "clippings": (
        "pictures", "layers", "long", "text", "records", "loading", "export", "training", "record_training",
        "synthetic",
    ),
}  # fmt: skip
# beside the rooms, open to all of them
OPEN = {
    "linktransformer": {
        "arrays",
        "check",
        "entries",
        "errors",
        "optional",
        "parallel",
        "progress",
        "progress_view",
        "__version__",
    },
    "clippings": {"arrays", "errors", "fingerprint", "settings", "third_party"},
}


def modules(root: Path = ROOT) -> dict[str, str]:
    """The source of every module of the packages, by its dotted name."""
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path.read_text(
            encoding="utf-8"
        )
        for package in PACKAGES
        for path in sorted((root / package).rglob("*.py"))
    }


def imports(source: str, name: str, *, is_package: bool = False) -> Iterator[tuple[str, bool]]:
    """The dotted names that a module imports, each with whether that is at import time."""
    tree = ast.parse(source)
    lazy = {
        id(inner)
        for outer in ast.walk(tree)
        if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) or _is_type_checking(outer)
        for inner in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) not in lazy
        elif isinstance(node, ast.ImportFrom):
            base = origin(node, name, is_package=is_package)
            for alias in node.names:
                yield f"{base}.{alias.name}", id(node) not in lazy
        elif isinstance(node, ast.Call) and called(node) in ("import_module", "__import__", "need"):
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant):
                    yield str(argument.value), False


def origin(node: ast.ImportFrom, name: str, *, is_package: bool = False) -> str:
    """The dotted module of `from ... import` in the module of this name."""
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    return ".".join([*parts[: len(parts) - node.level + is_package], *filter(None, [node.module])])


def called(node: ast.Call) -> str:
    """The name of the function that is called."""
    return str(getattr(node.func, "id", getattr(node.func, "attr", "")))


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def wrong_direction(name: str, source: str) -> list[str]:
    """Imports from a package to the left, at import time or later."""
    left = PACKAGES[: PACKAGES.index(name.split(".")[0])]
    return [dotted for dotted, _ in imports(source, name) if dotted.split(".")[0] in left]


def wrong_room(name: str, source: str) -> list[str]:
    """Imports of a module in a room from a room above, or of a file that is in no room."""
    package, _, rest = name.partition(".")
    order, own = ROOMS.get(package, ()), rest.partition(".")[0]
    if not order or (own not in order and "." not in rest):  # a file beside the rooms
        return []
    wrong = []
    for dotted, _ in imports(source, name):
        other, _, inner = dotted.partition(".")
        room = inner.partition(".")[0]
        if other != package or room in OPEN[package]:
            continue
        if own not in order or room not in order or order.index(room) > order.index(own):
            wrong.append(dotted)
    return wrong


def cycles(sources: Mapping[str, str], *, lazy: bool = False) -> list[list[str]]:
    """Modules that import each other, as strongly connected components.

    With `lazy`, imports inside functions and for types count too, but for those of a package's own
    `__init__`, which only name its exports.
    """
    packages = {name for name in sources if any(other.startswith(name + ".") for other in sources)}
    graph: dict[str, set[str]] = {}
    for name, source in sources.items():
        is_package = name in packages
        dotted = {
            dotted
            for dotted, eager in imports(source, name, is_package=is_package)
            if eager or (lazy and not is_package)
        }
        # `from a import b` needs the module a.b where there is one, else a
        graph[name] = {d if d in sources else d.rpartition(".")[0] for d in dotted} & set(sources) - {name}
    reach = {name: _reachable(graph, name) for name in graph}
    groups = {frozenset(m for m in reach[n] if n in reach[m]) | {n} for n in graph if n in reach[n]}
    return sorted(sorted(group) for group in groups)


def _reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    todo = list(graph[start])
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += graph[name]
    return seen
