"""``docs/performance.md`` from measured rows: every sentence with a number is computed.

Plots are in ``plots``, goals in ``goals``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.performance import plots
from benchmarks.performance.goals import Goal, Rows, growth, judge, pick, ratios, shares
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
_COSTS = {
    "wall_s": "wall s",
    "cpu_s": "CPU s",
    "peak_mb": "largest process MB",
    "peak_sum_mb": "sum MB",
}


def table(rows: Iterable[Mapping[str, Any]], heads: Mapping[str, str]) -> str:
    """A Markdown table of the chosen fields."""
    lines = ["| " + " | ".join(heads.values()) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(_cell(row.get(field)) for field in heads) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _image(name: str, words: str) -> str:
    return f"![{words}](images/performance/{name}.svg)\n"


def _list(values: Mapping[str, float]) -> str:
    return ", ".join(f"{case} {value:.2f}" for case, value in values.items())


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


def _one_sample(section: Mapping[str, Rows]) -> str:
    rows = section["samples"]
    recipe = {r["case"]: r["cpu_s"] for r in pick(rows, what="scanpy recipe")}
    shown = [r | {"ratio": r["cpu_s"] / recipe[r["case"]]} for r in rows]
    heads = {
        "case": "sample",
        "what": "",
        "worked_on": "samples touched",
        **_COSTS,
        "work_cpu_s": "CPU s without imports",
        "ratio": "CPU against the recipe",
    }
    published, own = (
        ratios(rows, "hcc refresh", "scanpy recipe"),
        ratios(rows, "pure functions", "scanpy recipe"),
    )
    reading, parsing = (
        ratios(rows, "pure functions", other, "work_cpu_s")
        for other in ("two sc.read_10x_mtx", "parsing alone")
    )
    simulated = [r for r in pick(rows, what="pure functions") if r["case"] != "pbmc4k"]
    start, each = slope((r["cells"] / 1000, r["work_cpu_s"]) for r in simulated)
    memory = pick(rows, what="hcc refresh")
    base, per_mb = slope((r["delivered_mb"], r["peak_mb"]) for r in memory)
    stages = [{"case": r["case"], **r["stages"]} for r in pick(rows, what="pure functions")]
    return f"""## One new sample, from delivery to published tables

A simulated biopsy (15,000 genes) arrives in a home whose other half is up to date and whose \
reference is frozen. `hcc refresh` brings it into every published
table, figures and report included; "pure functions" is the work on the sample alone (raw counts, \
quality, calls, pseudobulk) without platform and Dagster.
The recipe reads, filters, runs Scrublet, normalises, picks variable genes, PCA, neighbours, UMAP, \
Leiden and markers, as a plain script.

{table(shown, heads)}
- `hcc refresh` against the recipe, CPU: {_list(published)}.
- The functions against the recipe, CPU: {_list(own)}.
- The functions against two `sc.read_10x_mtx` calls, imports left out: {_list(reading)}; against \
parsing the delivery alone: {_list(parsing)}.
- Growth of the functions: {start:.2f} s + {each:.2f} s per 1,000 cells (least squares over the \
simulated samples, imports left out).
- Memory of the largest process of a refresh: {base:.0f} MB + {per_mb:.1f} MB per delivered MB.

CPU seconds of the functions by stage:

{
        table(
            stages,
            {
                "case": "sample",
                "read": "read",
                "quality": "quality, doublets, ambient",
                "calls": "calls, copy number",
                "pseudobulk": "pseudobulk",
            },
        )
    }
{
        _image(
            "sample_cpu",
            "CPU seconds of one new sample against its number of cells, for the platform, the "
            "functions and the scanpy recipe",
        )
    }
{
        _image(
            "sample_memory",
            "Peak memory of the largest process against the size of the delivery, "
            "with the estimate used for admission",
        )
    }"""


def _growing_home(rows: Rows) -> str:
    first = {r["what"]: r["cpu_s"] for r in reversed(rows)}
    shown = [r | {"ratio": r["cpu_s"] / first[r["what"]]} for r in rows]
    lines = {
        what: slope((r["samples"], r["cpu_s"]) for r in pick(rows, what=what)) for what in first
    }
    fitted = "\n".join(
        f"- {what}: {start:.2f} s + {1000 * each:.0f} ms of CPU per sample in the home."
        for what, (start, each) in lines.items()
    )
    heads = {
        "what": "refresh with",
        "samples": "samples in the home",
        "worked_on": "samples touched",
        **_COSTS,
        "ratio": "CPU against the smallest home",
    }
    return f"""## A home that grows

{table(shown, heads)}
{fitted}

{
        _image(
            "growing_home",
            "CPU seconds of a refresh against the number of samples in the home, by what is new",
        )
    }"""


def _whole_trial(section: Mapping[str, Rows]) -> str:
    rows = section["trial"]
    halted = {
        "what": "concatenate everything (stopped: no more memory)",
        "wall_s": None,
        "cpu_s": None,
    }
    shown = [r | halted if r.get("stopped") else r for r in rows]
    against = [
        f"{label} "
        + ", ".join(
            f"{value:.2f} at {n} samples"
            for n, value in ratios(
                rows, "hcc refresh", "concatenate everything", field, "samples"
            ).items()
        )
        for field, label in {
            "wall_s": "wall",
            "cpu_s": "CPU",
            "peak_sum_mb": "memory of all processes",
        }.items()
    ]
    stopped = [r["samples"] for r in rows if r.get("stopped")]
    note = (
        (
            f" At {stopped[0]} samples the script takes more memory than this machine has and does "
            "not end; there is no ratio."
        )
        if stopped
        else ""
    )
    return f"""## The whole trial from nothing

{rows[0]["cells"] // rows[0]["samples"]:,} cells a sample, no labels: every table, figure and the \
report, on all cores, against a plain script that reads every
sample, concatenates and clusters all cells together (and publishes nothing).

{table(shown, {"samples": "samples", "cells": "cells", "what": "", **_COSTS})}
`hcc refresh` against the script: {"; ".join(against)}.{note}

{
        _image(
            "whole_trial",
            "Wall time, CPU and memory of the whole trial for the platform and for the script that "
            "concatenates everything",
        )
    }"""


def _crowd(rows: Rows) -> str:
    shown = [r | {"each": r["cpu_s"] / r["arrived"]} for r in rows]
    heads = {
        "samples": "samples",
        "cells": "cells in the home",
        "arrived": "samples that arrived",
        **_COSTS,
        "each": "CPU s per sample that arrived",
    }
    base, per = slope((r["cells"] / 1e5, r["peak_mb"]) for r in rows)
    return f"""## Towards a million cells

Samples arrive in a few large batches; after each, `hcc refresh` brings every table, the display \
embedding, figures and the report up to date.

{table(shown, heads)}
Memory of the largest process: {base:.0f} MB + {per:.0f} MB per 100,000 cells in the home.

{_image("crowd", "CPU seconds and memory of a refresh against the number of cells in the home")}"""


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

{table(rows, {"what": "", **_COSTS})}
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
        steps = _list(growth(rows, what))
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
        _image(
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
                f"- **{goal.text}**: {_cell(goal.value)} where at most {_cell(goal.limit)} was "
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
            f"{profile['seconds']:.1f} s (profiling itself slows Python code down).\n"
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
        "one_sample": _one_sample,
        "growing_home": _growing_home,
    }
    sections |= {"whole_trial": _whole_trial, "crowd": _crowd}
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
