"""Ways to spoil an export after it was written: each changes the files of its folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hcc_assets_tests.faults.homes import (
    FIRST,
)

Change = Callable[[Path], None]


def edit(domain: str, change: Callable[[pd.DataFrame], pd.DataFrame | None]) -> Change:
    def apply(folder: Path) -> None:
        frame = pd.read_csv(folder / f"{domain}.csv", dtype=str, keep_default_na=False)
        changed = change(frame)
        (frame if changed is None else changed).to_csv(
            folder / f"{domain}.csv", index=False, lineterminator="\n"
        )

    return apply


def as_bytes(domain: str, change: Callable[[bytes], bytes]) -> Change:
    def apply(folder: Path) -> None:
        path = folder / f"{domain}.csv"
        path.write_bytes(change(path.read_bytes()))

    return apply


def put(domain: str, column: str, value: str, row: int = 0) -> Change:
    def change(frame: pd.DataFrame) -> None:
        frame.loc[row, column] = value

    return edit(domain, change)


def without_columns(*names: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda frame: frame.drop(columns=list(names))


def extra_delimiter(data: bytes) -> bytes:
    lines = data.split(b"\n")
    lines[2] += b","
    return b"\n".join(lines)


def gbk_as_latin(frame: pd.DataFrame) -> None:
    frame.loc[0, "AETERM"] = "高血压".encode("gb18030").decode("latin-1")


def fewer_subjects(folder: Path) -> None:
    for path in folder.glob("*.csv"):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        if len(frame):
            subjects = sorted(
                pd.read_csv(folder.parent / FIRST.isoformat() / "dm.csv", dtype=str)["USUBJID"]
            )
            frame[frame["USUBJID"] != subjects[0]].to_csv(path, index=False, lineterminator="\n")


def shorter(names: Iterable[str], keep: Iterable[str]) -> list[Any]:
    """Parameters of which only those to ``keep`` run by ``make test``; all run by
    ``make test-faults``."""
    kept = set(keep)
    every = list(names)
    assert kept <= set(every)
    return [pytest.param(n, marks=[] if n in kept else [pytest.mark.faults]) for n in every]
