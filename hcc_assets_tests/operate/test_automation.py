"""What the daemon asks for after an event, condition by condition, on an ephemeral instance."""

from __future__ import annotations

import dagster as dg
import pytest

from hcc_assets.operate.build import build_definitions

CLINICAL = {
    "subjects",
    "exposure",
    "tumour_assessments",
    "disposition",
    "adverse_events",
    "reported_responses",
}


class Daemon:
    """The automation sensor in small: evaluates all conditions, remembers its cursor, reports the keys it would run."""

    def __init__(self) -> None:
        self.instance = dg.DagsterInstance.ephemeral()
        self.definitions = build_definitions()
        self.instance.add_dynamic_partitions("sample", ["A", "B"])
        self.cursor = None
        self.asked()

    def materialized(self, *assets: str, sample: str | None = None) -> None:
        for asset in assets:
            self.instance.report_runless_asset_event(
                dg.AssetMaterialization(asset_key=asset, partition=sample)
            )

    def asked(self) -> set[str]:
        result = dg.evaluate_automation_conditions(
            defs=self.definitions, instance=self.instance, cursor=self.cursor
        )
        self.cursor = result.cursor
        return {r.key.to_user_string() for r in result.results if not r.true_subset.is_empty}


@pytest.fixture(scope="module")
def fresh() -> Daemon:
    """All assets stand once, for both samples."""
    daemon = Daemon()
    graph = daemon.definitions.resolve_asset_graph()
    for key in graph.toposorted_asset_keys:
        for sample in ["A", "B"] if graph.get(key).partitions_def else [None]:
            daemon.materialized(key.to_user_string(), sample=sample)
    daemon.asked()
    return daemon


def test_nothing_happens_when_nothing_came(fresh: Daemon) -> None:
    assert fresh.asked() == set()


def test_new_calls_of_one_sample_renew_the_cohort_and_no_clinical_table(fresh: Daemon) -> None:
    fresh.materialized("annotated_cells", sample="A")
    asked = fresh.asked()
    assert {"pseudobulk", "cells", "qc_summary", "compositions"} <= asked
    assert not asked & (CLINICAL | {"responses", "ae_summary", "raw_counts"})


def test_a_new_export_renews_the_clinical_half_and_no_cell(fresh: Daemon) -> None:
    fresh.materialized("clinical_export")
    asked = fresh.asked()
    assert asked >= CLINICAL
    assert not asked & {"compositions", "cells", "annotated_cells", "deg_tables"}


def test_what_is_read_from_landing_is_left_to_the_sensor(fresh: Daemon) -> None:
    graph = fresh.definitions.resolve_asset_graph()
    for name in ("samples", "raw_counts", "clinical_export"):
        assert graph.get(dg.AssetKey(name)).automation_condition is None


def test_the_slow_confirmatory_engine_runs_on_request_only(fresh: Daemon) -> None:
    graph = fresh.definitions.resolve_asset_graph()
    assert graph.get(dg.AssetKey("deg_confirmatory")).automation_condition is None


def test_a_sample_that_is_missing_does_not_hold_back_the_cohort() -> None:
    daemon = Daemon()
    daemon.materialized("samples")
    for asset in ("raw_counts", "qc_cells", "annotated_cells"):
        daemon.materialized(asset, sample="A")
    assert "compositions" in daemon.asked()
