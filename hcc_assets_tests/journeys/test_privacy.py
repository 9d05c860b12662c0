"""No identifier of a person in any byte of the home outside landing: canaries in every field of a
delivery, the whole home searched, unpacked."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from hcc_assets.privacy.traces import find_traces
from hcc_assets_tests.cells.matrices import toy, write_mex
from hcc_assets_tests.faults.homes import (
    FIRST,
    SETTINGS,
    attempt_all,
    clinical,
    deliver,
    refresh,
    without_figures,
)

NAME, PHONE, IDENTITY = "欧阳静怡", "13912345678", "11010519491231002X"
CANARIES = (NAME, PHONE, IDENTITY)
TABLES = re.compile(r"(published|store)/\S+\.(parquet|csv) |people\.json ")


def searched(root: Path) -> list[str]:
    """Places outside ``landing/`` that hold a canary."""
    aside = root.parent / f"{root.name}-landing"
    shutil.move(root / "landing", aside)
    try:
        found = find_traces(root, CANARIES, anywhere=True)
    finally:
        shutil.move(aside, root / "landing")
    assert found.files > 10
    return [f"{t.path} ({t.where})" for t in found.traces]


@pytest.fixture(scope="module")
def good() -> dict[str, pd.DataFrame]:
    return clinical(FIRST)


@pytest.mark.faults
@pytest.mark.parametrize("canary", CANARIES, ids=["name", "phone", "identity"])
def test_canaries_in_every_field_leave_no_trace(
    place: Path, good: dict[str, pd.DataFrame], canary: str
) -> None:
    """Each export has the canary in one column of every domain; they follow one another, so that
    every column has its turn."""
    root = place / "home"
    root.mkdir()
    (root / "study.toml").write_text(SETTINGS)
    deliver(root, good, FIRST.isoformat())
    width = max(len(f.columns) for f in good.values())
    with without_figures():
        refresh(root)
        for number in range(width):
            spoilt = {}
            for domain, frame in good.items():
                spoilt[domain] = frame.copy()
                if len(frame):
                    spoilt[domain].loc[
                        frame.index[-1], frame.columns[number % len(frame.columns)]
                    ] = canary
            deliver(root, spoilt, f"2025-08-{number + 2:02d}")
            if number % 6 == 5 or number == width - 1:
                attempt_all(root)
                for day in range(number + 1):
                    shutil.rmtree(
                        root / "landing" / "clinical" / f"2025-08-{day + 2:02d}", ignore_errors=True
                    )
        with (root / "landing" / "clinical" / FIRST.isoformat() / "ae.csv").open("a") as handle:
            handle.write(f"{canary},1,2,3\n")
        refresh(root)
    left = searched(root)
    if canary == NAME:
        # four letters in a verbatim term cannot be told from a symptom: the validated tables keep
        # them, nothing else may
        left = [p for p in left if not TABLES.match(p)]
    assert left == []


def test_canaries_in_sheet_and_file_names_leave_no_trace(place: Path) -> None:
    root = place / "home"
    matrices = root / "landing" / "matrices"
    write_mex(matrices / "A", toy(120))
    header = "sample_id,subject_id,timepoint,collection_date,path,tissue\n"
    rows = [
        f"{NAME},S1,pre,2025-01-02,matrices/A,LIVER",
        f"A,{NAME},pre,2025-01-02,matrices/A,LIVER",
        f"A,S1,{NAME},2025-01-02,matrices/A,LIVER",
        f"A,S1,pre,{PHONE},matrices/A,LIVER",
        f"A,S1,pre,2025-01-02,../{PHONE},LIVER",
        f"B,S1,pre,2025-01-02,matrices/B,LIVER,{IDENTITY}",
    ]
    (root / "landing" / "samples.csv").write_text(header + "\n".join(rows) + "\n", encoding="utf-8")
    (root / "study.toml").write_text(SETTINGS)
    folder = deliver(root, clinical(FIRST), f"{NAME}-{PHONE}")
    (folder / f"{NAME}.csv").write_text("x\n1\n", encoding="utf-8")
    folder = deliver(root, clinical(FIRST), FIRST.isoformat())
    (folder / f"{IDENTITY} {NAME}.csv").write_text("x\n1\n", encoding="utf-8")
    with without_figures():
        refresh(root)
    assert searched(root) == []
