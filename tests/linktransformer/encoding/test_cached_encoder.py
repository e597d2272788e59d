"""Models that run on torch, whose vectors depend in the last bits on what is encoded with them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from linktransformer.encoding import cached_encoder, model_plan
from tests.tiny_model import make_base


def test_a_folder_of_sentence_transformers_is_taken_up_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sentence_transformers")
    monkeypatch.setattr("clippings.text.text_encoder.CHUNK", 20)
    monkeypatch.setattr(cached_encoder, "LEAST", 20)
    base, kept = make_base(tmp_path), tmp_path / "kept"
    texts = [f"acme {'steel ' * (n % 7)}{n}" for n in range(90)]
    plain = model_plan.plan(base, "cpu")
    whole = model_plan.embed(plain.encoder, texts)
    first = model_plan.plan(base, "cpu", kept).encoder
    work, done = first.lookup(texts), 0

    def stop(n: int) -> None:
        nonlocal done
        done += n
        if done > 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work.complete(None, stop)
    again = model_plan.plan(base, "cpu", kept).encoder
    assert np.array_equal(model_plan.embed(again, texts), whole)
    assert again.counts == {"reused": 40, "encoded": 50}
    # a caller's SentenceTransformer may have been trained: nothing is said of it
    assert model_plan.plan(plain.encoder.model, "cpu", kept).encoder.name
    assert not isinstance(
        model_plan.plan(plain.encoder.model, "cpu", kept).encoder, cached_encoder.CachedEncoder
    )


SHARED = """
import sys, time
import numpy as np
from linktransformer.encoding import cached_encoder
from linktransformer.encoding.cache_settings import CacheSettings
cached_encoder.LEAST = cached_encoder.MOST = 50

class Slow:
    cache_key = "slow v1"
    if sys.argv[3] != "0":
        texts_at_once = int(sys.argv[3])
    def encode(self, texts, batch_size=None, progress=None):
        time.sleep(len(texts) / 1000)
        return np.array([[int(text), 1, 2] for text in texts], np.float32)

encoder = cached_encoder.cached(Slow(), CacheSettings(sys.argv[1]))
texts = [str(n) for n in range(2000)]
lookup = encoder.lookup(texts)
ticks = []
print("ready", flush=True)
sys.stdin.readline()
vectors = lookup.complete(None, ticks.append)
assert (vectors[:, 0] == np.arange(2000)).all() and vectors.shape == (2000, 3)
print(encoder.counts["encoded"], encoder.counts["reused"], sum(ticks), flush=True)
"""


@pytest.mark.parametrize("at_once", [0, 100])
def test_two_processes_share_what_they_encode(tmp_path: Path, at_once: int) -> None:
    from linktransformer.encoding.vector_file import open_segment

    command = [sys.executable, "-c", SHARED, str(tmp_path), "program", str(at_once)]
    pipe = subprocess.PIPE
    both = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    counts = []
    try:
        for process in both:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"  # has looked
        for process in both:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in both:
            counts.append([int(number) for number in process.communicate(timeout=60)[0].split()])
    finally:
        for process in both:
            process.kill()
            process.wait()
    # they meet in the middle: at most what both were encoding then is encoded twice
    assert all(encoded + reused >= 2000 for encoded, reused, _ in counts)
    assert sum(encoded for encoded, _, _ in counts) <= 2000 + 3 * max(50, at_once)
    assert min(reused for _, reused, _ in counts) > 200
    (folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    keys = [open_segment(path, folder.name).keys for path in folder.glob("*.vectors")]
    stored = np.concatenate(keys)
    assert len(stored) == len(np.unique(stored)) == 2000  # none lost, none twice
