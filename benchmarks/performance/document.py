"""``docs/performance.md`` from measured rows: every sentence with a number is computed.

Plots are in ``plots``, goals in ``goals``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.performance import plots
from benchmarks.performance.document_samples import COSTS, growing_home, one_sample, whole_trial
from benchmarks.performance.goals import Goal, Rows, growth, judge, pick, shares
from benchmarks.performance.markdown import cell, image, listed, table
from benchmarks.performance.measure import slope
from benchmarks.performance.misses import REMARKS

_HEAD = """# Performance

Written by `make benchmark` (`python -m benchmarks.performance`) from one run; the same numbers \
are in [results.json](images/performance/results.json).
Every claim is a ratio of two things measured in the same run, one after the other. Whole \
processes are measured: imports, start-up, reading and writing are
in. CPU is user plus system time of a process and all its descendants; memory is resident memory, \
of the largest process and of the largest sum over processes
at one moment. Where imports are left out, the table says so. The scanpy recipe runs with a warm \
numba cache, which favours it.
"""


def _goals(goals: Sequence[Goal]) -> str:
    words = {True: "met", False: "**missed**", None: "not measured in this run"}
    rows = []
    for goal in goals:
        limit = f"at most {goal.limit:.2g}" if goal.limit < 100 else f"at most {goal.limit:,.0f}"
        rows.append(
            {
                "text": goal.text,
                "limit": limit,
                "value": goal.value,
                "met": words[goal.met],
                "detail": goal.detail or "-",
            }
        )
    heads = {
        "text": "goal",
        "limit": "bar",
        "value": "measured (worst case)",
        "met": "",
        "detail": "case by case",
    }
    return "## Goals\n\n" + table(rows, heads)


def _machine(results: Mapping[str, Any]) -> str:
    rows = [{"what": k, "value": v} for k, v in results["machine"].items()] + [
        {
            "what": "sizes",
            "value": ", ".join(
                f"{section.replace('_', ' ')} {size}"
                for section, size in results.get("sizes", {}).items()
            ),
        }
    ]
    return "## Machine\n\n" + table(rows, {"what": "", "value": ""})


def _start_up(rows: Rows) -> str:
    yardstick = pick(rows, what="import scanpy")[0]["cpu_s"]
    for row in rows:
        row["ratio"] = row["cpu_s"] / yardstick
    heads = {
        "what": "whole process",
        "wall_s": "wall s",
        "cpu_s": "CPU s",
        "ratio": "CPU in imports of scanpy",
    }
    return "## Start-up\n\n" + table(rows, heads)


def _crowd(rows: Rows) -> str:
    shown = [r | {"each": r["cpu_s"] / r["arrived"]} for r in rows]
    heads = {
        "samples": "samples",
        "cells": "cells in the home",
        "arrived": "samples that arrived",
        **COSTS,
        "each": "CPU s per sample that arrived",
    }
    base, per = slope((r["cells"] / 1e5, r["peak_mb"]) for r in rows)
    return f"""## Towards a million cells

Samples arrive in a few large batches; after each, `hcc refresh` brings every table, the display \
embedding, figures and the report up to date.

{table(shown, heads)}
Memory of the largest process: {base:.0f} MB + {per:.0f} MB per 100,000 cells in the home.

{image("crowd", "CPU seconds and memory of a refresh against the number of cells in the home")}"""


def _dagster(results: Mapping[str, Any]) -> str:
    rows = [
        *results.get("one_sample", {}).get("shares", []),
        *results.get("whole_trial", {}).get("shares", []),
    ]
    return f"""## Dagster's share

The same recipes are attempted in a loop, in one process that never imports dagster, on a copy of \
the same home; the same versions, checks, figures and
audit entries are written. What `hcc refresh` takes beyond that is Dagster's share: its import, \
the definitions, runs, steps and events.

