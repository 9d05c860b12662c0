"""Bad samples beside good ones, fault by fault, in one refresh: each is refused with its reason, none stops another, what stood stays."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy import sparse

from hcc_assets_tests.cells.matrices import mtx_text, toy, write_h5, write_mex
from hcc_assets_tests.faults.homes import Seen, attempt_all, copied, hashes, landing_bytes, look, quarantined, refresh

HEADER = "sample_id,subject_id,timepoint,collection_date,path,tissue\n"
Break = Callable[[Path], Path]


def _mex(**more: object) -> Break:
    return lambda folder: write_mex(folder, toy(120), **more)  # type: ignore[arg-type]


def _truncated(folder: Path) -> Path:
    write_mex(folder, toy(120))
    path = folder / "matrix.mtx.gz"
    path.write_bytes(path.read_bytes()[:-400])
    return folder


def _truncated_h5(folder: Path) -> Path:
    folder.mkdir(parents=True)
    path = write_h5(folder / "counts.h5", toy(120))
    path.write_bytes(path.read_bytes()[:-2000])
    return folder


def _values(change: Callable[[np.ndarray], np.ndarray], field: str = "real") -> Break:
    def make(folder: Path) -> Path:
        counts = sparse.csr_matrix(toy(120).X).astype(float)
        counts.data = change(counts.data)
        return write_mex(folder, toy(120), matrix=mtx_text(counts, field=field))

    return make


def _mouse(folder: Path) -> Path:
    a = toy(120)
    a.var["gene_id"] = [f"ENSMUSG{i:011d}" for i in range(a.n_vars)]
    a.var["gene"] = [g.capitalize() for g in a.var["gene"]]
    return write_mex(folder, a)


def _external_link(folder: Path) -> Path:
    folder.mkdir(parents=True)
    path = write_h5(folder / "counts.h5", toy(120))
    with h5py.File(path, "a") as file:
        del file["matrix/data"]
        file["matrix/data"] = h5py.ExternalLink("/etc/hostname", "/x")
    return folder


def _bomb(folder: Path) -> Path:
    write_mex(folder, toy(120))
    with gzip.open(folder / "barcodes.tsv.gz", "wb") as stream:
        for _ in range(300):
            stream.write(b"A" * 1_000_000)
    return folder


def _lying_header(folder: Path) -> Path:
    text = mtx_text(toy(120).X).split("\n")
    text[2] = "60 120 4000000000"
    return write_mex(folder, toy(120), matrix="\n".join(text))


def _mixed_versions(folder: Path) -> Path:
    write_mex(folder, toy(120))
    (folder / "genes.tsv").write_text("ENSG00000000003\tTSPAN6\n")
    return folder


def _fewer_barcodes(folder: Path) -> Path:
    a = toy(120)
    return write_mex(folder, a, barcodes="".join(b + "\n" for b in a.obs_names[:-3]))


def _link_out(folder: Path) -> Path:
    write_mex(folder, toy(120))
    (folder / "readme.txt").symlink_to("/etc/hostname")
    return folder


def _pipe(folder: Path) -> Path:
    write_mex(folder, toy(120))
    os.mkfifo(folder / "extra")
    return folder


def _wrong_manifest(folder: Path) -> Path:
    write_mex(folder, toy(120))
    (folder / "manifest.sha256").write_text(f"{hashlib.sha256(b'').hexdigest()}  matrix.mtx.gz\n")
    return folder


BROKEN: dict[str, tuple[Break, str]] = {
    "f06-manifest": (_wrong_manifest, "line 1"),
    "f07-gz": (_truncated, "matrix.mtx.gz"),
    "f07-h5": (_truncated_h5, "counts.h5"),
    "f30-log": (_values(np.log1p), ""),
    "f30-negative": (_values(lambda v: -v), ""),
    "f30-nan": (_values(lambda v: np.where(np.arange(len(v)) == 5, np.nan, v)), ""),
    "f31-barcodes": (_fewer_barcodes, ""),
    "f31-mixed": (_mixed_versions, ""),
    "f32-mouse": (_mouse, ""),
    "f33-empty": (lambda folder: write_mex(folder, toy(120)[:0]), ""),
    "f35-link": (_external_link, ""),
    "f35-bomb": (_bomb, ""),
    "f35-header": (_lying_header, ""),
    "f36-symlink": (_link_out, "link"),
    "f36-pipe": (_pipe, "no file"),
}


def sheet_rows(root: Path) -> list[str]:
    return (root / "landing" / "samples.csv").read_text().splitlines()


def add_row(root: Path, row: str) -> None:
    """Append a row whose first five fields and tissue are given; the other columns stay empty."""
    header = sheet_rows(root)[0].split(",")
    given = dict(zip(HEADER.strip().split(","), row.split(","), strict=True))
    with (root / "landing" / "samples.csv").open("a") as handle:
        handle.write(",".join(given.get(name, "") for name in header) + "\n")


@pytest.fixture(scope="module")
def refused(sample_base: Path, scratch: Path) -> tuple[Seen, dict[str, str], dict[str, str], dict[str, str]]:
    """One refresh with every broken sample and one good new one; hashes before, landing before and after."""
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
        from hcc_assets_tests.faults.homes import without_figures

        with without_figures():
            seen = attempt_all(root)
    assert pipe.is_fifo()
    return seen, before, landed, landing_bytes(root)


@pytest.mark.parametrize("name", list(BROKEN))
def test_fault_06_to_36_refused_sample(refused: tuple[Seen, dict[str, str], dict[str, str], dict[str, str]], name: str) -> None:
    seen = refused[0]
    reason = seen.troubled[("raw_counts", name)]
    assert f"matrices/{name}" in reason
    assert BROKEN[name][1] in reason
    kept = [q for q in quarantined(seen.root) if q["sample"] == name]
    assert kept and f"matrices/{name}" in kept[0]["reason"]
    alerts = seen.alert("raw_counts", name)
    assert [a.severity.value for a in alerts] == ["ERROR"]
    assert any(h["sample"] == name for h in seen.status["held"])
    assert not any(node[1] == name for node in seen.changed), "nothing was computed from it"


def test_fault_06_to_36_good_samples_stay_published(refused: tuple[Seen, dict[str, str], dict[str, str], dict[str, str]]) -> None:
    seen, before, landed, landed_after = refused
    assert landed == landed_after
    now = hashes(seen.root)
    for table in ("cells", "compositions", "qc_summary"):
        assert now[f"{table}.parquet"] == before[f"{table}.parquet"]
    assert len(set(seen.table("cells")["sample_id"])) == 2
    assert any("f06-part: waiting for barcodes.tsv" in text for text in seen.status["incomplete"])


def test_fault_36_names_and_paths_of_the_sheet(refused: tuple[Seen, dict[str, str], dict[str, str], dict[str, str]]) -> None:
    seen = refused[0]
    problems = seen.status["sheet_problems"]
    assert len(problems) == 4
    assert all(p.startswith("samples.csv line ") for p in problems)
    assert not any("evil" in p or "etc" in p for p in problems)
    assert [s.severity.value for s in seen.alert("samples") if s.check == "rows_are_good"] == ["WARN"]


@pytest.fixture
def root(sample_base: Path, place: Path) -> Path:
    return copied(sample_base, place / "home")


def standing_sample(root: Path) -> str:
    return sheet_rows(root)[1].split(",")[0]


def test_fault_07_a_standing_sample_whose_new_delivery_is_bad_keeps_its_version(root: Path) -> None:
    before, sample = hashes(root), standing_sample(root)
    path = root / "landing" / "matrices" / sample / "matrix.mtx.gz"
    path.write_bytes(path.read_bytes()[:-100])
    seen = refresh(root)
    assert "stays" in seen.troubled[("raw_counts", sample)] or "stays" in seen.alert("raw_counts", sample)[0].held_back
    assert hashes(root) == before
    assert any(q["sample"] == sample for q in quarantined(root))
    held = [h for h in seen.status["held"] if h["sample"] == sample]
    assert held and held[0]["stands_since"]


def test_fault_06_a_standing_sample_whose_new_delivery_is_incomplete_keeps_its_version(root: Path) -> None:
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


@pytest.mark.parametrize("damage", ["cut", "binary", "header", "gone", "bad_row", "twice", "folder"])
def test_fault_26_a_damaged_sheet_takes_no_sample_away(root: Path, damage: str) -> None:
    before = hashes(root)
    sheet = root / "landing" / "samples.csv"
    lines = sheet.read_text().splitlines(keepends=True)
    sample = standing_sample(root)
    if damage == "cut":
        sheet.write_text("".join(lines[:2]) + lines[2][:30])
    elif damage == "binary":
        sheet.write_bytes("样本,受试者\n".encode("gb18030"))
    elif damage == "header":
        sheet.write_text(lines[0])
    elif damage == "gone":
        sheet.unlink()
    elif damage == "bad_row":
        sheet.write_text(lines[0] + lines[1].replace(",pre,", ",during,").replace(",post,", ",after,") + lines[2])
    elif damage == "twice":
        sheet.write_text("".join(lines) + lines[1].replace(sample, sample.lower()))
    else:
        sheet.unlink()
        sheet.mkdir()
    seen = attempt_all(root)
    now = hashes(root)
    for table in ("cells", "compositions", "qc_summary", "samples"):
        assert now[f"{table}.parquet"] == before[f"{table}.parquet"]
    assert seen.alert("samples")
    assert seen.status["sheet_problems"]


def test_fault_05_a_row_taken_out_of_the_sheet_is_told(root: Path) -> None:
    sheet = root / "landing" / "samples.csv"
    lines = sheet.read_text().splitlines(keepends=True)
    gone = lines.pop(1).split(",")[0]
    sheet.write_text("".join(lines))
    seen = attempt_all(root)
    assert gone not in set(seen.table("cells")["sample_id"])
    told = [s for s in seen.alert("samples") if s.check == "no_sample_lost"]
    assert told and told[0].n_affected == 1
    assert any(gone in c["description"] for c in seen.status["failing_checks"])


def test_fault_05_a_sheet_on_its_way_takes_no_sample_away(root: Path) -> None:
    """A row is missing and the file changed a moment ago: it may be a copy that is not finished."""
    before = hashes(root)
    settings = (root / "study.toml").read_text().replace("settle_seconds = 0", "settle_seconds = 3600")
    (root / "study.toml").write_text(settings)
    sheet = root / "landing" / "samples.csv"
    lines = sheet.read_text().splitlines(keepends=True)
    sheet.write_text("".join(lines[:-1]))
    seen = look(root)
    assert seen.status["settling"] == ["samples.csv"]
    attempt_all(root)
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


def test_fault_19_subject_moved_between_rows(root: Path) -> None:
    sheet = root / "landing" / "samples.csv"
    sample, subject = sheet_rows(root)[1].split(",")[:2]
    sheet.write_text(sheet.read_text().replace(f"{sample},{subject},", f"{sample},OTHER-1,"))
    seen = attempt_all(root)
    cells = seen.table("cells")
    assert set(cells.loc[cells["sample_id"] == sample, "subject_id"]) == {"OTHER-1"}
    assert ("raw_counts", sample) not in seen.changed, "no cell is touched"


@pytest.mark.faults
def test_fault_17_and_34_one_matrix_under_two_names_is_told(root: Path) -> None:
    sample = standing_sample(root)
    shutil.copytree(root / "landing" / "matrices" / sample, root / "landing" / "matrices" / "copy")
    add_row(root, "copy,OTHER-1,pre,2025-02-02,matrices/copy,LIVER")
    seen = attempt_all(root)
    suspicions = seen.table("identity_suspicions").astype(str)
    assert suspicions.apply(lambda row: "copy" in " ".join(row), axis=1).any()
    assert seen.alert("sample_identity") or seen.alert("identity_suspicions")
