"""Reports are read as mappings: entries that are absent are not there, and None is a value."""

from __future__ import annotations

import json
import pickle

import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.results.link_values import REASONS, Reason
from linktransformer.results.report import ChoiceReport, LinkReport, PairsReport


def link_report() -> LinkReport:
    return LinkReport(
        left_on=["name"],
        right_on=["firm"],
        validate="m:1",
        pairs=PairsReport(model="lexical", rows_cut=0, key_column=None),
        choice=ChoiceReport(rule="auto", threshold=None, precision=None),
        warnings=[],
        warning_codes=[],
        null_values={},
    )


def test_parts_are_entries_beside_each_other() -> None:
    report = link_report()
    names = ["left_on", "right_on", "validate", "model", "rows_cut", "key_column", "rule", "threshold"]
    names += ["precision", "warnings", "warning_codes", "null_values"]
    assert list(report) == names and len(report) == len(names)
    assert report["model"] == "lexical" and {**report}["right_on"] == ["firm"]


def test_none_is_a_value_and_an_absent_entry_is_none_of_them() -> None:
    report = link_report()
    assert report["key_column"] is None and report.get("search", "nothing") == "nothing"
    with pytest.raises(KeyError):
        report["encoded"]
    assert report == dict(report)


def test_the_report_of_links_is_one_value_that_json_and_pickle_keep() -> None:
    a, b = pd.DataFrame({"name": ["Acme Steel", "Q"]}), pd.DataFrame({"name": ["ACME STEEL", "Zeller"]})
    links = lt.link(a, b, on="name", model="lexical")
    assert isinstance(links.details, LinkReport)
    assert json.loads(json.dumps(links.report()))["rule"] == links.details["rule"]
    assert pickle.loads(pickle.dumps(links.details)) == links.details
    clusters = lt.cluster(a, on="name")
    assert clusters.details["method"] == "average" and "search" not in clusters.details


def test_every_reason_has_a_text() -> None:
    assert set(REASONS) == set(Reason) and len(set(REASONS.values())) == len(Reason)
