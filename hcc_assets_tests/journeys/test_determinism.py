"""The same input gives the same bytes: rows and files in another order, other time zone, hash seed, locale and number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

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
    subprocess.run([sys.executable, "-c", CHILD, str(root)], env=clean | environment, check=True, capture_output=True, timeout=250)
    return hashes(root)


def home(folder: Path, tables: Tables) -> Path:
    folder.mkdir()
    (folder / "study.toml").write_text(SETTINGS)
    deliver(folder, tables, FIRST.isoformat())
    return folder


def test_clinical_bytes_do_not_depend_on_order_or_environment(place: Path) -> None:
    tables = clinical(FIRST)
    one = brought_up(home(place / "one", tables), TZ="UTC", PYTHONHASHSEED="1", LC_ALL="C.UTF-8", OMP_NUM_THREADS="1")
    shuffled = {d: tables[d].sample(frac=1, random_state=7) for d in sorted(tables, reverse=True)}
    two = brought_up(home(place / "two", shuffled), TZ="Pacific/Kiritimati", PYTHONHASHSEED="4242", LC_ALL="C", OMP_NUM_THREADS="2")
    assert set(one) == set(two)
    for name in (n.removesuffix(".parquet") for n in one if n.endswith(".parquet")):
        first, second = (pd.read_parquet(place / number / "published" / f"{name}.parquet") for number in ("one", "two"))
        if "SRCROW" in first:  # the row of the delivered file: the one column that is about the order of rows
            pd.testing.assert_frame_equal(first.drop(columns="SRCROW"), second.drop(columns="SRCROW"), check_exact=True)
        else:
            assert one[f"{name}.parquet"] == two[f"{name}.parquet"] and one[f"{name}.csv"] == two[f"{name}.csv"], name


@pytest.mark.faults
def test_cell_labels_and_counts_do_not_depend_on_order_or_threads(sample_trial: Path, place: Path) -> None:
    import shutil

    homes = []
    for number, threads in enumerate(("1", "2")):
        root = place / f"cells{number}"
        shutil.copytree(sample_trial, root)
        sheet = root / "landing" / "samples.csv"
        lines = sheet.read_text().splitlines()
        if number:
            sheet.write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
        brought_up(root, OMP_NUM_THREADS=threads, PYTHONHASHSEED=threads, TZ="Asia/Shanghai" if number else "UTC")
        homes.append(root)
    for name in ("cells", "compositions", "qc_summary", "subjects", "responses"):
        one, two = (pd.read_parquet(root / "published" / f"{name}.parquet") for root in homes)
        pd.testing.assert_frame_equal(one, two, check_exact=name in ("subjects", "responses"), rtol=1e-9)


@pytest.fixture
def sample_trial(place: Path) -> Path:
    from hcc_assets.simulate.trial import simulate_trial

    simulate_trial(place / "trial", subjects=2, cells=200, seed=3)
    return place / "trial"
