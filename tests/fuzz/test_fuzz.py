"""A short run of the fuzz harness; `python -m tests.fuzz` is the long one."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from tests.fuzz.cases import Case, cases
from tests.fuzz.contracts import check


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(cases())
def test_any_job_keeps_its_promises(case: Case) -> None:
    check(case)
