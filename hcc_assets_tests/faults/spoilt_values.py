"""Deliveries with spoilt values, and what a home tells of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hcc_assets_tests.faults.homes import (
    SETTINGS,
    THIRD,
    Seen,
    Tables,
    deliver,
    quarantined,
    without_figures,
)

BringUp = Callable[[Path], Seen]


@dataclass(frozen=True)
class Spoilt:
    """One cell of a delivery as it was sent, and what must come of it: check, severity and words of
    its sentence."""

    domain: str
    column: str
    value: str
    check: str
    severity: str
    words: str


@dataclass(frozen=True)
class Brought:
    """A delivery, the row and subject of each spoilt cell, and what stands after the refresh;
    ``clean`` is the same delivery without the cells."""

    seen: Seen
    clean: Seen
    places: dict[str, tuple[int, str]]

    def row(self, table: str, name: str, *, clean: bool = False) -> dict[str, Any]:
        """The published row of a spoilt cell."""
        frame = (self.clean if clean else self.seen).table(table)
        number, subject = self.places[name]
        return frame[(frame["SRCROW"] == number) & (frame["USUBJID"] == subject)].iloc[0].to_dict()


def brought(root: Path, tables: Tables, bring_up: BringUp) -> Seen:
    root.mkdir(parents=True)
    (root / "study.toml").write_text(SETTINGS)
    deliver(root, tables, THIRD.isoformat())
    with pytest.MonkeyPatch.context() as patch, without_figures():
        for name in ("DAGSTER_HOME", "HCC_HOME"):
            patch.setenv(name, "")
            patch.delenv(name)
        return bring_up(root)


def texts(seen: Seen) -> str:
    """Everything that is told of a home: findings, reasons, status, alerts, the report and the
    query letters."""
    pages = [p.read_text() for p in (seen.root / "published").glob("*.html")]
    return "\n".join(
        [
            seen.table("data_issues").to_csv(),
            str(quarantined(seen.root)),
            str(seen.status),
            str(seen.alerts),
            str(seen.troubled),
            *pages,
        ]
    )


def finding(seen: Seen, check: str, domain: str, row: int) -> dict[str, Any]:
    issues = seen.table("data_issues")
    found = issues[(issues["check_id"] == check) & (issues["row_key"] == f"{domain} row {row}")]
    there = sorted(zip(issues["check_id"], issues["row_key"].astype(str), strict=True))
    assert len(found) == 1, f"{check} at {domain} row {row}: {there}"
    return dict(found.iloc[0])
