"""Imports of torch, torchvision and transformers: missing ones, broken ones, and quiet ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from clippings.errors import MissingPackageError

__all__ = ["declare_torchvision_ops", "need_torch", "no_bars"]

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[object] = []  # torch forgets the operators when the library object is deleted


def declare_torchvision_ops() -> bool:
    """Declare the operators of a torchvision built for CUDA beside a torch built without it.

    The wheel of torchvision on PyPI is built for CUDA. Beside a CPU torch its compiled operators cannot be
    loaded, and `import torchvision` fails, as does every package that imports it, such as transformers. No
    encoder needs the operators, so declaring them is enough. Returns whether this or an earlier call did it.
    """
    if _declared or "torchvision" in sys.modules:
        return bool(_declared)
    spec = find_spec("torchvision")
    if spec is None or not spec.origin or not _for_cuda(Path(spec.origin).parent):
        return False
    torch = import_module("torch")
    if torch.version.cuda is not None:
        return False
    library = torch.library.Library("torchvision", "DEF")
    for schema in SCHEMAS:
        library.define(schema)
    _declared.append(library)
    return True


def _for_cuda(package: Path) -> bool:
    """Whether a torchvision was built for CUDA, without importing it."""
    version = package / "version.py"
    return version.is_file() and "+cu" in version.read_text(encoding="utf-8")


def need_torch(purpose: str) -> ModuleType:
    """torch, or the error that says how to install it and what it is needed for."""
    try:
        return import_module("torch")
    except ModuleNotFoundError as error:
        raise MissingPackageError(error.name or "torch", purpose) from error


@contextmanager
def no_bars() -> Iterator[None]:
    """Hide the progress bars of transformers, which reads and writes weights too fast for them."""
    try:
        logs = import_module("transformers.utils.logging")
    except ModuleNotFoundError:
        yield
        return
    shown = logs.is_progress_bar_enabled()
    logs.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logs.enable_progress_bar()
