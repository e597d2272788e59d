"""Which model a call uses, and that it is loaded once."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from clippings import load_text_encoder
from linktransformer.decision.model import SHIPPED, read_decision
from linktransformer.encoding import loading, model_plan
from model_hub import DEFAULT


def test_a_bundled_model_is_loaded_once_in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert model_plan.plan(None).encoder is model_plan.plan(None).encoder is model_plan.plan(DEFAULT).encoder
    names = model_plan.plan("names").encoder
    assert (
        names
        is model_plan.plan_of_pictures("names").encoder
        is model_plan.plan_of_pictures("names", "cpu").encoder
    )
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert model_plan.plan_of_pictures("names").encoder is not names
    loading._bundled.cache_clear()


def test_waiting_threads_do_not_spin(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    seen: list[onnxruntime.SessionOptions] = []
    made = onnxruntime.InferenceSession

    def opened(path: str, options: onnxruntime.SessionOptions, **named: Any) -> Any:
        seen.append(options)
        return made(path, options, **named)

    monkeypatch.setattr(onnxruntime, "InferenceSession", opened)
    load_text_encoder("linker-multilingual")  # one graph
    load_text_encoder("names")  # four
    read_decision.__wrapped__(str(SHIPPED))
    assert len(seen) > 5
    for options in seen:
        for pool in ("intra_op", "inter_op"):
            assert options.get_session_config_entry(f"session.{pool}.allow_spinning") == "0"


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
