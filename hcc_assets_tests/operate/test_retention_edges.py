"""Trimming the history: a run that ended late holds back no other, and the lease of a run goes with
it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import time_machine

from hcc_assets_tests.operate.test_retention import START, Years, years

__all__ = ["years"]


def test_a_run_that_was_cancelled_late_holds_back_no_other(years: Years) -> None:
    with time_machine.travel(START, tick=True):
        queued = years.instance.create_run_for_job(years.definitions.resolve_job_def("tables"))
    for number in range(1, 9):
        years.day(number, days=1000)
    with time_machine.travel(START + dt.timedelta(days=10), tick=True):
        years.instance.report_run_canceled(queued)
        assert years.day(11, days=5) == 4, (
            "of the runs of days 1 to 5 all but the one that made the sites"
        )
    assert years.instance.get_run_by_id(queued.run_id) is not None


def test_the_lease_of_a_run_goes_with_it(years: Years) -> None:
    for number in range(8):
        years.day(number, days=3)
    runs = {r.dagster_run.run_id for r in years.instance.get_run_records()}
    assert len(runs) < 8
    assert {p.stem for p in Path(str(years.home.leases)).iterdir()} == runs
