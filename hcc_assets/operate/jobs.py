"""Jobs, and the one way to run assets in this process: used by ``hcc refresh`` and by its worker processes. Which assets to run is decided elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import dagster as dg

from hcc_assets.home.paths import Home
from hcc_assets.operate.watch.fencing import Leases
from hcc_assets.operate.watch.reaper import process_tags

SAMPLE_JOB = "sample_chain"
TABLES_JOB = "tables"
CONFIRMATORY_JOB = "confirmatory"


def run_assets(
    home: Home,
    instance: dg.DagsterInstance,
    assets: Sequence[str],
    sample: str | None,
    *,
    progress: Callable[[str, str], None] | None = None,
    tags: Mapping[str, str] | None = None,
) -> str:
    """Materialize ``assets`` (of one sample) in one in-process run; a failed asset does not raise, its failure is in the event log.

    Returns
    -------
    str
        The run's id.
    """
    from hcc_assets.operate.build import build_definitions

    definitions = build_definitions(home)
    job = definitions.resolve_job_def(SAMPLE_JOB if sample is not None else TABLES_JOB)
    result = job.execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(a) for a in assets],
        partition_key=sample,
        tags=process_tags() | dict(tags or {}),
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )
    Leases(home.leases).drop(result.run_id)
    if progress is not None:
        for event in result.get_asset_materialization_events():
            key = event.asset_key
            if key is not None:
                progress(key.to_user_string(), "done")
    return result.run_id
