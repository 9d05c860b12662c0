"""What lies in ``landing/``: deliveries, whether they are complete and settled, and what they hash
to. Nothing is parsed here beyond ``samples.csv``.

The platform never changes a byte below ``landing/``. A file is hashed once: the index in the store
remembers size and time stamp of what was hashed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from upath import UPath

from hcc_assets.home import objects
from hcc_assets.home.landing.delivered_files import (
    CONTROL_FILES,
    LandedFile,
    LandingIndex,
    archived,
    leaves,
    list_files,
    matrix_names,
    safe_name,
)
from hcc_assets.home.landing.entries import annotation_entries, entries, is_export, misplaced
from hcc_assets.home.landing.sample_sheet import (
    SAMPLE_ID,
    SampleRow,
    SampleSheet,
    keep_standing,
    leave_out_erased,
    read_sample_sheet,
)
from hcc_assets.home.landing.settling import CANNOT_READ, State, judge_files, rested
from hcc_assets.home.paths import Home, is_local
from hcc_assets.study.config import StudyConfig

LEAVES = "path leaves landing/ through a link"
ARCHIVED = (
    "holds an archive and no matrix; archives are not opened: send matrix, barcodes and features "
    "(or the .h5, .h5ad) themselves"
)


@dataclass(frozen=True)
class Delivery:
    """A matrix folder, matrix file, clinical export, reference or annotation file, with its state
    and the reason for it."""

    kind: Literal["sample", "clinical", "reference", "annotation"]
    id: str
    path: str
    state: State
    reason: str = ""
    files: tuple[LandedFile, ...] = ()
    hashes: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> str:
        """Hash over names and contents of all files of the delivery."""
        return hashlib.sha256(json.dumps(sorted(self.hashes.items())).encode()).hexdigest()

    @property
    def contents(self) -> dict[str, str]:
        """``{path below landing/: sha256}`` of every file of the delivery."""
        if len(self.hashes) == 1 and self.path.endswith(next(iter(self.hashes))):
            return {self.path: next(iter(self.hashes.values()))}
        return {f"{self.path}/{name}": sha for name, sha in self.hashes.items()}


@dataclass
class Landing:
    """All that has landed at one moment."""

    sheet: SampleSheet
    samples: dict[str, Delivery]
    exports: list[Delivery]
    references: list[Delivery]
    annotations: list[Delivery] = field(default_factory=list)

    @property
    def beside(self) -> list[Delivery]:
        """What is neither a sample nor an export."""
        return [*self.references, *self.annotations]

    @property
    def every(self) -> list[Delivery]:
        return [*self.samples.values(), *self.exports, *self.beside]

    @property
    def settling(self) -> list[Delivery]:
        sheet = (
            [Delivery("sample", "samples.csv", "samples.csv", "settling", self.sheet.settling)]
            if self.sheet.settling
            else []
        )
        return sheet + [d for d in self.every if d.state == "settling"]

    @property
    def refused(self) -> list[Delivery]:
        """Deliveries that are refused as a whole, before anything of them is parsed."""
        return [d for d in self.every if d.state == "refused"]


def export_date(export_id: str) -> dt.date | None:
    """The date that an export id begins with (``2026-11-22`` or ``20261122``), if any."""
    match = re.match(r"(\d{4})-?(\d{2})-?(\d{2})", export_id)
    if not match:
        return None
    try:
        return dt.date(*(int(g) for g in match.groups()))
    except ValueError:
        return None


def scan(
    home: Home,
    config: StudyConfig,
    *,
    now: float | None = None,
    standing: Mapping[str, SampleRow] | None = None,
    erased: Callable[[Collection[str]], Collection[str]] = lambda _: (),
) -> Landing:
    """Look at everything below ``landing/``.

    Parameters
    ----------
    standing
        Rows of the samples that stand, see `keep_standing`.
    erased
        Those of the given names that were erased from this home.
    now
        Seconds since the epoch; the clock where not given.
    """
    now = time.time() if now is None else now
    seconds = config.samples.settle_seconds
    index = LandingIndex(home)
    sheet = _sheet(home, config, standing or {}, now, erased)
    with objects.one_listing(home.landing):
        samples = {
            row.sample_id: _sample_delivery(home, row, seconds, now, index)
            for row in sheet.rows.values()
        }
        exports = [
            _delivery("clinical", path.name, home, path, seconds, now, index)
            for path in entries(home.clinical)
            if is_export(path)
        ]
        references = [
            _delivery("reference", path.name, home, path, seconds, now, index)
            for path in entries(home.reference)
        ]
        given = [
            _delivery("annotation", name, home, path, 0 if done else seconds, now, index)
            for name, path, done in annotation_entries(home.annotations)
        ]
    index.save()
    return Landing(sheet, samples, exports, references, given)


def _sheet(
    home: Home,
    config: StudyConfig,
    standing: Mapping[str, SampleRow],
    now: float,
    erased: Callable[[Collection[str]], Collection[str]],
) -> SampleSheet:
    path, age = home.samples_csv, 1e9
    if not path.exists():
        sheet = SampleSheet(refused="samples.csv is gone" if standing else "")
    elif not path.is_file():
        sheet = SampleSheet(refused="samples.csv is not a file")
    else:
        try:
            sheet = read_sample_sheet(path.read_bytes(), config)
            age = min((f.age for f in list_files(path, now)), default=1e9)
        except OSError:
            sheet = SampleSheet(refused="samples.csv cannot be read")
    leave_out_erased(sheet, erased)
    gone = set(erased({n for r in standing.values() for n in (r.sample_id, r.subject_id)}))
    keep_standing(
        sheet, {s: r for s, r in standing.items() if not gone & {s, r.subject_id}}, config, age=age
    )
    return sheet


def _relative(home: Home, path: UPath) -> str:
    return (
        PurePosixPath(path.path if not is_local(path) else str(path))
        .relative_to(home.landing.path if not is_local(path) else str(home.landing))
        .as_posix()
    )


def _delivery(
    kind: Literal["clinical", "reference", "annotation"],
    name: str,
    home: Home,
    path: UPath,
    seconds: float,
    now: float,
    index: LandingIndex,
) -> Delivery:
    files = list_files(path, now)
    label = _relative(home, path)
    if not all(map(SAMPLE_ID.fullmatch, name.split("/"))) or safe_name(name) != name:
        masked = f"{label.removesuffix(name)}{safe_name(name)}"
        return Delivery(
            kind,
            safe_name(name),
            masked,
            "refused",
            "its name may hold only letters, digits, . _ - and no long number",
            files,
        )
    if is_local(path) and leaves(Path(str(path)), Path(str(home.landing))):
        return Delivery(kind, name, label, "refused", LEAVES)
    if problem := misplaced(kind, path):
        return Delivery(kind, name, label, "refused", problem, files)
    if not any(f.name not in CONTROL_FILES for f in files):
        return Delivery(kind, name, label, "incomplete", "holds no file yet", files)
    state, reason, hashes = judge_files(path, label, files, seconds, index)
    return Delivery(kind, name, label, state, reason, files, hashes)


def _sample_delivery(
    home: Home, row: SampleRow, seconds: float, now: float, index: LandingIndex
) -> Delivery:
    path = home.landing / row.path
    if is_local(path) and leaves(Path(str(path)), Path(str(home.landing))):
        return Delivery("sample", row.sample_id, row.path, "refused", LEAVES)
    try:
        there = path.exists() if is_local(path) else bool(list_files(path, now))
    except PermissionError:
        return Delivery("sample", row.sample_id, row.path, "refused", CANNOT_READ)
    if not there:
        return Delivery(
            "sample", row.sample_id, row.path, "incomplete", f"landing/{row.path} is not there yet"
        )
    files = list_files(path, now)
    missing = matrix_names(files)
    if missing and all(f.size >= 0 for f in files):
        if archived(files) and rested(files, seconds)[0] == "ready":
            return Delivery("sample", row.sample_id, row.path, "refused", ARCHIVED, files)
        return Delivery("sample", row.sample_id, row.path, "incomplete", missing, files)
    state, reason, hashes = judge_files(path, row.path, files, seconds, index)
    return Delivery("sample", row.sample_id, row.path, state, reason, files, hashes)
