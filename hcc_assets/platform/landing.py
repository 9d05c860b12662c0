"""What lies in ``landing/``: deliveries, whether they are complete and settled, and what they hash to. Nothing is parsed here beyond ``samples.csv``.

The platform never changes a byte below ``landing/``. A file is hashed once: the index in the store remembers size and time stamp of what was hashed.
"""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import hashlib
import io
import json
import re
import stat
import time
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from upath import UPath

from hcc_assets.platform import stores
from hcc_assets.platform.home import Home, is_local
from hcc_assets.study.config import StudyConfig

SAMPLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_WINDOWS_NAMES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_REQUIRED = ("sample_id", "subject_id", "timepoint", "collection_date", "path")
_OPTIONAL = ("lesion_id", "tissue", "chemistry", "sequencing_run", "genome")
_CONTROL_FILES = ("manifest.sha256", "_DONE")

State = Literal["ready", "settling", "incomplete", "refused"]


@dataclass(frozen=True)
class LandedFile:
    """One file of a delivery: name relative to the delivery, size in bytes, a stamp that changes with its content, seconds since its last change."""

    name: str
    size: int
    stamp: str
    age: float


@dataclass(frozen=True)
class Delivery:
    """A matrix folder, matrix file, clinical export or reference file, with its state and the reason for it."""

    kind: Literal["sample", "clinical", "reference"]
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


@dataclass
class SampleSheet:
    """``samples.csv``: good rows by sample, and what was refused with file, row and rule.

    Attributes
    ----------
    doubtful
        Sample ids that stand in refused rows, as they could be read: the rows that stood before stay for them.
    kept
        Samples whose earlier row stays because today's cannot be taken.
    settling
        Why the file is not yet believed where it leaves samples out; empty when it is.
    """

    rows: dict[str, SampleRow] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    refused: str = ""
    doubtful: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    settling: str = ""


@dataclass
class Landing:
    """All that has landed at one moment."""

    sheet: SampleSheet
    samples: dict[str, Delivery]
    exports: list[Delivery]
    references: list[Delivery]

    @property
    def settling(self) -> list[Delivery]:
        sheet = [Delivery("sample", "samples.csv", "samples.csv", "settling", self.sheet.settling)] if self.sheet.settling else []
        return sheet + [d for d in (*self.samples.values(), *self.exports, *self.references) if d.state == "settling"]

    @property
    def refused(self) -> list[Delivery]:
        """Deliveries that are refused as a whole, before anything of them is parsed."""
        return [d for d in (*self.samples.values(), *self.exports, *self.references) if d.state == "refused"]


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
        sheet.refused = f"samples.csv has no column {', '.join(missing)}; its columns are {', '.join((*_REQUIRED, *_OPTIONAL))}"
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
            sheet.problems.append((where, f"sample_id is already on line {other} (upper and lower case count as the same); neither row is taken"))
            sheet.rows = {k: v for k, v in sheet.rows.items() if k.casefold() != row.sample_id.casefold()}
            sheet.doubtful.add(row.sample_id.casefold())
        else:
            seen[row.sample_id.casefold()] = number
            sheet.rows[row.sample_id] = row
    return sheet


def _readable_id(cells: list[str], header: list[str]) -> str:
    at = header.index("sample_id")
    return cells[at].strip().casefold() if at < len(cells) else ""


def keep_standing(sheet: SampleSheet, standing: Mapping[str, SampleRow], config: StudyConfig, *, age: float = 1e9) -> None:
    """Let the rows that stood before stay where today's sheet says nothing that can be taken; a row that was taken out of the sheet does not stay.

    Parameters
    ----------
    standing
        Rows of the samples that stand.
    age
        Seconds since the sheet changed: one that leaves samples out is believed when it has settled, since it may be a copy on its way.
    """
    known = {name.casefold() for name in sheet.rows}
    absent = {s: row for s, row in standing.items() if s.casefold() not in known and row.timepoint in config.samples.timepoints}
    lost = {s for s in absent if s.casefold() not in sheet.doubtful}
    if standing and not sheet.refused and lost == set(standing):
        sheet.refused = f"samples.csv names none of the {len(standing)} samples that stand; send the whole sheet"
    elif lost and not sheet.refused and 0 <= age < config.samples.settle_seconds:
        sheet.settling = (
            f"changed {age:.0f} s ago and leaves out {len(lost)} samples; believed when unchanged for {config.samples.settle_seconds:g} s"
        )
    every = bool(sheet.refused or sheet.settling)
    sheet.kept = {s for s in absent if every or s.casefold() in sheet.doubtful}
    sheet.rows = sheet.rows | {s: standing[s] for s in sorted(sheet.kept)}


