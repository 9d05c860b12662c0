"""The goals and whether they are met, computed from measured rows alone.

What to say about a miss is in ``misses``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Goal:
    """One goal.

    Attributes
    ----------
    key
        Short name, also that of its remark.
    text
        What is promised.
    limit, value
        The largest value that is good, and what was measured (the worst case); None where this run
        measured nothing for it.
    detail
        How the value came about.
    """

    key: str
    text: str
    limit: float
    value: float | None
    detail: str = ""

    @property
    def met(self) -> bool | None:
        """None when it was not measured."""
        return None if self.value is None else self.value <= self.limit


def pick(rows: Rows, **wanted: Any) -> Rows:
    """Rows with these values."""
    return [r for r in rows if all(r.get(k) == v for k, v in wanted.items())]


def ratios(
    rows: Rows, over: str, under: str, field: str = "cpu_s", by: str = "case"
) -> dict[str, float]:
    """``field`` of ``over`` divided by that of ``under``, case by case; none for what was stopped
    before its end."""
    bottom = {r[by]: r[field] for r in pick(rows, what=under) if not r.get("stopped")}
    return {r[by]: r[field] / bottom[r[by]] for r in pick(rows, what=over) if bottom.get(r[by])}


def shares(results: Mapping[str, Any]) -> dict[str, float]:
    """Dagster's share of the CPU of a refresh, case by case: what is over and above the loop,
    divided by the refresh."""
    rows = [
        *results.get("one_sample", {}).get("shares", []),
        *results.get("whole_trial", {}).get("shares", []),
    ]
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return {
        through["what"].split(",")[0]: 1 - loop["cpu_s"] / through["cpu_s"]
        for through, loop in pairs
    }


def growth(rows: Rows, what: str) -> dict[str, float]:
    """Work at each size divided by what the size before says, were growth exactly proportional."""
    found = pick(rows, what=what)
    steps = itertools.pairwise(found)
    return {
        f"{b['size']:,}": b["work_cpu_s"] / (a["work_cpu_s"] * b["size"] / a["size"])
        for a, b in steps
        if a["work_cpu_s"] > 0
    }


def judge(results: Mapping[str, Any]) -> list[Goal]:
    """All goals, with what this run measured for them."""
    one: Rows = results.get("one_sample", {}).get("samples", [])
    homes: Rows = results.get("growing_home", [])
    trial: Rows = results.get("whole_trial", {}).get("trial", [])
    crowd: Rows = results.get("crowd", [])
    doctors: Rows = results.get("clinical", [])
    return [
        *_sample_goals(one),
        *_home_goals(homes, results.get("start_up", [])),
        _ratio(
            "trial_time",
            "Whole trial from nothing, wall time, against the script that concatenates everything",
            0.5,
            {
                f"{n} samples": v
                for n, v in ratios(
                    trial, "hcc refresh", "concatenate everything", "wall_s", "samples"
                ).items()
            },
        ),
        Goal(
            "trial_memory",
            "Whole trial from nothing, all processes together, MB",
            4000,
            _worst(pick(trial, what="hcc refresh"), "peak_sum_mb"),
        ),
        Goal("crowd_memory", _crowd_text(crowd), 8000, _worst(crowd, "peak_sum_mb")),
        _ratio("dagster_share", "Dagster's share of the CPU of a refresh", 1 / 3, shares(results)),
        Goal(
            "endpoints",
            "Endpoints of 1,000 subjects x 12 visits x 5 lesions, CPU seconds",
            5.0,
            _worst(pick(doctors, what="endpoints", size=1000), "work_cpu_s"),
        ),
        Goal(
            "safety",
            "Safety tables of 100,000 adverse events, CPU seconds",
            5.0,
            _worst(pick(doctors, what="safety", size=100_000), "work_cpu_s"),
        ),
        _ratio(
            "endpoints_growth",
            "Endpoints: ten times the subjects against ten times the time",
            1.2,
            growth(doctors, "endpoints"),
        ),
        _ratio(
            "safety_growth",
            "Safety: ten times the rows against ten times the time",
            1.2,
            growth(doctors, "safety"),
        ),
    ]


def _crowd_text(crowd: Rows) -> str:
    reached = f"{crowd[-1]['cells']:,}" if crowd else "a million"
    return f"A home that grows to {reached} cells, all processes together, MB"


def _sample_goals(one: Rows) -> list[Goal]:
    ours, pure = pick(one, what="hcc refresh"), pick(one, what="pure functions")
    largest = pick(pure, cells=10_000)
    published, own = (
        ratios(one, what, "scanpy recipe") for what in ("hcc refresh", "pure functions")
    )
    reading = ratios(one, "pure functions", "two sc.read_10x_mtx", "work_cpu_s")
    return [
        _ratio(
            "sample_published",
            "One new sample to published tables (`hcc refresh`), CPU, against the scanpy recipe",
            0.2,
            published,
        ),
        _ratio(
            "sample_pure",
            "One new sample to its own tables (the functions), CPU, against the scanpy recipe",
            0.2,
            own,
        ),
        _ratio(
            "sample_reading",
            "The same, imports left out, against two calls of `sc.read_10x_mtx`",
            1.0,
            reading,
        ),
        Goal(
            "sample_cpu",
            "10,000 cells to their own tables, whole process, CPU seconds",
            15.0,
            _worst(largest, "cpu_s"),
        ),
        Goal(
            "sample_calls",
            "10,000 cells called by a frozen reference, copy number included, CPU seconds",
            2.0,
            max((r["stages"]["calls"] for r in largest if "calls" in r["stages"]), default=None),
        ),
        Goal(
            "sample_own_memory",
            "20,000 cells to their own tables, largest process, MB",
            1200,
            _worst(pick(pure, cells=20_000), "peak_mb"),
        ),
        Goal(
            "sample_memory",
            "Refresh with one new sample, largest process, MB",
            2000,
            _worst(ours, "peak_mb"),
        ),
    ]


def _home_goals(homes: Rows, starts: Rows) -> list[Goal]:
    arrivals = pick(homes, what="one new sample")
    flat = {
        f"{b['samples']} against {arrivals[0]['samples']} samples": b["cpu_s"]
        / arrivals[0]["cpu_s"]
        for b in arrivals[1:]
    }
    return [
        _ratio("flat", "One new sample in a large home against the smallest one, CPU", 1.2, flat),
        Goal(
            "nothing_new",
            "`hcc refresh` with nothing new, wall seconds",
            6.0,
            _worst(pick(homes, what="nothing new"), "wall_s"),
        ),
        Goal(
            "status",
            "`hcc status`, wall seconds",
            2.5,
            _worst(pick(homes, what="hcc status"), "wall_s"),
        ),
        Goal(
            "definitions",
            "The definitions load, wall seconds",
            3.5,
            _worst(pick(starts, what="load the definitions"), "wall_s"),
        ),
    ]


def _ratio(key: str, text: str, limit: float, values: Mapping[Any, float]) -> Goal:
    detail = ", ".join(f"{case}: {value:.2f}" for case, value in values.items())
    return Goal(
        key, text, limit, max(values.values(), default=None), detail if len(values) > 1 else ""
    )


def _worst(rows: Iterable[Mapping[str, Any]], field: str) -> float | None:
    return max((r[field] for r in rows), default=None)
