"""The question whether tables are at work, asked while hundreds of samples wait in the queue."""

from __future__ import annotations

import dagster as dg

from hcc_assets.operate.sensors import _tables_at_work


def test_tables_at_work_are_seen_behind_many_queued_samples() -> None:
    @dg.job(name="any")
    def job() -> None: ...

    with dg.DagsterInstance.ephemeral() as instance:
        tables = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
        for number in range(101):
            instance.create_run_for_job(
                job, status=dg.DagsterRunStatus.STARTING, tags={"dagster/partition": f"S{number}"}
            )
        assert _tables_at_work(instance)
        instance.report_run_canceled(tables)
        assert not _tables_at_work(instance)
