"""A torchvision for CUDA beside a torch for the processor."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from clippings import third_party

# what the __init__ of such a torchvision does: it declares how operators behave that were never loaded
BROKEN = """
import torch
for name in ("nms", "qnms"):
    torch.library.register_fake(f"torchvision::{name}")(lambda *given: None)
"""


@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
@pytest.mark.parametrize("mended", [False, True])
def test_it_can_be_imported_afterwards(tmp_path: Path, mended: bool) -> None:
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(BROKEN)
    (package / "version.py").write_text("__version__ = '0.28.0+cu130'")
    code = "import sys; sys.path.insert(0, sys.argv[1])\n"
    if mended:
        code += "from clippings import third_party\nassert third_party.declare_torchvision_ops()\n"
    code += "import torchvision"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, cwd=root
    )
    import torch

    if torch.version.cuda is None:
        assert (done.returncode == 0) == mended, done.stderr


def test_one_that_fits_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "version.py").write_text("__version__ = '0.28.0+cpu'")
    assert not third_party._for_cuda(tmp_path)
    (tmp_path / "version.py").unlink()
    assert not third_party._for_cuda(tmp_path)
