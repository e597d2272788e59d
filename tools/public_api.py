"""The public functions of the packages: exported names, and the modules that docs name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.imports import PACKAGES, origin

Function = ast.FunctionDef | ast.AsyncFunctionDef
Public = set[tuple[str, str]]  # (module, function or Class.method)


def _pages(root: Path) -> list[str]:
    """The text of README.md and of every page of docs/."""
    pages = [*sorted((root / "docs").glob("*.md")), root / "README.md"]
    return [page.read_text(encoding="utf-8") for page in pages if page.exists()]


def _modules_of(page: str, sources: Mapping[str, str]) -> set[str]:
    """The modules that a page names as `package.module`."""
    dotted = re.findall(rf"\b(?:{'|'.join(PACKAGES)})(?:\.\w+)+", page)
    prefixes = {name.rsplit(".", cut)[0] for name in dotted for cut in range(name.count("."))}
    return {name for name in prefixes if name in sources and name not in PACKAGES}


def documented_modules(root: Path, sources: Mapping[str, str]) -> set[str]:
    """Modules that README.md or a page of docs/ names as `package.module`."""
    return {module for page in _pages(root) for module in _modules_of(page, sources)}


def _documented_names(root: Path, sources: Mapping[str, str]) -> set[tuple[str, str]]:
    """(module, identifier) for each identifier in code of a page that names the module."""
    names = set()
    for page in _pages(root):
        code = " ".join(re.findall(r"```.*?```|`[^`\n]+`|^    .*$", page, re.DOTALL | re.MULTILINE))
        identifiers = set(re.findall(r"\w+", code))
        names |= {(module, name) for module in _modules_of(page, sources) for name in identifiers}
    return names


def public_functions(root: Path, sources: Mapping[str, str]) -> Public:
    """Public functions and methods as (module, name).

    They are those in `__all__` of a package, and those of a documented module that its page names too. What
    can only be reached by the path of a module is not public.
    """
    api = _Api(sources)
    names = {(package, name) for package in PACKAGES for name in api.exported(package)}
    documented = _documented_names(root, sources)
    for module in documented_modules(root, sources):
        names |= {(module, name) for name in api.exported(module)} & documented
    return {function for module, name in names for function in api.functions(module, name)}


class _Api:
    """Where names of modules are defined, with re-exports and base classes followed."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.trees = {name: ast.parse(source) for name, source in sources.items()}
        self.packages = {name.rpartition(".")[0] for name in sources}

    def exported(self, module: str) -> list[str]:
        """The names of `__all__`, else all top-level names without underscore."""
        tree = self.trees[module]
        for node in tree.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                return [str(ast.literal_eval(name)) for name in getattr(node.value, "elts", [])]
        named = [node.name for node in tree.body if isinstance(node, (*_FUNCTIONS, ast.ClassDef))]
        imported = [alias.asname or alias.name for _, alias in self._imports(module)]
        return [name for name in (*named, *imported) if not name.startswith("_")]

    def functions(self, module: str, name: str) -> Iterator[tuple[str, str]]:
        """The functions that a name of a module stands for: itself, or methods of a class and its bases."""
        if f"{module}.{name}" in self.trees:
            for inner in self.exported(f"{module}.{name}"):
                yield from self.functions(f"{module}.{name}", inner)
            return
        for node in self.trees[module].body:
            if isinstance(node, _FUNCTIONS) and node.name == name:
                yield module, name
                return
            if isinstance(node, ast.ClassDef) and node.name == name:
                yield from (
                    (module, f"{name}.{inner.name}") for inner in node.body if isinstance(inner, _FUNCTIONS)
                )
                for base in node.bases:
                    yield from self.functions(module, ast.unparse(base).partition("[")[0])
                return
        for source, alias in self._imports(module):
            if (alias.asname or alias.name) == name and (source, alias.name) != (module, name):
                if source in self.trees:
                    yield from self.functions(source, alias.name)
                return

    def _imports(self, module: str) -> Iterator[tuple[str, ast.alias]]:
        """`from ... import` at the top of a module and under TYPE_CHECKING."""
        for node in self.trees[module].body:
            for inner in node.body if isinstance(node, ast.If) else [node]:
                if isinstance(inner, ast.ImportFrom):
                    source = origin(inner, module, is_package=module in self.packages)
                    yield from ((source, alias) for alias in inner.names)


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
