"""``hcc reference list`` and ``compare``: the endpoint under two references, nothing published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anndata as ad
import pandas as pd
from click.testing import CliRunner

from hcc_assets.commands import hcc
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import Versions
from hcc_assets.operate.reference_comparison import compare_references, comparison_lines
from hcc_assets_tests.tiny import Tiny


def test_a_reference_agrees_with_itself_and_says_what_is_published(tiny: Tiny) -> None:
    before = {p: p.stat().st_mtime_ns for p in (tiny.root / "published").iterdir()}
    listed = CliRunner().invoke(hcc, ["reference", "list", "--json", "--home", str(tiny.root)])
    (one,) = [r for r in json.loads(listed.output)["references"] if r["stands"]]
    found = compare_references(Home.at(tiny.root), "standing", one["version"][:14])
    assert found["references"] == [one["version"]] * 2 and found["agreement"] == 1
    published = pd.read_parquet(tiny.root / "published" / "composition_changes.parquet")
    registered = published[published["denominator"] == "all"].set_index("cell_class")
    for row in found["classes"]:
        assert row["n_cells_1"] == row["n_cells_2"]
        assert row["verdict_1"] == row["verdict_2"] == registered.loc[row["cell_class"], "verdict"]
    assert len(comparison_lines(found)) == 5 + len(registered)
    assert before == {p: p.stat().st_mtime_ns for p in (tiny.root / "published").iterdir()}


def test_labels_of_somebody_else_are_another_reference(tiny: Tiny, place: Path) -> None:
    """Trained from our own calls with two classes merged, it calls none of the lost class."""
    versions = Versions(Home.at(tiny.root))
    parts = []
    for key in versions.partitions("annotated_cells"):
        counts = versions.cells("raw_counts", "counts", key)
        calls = versions.frame("annotated_cells", "calls", key).set_index("barcode")
        counts.obs["cell_class"] = calls["cell_class"].reindex(counts.obs_names).astype(str)
        counts.obs_names = [f"{key}-{b}" for b in counts.obs_names]
        parts.append(counts)
    labelled = ad.concat(parts, merge="same")
    labelled = labelled[labelled.obs["cell_class"].isin(["tumour", "T", "fibroblast"])].copy()
    labelled.write_h5ad(place / "labels.h5ad")
    found: dict[str, Any] = compare_references(
        Home.at(tiny.root), "standing", str(place / "labels.h5ad")
    )
    assert found["references"][1].startswith("labels-")
    assert 0 < found["agreement"] < 1


def test_a_reference_that_is_not_there_is_named(tiny: Tiny) -> None:
    words = ["reference", "compare", "standing", "labels-nothing", "--home", str(tiny.root)]
    told = CliRunner().invoke(hcc, words)
    assert told.exit_code == 2 and "no reference labels-nothing" in told.output