{table(rows, {"what": "", **COSTS})}
Share of the CPU: \
{", ".join(f"{case} {100 * value:.0f} %" for case, value in shares(results).items())}.
"""


def _clinical(rows: Rows) -> str:
    shown = [
        r | {"ratio": r["work_cpu_s"] / r["reading_cpu_s"] if r["reading_cpu_s"] else None}
        for r in rows
    ]
    heads = {
        "what": "",
        "size": "subjects or rows",
        "rows": "rows read",
        "work_cpu_s": "CPU s of the derivation",
    }
    heads |= {
        "reading_cpu_s": "CPU s of reading the rows from CSV",
        "ratio": "against reading",
        "cpu_s": "CPU s, whole process",
        "peak_mb": "MB",
    }
    lines = []
    for what, unit in (("endpoints", "1,000 subjects"), ("safety", "100,000 rows")):
        scale = 1000 if what == "endpoints" else 100_000
        start, each = slope((r["size"] / scale, r["work_cpu_s"]) for r in pick(rows, what=what))
        steps = listed(growth(rows, what))
        lines.append(
            f"- {what}: {start:.2f} s + {each:.2f} s per {unit}; at each size against exact "
            f"proportion to the size before: {steps}."
        )
    return f"""## Clinical derivations

Endpoints: responses, best responses, rates, times to event and their summary from lesion rows (12 \
visits after baseline, 5 lesions). Safety: all tables of
`ae_summary` (ten events a subject). Derivations are measured without imports; they are column \
operations over all subjects at once, see
`benchmarks/endpoints.py`.

{table(shown, heads)}
{chr(10).join(lines)}

{
        image(
            "clinical",
            "CPU seconds of endpoints against subjects and of safety tables against adverse "
            "events, both axes logarithmic",
        )
    }"""


def _misses(goals: Sequence[Goal], profiles: Mapping[str, Any]) -> str:
    missed = [g for g in goals if g.met is False]
    if not missed:
        return "## Missed goals\n\nNone in this run.\n"
    out = ["## Missed goals\n"]
    for goal in missed:
        out.append(
            (
                f"- **{goal.text}**: {cell(goal.value)} where at most {cell(goal.limit)} was "
                f"promised. {REMARKS.get(goal.key, '')}"
            ).rstrip()
        )
    out.append("")
    for cause, profile in profiles.items():
        if not {g.key for g in missed} & set(profile["goals"]):
            continue
        if "failed" in profile:
            out.append(f"### Profile: {cause}\n\nThe profile could not be taken.\n")
            continue
        own = [
            {"package": k, "s": v, "share": f"{100 * v / profile['seconds']:.0f} %"}
            for k, v in profile["packages"].items()
        ]
        out.append(
            f"### Profile: {cause}\n\nTaken with cProfile in one process, "
            f"{profile['seconds']:.1f} s (profiling itself slows Python code "
            "down). Modules have the names of the day of the measurement.\n"
        )
        out.append(
            "Time in a package's own code:\n\n"
            + table(own, {"package": "package or module", "s": "s", "share": "share"})
        )
        heads = {
            "function": "function",
            "calls": "calls",
            "own_s": "own s",
            "cumulative_s": "with what it calls, s",
        }
        out.append(
            "Functions of the project, with what they call:\n\n"
            + table(profile["functions"], heads)
        )
    return "\n".join(out) + "\n"


def text(results: Mapping[str, Any]) -> str:
    """The whole document."""
    goals = judge(results)
    parts = [_HEAD, _goals(goals), _machine(results)]
    sections: dict[str, Callable[[Any], str]] = {
        "start_up": _start_up,
        "one_sample": one_sample,
        "growing_home": growing_home,
    }
    sections |= {"whole_trial": whole_trial, "crowd": _crowd}
    for name, section in sections.items():
        if results.get(name):
            parts.append(section(results[name]))
    if shares(results):
        parts.append(_dagster(results))
    if results.get("clinical"):
        parts.append(_clinical(results["clinical"]))
    parts.append(_misses(goals, results.get("profiles", {})))
    return "\n".join(p.rstrip() + "\n" for p in parts)


def write(results: Mapping[str, Any], docs: Path) -> None:
    """Write the document and its plots."""
    plots.write(results, docs / "images" / "performance")
    (docs / "performance.md").write_text(text(results), encoding="utf-8")
