"""Run keys of the sensors: a run that was killed is asked for again, a bounded number of times; one that is done or at work is not asked for twice."""

from __future__ import annotations

import dagster as dg
import pytest

from hcc_assets.defs.sensors import _asked

STATUS = dg.DagsterRunStatus


@pytest.mark.parametrize(
    ("runs", "key"),
    [
        ({}, "tables:1"),
        ({"tables:1": STATUS.STARTED}, "tables:1"),
        ({"tables:1": STATUS.SUCCESS}, "tables:1"),
        ({"tables:0": STATUS.FAILURE}, "tables:1"),
        ({"tables:1": STATUS.FAILURE}, "tables:1:1"),
        ({"tables:1": STATUS.FAILURE, "tables:1:1": STATUS.STARTED}, "tables:1:1"),
        ({"tables:1": STATUS.FAILURE, "tables:1:1": STATUS.CANCELED}, "tables:1:2"),
        ({"tables:1": STATUS.FAILURE, "tables:1:1": STATUS.FAILURE, "tables:1:2": STATUS.FAILURE}, None),
    ],
)
def test_a_killed_run_is_asked_for_again_within_bounds(runs: dict[str, dg.DagsterRunStatus], key: str | None) -> None:
    @dg.job(name="tables")
    def tables() -> None: ...

    with dg.DagsterInstance.ephemeral() as instance:
        for name, status in runs.items():
            instance.create_run_for_job(tables, status=status, tags={"dagster/run_key": name})
        assert _asked(instance, "tables:1", 3) == key
