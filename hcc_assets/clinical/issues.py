"""Rows of ``data_issues``: how a finding is written down.

The rules that find something are in ``reading`` and in ``checks``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import pandas as pd

from hcc_assets.schemas.base import conform
from hcc_assets.schemas.clinical import DataIssues

COLUMNS = ["check_id", "severity", "domain", "subject_id", "row_key", "message"]
_ROWS = re.compile(r"rows? ([\d, ]+)")


def where(domain: str, rows: Sequence[int]) -> str:
    """Place of a finding: ``ae row 12`` or ``tr rows 3, 4``."""
    return (
        f"{domain.lower()} {'row' if len(rows) == 1 else 'rows'} "
        f"{', '.join(str(int(r)) for r in rows)}"
    )


def rows_of(row_key: str | None) -> list[int]:
    """Row numbers that a ``row_key`` names."""
    match = _ROWS.search(row_key or "")
    return [int(part) for part in match[1].split(",") if part.strip()] if match else []


class IssueLog:
    """Collects findings and gives them as one sorted ``DataIssues`` frame."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, str, str | None, str | None, str]] = []

    def add(
        self,
        check_id: str,
        severity: str,
        domain: str,
        text: str,
        *,
        subject: str | None = None,
        rows: Sequence[int] = (),
    ) -> None:
        """One finding.

        Parameters
        ----------
        check_id, severity, domain
            As in ``DataIssues``; the domain in either case.
        text
            What is wrong and what to do; the row is put in front of it here. Never a value.
        subject
            Subject id, where the finding has one.
        rows
            Row numbers in the delivered file, where it has some.
        """
        place = where(domain, rows) if len(rows) else None
        self._rows.append(
            (
                check_id,
                severity,
                domain.upper(),
                subject,
                place,
                f"{place or domain.lower()}: {text}",
            )
        )

    def add_rows(
        self, check_id: str, severity: str, domain: str, text: str, frame: pd.DataFrame
    ) -> None:
        """One finding per row of a frame with ``USUBJID`` and ``SRCROW``."""
        for subject, row in zip(frame["USUBJID"], frame["SRCROW"], strict=True):
            self.add(check_id, severity, domain, text, subject=subject, rows=[int(row)])

    def extend(self, other: IssueLog) -> None:
        """Take over the findings of another log."""
        self._rows.extend(other._rows)

    def frame(self) -> pd.DataFrame:
        """All findings so far."""
        return finish([pd.DataFrame(self._rows, columns=COLUMNS)])


def finish(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Join issue frames, drop exact repeats, sort by domain, check, subject and row."""
    parts = [part for part in parts if len(part)]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)
    frame = frame.drop_duplicates()
    first_row = frame["row_key"].map(lambda key: next(iter(rows_of(key)), 0)).astype("int64")
    order = frame.assign(_subject=frame["subject_id"].fillna(""), _row=first_row)
    frame = order.sort_values(["domain", "check_id", "_subject", "_row", "message"], kind="stable")[
        COLUMNS
    ]
    return conform(DataIssues, frame)
