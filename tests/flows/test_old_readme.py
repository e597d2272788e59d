"""The calls that the page of linktransformer 0.1.18 shows, with its argument names, offline."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import linktransformer as lt
from model_hub import bundled
from tests.fetched import keep
from tests.llm_server import KEY, Server, Step, serving, text_of

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
KEYS = ["CompanyName", "Country"]


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of fetched models, in which the bundled model stands for the one of these calls."""
    cache = tmp_path_factory.mktemp("fetched")
    keep(bundled().path, MINILM, cache)
    return cache


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, fetched: Path) -> None:
    """The model of these calls was fetched before."""
    monkeypatch.setenv("LINKTRANSFORMER_OFFLINE", "1")
    monkeypatch.setenv("LINKTRANSFORMER_CACHE", str(fetched))


@pytest.fixture
def left() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "CompanyName": ["Tech Corporation", "Acme Steel Company"],
            "Country": ["USA", "Canada"],
            "year": 1956,
        }
    )


@pytest.fixture
def right() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "CompanyName": ["Acme Steel Co", "Tech Corp", "Zeller Motors"],
            "Country": ["Canada", "USA", "USA"],
            "capital": [1, 2, 3],
        }
    )


def test_merge(left: pd.DataFrame, right: pd.DataFrame) -> None:
    out = lt.merge(left, right, on=KEYS, model=MINILM)
    assert out[["CompanyName_x", "CompanyName_y"]].to_numpy().tolist() == [
        ["Tech Corporation", "Tech Corp"],
        ["Acme Steel Company", "Acme Steel Co"],
    ]
    assert out["score"].between(0, 1).all() and out["capital"].tolist() == [2, 1]


def test_merge_knn(left: pd.DataFrame, right: pd.DataFrame) -> None:
    matches = lt.merge_knn(left, right, on=KEYS, model=MINILM, k=3)
    assert len(matches) == 6 and matches["capital"].tolist()[::3] == [2, 1]
    assert all(part["score"].is_monotonic_decreasing for _, part in matches.groupby("CompanyName_x"))


def test_merge_k_judge(left: pd.DataFrame, right: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    def says(_: Server, request: dict[str, object]) -> Step:
        pair = json.loads(text_of(request))
        first = [json.dumps(pair[side]).replace("Corporation", "Corp") for side in ("record_1", "record_2")]
        same = all("Tech Corp" in text for text in first) or all("Acme" in text for text in first)
        return Step("```json\n" + json.dumps({"is_match": int(same), "confidence": 0.8}) + "\n```")

    with serving(says) as server:
        monkeypatch.setenv("LINKTRANSFORMER_LLM_URL", server.url)
        judged = lt.merge_k_judge(
            df1=left,
            df2=right,
            on=KEYS,
            k=5,
            knn_sbert_model=MINILM,
            judge_llm_model="gpt-4o-mini",
            llm_provider="openai",
            openai_key=KEY,
        )
    assert len(judged) == 6
    assert judged.loc[judged["llm_is_match"] == 1, "capital"].tolist() == [2, 1]
    assert (judged["llm_confidence"] == 0.8).all() and judged["score"].notna().all()


def test_transform_rows(left: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _, request: Step(text_of(request).lower())) as server:
        monkeypatch.setenv("LINKTRANSFORMER_LLM_URL", server.url)
        cleaned = lt.transform_rows(
            left,
            on=KEYS,
            model="gpt-4o-mini",
            openai_key=KEY,
            openai_prompt="Standardize organization names. Return a JSON list in the same order.",
        )
    made = cleaned["transformed_CompanyName-Country"]
    assert ["tech corporation" in text for text in made] == [True, False]
    assert cleaned["CompanyName"].tolist() == left["CompanyName"].tolist()


def test_dedup_rows(left: pd.DataFrame, right: pd.DataFrame) -> None:
    both = pd.concat([left, right], ignore_index=True)
    deduped = lt.dedup_rows(
        both,
        on="CompanyName",
        model=MINILM,
        cluster_type="agglomerative",
        cluster_params={"threshold": 0.7},
    )
    assert deduped["CompanyName"].tolist() == ["Tech Corporation", "Acme Steel Company", "Zeller Motors"]
