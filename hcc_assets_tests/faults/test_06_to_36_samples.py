"""Bad samples beside good ones, fault by fault, in one refresh: each is refused with its reason,
none stops another, what stood stays."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from hcc_assets_tests.cells.matrices import toy, write_mex
from hcc_assets_tests.faults.broken_samples import BROKEN
from hcc_assets_tests.faults.homes import (
    Seen,
    add_row,
    attempt_all,
    copied,
    hashes,
    key_of,
    landing_bytes,
    quarantined,
    refresh,
    sheet_rows,
    standing_sample,
    without_figures,
)


@pytest.fixture(scope="module")
def refused(
    sample_base: Path, scratch: Path
) -> tuple[Seen, dict[str, str], dict[str, str], dict[str, str]]:
    """One refresh with every broken sample and one good new one; hashes before, landing before and
    after."""
    root = copied(sample_base, scratch / "broken-samples")
    before = hashes(root)
    for number, (name, (make, _)) in enumerate(BROKEN.items()):
        make(root / "landing" / "matrices" / name)
        if name != "f06-manifest":
            (root / "landing" / "matrices" / name / "_DONE").touch()
        add_row(root, f"{name},B-{number},pre,2025-01-02,matrices/{name},LIVER")
    add_row(root, "../evil,B-99,pre,2025-01-02,matrices/x,LIVER")
    add_row(root, "f36-path,B-98,pre,2025-01-02,../../etc,LIVER")
    add_row(root, "CON,B-97,pre,2025-01-02,matrices/x,LIVER")
    add_row(root, "ｆ24,B-96,pre,2025-01-02,matrices/x,LIVER")
    add_row(root, "f06-part,B-95,pre,2025-01-02,matrices/f06-part,LIVER")
    write_mex(root / "landing" / "matrices" / "f06-part", toy(120))
    (root / "landing" / "matrices" / "f06-part" / "barcodes.tsv.gz").unlink()
    pipe = root / "landing" / "matrices" / "f36-pipe" / "extra"
    landed = landing_bytes(root)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DAGSTER_HOME", "HCC_HOME"):
            patch.setenv(name, "")
            patch.delenv(name)
        with without_figures():
            seen = attempt_all(root)
    assert pipe.is_fifo()
    return seen, before, landed, landing_bytes(root)


@pytest.mark.parametrize("name", list(BROKEN))
def test_fault_06_to_36_refused_sample(
    refused: tuple[Seen, dict[str, str], dict[str, str], dict[str, str]], name: str
) -> None:
    seen = refused[0]
    reason = seen.troubled[("raw_counts", name)]
    assert f"matrices/{name}" in reason
    assert BROKEN[name][1] in reason
    kept = [q for q in quarantined(seen.root) if q["sample"] == name]
    assert kept and f"matrices/{name}" in kept[0]["reason"]
    alerts = seen.alert("raw_counts", name)
    assert [a.severity.value for a in alerts] == ["ERROR"]
    assert any(h["sample"] == name for h in seen.status["held"])
    key = key_of(seen.root, name)
    (folder,) = (seen.root / "quarantine" / "raw_counts" / key).iterdir()
    assert name not in (folder / "reason.json").read_text(), "people are named by keys"
    assert name not in (seen.root / "store" / "raw_counts" / key / "held.json").read_text()
    assert not any(node[1] == name for node in seen.changed), "nothing was computed from it"


def test_fault_06_to_36_good_samples_stay_published(
    refused: tuple[Seen, dict[str, str], dict[str, str], dict[str, str]],
) -> None:
    seen, before, landed, landed_after = refused
    assert landed == landed_after
    now = hashes(seen.root)
    for table in ("cells", "compositions", "qc_summary"):
        assert now[f"{table}.parquet"] == before[f"{table}.parquet"]
    assert len(set(seen.table("cells")["sample_id"])) == 2
    assert any("f06-part: waiting for barcodes.tsv" in text for text in seen.status["incomplete"])


def test_fault_36_names_and_paths_of_the_sheet(
    refused: tuple[Seen, dict[str, str], dict[str, str], dict[str, str]],
) -> None:
    seen = refused[0]
    problems = seen.status["sheet_problems"]
    assert len(problems) == 4
    assert all(p.startswith("samples.csv line ") for p in problems)
    assert not any("evil" in p or "etc" in p for p in problems)
    assert [s.severity.value for s in seen.alert("samples") if s.check == "rows_are_good"] == [
        "WARN"
    ]


@pytest.fixture
def root(sample_base: Path, place: Path) -> Path:
    return copied(sample_base, place / "home")


def test_fault_07_a_standing_sample_whose_new_delivery_is_bad_keeps_its_version(root: Path) -> None:
    before, sample = hashes(root), standing_sample(root)
    path = root / "landing" / "matrices" / sample / "matrix.mtx.gz"
    path.write_bytes(path.read_bytes()[:-100])
    seen = refresh(root)
    assert (
        "stays" in seen.troubled[("raw_counts", sample)]
        or "stays" in seen.alert("raw_counts", sample)[0].held_back
    )
    assert hashes(root) == before
    assert any(q["sample"] == sample for q in quarantined(root))
    held = [h for h in seen.status["held"] if h["sample"] == sample]
    assert held and held[0]["stands_since"]


def test_fault_06_a_standing_sample_whose_new_delivery_is_incomplete_keeps_its_version(
    root: Path,
) -> None:
    before, sample = hashes(root), standing_sample(root)
    (root / "landing" / "matrices" / sample / "barcodes.tsv.gz").unlink()
    seen = attempt_all(root)
    assert hashes(root) == before
    assert not seen.troubled
    assert seen.status["incomplete"]


def test_fault_06_a_delivery_that_is_still_being_copied_is_not_taken(root: Path) -> None:
    (root / "study.toml").write_text("[samples]\nsettle_seconds = 3600\n")
    before = hashes(root)
    write_mex(root / "landing" / "matrices" / "late", toy(150))
    add_row(root, "late,B-1,pre,2025-01-02,matrices/late,LIVER")
    seen = attempt_all(root)
    assert seen.status["settling"] == ["matrices/late"]
    assert "late" not in set(seen.table("samples")["sample_id"])
    assert hashes(root)["cells.parquet"] == before["cells.parquet"]


@pytest.mark.faults
def test_fault_19_changed_matrix_makes_what_rests_on_it_new(root: Path) -> None:
    before, sample = hashes(root), standing_sample(root)
    folder = root / "landing" / "matrices" / sample
    with gzip.open(folder / "matrix.mtx.gz", "rt") as stream:
        lines = stream.read().splitlines()
    gene, cell, value = lines[3].split()
    lines[3] = f"{gene} {cell} {int(value) + 7}"
    with gzip.open(folder / "matrix.mtx.gz", "wt") as stream:
        stream.write("\n".join(lines) + "\n")
    seen = attempt_all(root)
    assert not seen.troubled
    assert seen.changed[("raw_counts", sample)] == "new"
    other = next(s for s in (r.split(",")[0] for r in sheet_rows(root)[1:]) if s != sample)
    assert ("raw_counts", other) not in seen.changed, "the other sample is left alone"
    assert hashes(root)["qc_summary.parquet"] != before["qc_summary.parquet"]


@pytest.mark.faults
def test_fault_17_and_34_one_matrix_under_two_names_is_told(root: Path) -> None:
    sample = standing_sample(root)
    shutil.copytree(root / "landing" / "matrices" / sample, root / "landing" / "matrices" / "copy")
    add_row(root, "copy,OTHER-1,pre,2025-02-02,matrices/copy,LIVER")
    seen = attempt_all(root)
    suspicions = seen.table("identity_suspicions").astype(str)
    assert suspicions.apply(lambda row: "copy" in " ".join(row), axis=1).any()
    assert seen.alert("sample_identity") or seen.alert("identity_suspicions")
