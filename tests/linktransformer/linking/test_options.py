"""The arguments of public functions as one job."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields

import numpy as np
import pytest

from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.merge import link, merge
from linktransformer.linking.options import Job, K
from linktransformer.scoring.compare import number


def test_a_job_takes_its_arguments_from_those_of_a_function() -> None:
    job = Job.of({"model": "lexical", "k": None, "threshold": None, "left": object(), "how": "outer"})
    assert (job.model, job.k, job.threshold, job.validate) == ("lexical", K, None, "m:1")
    assert Job.of({"k": None}, k=50).k == 50 and Job.of({"k": 3}, k=50).k == 3


@pytest.mark.parametrize("function", [merge, link])
def test_every_field_of_a_job_is_an_argument_of_merge_and_link(function) -> None:
    inside = {"scores", "keep_features"}
    assert {field.name for field in fields(Job)} - inside <= set(inspect.signature(function).parameters)


@pytest.mark.parametrize("arguments", [{"confidence": "sure"}, {"k": 0}, {"batch_size": True}])
def test_arguments_that_cannot_work(arguments) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(arguments))):
        Job.of(arguments)


def test_options_of_a_call_are_reported_as_json_can_hold_them() -> None:
    given = Job(
        k=np.int64(7), block_on=["town"], compare={"born": number(within=2)}, threshold={"precision": 0.9}
    )
    options = given.options()
    assert (
        options["k"] == 7 and options["block_on"] == ["town"] and options["threshold"] == {"precision": 0.9}
    )
    assert set(options) == {"k", "block_on", "compare", "threshold"}
    assert json.loads(json.dumps(options)) == options
    assert Job(model="lexical").options() == {}
