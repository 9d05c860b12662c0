"""Trimming the history: a run that ended late holds back no other, and the lease of a run goes with
it."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import time_machine

from hcc_assets.home.paths import Home
from hcc_assets.operate.retention import trim_tick_logs
from hcc_assets_tests.operate.test_retention import START, Years, years

__all__ = ["years"]


def test_a_run_that_was_cancelled_late_holds_back_no_other(years: Years) -> None:
    with time_machine.travel(START, tick=True):
        queued = years.instance.create_run_for_job(years.job)
    for number in range(1, 9):
        years.day(number, days=1000)
    with time_machine.travel(START + dt.timedelta(days=10), tick=True):
        years.instance.report_run_canceled(queued)
        assert years.day(11, days=5) == 4, (
            "of the runs of days 1 to 5 all but the one that made the sites"
        )
    assert years.instance.get_run_by_id(queued.run_id) is not None


def test_logs_of_ticks_go(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    folder = home.dagster_home / "storage" / "__repository__" / "driver"
    folder.mkdir(parents=True)
    now = dt.datetime(2026, 11, 27, tzinfo=dt.UTC)
    for name, text, hours in (
        ("1", "", 2.0),
        ("2", "", 0.5),
        ("3", "a warning", 100.0),
        ("4", "a warning", 200.0),
    ):
        path = folder / f"{name}.err"
        path.write_text(text)
        at = (now - dt.timedelta(hours=hours)).timestamp()
        os.utime(path, (at, at))
    assert trim_tick_logs(home, now) == 2
    assert sorted(p.stem for p in folder.iterdir()) == ["2", "3"]
    assert trim_tick_logs(Home.at(tmp_path / "none"), now) == 0
