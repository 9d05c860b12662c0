"""One sample through the job with ``ray_executor`` on a small cluster: ``python -m
hcc_assets_tests.operate.ray.executor HOME SAMPLE``; the last line is JSON."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import dagster as dg

from hcc_assets.home.paths import Home
from hcc_assets.operate.instance import instance_of
from hcc_assets.operate.ray.job import RAY_JOB
from hcc_assets_tests.operate.ray.cluster import start


def job() -> dg.JobDefinition:
    """The job as the code location has it."""
    from hcc_assets.definitions import defs

    return defs.resolve_job_def(RAY_JOB)


def main() -> None:
    """Start the cluster, run the job, say what its event log holds."""
    from hcc_assets_tests.operate.ray import executor

    root, sample = Path(sys.argv[1]), sys.argv[2]
    with (
        tempfile.TemporaryDirectory(
            prefix="ray-", dir="/tmp", ignore_cleanup_errors=True
        ) as folder,
        instance_of(Home.at(root)) as instance,
    ):
        cluster = start(Path(folder), nodes=2, cores=1, memory=3_000_000_000, dashboard=True)
        os.environ["RAY_API_SERVER_ADDRESS"] = f"http://{cluster.webui_url}"
        instance.add_dynamic_partitions("sample", [sample])
        partitioned = job().partitioned_config
        assert partitioned is not None
        with dg.execute_job(
            dg.reconstructable(executor.job),
            instance=instance,
            run_config=partitioned.get_run_config_for_partition_key(sample),
            tags={"dagster/partition": sample, **job().tags},
        ) as result:
            done = sorted(
                e.asset_key.to_user_string()
                for e in result.filter_events(lambda e: e.is_step_materialization)
                if e.asset_key
            )
            run = instance.get_run_by_id(result.run_id)
            assert run is not None
            seconds = [
                s.end_time - s.start_time
                for s in instance.get_run_step_stats(result.run_id)
                if s.end_time and s.start_time
            ]
            said = [
                str(e.message)
                for e in result.filter_events(lambda e: e.is_failure or e.is_engine_event)
            ]
            print(
                json.dumps(
                    {
                        "said": said,
                        "ok": result.success,
                        "done": done,
                        "status": run.status.value,
                        "tags": dict(run.tags),
                        "seconds": seconds,
                    }
                )
            )
        cluster.shutdown()


if __name__ == "__main__":
    main()
