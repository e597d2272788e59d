"""A torchvision built for CUDA beside a torch built without: make it importable.

The wheel of torchvision on PyPI is built for CUDA. Beside a torch for the processor its compiled operators
cannot be loaded, and then `import torchvision` dies of an operator that was never declared, and with it every
package that imports it when it is there, such as transformers. None of the operators is needed for encoding
texts and pictures, so it is enough that they are declared.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["mend"]

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[Any] = []  # torch forgets what was declared when the object goes


def mend() -> bool:
    """Declare the operators that torchvision asks for when it is imported and cannot load itself.

    Does nothing where torchvision is missing, imported already, or fits the installed torch. Imports torch.

    Returns:
        Whether they were declared by this or an earlier call.

    Example:
        >>> mend() in (True, False)
        True
    """
    if _declared or "torchvision" in sys.modules:
        return bool(_declared)
    found = find_spec("torchvision")
    if found is None or not found.origin or not _for_cuda(Path(found.origin).parent):
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
