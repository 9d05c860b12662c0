"""The measurements, section by section.

Each takes a scratch folder and sizes and returns plain rows; what they mean is written in
``document``.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.performance import homes, machine
from benchmarks.performance.measure import TOP, Measured, hcc, python, repeated, row, run
from benchmarks.performance.settings import Sizes

Rows = list[dict[str, Any]]
Say = Callable[[str], None]
MEMORY_LEFT = 0.88
"""Share of the free memory that the script may take before it is ended: beyond that the kernel
would end something."""
BLOOD = TOP / "../shared/data/pbmc4k/filtered_feature_bc_matrix"


def start_up(scratch: Path, sizes: Sizes, say: Say) -> Rows:
    """Imports that everything else is compared with, and how long the definitions take to load."""
    home = {"HCC_HOME": str(scratch / "nothing")}
    code = {
        "import scanpy": "import scanpy",
        "import dagster": "import dagster",
        "load the definitions": (
            "import hcc_assets.definitions as d; d.defs.resolve_all_asset_specs()"
        ),
    }
    rows = []
    for what, line in code.items():
        say(what)
        once = partial(run, [sys.executable, "-c", line], variables=home)
        once()
        rows.append(row(repeated(sizes.repeats, once), what=what))
    return rows


def one_sample(scratch: Path, sizes: Sizes, say: Say) -> dict[str, Rows]:
    """One new sample of several sizes: the platform, the pure functions, the scanpy recipe, reading
    alone; and Dagster's share for the first size."""
    say("a home with what stands already")
    base = homes.make_home(
        scratch / "base",
        samples=sizes.base_samples,
        withheld=1,
        cells=sizes.base_cells,
        labelled=True,
    )
    hcc(base.root, "refresh")
    reference = next((base.root / "store" / "annotation_reference").glob("*/reference.parquet"))
    cases = {f"{n:,} cells": homes.write_sample(scratch / f"sample_{n}", n) for n in sizes.cells}
    if sizes.real and BLOOD.exists():
        cases["pbmc4k"] = BLOOD.resolve()
    python(
        "benchmarks.performance.scanpy_recipe", next(iter(cases.values()))
    )  # fills numba's cache, in favour of the recipe
    rows, shares = [], []
    for name, matrix in cases.items():
        say(f"one new sample, {name}")
        home = base.copy(scratch / "one")
        home.deliver(matrix=matrix, tissue="BLOOD" if name == "pbmc4k" else None)
        shutil.copytree(home.root, scratch / "looped")
        refreshed = hcc(home.root, "refresh")
        megabytes = homes.delivered_bytes(matrix) / 1e6
        pure = python("benchmarks.performance.pure_sample", matrix, reference)
        cells = pure.answer["cells"]
        about = {"case": name, "cells": cells, "delivered_mb": round(megabytes, 2)}
        work = pure.answer["work_cpu_s"]
        rows.append(
            row(
                refreshed,
                what="hcc refresh",
                worked_on=worked_on(refreshed),
                held=len(refreshed.answer["held"]),
                **about,
            )
        )
        rows.append(
            row(pure, what="pure functions", work_cpu_s=work, stages=pure.answer["stages"], **about)
        )
        rows.append(
            row(
                python("benchmarks.performance.scanpy_recipe", matrix),
                what="scanpy recipe",
                **about,
            )
        )
        twice = python("benchmarks.performance.reading", matrix)
        rows.append(
            row(twice, what="two sc.read_10x_mtx", work_cpu_s=twice.answer["work_cpu_s"], **about)
        )
        parsed = python("benchmarks.performance.pure_sample", matrix, reference, "--parse-only")
        rows.append(
            row(parsed, what="parsing alone", work_cpu_s=parsed.answer["work_cpu_s"], **about)
        )
        if name == next(iter(cases)):
            shares.append(row(refreshed, what="one new sample, through Dagster"))
            shares.append(
                row(
                    python("benchmarks.performance.engine_loop", scratch / "looped"),
                    what="one new sample, in a loop",
                )
            )
        shutil.rmtree(home.root)
        shutil.rmtree(scratch / "looped")
    return {"samples": rows, "shares": shares}


def worked_on(refreshed: Measured) -> int:
    """Samples whose cells a refresh touched."""
    return len({c["sample"] for c in refreshed.answer["changed"] if c["sample"] is not None})


