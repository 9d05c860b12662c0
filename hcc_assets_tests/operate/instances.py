"""Dagster's own state for tests: an instance in a folder, and what a run told it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from hcc_assets.assets.definition import Asset
from hcc_assets.home.paths import Home
from hcc_assets.operate.build import SAMPLE_JOB, TABLES_JOB, build_assets


@contextmanager
def instance_at(folder: Path) -> Iterator[dg.DagsterInstance]:
    """An instance whose databases are in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    overrides = {"telemetry": {"enabled": False}}
    with dg.DagsterInstance.local_temp(str(folder), overrides=overrides) as instance:
        yield instance


def run(
    home: Home,
    instance: dg.DagsterInstance,
    assets: Mapping[str, Asset],
    names: Sequence[str],
    key: str | None = None,
    *,
    force: Collection[str] = (),
    tags: Mapping[str, str] | None = None,
) -> dg.ExecuteInProcessResult:
    """Materialize assets in one run, as the daemon would."""
    job = build_assets(home, assets).resolve_job_def(SAMPLE_JOB if key else TABLES_JOB)
    return job.execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(name) for name in names],
        partition_key=key,
        tags=dict(tags or {}),
        run_config={
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            "ops": {name: {"config": {"force": True}} for name in force},
        },
        raise_on_error=False,
    )


def told(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    """What a run told of an asset: ``made`` (materializations), ``seen`` (observations) and
    ``checks`` by name."""
    events = result.all_events
    key = dg.AssetKey(asset)
    made = [
        e.step_materialization_data.materialization
        for e in events
        if e.event_type_value == "ASSET_MATERIALIZATION" and e.asset_key == key
    ]
    seen = [
        e.asset_observation_data.asset_observation
        for e in events
        if e.event_type_value == "ASSET_OBSERVATION" and e.asset_key == key
    ]
    checks = {
        e.asset_check_evaluation_data.check_name: e.asset_check_evaluation_data
        for e in events
        if e.event_type_value == "ASSET_CHECK_EVALUATION"
        and e.asset_check_evaluation_data.asset_key == key
    }
    return {"made": made, "seen": seen, "checks": checks}


def text(metadata: Mapping[str, Any], name: str) -> str:
    return str(metadata[name].value)
