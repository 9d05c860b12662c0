"""Samples of subjects who withdraw, and what a home still says of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from hcc_assets.privacy.traces import find_traces
from hcc_assets_tests.faults.homes import (
    FIRST,
    Seen,
    clinical,
)

HEADER = "sample_id,subject_id,timepoint,collection_date,path,tissue\n"


def people() -> list[str]:
    return sorted(clinical(FIRST)["dm"]["USUBJID"])


def sample_row(sample: str, subject: str, folder: str) -> str:
    return f"{sample},{subject},pre,2025-07-01,matrices/{folder},LIVER\n"


def named(root: Path, *names: str) -> list[str]:
    """Files of the home that name somebody, outside landing, the people table and the operator's
    own record."""
    found = find_traces(root, names, others=people())
    return sorted(
        {
            t.path
            for t in found.traces
            if not t.path.startswith("landing/")
            and t.path not in ("withdrawals.csv", "people.json")
        }
    )


def subjects_of(root: Path, table: str) -> set[str]:
    return set(pd.read_parquet(root / "published" / f"{table}.parquet")["USUBJID"])


def standing(seen: Seen) -> int:
    return int(seen.status["samples"]["standing"])
