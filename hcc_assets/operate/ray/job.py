"""The job ``sample_chain_on_ray``: one sample, each asset as a Ray job of its own, for the UI and
for backfills. Only where the extra ``ray`` is installed.

``hcc refresh --engine ray`` does not use it: a process for each asset costs seconds of imports (ADR
0008), which is worth it only where Dagster itself shall place and repeat single steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from hcc_assets.assets.closure import has_module
from hcc_assets.assets.definition import Asset
from hcc_assets.assets.factory import SAMPLE
from hcc_assets.assets.view import HomeView
from hcc_assets.home.paths import Home
from hcc_assets.operate.sensors import delivered_bytes
from hcc_assets.operate.watch.life import SEVERAL_PROCESSES
from hcc_assets.operate.workers import estimate_mb

RAY_JOB = "sample_chain_on_ray"


def ray_definitions(home: Callable[[], Home], assets: Mapping[str, Asset]) -> dg.Definitions:
    """The job, where Ray and dagster-ray are installed.

    The cluster is that of ``RAY_API_SERVER_ADDRESS`` (``http://head:8265``) at launch. A step whose
    node or process is lost runs again, twice at most. A step reserves the memory that the whole
    chain of its sample is expected to need.
    """
    if not (has_module("ray") and has_module("dagster_ray")):
        return dg.Definitions()
    from dagster_ray import ray_executor

    def run_config(key: str) -> dict[str, Any]:
        memory = int(estimate_mb(delivered_bytes(HomeView(home(), assets), key)) * 1e6)
        variables = ["HCC_HOME", "DAGSTER_HOME"]
        ray = {"num_cpus": 1.0, "memory": memory, "env_vars": variables}
        return {"execution": {"config": {"ray": ray}}}

    job = dg.define_asset_job(
        RAY_JOB,
        selection=dg.AssetSelection.assets(*[a.name for a in assets.values() if a.per_sample]),
        description="One sample with each asset as a Ray job of its own; memory is reserved by "
        "the size of its delivery.",
        executor_def=ray_executor,
        config=dg.PartitionedConfig(
            partitions_def=SAMPLE, run_config_for_partition_key_fn=run_config
        ),
        op_retry_policy=dg.RetryPolicy(max_retries=2, delay=5),
        tags={SEVERAL_PROCESSES: "yes"},
    )
    return dg.Definitions(jobs=[job])
