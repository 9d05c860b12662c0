"""Jobs, and the one way to run assets in this process: used by ``hcc refresh`` and by its worker processes. Which assets to run is decided elsewhere."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Sequence

import dagster as dg

from hcc_assets.platform.home import Home

SAMPLE_JOB = "sample_chain"
TABLES_JOB = "tables"


def run_tags() -> dict[str, str]:
    """Tags by which a run whose process died can be told from one that works."""
    return {"hcc/pid": str(os.getpid()), "hcc/host": socket.gethostname(), "hcc/started": f"{time.time():.0f}"}


def run_assets(
    home: Home, instance: dg.DagsterInstance, assets: Sequence[str], sample: str | None, *, progress: Callable[[str, str], None] | None = None
) -> str:
    """Materialize ``assets`` (of one sample) in one in-process run; a failed asset does not raise, its failure is in the event log.

    Returns
    -------
    str
        The run's id.
    """
    from hcc_assets.definitions import build_definitions

    definitions = build_definitions(home)
    job = definitions.resolve_job_def(SAMPLE_JOB if sample is not None else TABLES_JOB)
    result = job.execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(a) for a in assets],
        partition_key=sample,
        tags=run_tags(),
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )
    if progress is not None:
        for event in result.get_asset_materialization_events():
            key = event.asset_key
            if key is not None:
                progress(key.to_user_string(), "done")
    return result.run_id