def _judge_row(cells: list[str], header: list[str], config: StudyConfig) -> tuple[str, SampleRow | None]:
    if len(cells) != len(header):
        return f"has {len(cells)} fields where the header has {len(header)}; look for a stray comma", None
    values = {h: c.strip() or None for h, c in zip(header, cells, strict=True)}
    for name in ("sample_id", "subject_id"):
        value = values[name] or ""
        if not SAMPLE_ID.fullmatch(value) or _WINDOWS_NAMES.fullmatch(value) or value.endswith(".") or ".." in value:
            return f"{name} must start with a letter or digit and hold only letters, digits, dot, underscore and minus (at most 64)", None
    if values["timepoint"] not in config.samples.timepoints:
        return f"timepoint is not one of {', '.join(config.samples.timepoints)}", None
    if values["collection_date"] and not _is_date(values["collection_date"]):
        return "collection_date is not a date as YYYY-MM-DD", None
    path = values["path"] or ""
    parts = PurePosixPath(path).parts
    if not path or "\\" in path or ":" in path or PurePosixPath(path).is_absolute() or ".." in parts:
        return "path must be relative to landing/, with forward slashes and without '..'", None
    return "", SampleRow(**{k: values.get(k) for k in (*_REQUIRED, *_OPTIONAL)})  # type: ignore[arg-type]


def _is_date(text: str) -> bool:
    try:
        return bool(dt.date.fromisoformat(text)) and len(text) == 10
    except ValueError:
        return False


def list_files(folder: UPath, now: float) -> tuple[LandedFile, ...]:
    """Files below ``folder`` (or the file itself), sorted by name; links that leave the folder and what is no plain file are listed with size -1."""
    if is_local(folder):
        base = Path(str(folder))
        paths: Iterable[Path] = [base] if base.is_file() else sorted(p for p in base.rglob("*") if not p.is_dir() or p.is_symlink())
        out = []
        for path in paths:
            name = path.name if path == base else path.relative_to(base).as_posix()
            if path.is_symlink() and _leaves(path, base):
                out.append(LandedFile(name, -1, "link", 1e9))
                continue
            try:
                found = path.stat()
            except FileNotFoundError:
                continue
            age = now - max(found.st_mtime, found.st_ctime)
            size = found.st_size if stat.S_ISREG(found.st_mode) else -1
            out.append(LandedFile(name, size, f"{found.st_mtime_ns}.{found.st_ctime_ns}", age))
        return tuple(out)
    objects = folder.fs.find(folder.path, detail=True)
    base_path = folder.path.rstrip("/")
    out = []
    for path, info in sorted(objects.items()):
        changed = info.get("LastModified") or info.get("created") or info.get("mtime")
        age = now - changed.timestamp() if isinstance(changed, dt.datetime) else 1e9
        name = path[len(base_path) :].lstrip("/") or PurePosixPath(path).name
        out.append(LandedFile(name, int(info["size"] or 0), str(info.get("ETag") or changed), age))
    return tuple(out)


def _leaves(link: Path, base: Path) -> bool:
    """True for a link that leaves ``base``, or that leads nowhere in a circle."""
    try:
        return not link.resolve().is_relative_to(base.resolve())
    except (OSError, RuntimeError):
        return True


Hashes = Callable[[], dict[str, str]]