def growing_home(scratch: Path, sizes: Sizes, say: Say) -> Rows:
    """One new sample, a corrected clinical export and nothing new, in a home that grows."""
    largest = sizes.homes[-1]
    say(f"a trial of {largest} samples")
    home = homes.make_home(
        scratch / "growing",
        samples=sizes.homes[0],
        withheld=largest - sizes.homes[0] + sizes.arrivals,
        cells=sizes.home_cells,
        labelled=True,
    )
    rows = []
    for size in sizes.homes:
        say(f"a home of {size} samples")
        if size > home.delivered:
            home.deliver(size - home.delivered)
        hcc(home.root, "refresh")

        def arrival() -> Any:
            home.deliver()
            return hcc(home.root, "refresh")

        arrived = repeated(sizes.arrivals, arrival)
        rows.append(row(arrived, what="one new sample", samples=size, worked_on=worked_on(arrived)))
        home.correct_clinical()
        rows.append(
            row(hcc(home.root, "refresh"), what="a corrected clinical export", samples=size)
        )
        rows.append(
            row(
                repeated(sizes.repeats, lambda: hcc(home.root, "refresh")),
                what="nothing new",
                samples=size,
            )
        )
        rows.append(
            row(
                repeated(sizes.repeats, lambda: hcc(home.root, "status")),
                what="hcc status",
                samples=size,
            )
        )
    shutil.rmtree(home.root)
    shutil.rmtree(home.stash)
    return rows


def whole_trial(scratch: Path, sizes: Sizes, say: Say) -> dict[str, Rows]:
    """Everything from nothing, without labels, against the script that concatenates all cells;
    Dagster's share for the first size."""
    first, last = sizes.trial_samples[0], sizes.trial_samples[-1]
    say(f"simulating {last} samples x {sizes.trial_cells:,} cells")
    arriving = homes.make_home(
        scratch / "trial",
        samples=first,
        withheld=last - first,
        cells=sizes.trial_cells,
        labelled=False,
    )
    room_mb = MEMORY_LEFT * machine.free_mb()
    rows, shares = [], []
    for samples in sizes.trial_samples:
        if samples > arriving.delivered:
            arriving.deliver(samples - arriving.delivered)
        about = {"samples": samples, "cells": samples * sizes.trial_cells}
        say(f"the whole trial, {samples} samples")
        whole = arriving.copy(scratch / "trial_whole")
        rows.append(row(hcc(whole.root, "refresh"), what="hcc refresh", **about))
        say(f"the script that concatenates everything, {samples} samples")
        script = python("benchmarks.performance.concatenate", *whole.matrices(), memory_mb=room_mb)
        rows.append(row(script, what="concatenate everything", stopped=script.stopped, **about))
        shutil.rmtree(whole.root)
        if samples == first:
            say("the whole trial again, one process, with and without Dagster")
            serial, looped = (
                arriving.copy(scratch / "trial_serial"),
                arriving.copy(scratch / "trial_looped"),
            )
            shares.append(
                row(
                    hcc(serial.root, "refresh", "--jobs", 1),
                    what="whole trial, through Dagster (--jobs 1)",
                )
            )
            shares.append(
                row(
                    python("benchmarks.performance.engine_loop", looped.root),
                    what="whole trial, in a loop",
                )
            )
            for root in (serial.root, looped.root):
                shutil.rmtree(root)
    shutil.rmtree(arriving.root)
    shutil.rmtree(arriving.stash)
    return {"trial": rows, "shares": shares}


def crowd(scratch: Path, sizes: Sizes, say: Say) -> Rows:
    """From few samples towards a million cells in one home: each step delivers samples and brings
    everything up to date, display embedding included."""
    say(f"simulating {sizes.crowd[-1]} samples x {sizes.crowd_cells:,} cells")
    first, last = sizes.crowd[0], sizes.crowd[-1]
    home = homes.make_home(
        scratch / "crowd",
        samples=first,
        withheld=last - first,
        cells=sizes.crowd_cells,
        labelled=True,
    )
    rows = []
    for size in sizes.crowd:
        say(f"{size} samples x {sizes.crowd_cells:,} cells")
        arrived = size - home.delivered
        if arrived:
            home.deliver(arrived)
        found = hcc(home.root, "refresh")
        rows.append(
            row(
                found,
                what="hcc refresh",
                samples=size,
                arrived=arrived or first,
                cells=size * sizes.crowd_cells,
                held=len(found.answer["held"]),
            )
        )
    shutil.rmtree(home.root)
    shutil.rmtree(home.stash)
    return rows


def clinical(scratch: Path, sizes: Sizes, say: Say) -> Rows:
    """Endpoints by subjects, safety by rows."""
    rows = []
    for what, numbers in (("endpoints", sizes.subjects), ("safety", sizes.events)):
        for number in numbers:
            say(f"{what}, {number:,}")
            found = python("benchmarks.performance.clinical", what, number)
            rows.append(
                row(
                    found,
                    what=what,
                    size=number,
                    **{k: round(v, 3) for k, v in found.answer.items()},
                )
            )
    return rows
