"""Results of a made-up benchmark run, small enough to judge by hand."""

from __future__ import annotations

from typing import Any


def measured(what: str, cpu: float, **more: Any) -> dict[str, Any]:
    return {
        "what": what,
        "wall_s": cpu * 0.8,
        "cpu_s": cpu,
        "peak_mb": 500,
        "peak_sum_mb": 700,
        **more,
    }


def example(*, refresh: float = 6.0, share: float = 0.25, grown: float = 1.1) -> dict[str, Any]:
    """Results of a made-up run, small enough to judge by hand."""
    samples = []
    for cells, mb in ((2000, 4.0), (10_000, 20.0)):
        about = {"case": f"{cells:,} cells", "cells": cells, "delivered_mb": mb}
        stages = {"read": 1.0, "quality": 1.0, "calls": 1.0, "pseudobulk": 0.5}
        samples += [
            measured("hcc refresh", refresh, worked_on=1, held=0, **about),
            measured("pure functions", 5.0, work_cpu_s=3.5, stages=stages, **about),
            measured("scanpy recipe", 50.0, **about),
            measured("two sc.read_10x_mtx", 10.0, work_cpu_s=7.0, **about),
            measured("parsing alone", 4.0, work_cpu_s=1.0, **about),
        ]
    grow = []
    for n, factor in ((10, 1.0), (40, grown)):
        grow += [
            measured(w, c * factor, samples=n)
            for w, c in (
                ("one new sample", 8.0),
                ("a corrected clinical export", 5.0),
                ("nothing new", 2.0),
            )
        ]
        grow.append(measured("hcc status", 1.5, samples=n))
    trial = [
        measured("hcc refresh", 40.0, samples=12, cells=18_000),
        measured("concatenate everything", 100.0, samples=12, cells=18_000),
    ]
    trial += [
        measured("hcc refresh", 400.0, samples=80, cells=120_000),
        measured("concatenate everything", 90.0, samples=80, cells=120_000, stopped=True),
    ]
    clinical = [
        measured("endpoints", 2.0, size=s, rows=s, work_cpu_s=s / 1000, reading_cpu_s=0.1)
        for s in (100, 1000, 10_000)
    ]
    clinical += [
        measured("safety", 2.0, size=s, rows=s, work_cpu_s=s / 1e5, reading_cpu_s=0.1)
        for s in (100_000, 1_000_000)
    ]
    return {
        "machine": {"processor": "a processor", "cores": "2"},
        "sizes": {"crowd": "tiny"},
        "start_up": [
            measured(w, c)
            for w, c in (
                ("import scanpy", 4.0),
                ("import dagster", 1.0),
                ("load the definitions", 2.0),
            )
        ],
        "one_sample": {
            "samples": samples,
            "shares": [
                measured("one, through Dagster", 4.0),
                measured("one, in a loop", 4.0 * (1 - share)),
            ],
        },
        "growing_home": grow,
        "whole_trial": {
            "trial": trial,
            "shares": [measured("all, through Dagster", 50.0), measured("all, in a loop", 45.0)],
        },
        "crowd": [
            measured("hcc refresh", 6.0 * n, samples=n, arrived=n, cells=5000 * n, held=0)
            for n in (25, 50)
        ],
        "clinical": clinical,
        "profiles": {},
    }
