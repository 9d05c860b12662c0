"""The job ``sample_chain_on_ray``: one sample, each asset as a Ray job of its own, for the UI and for backfills. Only where the extra ``ray`` is installed.

``hcc refresh --engine ray`` does not use it: a process for each asset costs seconds of imports (ADR 0008), which is worth it only where Dagster itself
shall place and repeat single steps.
"""

from __future__ import annotations

from typing import Any

import dagster as dg

from hcc_assets.assets.code_versions import has_module
from hcc_assets.assets.factory import SAMPLE
from hcc_assets.defs.catalogue import all_recipes
from hcc_assets.home.paths import Home
from hcc_assets.operate.watch.reaper import SEVERAL_PROCESSES

RAY_JOB = "sample_chain_on_ray"


def memory_for(sample: str) -> int:
    """Bytes that a step of a sample reserves: what the whole chain is expected to need."""
    from hcc_assets.assets.engine import Workbench
    from hcc_assets.operate.workers import estimate_mb

    landed = Workbench(Home.at(), all_recipes()).landing.samples
    return int(
        estimate_mb(sum(f.size for f in landed[sample].files) if sample in landed else 0) * 1e6
    )


def _run_config(sample: str) -> dict[str, Any]:
    ray = {"num_cpus": 1.0, "memory": memory_for(sample), "env_vars": ["HCC_HOME", "DAGSTER_HOME"]}
    return {"execution": {"config": {"ray": ray}}}


def with_ray_job(definitions: dg.Definitions) -> dg.Definitions:
    """The definitions and, where Ray and dagster-ray are installed, the job.

    The cluster is that of ``RAY_API_SERVER_ADDRESS`` (``http://head:8265``) at launch. A step whose node or process is lost runs again, twice at most.
    """
    if not (has_module("ray") and has_module("dagster_ray")):
        return definitions
    from dagster_ray import ray_executor

    job = dg.define_asset_job(
        RAY_JOB,
        selection=dg.AssetSelection.assets(
            *[r.name for r in all_recipes().values() if r.partitioned]
        ),
        description="One sample with each asset as a Ray job of its own; memory is reserved by the size of its delivery.",
        executor_def=ray_executor,
        config=dg.PartitionedConfig(
            partitions_def=SAMPLE, run_config_for_partition_key_fn=_run_config
        ),
        op_retry_policy=dg.RetryPolicy(max_retries=2, delay=5),
        tags={SEVERAL_PROCESSES: "yes"},
    )
    return dg.Definitions.merge(definitions, dg.Definitions(jobs=[job]))
