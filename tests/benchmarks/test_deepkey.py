"""The benchmarks of long records count rightly, and run from one end to the other on a small model."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")

from tools.recipes.long import arms as deepkey_arms
from tools.report import Report, destination

from . import deepkey, deepkey_chunks, dial, documents, long_speed, mqar


def ran(module: Any, *arguments: str) -> Report:
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    parser.add_argument("--out", type=Path, default=None)
    return module.run(parser.parse_args(list(arguments)))


def table(report: Report, title: str) -> list[dict[str, Any]]:
    return [dict(row) for one in report.tables if one.title == title for row in one.rows]


def test_pieces_are_compared_by_their_best() -> None:
    draw = np.random.default_rng(0)
    left, right = ([draw.normal(size=(n, 4)) for n in sizes] for sizes in ((1, 3), (2, 1, 4)))
    mean, best = deepkey_chunks.compared(left, right)
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            each = [max(float(p @ q) for q in b) for p in a]
            assert mean[i, j] == pytest.approx(np.mean(each)) and best[i, j] == pytest.approx(max(each))


def test_arms_are_trained_and_tested(tmp_path: Path) -> None:
    options = ["--preset", "tiny", "--base", "tiny", "--steps", "2", "--device", "cpu", "--to", str(tmp_path)]
    report = ran(deepkey, *options, "--arms", "based", "chunks", "--save")
    arms = {row["arm"] for row in table(report, "hit@1")}
    assert arms == {"based", "based, gate shut", "chunks, mean of best", "chunks, best pair"}
    assert table(report, "runs")[0]["steps"] == 2
    again = ran(deepkey, *options, "--arms", "based")  # what is finished is not done again
    assert [row["hit of 9"] for row in table(again, "hit@1")] == [
        row["hit of 9"] for row in table(report, "hit@1") if row["arm"].startswith("based")
    ]
    from clippings import load_text_encoder

    assert load_text_encoder(tmp_path / "based-seed0" / "model", device="cpu").encode(["a"]).shape == (1, 32)


def test_arms_begin_with_what_full_attention_learned(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    from clippings.errors import TrainingError

    options = ["--preset", "tiny", "--base", "tiny", "--steps", "2", "--device", "cpu", "--to", str(tmp_path)]
    report = ran(deepkey, *options, "--arms", "full", "--save", "--one-less")
    assert {row["arm"] for row in table(report, "hit@1")} == {
        "full", "full, layer 0 a window, training fields", "full, layer 1 a window, training fields"
    }  # fmt: skip
    folder = tmp_path / "full-seed0" / "model"
    taught = argparse.Namespace(
        taught=folder, full_layers=[1], window=8, features=4, gate=0.0, centred=False, pooling="attention"
    )
    learned = load_file(folder / "model.safetensors")
    for arm, kinds in (("based", ["window", "based"]), ("window+full", ["window", "full"])):
        model, guide = deepkey_arms.built(arm, None, taught, "cpu")
        body = model.model[0].auto_model
        assert [mixer.kind for mixer in body.mixers()] == kinds
        assert all(torch.equal(guide.model[0].auto_model.state_dict()[n], w) for n, w in learned.items())
        assert all(torch.equal(body.state_dict()[name], weight) for name, weight in learned.items())
    other = [*options, "--arms", "window+full", "--full-layers"]
    ran(deepkey, *other, "0")
    with pytest.raises(TrainingError):  # another model's run lies in the folder
        ran(deepkey, *other, "1")
    more = ["--arms", "linear", "--taught", str(folder), "--imitate", "3"]
    assert table(ran(deepkey, *options, *more), "runs")[0]["steps"] == 2
    assert (tmp_path / "linear-seed0" / "imitate").is_dir()


def test_runs_are_collected(tmp_path: Path) -> None:
    for seed, hit in enumerate((0.2, 0.4)):
        rows = [{"arm": "based", "hops": 2, "8,192": hit}]
        (tmp_path / f"deepkey-based-seed{seed}.json").write_text(json.dumps({"tables": {"by length": rows}}))
    assert table(deepkey.collected(tmp_path), "hit@1 of 9 by length, mean (range) over seeds") == [
        {"arm": "based", "hops": 2, "seeds": 2, "8,192": "0.300 (0.200-0.400)"}
    ]


def test_recall_and_throughput_are_drawn_together(tmp_path: Path) -> None:
    for number, (arm, window, features, hit) in enumerate(
        (("based", 32, 8, 0.5), ("based", 32, 8, 0.7), ("based", 64, 8, 0.8), ("window", 64, 24, 0.1))
    ):
        rows = [{"arm": arm, "hops": 2, "200": hit}, {"arm": arm, "hops": 1, "200": 1.0}]
        settings = {"window": window, "features": features}
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "deepkey.json").write_text(
            json.dumps({"settings": settings, "tables": {"by length": rows}})
        )
    plot = tmp_path / "more" / "dial.svg"
    small = ["--length", "200", "--tokens", "200", "--repeat", "1", "--device", "cpu"]
    rows = table(ran(dial, "--recall", str(tmp_path), "--plot", str(plot), *small), "recall and throughput")
    assert [(row["arm"], row["window"], row["features"], row["seeds"]) for row in rows] == [
        ("based", 32, 8, 2), ("based", 64, 8, 1), ("window", 64, None, 1)
    ]  # fmt: skip
    assert [row["hit of 9"] for row in rows] == pytest.approx([0.6, 0.8, 0.1])
    assert all(row["tokens/s"] > 0 for row in rows)
    settings = {"window": 32, "features": 8, "centred": True}
    (tmp_path / "0" / "deepkey.json").write_text(
        json.dumps({"settings": settings, "tables": {"by length": [{"arm": "based", "hops": 2, "200": 0.5}]}})
    )
    with pytest.raises(ValueError, match="more than the seed"):
        ran(dial, "--recall", str(tmp_path), *small)
    text = plot.read_text()
    assert text.count("<circle") == 3 and "based w32 f8" in text and ">window w64<" in text


def test_files_of_many_runs_have_names_of_their_own() -> None:
    options = argparse.Namespace(out=Path("runs"), arms=["window+full", "full"], seed=2)
    assert destination("deepkey", options) == Path("runs/deepkey-window+full-full-seed2.json")
    assert destination("x", argparse.Namespace(out=Path("a.json"))) == Path("a.json")
    assert destination("x", argparse.Namespace(out=None)) is None


def test_recall_of_pairs_is_asked_as_it_says() -> None:
    ids, wanted = mqar.drawn(np.random.default_rng(0), 5, 64, 6, 40)
    for row, target in zip(ids.tolist(), wanted.tolist(), strict=True):
        told = {
            row[i]: row[i + 1] for i in range(0, 64, 2) if row[i] >= mqar.FIRST and row[i + 1] != mqar.BLANK
        }
        asked = {row[i]: target[i + 1] for i in range(0, 64, 2) if row[i + 1] == mqar.BLANK}
        assert len(told) == 6 and {key: value - mqar.FIRST - 40 for key, value in told.items()} == asked
        assert sum(value >= 0 for value in target) == 6
    report = ran(
        mqar, "--preset", "tiny", "--steps", "2", "--rates", "0.001", "--arms", "based", "--device", "cpu"
    )
    assert [row["steps"] for row in report.tables[0].rows] == [2]


def test_layers_without_a_convolution_get_one() -> None:
    import torch

    from clippings.layers.window_attention import Places
    from clippings.long.model import BasedBertConfig, BasedBertModel

    config = BasedBertConfig(hidden_size=8, num_attention_heads=2, mixers=["window", "based"], vocab_size=9)
    window, based = BasedBertModel(config).eval().layers
    assert mqar.with_convolution(based, config) is based
    made = mqar.with_convolution(window, config).eval()
    x = torch.randn(1, 12, 8, generator=torch.Generator().manual_seed(0))
    places = Places(torch.tensor([12]), 12, False)
    assert made(x, places).shape == x.shape and not torch.allclose(made(x, places), window(x, places))


def test_speed_is_measured_and_work_is_counted() -> None:
    from clippings.long.model import BasedBertConfig

    arguments = ["--lengths", "256", "--tokens", "512", "--layers", "2", "--device", "cpu", "--repeat", "1"]
    report = ran(long_speed, *arguments, "--arms", "full", "based", "--profile")
    assert [row["records"] for row in report.tables[0].rows] == [2, 2]
    assert report.tables[0].rows[0]["times full"] == 1.0 and not report.tables[0].rows[0]["fused"]
    assert ["'full'" in table.title for table in report.tables[1:]] == [True, False]
    for table in report.tables[1:]:
        times = [row["ms"] for row in table.rows]
        assert len(times) == 12 and times == sorted(times, reverse=True) and times[-1] > 0
        assert 0.5 < sum(row["share"] for row in table.rows) <= 1.0
        assert {"aten::addmm", "mkldnn::_linear_pointwise"} & {row["kernel"] for row in table.rows}
    # 24 N d^2 of maps and 4 N^2 d of attention, for an inner width of four times the width
    full = long_speed.work(BasedBertConfig(mixers=["full"]), 8192)
    assert full == pytest.approx(24 * 8192 * 384**2 + 4 * 8192**2 * 384)
    linear = long_speed.work(BasedBertConfig(mixers=["based"]), 8192) - long_speed.work(
        BasedBertConfig(mixers=["window"]), 8192
    )
    assert linear > 4 * 8192 * 12 * 153 * 33


def test_the_second_half_begins_with_a_word() -> None:
    assert documents.second_half("aaa bbb ccc ddd") == "ccc ddd"
    assert documents.second_half("abcdef") == "def"


def test_documents_are_skipped_without_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKTRANSFORMER_DATA", str(tmp_path))
    assert "icdar2019" in ran(documents).skipped[0]


def test_arms_take_turns_on_a_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    from clippings.long.model import BasedBertConfig

    clock, called = [0.0], []  # type: tuple[list[float], list[str]]
    taken = {"full": [9.0, 4.0, 8.0, 40.0], "based": [9.0, 1.0, 2.0, 5.0]}  # the first turn is not counted

    def prepared(arm: str, *_: Any) -> Any:
        def call() -> None:
            clock[0] += taken[arm][called.count(arm)]
            called.append(arm)

        return call, BasedBertConfig(mixers=["full"]), 1, False

    monkeypatch.setattr(long_speed, "prepared", prepared)
    monkeypatch.setattr(long_speed.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(long_speed.time, "process_time", lambda: clock[0])
    options = argparse.Namespace(arms=["full", "based"], repeat=3, train=False)
    rows = long_speed.in_turns(100, False, options, 1e9)
    assert called == ["full", "based"] * 4
    assert [row["times full"] for row in rows] == [1.0, 4.0] and rows[1]["ms"] == 2000
