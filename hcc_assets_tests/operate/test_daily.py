"""What the daily schedule does by itself, whatever the sensors did."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import dagster as dg

from hcc_assets.assets.factory import HomeResource
from hcc_assets.home.paths import Home
from hcc_assets.operate.instance import instance_of
from hcc_assets.operate.sensors import daily_tables_tick
from hcc_assets_tests.faults.homes import (
    FIRST,
    SECOND,
    SETTINGS,
    attempt_all,
    clinical,
    deliver,
    hashes,
    without_figures,
)


def asked(root: Path, day: int) -> list[dg.RunRequest]:
    with instance_of(Home.at(root)) as instance:
        context = dg.build_schedule_context(
            instance=instance, scheduled_execution_time=dt.datetime(2025, 8, day, 5, tzinfo=dt.UTC)
        )
        found = daily_tables_tick(context, HomeResource(root=str(root)))
        assert isinstance(found, list)
        return found


def test_the_day_puts_back_what_was_damaged_and_asks_for_what_is_stale(place: Path) -> None:
    root = place / "home"
    root.mkdir()
    (root / "study.toml").write_text(SETTINGS)
    deliver(root, clinical(FIRST, subjects=4), FIRST.isoformat())
    with without_figures():
        attempt_all(root)
    whole = hashes(root)
    assert [r.run_key for r in asked(root, 2)] == ["report:2025-08-02"]
    (root / "published" / "response_rates.csv").unlink()
    (root / "published" / "subjects.parquet").write_bytes(b"opened and saved by hand")
    (root / "published" / "report.html").write_text("<p>other</p>")
    (request,) = asked(root, 3)
    assert request.run_key == "report:2025-08-03" and request.asset_selection == [
        dg.AssetKey("trial_report")
    ]
    assert (
        hashes(root) == whole
        and "other" not in (root / "published" / "report.html").read_text()[:20]
    )
    deliver(root, clinical(SECOND, subjects=4), SECOND.isoformat())
    (request,) = asked(root, 4)
    assert (
        request.asset_selection is not None
        and dg.AssetKey("clinical_export") in request.asset_selection
    )
