"""Every asset's key, inputs, partition, owners, checks and automation, held in a snapshot: a renamed asset is a visible difference.

To renew the snapshot on purpose: ``HCC_RENEW_SNAPSHOT=1 pytest hcc_assets_tests/defs/test_definitions.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from hcc_assets.defs.catalogue import all_recipes

from hcc_assets.assets.plan import ordered
from hcc_assets.operate.build import build_definitions

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


def described() -> dict[str, dict[str, object]]:
    graph = build_definitions().resolve_asset_graph()
    out: dict[str, dict[str, object]] = {}
    for key in sorted(graph.get_all_asset_keys(), key=lambda k: k.to_user_string()):
        node = graph.get(key)
        out[key.to_user_string()] = {
            "group": node.group_name,
            "inputs": sorted(k.to_user_string() for k in node.parent_keys),
            "partitioned": node.partitions_def is not None,
            "owners": sorted(node.owners),
            "kinds": sorted(node.kinds),
            "tags": {
                k: v for k, v in sorted(node.tags.items()) if not k.startswith("dagster/kind")
            },
            "checks": sorted(c.name for c in node.check_keys),
            "automatic": node.automation_condition is not None,
            "columns": [c.name for c in node.metadata["dagster/column_schema"].columns]
            if "dagster/column_schema" in node.metadata
            else [],
        }
    return out


def test_the_graph_is_the_one_of_the_snapshot() -> None:
    now = described()
    if os.environ.get("HCC_RENEW_SNAPSHOT"):
        SNAPSHOT.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    assert now == json.loads(SNAPSHOT.read_text())


def test_every_asset_of_the_contract_is_there() -> None:
    assert set(described()) >= CONTRACT


@pytest.mark.parametrize("recipe", all_recipes().values(), ids=lambda r: r.name)
def test_every_asset_is_described_owned_and_checked(recipe) -> None:  # type: ignore[no-untyped-def]
    assert recipe.description.count(".") >= 2, "two sentences"
    assert recipe.owners
    assert recipe.group
    assert recipe.gate.blocking
    assert len(recipe.code_version) == 12
    assert len({c.name for c in (recipe.gate, *recipe.checks)}) == 1 + len(recipe.checks)


def test_inputs_come_before_what_reads_them() -> None:
    names = [r.name for r in ordered(all_recipes())]
    for recipe in all_recipes().values():
        assert all(
            names.index(i) < names.index(recipe.name) for i in (*recipe.inputs, *recipe.optional)
        )


def test_the_display_embedding_is_upstream_of_no_endpoint() -> None:
    readers = {r.name for r in all_recipes().values() if "atlas" in (*r.inputs, *r.optional)}
    assert readers <= {"trial_report"}


def test_jobs_sensors_and_schedules_resolve() -> None:
    definitions = build_definitions()
    dg.Definitions.validate_loadable(definitions)
    assert {s.name for s in definitions.sensors or []} >= {"landing_sensor", "automation"}


def test_loading_imports_nothing_heavy() -> None:
    code = "import sys, hcc_assets.definitions; print([m for m in ('scanpy', 'lifelines', 'anndata', 'sklearn', 'matplotlib.pyplot') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TOP
    )
    assert done.stdout.strip() == "[]"


def test_a_code_version_follows_the_functions_that_are_called() -> None:
    recipes = all_recipes()
    assert recipes["responses"].code_version != recipes["best_responses"].code_version
    assert recipes["response_rates"].code_version != recipes["ae_summary"].code_version
