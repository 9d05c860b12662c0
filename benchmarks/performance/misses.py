"""What is said about a missed goal: a profile taken by itself, and a remark on what was tried,
written by people into ``REMARKS``."""

from __future__ import annotations

import pstats
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.performance import homes
from benchmarks.performance.goals import Goal
from benchmarks.performance.measure import TOP, MeasurementFailed, hcc, run
from benchmarks.performance.settings import Sizes

REMARKS: dict[str, str] = {
    "sample_published": (
        "The functions alone keep the goal from 5,000 cells on. The rest of a refresh does not "
        "depend on the size of the sample: start-up and imports, the "
        "tables across samples, their figures, runs and events, some 12 CPU seconds together, "
        "while the script publishes nothing. Of the profile a quarter "
        "is figures, a third the work on the sample. Tried, with gain: code versions remembered "
        "between starts (1 s), figures laid out once for both formats "
        "(half of their time), class sums read once a run from Parquet (a fifth of the reading). "
        "Tried, without: drawing PNG from SVG by a compiled library "
        "(as dear as Matplotlib). Not tried: one figure process beside the tables, which would "
        "save waiting and no CPU."
    ),
    "sample_pure": (
        "Imports and the start of the isolated parser are 1.8 s whatever the sample; against "
        "a script of 18 s that alone is a tenth."
    ),
    "sample_reading": (
        "A delivery is parsed in a child process with limits (0.7 s to start), every cell is "
        "judged, labelled and given a copy-number profile; the ratio falls "
        "with the number of cells. Labels and copy number cost as much as the two readings."
    ),
    "sample_cpu": (
        "Growth is linear (slope above): the sum of reading, quality, doublets and copy "
        "number, none of which stands out in the profile."
    ),
    "sample_memory": (
        "Only the sample of 20,000 cells is above it: memory is linear in the delivery (slope "
        "above), and admission counts with that slope, so that such a "
        "sample is not joined by others on a small machine. Tried, with gain: fewer copies of "
        "the matrix in the copy-number profile (200 MB)."
    ),
    "flat": (
        "Cells are worked on for the new sample alone, but the study's tables and figures are "
        "about all samples: the smallest home has too few pairs for any "
        "comparison of expression, and from there on the cost grows by the slope above. Between "
        "10 and 80 samples half of the growth is figures (one element "
        "more per sample, a volcano for each class with enough pairs), a fifth the paired fits, "
        "a tenth reading each sample's small tables. Tried, with gain: "
        "bars of a class as one artist, small frames read once a run (together 16 % at 80 "
        "samples). Not done: drawing fewer figures, or publishing without them."
    ),
    "dagster_share": (
        "Start-up, runs and events cost the same for any sample; the share falls with its size."
    ),
    "safety_growth": (
        "A million adverse events no longer fit the processor's caches; the time is in pandas' "
        "comparison and grouping of texts. At the size of a trial the "
        "tables take well under a second."
    ),
}
"""By goal key: what the profile shows and what was tried. Shown only while the goal is missed."""

WHOLE_TRIAL = "whole trial, in one process"
_ENTRIES = 12
_REFRESH = ("sample_published", "sample_memory", "flat", "dagster_share", "crowd_memory")


