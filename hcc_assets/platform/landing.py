"""What lies in ``landing/``: deliveries, whether they are complete and settled, and what they hash to. Nothing is parsed here beyond ``samples.csv``.

The platform never changes a byte below ``landing/``. A file is hashed once: the index in the store remembers size and time stamp of what was hashed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import re
import stat
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from upath import UPath

from hcc_assets.platform import stores
from hcc_assets.platform.home import Home, is_local
from hcc_assets.platform.sample_sheet import SAMPLE_ID, SampleRow, SampleSheet, keep_standing, leave_out_erased, read_sample_sheet
from hcc_assets.study.config import StudyConfig

_TELLABLE = re.compile(r"[A-Za-z0-9._ ()/+-]*")
_LONG_NUMBER = re.compile(r"\d{11}")
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
        told = safe_name(name)
        if told not in found:
            return f"manifest.sha256 line {number} names a file that is not there", set()
        if found[told] != expected.lower():
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


def safe_name(name: str) -> str:
    """A file name as it may be told: one that could carry a person's name or number is replaced by a part of its hash."""
    if _TELLABLE.fullmatch(name) and not _LONG_NUMBER.search(name):
        return name
    return f"name-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


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
            told = safe_name(file.name)
            key = f"{label}/{told}"
            known = self.fresh.get(key) or self.known.get(key)
            unchanged = known is not None and known[:2] == [file.size, file.stamp]
            sha = str(known[2]) if known is not None and unchanged else stores.sha256_file(folder if single else folder / file.name)
            self.fresh[key] = [file.size, file.stamp, sha]
            out[told] = sha
        return out

    def save(self) -> None:
        """Keep what was hashed. The index only saves work: where it cannot be written (a full disk, a home mounted read-only) looking still works."""
        if self.fresh != self.known:
            with contextlib.suppress(OSError):
                stores.write_bytes(self.path, json.dumps(self.fresh, sort_keys=True).encode())


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
    index = _Index(home)
    sheet = _sheet(home, config, standing or {}, now, erased)
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


def _sheet(
    home: Home, config: StudyConfig, standing: Mapping[str, SampleRow], now: float, erased: Callable[[Collection[str]], Collection[str]]
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
    keep_standing(sheet, {s: r for s, r in standing.items() if not gone & {s, r.subject_id}}, config, age=age)
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
    if not SAMPLE_ID.fullmatch(name) or safe_name(name) != name:
        masked = f"{PurePosixPath(label).parent}/{safe_name(name)}"
        return Delivery(kind, safe_name(name), masked, "refused", "its name may hold only letters, digits, . _ - and no long number", files)
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
