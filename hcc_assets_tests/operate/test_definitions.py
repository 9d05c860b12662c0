"""Every asset's key, inputs, partition, owners, checks and automation, held in a snapshot: a
renamed asset is a visible difference.

To renew it on purpose: ``HCC_RENEW_SNAPSHOT=1 pytest hcc_assets_tests/operate/test_definitions.py``
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from hcc_assets.assets.definition import Asset
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.definitions import code_location
from hcc_assets.operate.driver import Driver, Stale

SNAPSHOT = Path(__file__).parent / "snapshots" / "assets.json"
TOP = Path(__file__).parents[2]

CONTRACT = {
    "raw_counts",
    "qc_cells",
    "annotated_cells",
    "pseudobulk",
    "qc_summary",
    "annotation_reference",
    "cells",
    "atlas",
    "compositions",
    "timepoint_compositions",
    "composition_changes",
    "deg_tables",
    "deg_confirmatory",
    "related_genes",
    "program_scores",
    "gene_programs",
    "subjects",
    "exposure",
    "tumour_assessments",
    "disposition",
    "adverse_events",
    "data_issues",
    "responses",
    "best_responses",
    "response_rates",
    "time_to_event",
    "pfs_summary",
    "ae_summary",
    "associations",
    "trial_report",
}


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return code_location()


def described(definitions: dg.Definitions) -> dict[str, dict[str, object]]:
    graph = definitions.resolve_asset_graph()
    out: dict[str, dict[str, object]] = {}
    for key in sorted(graph.get_all_asset_keys(), key=lambda k: k.to_user_string()):
        node = graph.get(key)
        tags = {k: v for k, v in sorted(node.tags.items()) if not k.startswith("dagster/kind")}
        columns = node.metadata.get("dagster/column_schema")
        out[key.to_user_string()] = {
            "group": node.group_name,
            "inputs": sorted(k.to_user_string() for k in node.parent_keys),
            "partitioned": node.partitions_def is not None,
            "owners": sorted(node.owners),
            "kinds": sorted(node.kinds),
            "tags": tags,
            "checks": sorted(c.name for c in node.check_keys),
            "automatic": node.automation_condition is not None,
            "columns": [c.name for c in columns.columns] if columns else [],
        }
    return out


def test_the_graph_is_the_one_of_the_snapshot(definitions: dg.Definitions) -> None:
    now = described(definitions)
    if os.environ.get("HCC_RENEW_SNAPSHOT"):
        SNAPSHOT.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    assert now == json.loads(SNAPSHOT.read_text())


def test_every_asset_of_the_contract_is_there(definitions: dg.Definitions) -> None:
    assert set(described(definitions)) >= CONTRACT


@pytest.mark.parametrize("one", all_assets().values(), ids=lambda a: a.name)
def test_every_asset_is_described_owned_and_judged(one: Asset) -> None:
    assert one.description.count(".") >= 2, "two sentences"
    assert one.owners
    assert one.group == one.file.parent.name
    assert one.file.stem == one.name, "one asset, one file, one name"
    assert len(one.code_version) == 12
    names = [check.name for check in (one.gate, *one.checks)]
    assert len(set(names)) == len(names)
    assert all(check.title for check in (one.gate, *one.checks))


def test_only_the_gate_is_blocking(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for one in all_assets().values():
        for key in graph.get(dg.AssetKey(one.name)).check_keys:
            assert graph.get(key).blocking == (key.name == one.gate.name)


def test_one_condition_drives_all_assets_and_the_slow_engine_none(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()
    conditions = {n: graph.get(dg.AssetKey(n)).automation_condition for n in all_assets()}
    assert conditions.pop("deg_confirmatory") is None
    assert all(isinstance(c, Stale) for c in conditions.values())
    assert len(set(map(id, conditions.values()))) == 1


def test_the_display_embedding_is_upstream_of_no_endpoint() -> None:
    assert {a.name for a in all_assets().values() if "atlas" in a.reads} <= {"trial_report"}


def test_jobs_sensors_and_schedules_resolve(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)
    sensors = {s.name: s for s in definitions.sensors or []}
    assert set(sensors) >= {"landing_sensor", "driver"}
    assert [n for n, s in sensors.items() if isinstance(s, Driver)] == ["driver"]
    schedules = {s.name for s in definitions.schedules or []}
    assert schedules >= {"daily_samples", "daily_tables", "weekly_confirmatory"}
    jobs = {j.name for j in definitions.jobs or []}
    assert jobs >= {"sample_chain", "tables", "confirmatory", "accept_export", "withdraw_subject"}


def test_no_resource_can_be_configured(definitions: dg.Definitions) -> None:
    for name, resource in (definitions.resources or {}).items():
        assert not getattr(resource, "config_schema", None), name


HEAVY = ("scanpy", "lifelines", "anndata", "sklearn", "matplotlib.pyplot", "pydeseq2", "ray")


def test_loading_imports_nothing_heavy() -> None:
    code = f"import sys, hcc_assets.definitions; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TOP
    )
    assert done.stdout.strip() == "[]"
