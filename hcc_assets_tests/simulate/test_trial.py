"""A simulated trial on disk: the layout of the contract, the same bytes from a seed, and arrivals
in order of time."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.io import mmread

from hcc_assets.simulate.matrices import write_mex
from hcc_assets.simulate.sdtm import COLUMNS
from hcc_assets.simulate.trial import simulate_trial
from hcc_assets.study.config import parse_config


def digests(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    simulate_trial(folder, subjects=3, cells=60, seed=3)
    return folder


def test_layout_and_truth(home: Path) -> None:
    sheet = pd.read_csv(home / "landing" / "samples.csv")
    assert {"sample_id", "subject_id", "timepoint", "collection_date", "path"} <= set(
        sheet.columns
    ) and len(sheet) >= 2
    for row in sheet.itertuples():
        folder = home / "landing" / row.path
        assert {p.name for p in folder.iterdir()} == {
            "matrix.mtx.gz",
            "barcodes.tsv.gz",
            "features.tsv.gz",
            "_DONE",
        }
        counts = sp.csr_matrix(mmread(folder / "matrix.mtx.gz")).T
        barcodes = gzip.decompress((folder / "barcodes.tsv.gz").read_bytes()).decode().split()
        features = [
            line.split("\t")
            for line in gzip.decompress((folder / "features.tsv.gz").read_bytes())
            .decode()
            .splitlines()
        ]
        truth = pd.read_parquet(home / "truth" / "cells" / f"{row.sample_id}.parquet")
        assert counts.shape == (60, len(features)) and barcodes == truth["barcode"].tolist()
        assert (np.asarray(counts.sum(axis=1)).ravel() == truth["n_umi"].to_numpy()).all()
        assert features[0][0].startswith("ENSG") and features[0][2] == "Gene Expression"
    export = home / "landing" / "clinical" / "2026-05-01"
    assert {p.name for p in export.iterdir()} == {*(f"{d}.csv" for d in COLUMNS), "_DONE"}
    assert not {"truth", "trial.json"} & {p.name for p in (home / "landing").rglob("*")}


def test_pre_is_on_or_before_the_first_dose_and_post_after_it(home: Path) -> None:
    sheet = pd.read_csv(home / "landing" / "samples.csv")
    doses = pd.read_csv(home / "landing" / "clinical" / "2026-05-01" / "ex.csv")
    first = doses[doses["EXDOSE"] > 0].groupby("USUBJID")["EXSTDTC"].min()
    for row in sheet.itertuples():
        assert (row.collection_date <= first[row.subject_id]) == (row.timepoint == "pre")


def test_the_study_file_is_one_that_the_study_reads(home: Path) -> None:
    config = parse_config((home / "study.toml").read_text(encoding="utf-8"))
    assert "PROTEINURIA" in config.safety.aesi


def test_a_seed_gives_the_same_bytes_and_reports_progress(home: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    simulate_trial(tmp_path, subjects=3, cells=60, seed=3, progress=lambda *step: seen.append(step))
    assert digests(home) == digests(tmp_path)
    assert [d for d, _, _ in seen] == sorted(d for d, _, _ in seen) and seen[-1][0] == seen[-1][
        1
    ] == len(seen) - 1


def test_deliveries_come_in_order_of_time(home: Path, tmp_path: Path) -> None:
    sheet = pd.read_csv(home / "landing" / "samples.csv")
    half = dt.date.fromisoformat(sheet["collection_date"].iloc[0]) + dt.timedelta(days=14)
    summary = simulate_trial(tmp_path, subjects=3, cells=60, seed=3, until=half)
    assert 1 <= summary.samples < len(sheet)
    simulate_trial(tmp_path, subjects=3, cells=60, seed=3)
    exports = sorted(p.name for p in (tmp_path / "landing" / "clinical").iterdir())
    assert exports == [half.isoformat(), "2026-05-01"]
    final, whole = digests(tmp_path), digests(home)
    assert {k: v for k, v in final.items() if half.isoformat() not in k} == whole


def test_another_trial_is_not_written_over_this_one(home: Path) -> None:
    with pytest.raises(FileExistsError, match="another simulated trial"):
        simulate_trial(home, subjects=3, cells=60, seed=4)


def test_raw_matrices_hold_the_filtered_barcodes(tmp_path: Path) -> None:
    simulate_trial(tmp_path, subjects=1, cells=40, seed=1, empty_droplets=50)
    sample = next((tmp_path / "landing" / "matrices").iterdir())
    names = {
        kind: gzip.decompress(
            (sample / f"{kind}_feature_bc_matrix" / "barcodes.tsv.gz").read_bytes()
        )
        .decode()
        .split()
        for kind in ("raw", "filtered")
    }
    assert (
        set(names["filtered"]) < set(names["raw"])
        and len(names["raw"]) == 90
        and names["raw"] == sorted(names["raw"])
    )


def test_an_empty_matrix_can_be_written(tmp_path: Path) -> None:
    genes = pd.DataFrame({"gene_id": ["ENSG00000136997"], "gene": ["MYC"]})
    write_mex(
        tmp_path, sp.csr_matrix((1, 1), dtype=np.int32), np.array(["AAAC-1"], dtype=object), genes
    )
    assert mmread(tmp_path / "matrix.mtx.gz").nnz == 0
