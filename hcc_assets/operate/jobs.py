"""The one way to run assets in this process: used by ``hcc refresh`` and by its worker
processes. Which assets to run is decided elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import dagster as dg

from hcc_assets.home.paths import Home
from hcc_assets.operate.build import SAMPLE_JOB, TABLES_JOB, build_assets
from hcc_assets.operate.watch.life import process_tags


def run_assets(
    home: Home,
    instance: dg.DagsterInstance,
    assets: Sequence[str],
    key: str | None,
    *,
    force: Collection[str] = (),
    progress: Callable[[str, str], None] | None = None,
    tags: Mapping[str, str] | None = None,
) -> str:
    """Materialize ``assets`` (of the sample with this key) in one in-process run; a failed asset
    does not raise, its failure is in the event log.

    Parameters
    ----------
    force
        Those of the assets that are computed although they are fresh.

    Returns
    -------
    str
        The run's id.
    """
    job = build_assets(home).resolve_job_def(SAMPLE_JOB if key is not None else TABLES_JOB)
    result = job.execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(a) for a in assets],
        partition_key=key,
        tags=process_tags() | dict(tags or {}),
        run_config={
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            "ops": {name: {"config": {"force": True}} for name in force},
        },
        raise_on_error=False,
    )
    if progress is not None:
        for event in result.get_asset_materialization_events():
            if event.asset_key is not None:
                progress(event.asset_key.to_user_string(), "done")
    return result.run_id
