"""What an attempt at an asset comes to, and what it cost. Attempting is in `engine`."""

from __future__ import annotations

import inspect
import resource
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hcc_assets.home.manifests import CheckRecord, Manifest

MAX_ATTEMPTS = 3
"""How often the same inputs are tried again after an unexpected error or an end from outside, as
many as Dagster's own retries of a step; a refusal is final until its inputs change."""


ENDED = "its run was ended before it was done; the next refresh tries again"


class StaleWriter(RuntimeError):
    """This run was given up; what it computed must not replace what stands."""


@dataclass
class Outcome:
    """What an attempt came to.

    Attributes
    ----------
    state
        ``fresh`` (nothing to do), ``new``, ``unchanged`` (computed again, same content),
        ``held`` (refused), ``still held`` (refused before, for exactly these inputs),
        ``failed`` (an unexpected error) or ``waiting`` (an input has no version).
    """

    state: str
    manifest: Manifest | None
    checks: list[CheckRecord] = field(default_factory=list)
    reason: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, bytes] = field(default_factory=dict)
    frames: list[str] = field(default_factory=list)
    permanent: bool = True


TRIED_AGAIN = ("error", "ended", "damaged")
"""Codes of holds that are tried again: the inputs may be good."""


def given(function: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What a function asks for by the names of its parameters."""
    return {name: values[name] for name in inspect.signature(function).parameters}


def peak_mb() -> float:
    """The largest memory of this process until now, MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kilobytes, macOS bytes
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)


_FRAMING = ("engine", "computing")
"""Modules of this room through which every attempt goes: their frames say nothing."""


def places(error: BaseException) -> list[str]:
    """``file:line:function`` of each frame of this package, and of the innermost frame; never the
    error's text, which may carry values of the data."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        f for f in frames if "hcc_assets" in f.filename and Path(f.filename).stem not in _FRAMING
    ]
    chosen = [*own, *(frames[-1:] if frames and frames[-1] not in own else [])]
    return [f"{Path(f.filename).name}:{f.lineno}:{f.name}" for f in chosen]


def trail_details(manifest: Manifest) -> dict[str, Any]:
    """Of a version in the audit trail."""
    return {
        "asset": manifest.asset,
        "sample": manifest.partition,
        "run_id": manifest.run_id,
        "fingerprint": manifest.fingerprint,
    }


def previous_of(current: Manifest | None, same: bool) -> str | None:
    if current is None:
        return None
    return current.previous if same else current.folder


def what_stays(reason: str, current: Manifest | None) -> str:
    """A reason for a refusal, with the version that stays."""
    if current is None:
        return f"{reason}; there is no earlier version"
    return f"{reason}; the version of {current.at:%-d %B %Y %H:%M} UTC stays"
