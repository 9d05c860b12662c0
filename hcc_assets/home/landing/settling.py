"""Whether the files of a delivery are complete and settled: a ``_DONE`` file, an agreeing
``manifest.sha256``, or nothing that changed for a while.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Literal

from upath import UPath

from hcc_assets.home.landing.delivered_files import (
    CONTROL_FILES,
    UNREADABLE,
    LandedFile,
    LandingIndex,
    safe_name,
)

State = Literal["ready", "settling", "incomplete", "refused"]
CANNOT_READ = "a file or folder cannot be read; look at its permissions and at the disk"
Hashes = Callable[[], dict[str, str]]


def judge_files(
    path: UPath, label: str, files: tuple[LandedFile, ...], seconds: float, index: LandingIndex
) -> tuple[State, str, dict[str, str]]:
    if any(f.stamp == UNREADABLE for f in files):
        return "refused", CANNOT_READ, {}
    if any(f.size < 0 for f in files):
        return "refused", "holds a link that leaves the delivery, or something that is no file", {}
    try:
        state, reason = _settled(path, files, seconds, lambda: index.hashes(path, label, files))
        return state, reason, index.hashes(path, label, files) if state == "ready" else {}
    except FileNotFoundError:
        return "settling", "a file went away while it was looked at", {}
    except OSError:
        return "refused", CANNOT_READ, {}


def _settled(
    folder: UPath, files: tuple[LandedFile, ...], seconds: float, hashes: Hashes
) -> tuple[State, str]:
    """Ready with an agreeing manifest or ``_DONE``, or when nothing changed for ``seconds``; a
    clock that was set back does not hold a delivery for ever."""
    names = {f.name for f in files}
    if "manifest.sha256" in names:
        problem, named = _manifest_problem(folder, hashes)
        files = (
            tuple(f for f in files if f.name not in named and f.name not in CONTROL_FILES)
            if not problem
            else files
        )
        if not problem and not files:
            return "ready", ""
        if not problem:
            return rested(files, seconds)
        recent = any(-seconds < f.age < seconds for f in files)
        return ("settling" if recent else "refused"), problem
    if "_DONE" in names:
        return "ready", ""
    return rested(files, seconds)


def rested(files: tuple[LandedFile, ...], seconds: float) -> tuple[State, str]:
    youngest = min((f.age for f in files), default=0.0)
    if youngest >= seconds or youngest < -max(seconds, 1.0):
        return "ready", ""
    return (
        "settling",
        f"changed {max(youngest, 0):.0f} s ago; taken when unchanged for {seconds:g} s (or "
        "with a _DONE file)",
    )


def _manifest_problem(folder: UPath, hashes: Hashes) -> tuple[str, set[str]]:
    """What is wrong with ``manifest.sha256`` (empty when it agrees), and the files that it
    names."""
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
        if name in CONTROL_FILES:
            continue
        told = safe_name(name)
        if told not in found:
            return f"manifest.sha256 line {number} names a file that is not there", set()
        if found[told] != expected.lower():
            return f"manifest.sha256 line {number} does not agree with its file", set()
        named.add(name)
    return ("", named) if named else ("manifest.sha256 names no file", set())