def profiles(
    missed: Sequence[Goal], sizes: Sizes, scratch: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Profile what is behind each missed goal; goals with the same cause share one profile.

    Returns
    -------
    dict
        By name of the profile: ``goals``, ``seconds``, ``packages`` (own time by package) and
        ``functions`` (cumulative time, ours first).
    """
    wanted: dict[str, list[str]] = {}
    for goal in missed:
        wanted.setdefault(_cause(goal.key), []).append(goal.key)
    found = {}
    for cause, goals in wanted.items():
        say(f"profile: {cause}")
        target = scratch / f"{re.sub(r'[^a-z]+', '_', cause)}.prof"
        try:
            command = _command(cause, sizes, scratch, target)
            run([sys.executable, *command], ok=(0, 1))
        except MeasurementFailed as failure:
            found[cause] = {"goals": goals, "failed": str(failure).splitlines()[0]}
            continue
        found[cause] = {"goals": goals, **summary(target)}
    return found


def _cause(key: str) -> str:
    if key in _REFRESH:
        return "refresh with one new sample"
    if key in ("trial_time", "trial_memory"):
        return WHOLE_TRIAL
    if key in ("nothing_new", "status"):
        return "hcc status"
    known = {
        "endpoints_growth": "endpoints",
        "endpoints": "endpoints",
        "safety_growth": "safety",
        "safety": "safety",
        "definitions": "loading the definitions",
    }
    return known.get(key, "pure functions")


def _command(cause: str, sizes: Sizes, scratch: Path, target: Path) -> list[str]:
    if cause in ("endpoints", "safety"):
        size = sizes.subjects[-1] if cause == "endpoints" else sizes.events[-1]
        return ["-m", "benchmarks.performance.clinical", cause, str(size), "--profile", str(target)]
    profiled = ["-m", "cProfile", "-o", str(target), "-m"]
    if cause == "loading the definitions":
        return [*profiled, "hcc_assets.definitions"]
    root = scratch / "profiled"
    for path in (root, root.with_name("profiled_stash")):
        shutil.rmtree(path, ignore_errors=True)
    if cause == WHOLE_TRIAL:
        homes.make_home(
            root,
            samples=sizes.trial_samples[0],
            withheld=0,
            cells=sizes.trial_cells,
            labelled=False,
        )
        return [*profiled, "hcc_assets", "refresh", "--home", str(root), "--jobs", "1", "--quiet"]
    home = homes.make_home(
        root, samples=sizes.base_samples, withheld=1, cells=sizes.base_cells, labelled=True
    )
    hcc(root, "refresh")
    if cause == "hcc status":
        return [*profiled, "hcc_assets", "status", "--home", str(root)]
    matrix = homes.write_sample(scratch / "profiled_sample", sizes.cells[0])
    if cause == "pure functions":
        reference = next((root / "store" / "annotation_reference").glob("*/reference.parquet"))
        return [*profiled, "benchmarks.performance.pure_sample", str(matrix), str(reference)]
    home.deliver(matrix=matrix)
    return [*profiled, "hcc_assets", "refresh", "--home", str(root), "--jobs", "1", "--quiet"]


def summary(path: Path) -> dict[str, Any]:
    """Own time by package and cumulative time of our functions, of a cProfile file."""
    profile: Any = pstats.Stats(str(path))
    stats: dict[tuple[str, int, str], Any] = profile.stats
    packages: dict[str, float] = {}
    ours: list[dict[str, Any]] = []
    for (file, _, name), (_, calls, own, cumulative, _) in stats.items():
        package = _package(file, name)
        packages[package] = packages.get(package, 0.0) + own
        if package.startswith("hcc_assets") and name != "<module>":
            ours.append(
                {
                    "function": f"{package}: {name}",
                    "calls": calls,
                    "own_s": round(own, 2),
                    "cumulative_s": round(cumulative, 2),
                }
            )
    total = sum(packages.values())
    return {
        "seconds": round(total, 2),
        "packages": {
            k: round(v, 2) for k, v in sorted(packages.items(), key=lambda i: -i[1])[:_ENTRIES]
        },
        "functions": sorted(ours, key=lambda f: -f["cumulative_s"])[: 2 * _ENTRIES],
    }


def _package(file: str, name: str) -> str:
    """Package of a function; a module of ours by its dotted name, a built-in by its kind."""
    if file == "~":
        kind = re.search(r"sqlite3|fsync|sleep|poll|compile|marshal|read|numpy", name)
        return f"built in ({kind.group(0)})" if kind else "built in"
    if "site-packages/" in file:
        return file.split("site-packages/", 1)[1].split("/", 1)[0].removesuffix(".py")
    if file.startswith(str(TOP)):
        return Path(file).relative_to(TOP).with_suffix("").as_posix().replace("/", ".")
    return "standard library" if "/lib/python" in file or file.startswith("<") else "other"
