"""A model that was trained here is published, and loaded by somebody else."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
import model_hub
from tests import tiny_model

LOAD = """
import sys
import numpy as np
import pandas as pd
import linktransformer as lt
from clippings import load_text_encoder
from tests import tiny_model
ref, folder = sys.argv[1:]
left, right = tiny_model.firms(30, seed=9)
np.save(folder + "/vectors.npy", load_text_encoder(ref, device="cpu").encode(left + right))
tables = pd.DataFrame({"n": left}), pd.DataFrame({"m": right})
lt.link(*tables, left_on="n", right_on="m", model=ref, progress=False).pairs.to_csv(folder + "/links.csv")
"""


@pytest.mark.skipif(
    find_spec("sentence_transformers") is None, reason="sentence-transformers is not installed"
)
def test_trained_published_and_loaded_by_a_colleague(registry: Any, tmp_path: Path) -> None:
    base = tiny_model.make_base(tmp_path / "base")
    long, short = tiny_model.firms(40)
    trained = lt.train_model(
        pd.DataFrame({"a": long, "b": short}),
        left_col_names="a",
        right_col_names="b",
        base=base,
        out=tmp_path / "run",
        epochs=1,
        batch_size=16,
        device="cpu",
    )
    ref = f"oci://{registry.host}/team/lt-firms-match-en:v1"
    pinned = trained.publish(ref)
    assert "@sha256:" in pinned
    assert model_hub.list(ref) == ("v1",)
    left, right = tiny_model.firms(30, seed=9)
    vectors = trained.encode([*left, *right])
    tables = pd.DataFrame({"n": left}), pd.DataFrame({"m": right})
    links = lt.link(*tables, left_on="n", right_on="m", model=trained).pairs
    root = Path(__file__).parents[2]
    for stopped, name in ((False, ref), (True, ref), (True, pinned)):
        if stopped:
            registry.stop()
        place = tmp_path / f"{stopped}-{name == ref}"
        place.mkdir()
        settings = {"PYTHONPATH": str(root), "LINKTRANSFORMER_CACHE": str(tmp_path / "empty")}
        subprocess.run(
            [sys.executable, "-c", LOAD, name, str(place)],
            check=True,
            env={**os.environ, **settings, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        )
        np.testing.assert_array_equal(np.load(place / "vectors.npy"), vectors)
        pd.testing.assert_frame_equal(pd.read_csv(place / "links.csv", index_col=0), links, check_dtype=False)
