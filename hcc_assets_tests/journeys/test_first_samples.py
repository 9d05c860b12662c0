"""A reference without labels is made of the samples that were collected first; the others do not
keep it waiting, and come to the same in any order."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hcc_assets.cells import embedding as atlas
from hcc_assets.cells.reference import freezing as reference_freezing
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import Versions
from hcc_assets.simulate.trial import simulate_trial
from hcc_assets_tests.faults.homes import SETTINGS, hashes, key_of, run, sheet_rows, without_figures

STEPS = ("raw_counts", "qc_cells", "annotated_cells", "pseudobulk")


@pytest.fixture(scope="module")
def landing(scratch: Path) -> Path:
    """Some samples, in the sheet from the last to the first; two of them may teach a reference."""
    root = scratch / "first_samples"
    simulate_trial(root, subjects=4, cells=200, seed=3)
    shutil.rmtree(root / "landing" / "clinical")
    (root / "study.toml").write_text(SETTINGS + "\n[single_cell]\nreference_min_samples = 2\n")
    header, *rows = sheet_rows(root)
    (root / "landing" / "samples.csv").write_text("\n".join([header, *rows[3::-1]]) + "\n")
    return root


@pytest.fixture(autouse=True)
def few_seeds_and_no_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """UMAP compiles for long and is not what is asked."""
    monkeypatch.setattr(reference_freezing, "SEEDS_TO_FREEZE", 1)
    monkeypatch.setattr(atlas, "umap_layout", lambda components, _: components[:, :2])


def collected(root: Path) -> list[str]:
    rows = [
        dict(zip(sheet_rows(root)[0].split(","), row.split(","), strict=True))
        for row in sheet_rows(root)[1:]
    ]
    return [
        r["sample_id"] for r in sorted(rows, key=lambda r: (r["collection_date"], r["sample_id"]))
    ]


def runs_of(root: Path, sample: str) -> set[str]:
    key = key_of(root, sample)
    manifests = [Versions(Home.at(root)).require(asset, key) for asset in STEPS]
    return {str(m.run_id) for m in manifests}


@pytest.mark.slow
def test_the_reference_does_not_wait_for_samples_that_cannot_change_it(
    landing: Path, place: Path
) -> None:
    together, in_parts = place / "together", place / "parts"
    shutil.copytree(landing, together)
    shutil.copytree(landing, in_parts)
    order = collected(landing)
    with without_figures():
        run(together)
        header, *rows = sheet_rows(in_parts)
        sheet = in_parts / "landing" / "samples.csv"
        for number in (2, 4):
            sheet.write_text(
                "\n".join([header, *(r for r in rows if r.split(",")[0] in order[:number])]) + "\n"
            )
            run(in_parts)
    reference = Versions(Home.at(together)).require("annotation_reference")
    taught = int(str(reference.notes["samples_used"]))
    assert taught < len(order) and str(reference.notes["version"]).startswith("cohort-")
    assert [len(runs_of(together, s)) for s in order] == [2] * taught + [1] * (len(order) - taught)
    assert hashes(together) == hashes(in_parts)


@pytest.mark.slow
def test_a_provisional_reference_does_not_depend_on_when_samples_came(
    landing: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three samples the first two by collection teach it, in whatever order they came."""
    monkeypatch.setattr(reference_freezing, "SEEDS_TO_FREEZE", 10**6)
    monkeypatch.setattr(reference_freezing, "TEACHING_CELLS", 1)
    order = collected(landing)[:3]
    header, *rows = sheet_rows(landing)
    by_name = {row.split(",")[0]: row for row in rows}
    homes = {
        "together": [order],
        "in turn": [order[:1], order[:2], order],
        "last first": [order[2:], order[1:], order],
    }
    with without_figures():
        for name, steps in homes.items():
            shutil.copytree(landing, place / name)
            for step in steps:
                sheet = place / name / "landing" / "samples.csv"
                sheet.write_text("\n".join([header, *(by_name[s] for s in step)]) + "\n")
                run(place / name)
    reference = Versions(Home.at(place / "together")).require("annotation_reference")
    assert str(reference.notes["version"]).startswith("provisional-")
    assert reference.notes["samples_used"] == 2
    published = [
        {n: h for n, h in hashes(place / name).items() if not n.startswith("reference_changes")}
        for name in homes  # which calls were renewed is the one table that tells of the way
    ]
    assert published[0] == published[1] == published[2]