def _settled(folder: UPath, files: tuple[LandedFile, ...], seconds: float, hashes: Hashes) -> tuple[State, str]:
    """Ready with an agreeing manifest or ``_DONE``, or when nothing changed for ``seconds``; a clock that was set back does not hold a delivery for ever."""
    names = {f.name for f in files}
    if "manifest.sha256" in names:
        problem, named = _manifest_problem(folder, hashes)
        files = tuple(f for f in files if f.name not in named and f.name not in _CONTROL_FILES) if not problem else files
        if not problem and not files:
            return "ready", ""
        if not problem:
            return _rested(files, seconds)
        recent = any(-seconds < f.age < seconds for f in files)
        return ("settling" if recent else "refused"), problem
    if "_DONE" in names:
        return "ready", ""
    return _rested(files, seconds)


def _rested(files: tuple[LandedFile, ...], seconds: float) -> tuple[State, str]:
    youngest = min((f.age for f in files), default=0.0)
    if youngest >= seconds or youngest < -max(seconds, 1.0):
        return "ready", ""
    return "settling", f"changed {max(youngest, 0):.0f} s ago; taken when unchanged for {seconds:g} s (or with a _DONE file)"


def _manifest_problem(folder: UPath, hashes: Hashes) -> tuple[str, set[str]]:
    """What is wrong with ``manifest.sha256`` (empty when it agrees), and the files that it names."""
    try:
        lines = (folder / "manifest.sha256").read_text("utf-8-sig").splitlines()
    except (UnicodeDecodeError, OSError):
        return "manifest.sha256 cannot be read as UTF-8 text", set()
    found: dict[str, str] | None = None
    named: set[str] = set()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        expected, _, name = line.strip().partition(" ")
        name = name.strip().lstrip("*").removeprefix("./")
        if ".." in PurePosixPath(name).parts or PurePosixPath(name).is_absolute():
            return f"manifest.sha256 line {number} names a path outside the delivery", set()
        found = hashes() if found is None else found
        if name in _CONTROL_FILES:
            continue
        if name not in found:
            return f"manifest.sha256 line {number} names a file that is not there", set()
        if found[name] != expected.lower():
            return f"manifest.sha256 line {number} does not agree with its file", set()
        named.add(name)
    return ("", named) if named else ("manifest.sha256 names no file", set())


def matrix_names(files: tuple[LandedFile, ...]) -> str:
    """Empty when the names make a complete matrix, else what is missing."""
    names = {PurePosixPath(f.name).name for f in files}
    if any(n.endswith((".h5", ".h5ad")) for n in names):
        return ""
    have = {part for part in ("matrix.mtx", "barcodes.tsv", "features.tsv", "genes.tsv") if part in names or f"{part}.gz" in names}
    missing = [p for p in ("matrix.mtx", "barcodes.tsv") if p not in have]
    if not have & {"features.tsv", "genes.tsv"}:
        missing.append("features.tsv (or genes.tsv)")
    return f"waiting for {', '.join(missing)}" if missing else ""


class _Index:
    """Remembers content hashes by path, size and stamp."""

    def __init__(self, home: Home):
        self.path = home.store / "landing_index.json"
        try:
            self.known: dict[str, list[object]] = json.loads(self.path.read_bytes())
        except (FileNotFoundError, json.JSONDecodeError):
            self.known = {}
        self.fresh: dict[str, list[object]] = {}

    def hashes(self, folder: UPath, label: str, files: tuple[LandedFile, ...]) -> dict[str, str]:
        out = {}
        single = len(files) == 1 and folder.name == files[0].name
        for file in files:
            if file.name in _CONTROL_FILES or file.size < 0:
                continue
            key = f"{label}/{file.name}"
            known = self.fresh.get(key) or self.known.get(key)
            unchanged = known is not None and known[:2] == [file.size, file.stamp]
            sha = str(known[2]) if known is not None and unchanged else stores.sha256_file(folder if single else folder / file.name)
            self.fresh[key] = [file.size, file.stamp, sha]
            out[file.name] = sha
        return out

    def save(self) -> None:
        """Keep what was hashed. The index only saves work: where it cannot be written (a full disk, a home mounted read-only) looking still works."""
        if self.fresh != self.known:
            with contextlib.suppress(OSError):
                stores.write_bytes(self.path, json.dumps(self.fresh, sort_keys=True).encode())


