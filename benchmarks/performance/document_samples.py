"""Sections of the performance document on samples: one more, a growing home, the whole trial."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.performance.goals import Rows, pick, ratios
from benchmarks.performance.markdown import image, listed, table
from benchmarks.performance.measure import slope

COSTS = {
    "wall_s": "wall s",
    "cpu_s": "CPU s",
    "peak_mb": "largest process MB",
    "peak_sum_mb": "sum MB",
}


def one_sample(section: Mapping[str, Rows]) -> str:
    rows = section["samples"]
    recipe = {r["case"]: r["cpu_s"] for r in pick(rows, what="scanpy recipe")}
    shown = [r | {"ratio": r["cpu_s"] / recipe[r["case"]]} for r in rows]
    heads = {
        "case": "sample",
        "what": "",
        "worked_on": "samples touched",
        **COSTS,
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
- `hcc refresh` against the recipe, CPU: {listed(published)}.
- The functions against the recipe, CPU: {listed(own)}.
- The functions against two `sc.read_10x_mtx` calls, imports left out: {listed(reading)}; against \
parsing the delivery alone: {listed(parsing)}.
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
        image(
            "sample_cpu",
            "CPU seconds of one new sample against its number of cells, for the platform, the "
            "functions and the scanpy recipe",
        )
    }
{
        image(
            "sample_memory",
            "Peak memory of the largest process against the size of the delivery, "
            "with the estimate used for admission",
        )
    }"""


def growing_home(rows: Rows) -> str:
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
        **COSTS,
        "ratio": "CPU against the smallest home",
    }
    return f"""## A home that grows

{table(shown, heads)}
{fitted}

{
        image(
            "growing_home",
            "CPU seconds of a refresh against the number of samples in the home, by what is new",
        )
    }"""


def whole_trial(section: Mapping[str, Rows]) -> str:
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

{table(shown, {"samples": "samples", "cells": "cells", "what": "", **COSTS})}
`hcc refresh` against the script: {"; ".join(against)}.{note}

{
        image(
            "whole_trial",
            "Wall time, CPU and memory of the whole trial for the platform and for the script that "
            "concatenates everything",
        )
    }"""
