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
@pytest.mark.parametrize("kind", ["oci", "hf"])
# how huggingface_hub calls its HTTP library, not ours to mend
@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
def test_trained_published_and_loaded_by_a_colleague(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    place: Any = request.getfixturevalue({"oci": "registry", "hf": "hub"}[kind])
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
    name = "team/lt-firms-match-en"
    ref = f"oci://{place.host}/{name}:v1" if kind == "oci" else f"hf://{name}@v1"
    pinned = trained.publish(ref)
    assert "@sha256:" in pinned or pinned == f"hf://{name}@{place.repositories[name].main}"
    assert "v1" in model_hub.list(ref)
    left, right = tiny_model.firms(30, seed=9)
    vectors = trained.encode([*left, *right])
    tables = pd.DataFrame({"n": left}), pd.DataFrame({"m": right})
    links = lt.link(*tables, left_on="n", right_on="m", model=trained).pairs
    root = Path(__file__).parents[2]
    for stopped, name in ((False, ref), (True, ref), (True, pinned)):
        if stopped:
            place.stop() if kind == "oci" else place.close()
        folder = tmp_path / f"{stopped}-{name == ref}"
        folder.mkdir()
        settings = {
            "PYTHONPATH": str(root),
            "LINKTRANSFORMER_CACHE": str(tmp_path / "empty"),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
        }
        subprocess.run(
            [sys.executable, "-c", LOAD, name, str(folder)],
            check=True,
            env={**os.environ, **settings, "OMP_NUM_THREADS": "1"},
        )
        np.testing.assert_array_equal(np.load(folder / "vectors.npy"), vectors)
        found = pd.read_csv(folder / "links.csv", index_col=0)
        pd.testing.assert_frame_equal(found, links, check_dtype=False)
