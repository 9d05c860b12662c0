"""``python -m benchmarks.performance [--tiny|--quick|--full]``: measure, then write
``docs/performance.md``, its plots and ``results.json``.

``--from-results`` writes the document again from the results that are there. Measure on an idle
machine: everything is one run after the other.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.performance import document, machine, misses, sections
from benchmarks.performance.goals import judge
from benchmarks.performance.measure import TOP
from benchmarks.performance.settings import SIZES

SECTIONS = ("start_up", "one_sample", "growing_home", "whole_trial", "crowd", "clinical")


def measure(
    size: str,
    scratch: Path,
    keep: Callable[[dict[str, Any]], None],
    chosen: tuple[str, ...] = SECTIONS,
) -> dict[str, Any]:
    """Run the sections in order.

    Parameters
    ----------
    keep
        Called with the results so far after each section: hours of measuring are not lost to an
        error in the last one.

    Returns
    -------
    dict
        Machine, size, and the rows of each section.
    """
    started = time.monotonic()

    def say(what: str) -> None:
        print(f"[{time.monotonic() - started:6.0f} s] {what}", flush=True)

    results: dict[str, Any] = {"machine": machine.describe(), "sizes": {}}
    for name in chosen:
        results[name] = getattr(sections, name)(scratch, SIZES[size], say)
        results["sizes"][name] = size
        keep(results)
    results["profiles"] = misses.profiles(
        [g for g in judge(results) if g.met is False], SIZES[size], scratch, say
    )
    results["seconds"] = round(time.monotonic() - started)
    return results


def merged(before: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Results of an earlier run with the sections that were measured again."""
    both = {key: before.get(key, {}) | found.get(key, {}) for key in ("sizes", "profiles")}
    return before | found | both


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.performance", description=__doc__)
    for size in SIZES:
        if size != "default":
            parser.add_argument(
                f"--{size}", dest="size", action="store_const", const=size, default="default"
            )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=SECTIONS,
        default=SECTIONS,
        help="measure these sections; the others stay as they were",
    )
    parser.add_argument(
        "--docs", type=Path, default=TOP / "docs", help="folder of performance.md (default: docs)"
    )
    parser.add_argument("--scratch", type=Path, help="folder for homes (default: a temporary one)")
    parser.add_argument(
        "--from-results", action="store_true", help="measure nothing, write the document again"
    )
    given = parser.parse_args()
    images = given.docs / "images" / "performance"
    kept = images / "results.json"
    results = (
        json.loads(kept.read_text(encoding="utf-8"))
        if kept.exists() and (given.from_results or tuple(given.only) != SECTIONS)
        else {}
    )
    if not given.from_results:
        scratch = Path(tempfile.mkdtemp(prefix="hcc-performance-", dir=given.scratch))
        before = results

        def keep(found: dict[str, Any]) -> None:
            images.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(merged(before, found), indent=1) + "\n", encoding="utf-8")

        try:
            found = measure(given.size, scratch, keep, tuple(given.only))
        finally:
            shutil.rmtree(scratch)
        keep(found)
        results = merged(before, found)
    images.mkdir(parents=True, exist_ok=True)
    document.write(results, given.docs)
    print(f"Wrote {given.docs / 'performance.md'}")


if __name__ == "__main__":
    main()