def scan(home: Home, config: StudyConfig, *, now: float | None = None, standing: Mapping[str, SampleRow] | None = None) -> Landing:
    """Look at everything below ``landing/``.

    Parameters
    ----------
    standing
        Rows of the samples that stand, see `keep_standing`.
    now
        Seconds since the epoch; the clock where not given.
    """
    now = time.time() if now is None else now
    seconds = config.samples.settle_seconds
    index = _Index(home)
    sheet = _sheet(home, config, standing or {}, now)
    samples = {row.sample_id: _sample_delivery(home, row, seconds, now, index) for row in sheet.rows.values()}
    exports = []
    for folder in _subfolders(home.clinical):
        exports.append(_delivery("clinical", folder.name, home, folder, seconds, now, index))
    references = []
    if home.reference.exists():
        for path in sorted(home.reference.iterdir(), key=lambda p: p.name):
            if path.name not in _CONTROL_FILES and not path.name.startswith("."):
                references.append(_delivery("reference", path.name, home, path, seconds, now, index))
    index.save()
    return Landing(sheet, samples, exports, references)


def _sheet(home: Home, config: StudyConfig, standing: Mapping[str, SampleRow], now: float) -> SampleSheet:
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
    keep_standing(sheet, standing, config, age=age)
    return sheet


def _subfolders(folder: UPath) -> list[UPath]:
    if not folder.exists():
        return []
    return sorted((p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")), key=lambda p: p.name)


def _relative(home: Home, path: UPath) -> str:
    return (
        PurePosixPath(path.path if not is_local(path) else str(path))
        .relative_to(home.landing.path if not is_local(path) else str(home.landing))
        .as_posix()
    )


def _delivery(kind: Literal["clinical", "reference"], name: str, home: Home, path: UPath, seconds: float, now: float, index: _Index) -> Delivery:
    files = list_files(path, now)
    label = _relative(home, path)
    if not SAMPLE_ID.fullmatch(unicodedata.normalize("NFC", name)):
        return Delivery(
            kind, hashlib.sha256(name.encode()).hexdigest()[:12], label, "refused", "its name may hold only letters, digits, . _ -", files
        )
    if not any(f.name not in _CONTROL_FILES for f in files):
        return Delivery(kind, name, label, "incomplete", "holds no file yet", files)
    state, reason, hashes = _judge_files(path, label, files, seconds, index)
    return Delivery(kind, name, label, state, reason, files, hashes)


def _judge_files(path: UPath, label: str, files: tuple[LandedFile, ...], seconds: float, index: _Index) -> tuple[State, str, dict[str, str]]:
    if any(f.size < 0 for f in files):
        return "refused", "holds a link that leaves the delivery, or something that is no file", {}
    try:
        state, reason = _settled(path, files, seconds, lambda: index.hashes(path, label, files))
        return state, reason, index.hashes(path, label, files) if state == "ready" else {}
    except FileNotFoundError:
        return "settling", "a file went away while it was looked at", {}
    except OSError:
        return "refused", "a file cannot be read; look at its permissions and at the disk", {}


def _sample_delivery(home: Home, row: SampleRow, seconds: float, now: float, index: _Index) -> Delivery:
    path = home.landing / row.path
    if is_local(path) and _leaves(Path(str(path)), Path(str(home.landing))):
        return Delivery("sample", row.sample_id, row.path, "refused", "path leaves landing/ through a link")
    if not path.exists():
        return Delivery("sample", row.sample_id, row.path, "incomplete", f"landing/{row.path} is not there yet")
    files = list_files(path, now)
    missing = matrix_names(files)
    if missing and all(f.size >= 0 for f in files):
        return Delivery("sample", row.sample_id, row.path, "incomplete", missing, files)
    state, reason, hashes = _judge_files(path, row.path, files, seconds, index)
    return Delivery("sample", row.sample_id, row.path, state, reason, files, hashes)
