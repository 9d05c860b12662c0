"""The same input gives the same bytes: rows and files in another order, other time zone, hash seed,
locale and number of threads."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.io import mmread

from hcc_assets_tests.faults.homes import FIRST, SETTINGS, Tables, clinical, deliver, hashes

CHILD = """
import sys
from pathlib import Path
from hcc_assets_tests.faults.homes import attempt_all, without_figures
with without_figures():
    attempt_all(Path(sys.argv[1]))
"""


def brought_up(root: Path, **environment: str) -> dict[str, str]:
    """Published tables of a home that another process brought up."""
    clean = {k: v for k, v in os.environ.items() if k not in ("DAGSTER_HOME", "HCC_HOME")}
    subprocess.run(
        [sys.executable, "-c", CHILD, str(root)],
        env=clean | environment,
        check=True,
        capture_output=True,
        timeout=900,
    )
    return hashes(root)


def home(folder: Path, tables: Tables) -> Path:
    folder.mkdir()
    (folder / "study.toml").write_text(SETTINGS)
    deliver(folder, tables, FIRST.isoformat())
    return folder


def test_clinical_bytes_do_not_depend_on_order_or_environment(place: Path) -> None:
    tables = clinical(FIRST)
    one = brought_up(
        home(place / "one", tables),
        TZ="UTC",
        PYTHONHASHSEED="1",
        LC_ALL="C.UTF-8",
        OMP_NUM_THREADS="1",
    )
    shuffled = {d: tables[d].sample(frac=1, random_state=7) for d in sorted(tables, reverse=True)}
    two = brought_up(
        home(place / "two", shuffled),
        TZ="Pacific/Kiritimati",
        PYTHONHASHSEED="4242",
        LC_ALL="C",
        OMP_NUM_THREADS="2",
    )
    assert set(one) == set(two)
    for name in (n.removesuffix(".parquet") for n in one if n.endswith(".parquet")):
        first, second = (
            pd.read_parquet(place / number / "published" / f"{name}.parquet")
            for number in ("one", "two")
        )
        if (
            "SRCROW" in first
        ):  # the row of the delivered file: the one column that is about the order of rows
            pd.testing.assert_frame_equal(
                first.drop(columns="SRCROW"), second.drop(columns="SRCROW"), check_exact=True
            )
        elif name == "data_issues":  # names rows of the delivered file
            for table in (first, second):
                for column in ("row_key", "message"):
                    table[column] = table[column].str.replace(r"row \d+", "row", regex=True)
            pd.testing.assert_frame_equal(first, second, check_exact=True)
        else:
            assert (
                one[f"{name}.parquet"] == two[f"{name}.parquet"]
                and one[f"{name}.csv"] == two[f"{name}.csv"]
            ), name


def shuffled(folder: Path, rng: np.random.Generator) -> None:
    """The same matrix with its barcodes, features and entries in another order."""
    with gzip.open(folder / "matrix.mtx.gz", "rb") as stream:
        matrix = mmread(stream).tocoo()
    genes, cells, entries = (rng.permutation(n) for n in (*matrix.shape, matrix.nnz))
    for name, order in (("features.tsv.gz", genes), ("barcodes.tsv.gz", cells)):
        lines = gzip.decompress((folder / name).read_bytes()).decode().splitlines()
        (folder / name).write_bytes(gzip.compress("".join(lines[i] + "\n" for i in order).encode()))
    row, column = np.argsort(genes)[matrix.row], np.argsort(cells)[matrix.col]
    lines = [f"{row[i] + 1} {column[i] + 1} {matrix.data[i]}\n" for i in entries]
    size = f"{matrix.shape[0]} {matrix.shape[1]} {matrix.nnz}"
    head = f"%%MatrixMarket matrix coordinate integer general\n%\n{size}\n"
    (folder / "matrix.mtx.gz").write_bytes(gzip.compress((head + "".join(lines)).encode()))


@pytest.fixture(scope="module")
def twice(scratch: Path) -> list[Path]:
    """One trial brought up twice: with 1 thread, and with 2, every matrix, the sheet and the
    clinical tables in another order, another time zone."""
    from hcc_assets.simulate.trial import simulate_trial

    first, second = scratch / "cells-1", scratch / "cells-2"
    simulate_trial(first, subjects=4, cells=200, seed=3)
    with (first / "study.toml").open("a") as handle:
        handle.write("\n[single_cell]\nmin_pairs = 2\nmin_cells_pseudobulk = 5\n")
    shutil.copytree(first, second)
    rng = np.random.default_rng(5)
    for folder in (second / "landing" / "matrices").iterdir():
        shuffled(folder, rng)
    for path in [
        second / "landing" / "samples.csv",
        *(second / "landing" / "clinical").rglob("*.csv"),
    ]:
        header, *lines = path.read_text().splitlines()
        path.write_text(
            "\n".join([header, *(lines[i] for i in rng.permutation(len(lines)))]) + "\n"
        )
    brought_up(first, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", PYTHONHASHSEED="1", TZ="UTC")
    brought_up(
        second,
        OMP_NUM_THREADS="2",
        OPENBLAS_NUM_THREADS="2",
        PYTHONHASHSEED="77",
        TZ="Asia/Shanghai",
    )
    return [first, second]


def both(twice: list[Path], name: str) -> list[pd.DataFrame]:
    return [pd.read_parquet(root / "published" / f"{name}.parquet") for root in twice]


@pytest.mark.faults
@pytest.mark.parametrize(
    "name",
    [
        "cells",
        "qc_summary",
        "compositions",
        "timepoint_compositions",
        "annotation_reference",
        "responses",
        "time_to_event",
    ],
)
def test_labels_counts_and_responses_do_not_depend_on_order_or_threads(
    twice: list[Path], name: str
) -> None:
    """Labels, counts and clinical tables to the last digit; what is a mean or a probability to 1e-9
    of it."""
    one, two = both(twice, name)
    assert len(one)
    exact = [c for c in one if one[c].dtype.kind != "f"]
    pd.testing.assert_frame_equal(one[exact], two[exact], check_exact=True)
    pd.testing.assert_frame_equal(
        one, two, check_exact=name in ("responses", "time_to_event"), rtol=1e-9
    )


@pytest.mark.faults
@pytest.mark.parametrize(
    "name",
    ["deg_tables", "related_genes", "gene_programs", "program_scores", "composition_changes"],
)
def test_differential_expression_is_the_same_within_tolerance(twice: list[Path], name: str) -> None:
    """Sums in another order differ in their last digits, and a fit carries that on: effects, errors
    and p-values agree to 1e-6."""
    one, two = both(twice, name)
    texts = [c for c in one if one[c].dtype.kind not in "f"]
    pd.testing.assert_frame_equal(one[texts], two[texts], check_exact=True)
    pd.testing.assert_frame_equal(one, two, rtol=1e-6, atol=1e-9)
    if name == "deg_tables":
        assert one["p_value"].notna().sum() > 50, "something was tested"
