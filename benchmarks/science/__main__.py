"""``python -m benchmarks.science [--tiny|--quick] [--only MODULE …]``: run the studies, then write
``docs/science.md`` and ``results.json``.

Each study runs in a process of its own. ``--from-results`` writes the document again from the
results that are there.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.performance.machine import describe
from benchmarks.science import document
from benchmarks.science.studies import run_study, studies

TOP = Path(__file__).resolve().parents[2]


def main() -> None:
    """Run and write."""
    names = [s.module for s in studies()]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.science", description=__doc__)
    for size in ("tiny", "quick"):
        parser.add_argument(
            f"--{size}", dest="size", action="store_const", const=size, default="full"
        )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=names,
        default=names,
        help="run these studies; the others stay as they were",
    )
    parser.add_argument(
        "--docs", type=Path, default=TOP / "docs", help="folder of science.md (default: docs)"
    )
    parser.add_argument(
        "--from-results", action="store_true", help="run nothing, write the document again"
    )
    given = parser.parse_args()
    kept = given.docs / "images" / "science" / "results.json"
    results: dict[str, Any] = (
        json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {"studies": {}}
    )
    if not given.from_results:
        results |= {"machine": describe(), "size": given.size}
        for name in given.only:
            print(f"{name}: running", flush=True)
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
                results["studies"][name] = {
                    "size": given.size,
                    **pool.submit(run_study, name, given.size).result(),
                }
            print(f"{name}: {results['studies'][name]['wall_s']} s", flush=True)
            _keep(results, names, kept)
    _keep(results, names, kept)
    (given.docs / "science.md").write_text(document.text(results), encoding="utf-8")
    print(f"Wrote {given.docs / 'science.md'}")


def _keep(results: dict[str, Any], names: list[str], kept: Path) -> None:
    """Write what there is, so that a run that is broken off loses no study that was finished."""
    results["studies"] = {
        name: results["studies"][name] for name in names if name in results["studies"]
    }
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
