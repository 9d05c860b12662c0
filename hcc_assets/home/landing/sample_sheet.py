"""``samples.csv``: its rows, which of them can be taken, and which of the earlier ones stay.

Matrices and their files are in `deliveries`.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from hcc_assets.study.config import StudyConfig

SAMPLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_WINDOWS_NAMES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_REQUIRED = ("sample_id", "subject_id", "timepoint", "collection_date", "path")
_OPTIONAL = ("lesion_id", "tissue", "chemistry", "sequencing_run", "genome", "operator")


@dataclass(frozen=True)
class SampleRow:
    """One row of ``samples.csv``, validated."""

    sample_id: str
    subject_id: str
    timepoint: str
    collection_date: str | None
    path: str
    lesion_id: str | None = None
    tissue: str | None = None
    chemistry: str | None = None
    sequencing_run: str | None = None
    genome: str | None = None
    operator: str | None = None


@dataclass
class SampleSheet:
    """``samples.csv``: good rows by sample, and what was refused with file, row and rule.

    Attributes
    ----------
    doubtful
        Sample ids that stand in refused rows, as they could be read: the rows that stood before
        stay for them.
    kept
        Samples whose earlier row stays because today's cannot be taken.
    lines
        Line of each row that was read.
    erased
        Lines that name an erased subject or sample; such a row is as if it were not there.
    settling
        Why the file is not yet believed where it leaves samples out; empty when it is.
    """

    rows: dict[str, SampleRow] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    refused: str = ""
    doubtful: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    lines: dict[str, int] = field(default_factory=dict)
    erased: list[int] = field(default_factory=list)
    settling: str = ""


def read_sample_sheet(data: bytes, config: StudyConfig) -> SampleSheet:
    """Judge ``samples.csv`` row by row; one bad row never stops the others."""
    sheet = SampleSheet()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        sheet.refused = "samples.csv is not UTF-8 text; save it as CSV UTF-8"
        return sheet
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error:
        sheet.refused = "samples.csv is not a CSV file: a quote that does not end, or a NUL"
        return sheet
    header = [h.strip() for h in rows[0]] if rows else []
    missing = [c for c in _REQUIRED if c not in header]
    if missing:
        sheet.refused = (
            f"samples.csv has no column {', '.join(missing)}; its columns are "
            f"{', '.join((*_REQUIRED, *_OPTIONAL))}"
        )
        return sheet
    seen: dict[str, int] = {}
    for number, cells in enumerate(rows[1:], start=2):
        if not any(c.strip() for c in cells):
            continue
        problem, row = _judge_row(cells, header, config)
        where = f"samples.csv line {number}"
        if row is None:
            sheet.problems.append((where, problem))
            sheet.doubtful.add(_readable_id(cells, header))
        elif row.sample_id.casefold() in seen:
            other = seen[row.sample_id.casefold()]
            sheet.problems.append(
                (
                    where,
                    f"sample_id is already on line {other} (upper and lower case count as "
                    "the same); neither row is taken",
                )
            )
            sheet.rows = {
                k: v for k, v in sheet.rows.items() if k.casefold() != row.sample_id.casefold()
            }
            sheet.doubtful.add(row.sample_id.casefold())
        else:
            seen[row.sample_id.casefold()] = sheet.lines[row.sample_id] = number
            sheet.rows[row.sample_id] = row
    return sheet


def _readable_id(cells: list[str], header: list[str]) -> str:
    at = header.index("sample_id")
    return cells[at].strip().casefold() if at < len(cells) else ""


def leave_out_erased(
    sheet: SampleSheet, erased: Callable[[Collection[str]], Collection[str]]
) -> None:
    """Take the rows of erased subjects out of the sheet, before anything of theirs is looked at;
    only their lines are kept.

    Parameters
    ----------
    erased
        Those of the given names that were erased.
    """
    gone = set(erased({n for r in sheet.rows.values() for n in (r.sample_id, r.subject_id)}))
    for name, row in list(sheet.rows.items()):
        if row.sample_id in gone or row.subject_id in gone:
            del sheet.rows[name]
            sheet.erased.append(sheet.lines[name])


def keep_standing(
    sheet: SampleSheet, standing: Mapping[str, SampleRow], config: StudyConfig, *, age: float = 1e9
) -> None:
    """Let the rows that stood before stay where today's sheet says nothing that can be taken; a row
    that was taken out of the sheet does not stay.

    Parameters
    ----------
    standing
        Rows of the samples that stand.
    age
        Seconds since the sheet changed: one that leaves samples out is believed when it has
        settled, since it may be a copy on its way.
    """
    known = {name.casefold() for name in sheet.rows}
    absent = {
        s: row
        for s, row in standing.items()
        if s.casefold() not in known and row.timepoint in config.samples.timepoints
    }
    lost = {s for s in absent if s.casefold() not in sheet.doubtful}
    if standing and not sheet.refused and lost == set(standing):
        sheet.refused = (
            f"samples.csv names none of the {len(standing)} samples that stand; send the whole "
            "sheet"
        )
    elif lost and not sheet.refused and 0 <= age < config.samples.settle_seconds:
        sheet.settling = (
            f"changed {age:.0f} s ago and leaves out {len(lost)} samples; believed when "
            f"unchanged for {config.samples.settle_seconds:g} s"
        )
    every = bool(sheet.refused or sheet.settling)
    sheet.kept = {s for s in absent if every or s.casefold() in sheet.doubtful}
    sheet.rows = sheet.rows | {s: standing[s] for s in sorted(sheet.kept)}


def _judge_row(
    cells: list[str], header: list[str], config: StudyConfig
) -> tuple[str, SampleRow | None]:
    if len(cells) != len(header):
        return (
            f"has {len(cells)} fields where the header has {len(header)}; look for a stray comma",
            None,
        )
    values = {h: c.strip() or None for h, c in zip(header, cells, strict=True)}
    for name in ("sample_id", "subject_id"):
        value = values[name] or ""
        if (
            not SAMPLE_ID.fullmatch(value)
            or _WINDOWS_NAMES.fullmatch(value)
            or value.endswith(".")
            or ".." in value
        ):
            return (
                f"{name} must start with a letter or digit and hold only letters, digits, "
                "dot, underscore and minus (at most 64)",
                None,
            )
    if values["timepoint"] not in config.samples.timepoints:
        return f"timepoint is not one of {', '.join(config.samples.timepoints)}", None
    if values["collection_date"] and not _is_date(values["collection_date"]):
        return "collection_date is not a date as YYYY-MM-DD", None
    path = values["path"] or ""
    parts = PurePosixPath(path).parts
    if (
        not path
        or "\\" in path
        or ":" in path
        or PurePosixPath(path).is_absolute()
        or ".." in parts
    ):
        return "path must be relative to landing/, with forward slashes and without '..'", None
    given = {name: values.get(name) for name in (*_REQUIRED, *_OPTIONAL)}
    return "", SampleRow(**given)  # type: ignore[arg-type]


def _is_date(text: str) -> bool:
    try:
        return bool(dt.date.fromisoformat(text)) and len(text) == 10
    except ValueError:
        return False
