"""Which model a call uses, and that it is loaded once."""

from __future__ import annotations

import os
import subprocess
import sys

from linktransformer import encode


def test_the_bundled_model_is_loaded_once_in_a_process() -> None:
    assert encode.plan(None).encoder is encode.plan(None).encoder
    assert encode._bundled(os.getpid()) is not encode._bundled(os.getpid() + 1)


def test_a_forked_process_loads_its_own() -> None:
    code = """
import multiprocessing
import pandas as pd
import linktransformer as lt
left, right = pd.DataFrame({"n": ["Bank of Ghana"]}), pd.DataFrame({"n": ["Ghana bank", "Tea"]})
def links(_):
    return lt.link(left, right, on="n").right_rows.tolist()
here = links(0)
with multiprocessing.get_context("fork").Pool(1) as pool:
    assert pool.map(links, [0]) == [here]
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
