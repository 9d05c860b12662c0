"""The plots of ``docs/performance.md``, as SVG that is the same for the same results.

Numbers come from the results and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.performance.goals import Rows, pick
from hcc_assets.figures.style import LINE_COLOURS, new_figure, save_svg, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def _lines(ax: Axes, rows: Rows, whats: Sequence[str], x: str, y: str, scale: float = 1.0) -> None:
    for colour, what in zip(LINE_COLOURS, whats, strict=False):
        found = sorted(pick(rows, what=what), key=lambda r: r[x])
        ax.plot(
            [r[x] * scale for r in found],
            [r[y] for r in found],
            marker="o",
            markersize=4,
            linewidth=1.4,
            color=colour,
            label=what,
        )
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False, fontsize=8)
    tidy(ax)


def sample_cpu(results: Mapping[str, Any]) -> Figure:
    """CPU of one new sample against its cells."""
    figure = new_figure(8, 3.6, title="One new sample: CPU of the whole process tree")
    ax = figure.subplots()
    rows = [r for r in results["one_sample"]["samples"] if r["case"] != "pbmc4k"]
    _lines(
        ax,
        rows,
        ("hcc refresh", "pure functions", "scanpy recipe", "two sc.read_10x_mtx"),
        "cells",
        "cpu_s",
    )
    ax.set_xlabel("cells of the sample")
    ax.set_ylabel("CPU seconds")
    return figure


def sample_memory(results: Mapping[str, Any]) -> Figure:
    """Peak memory against the size of the delivery, and the estimate that admission uses."""
    from hcc_assets.operate.workers import estimate_mb

    figure = new_figure(8, 3.6, title="One new sample: memory of the largest process")
    ax = figure.subplots()
    rows = results["one_sample"]["samples"]
    _lines(ax, rows, ("hcc refresh", "pure functions", "scanpy recipe"), "delivered_mb", "peak_mb")
    sizes = sorted({r["delivered_mb"] for r in rows})
    ax.plot(
        sizes,
        [estimate_mb(int(1e6 * s)) for s in sizes],
        linestyle="--",
        color="#666666",
        label="estimate for admission",
    )
    ax.autoscale(axis="y")
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False, fontsize=8)
    ax.set_xlabel("delivery, compressed MB")
    ax.set_ylabel("MB")
    return figure


def growing(results: Mapping[str, Any]) -> Figure:
    """CPU of a refresh against the samples that stand."""
    figure = new_figure(
        8, 3.6, title="A refresh in a home that grows: CPU of the whole process tree"
    )
    ax = figure.subplots()
    _lines(
        ax,
        results["growing_home"],
        ("one new sample", "a corrected clinical export", "nothing new", "hcc status"),
        "samples",
        "cpu_s",
    )
    ax.set_xlabel("samples in the home")
    ax.set_ylabel("CPU seconds")
    return figure


def trial(results: Mapping[str, Any]) -> Figure:
    """The whole trial against the plain script: wall, CPU, memory.

    Where the script was stopped it has no time, and a cross at the memory that it had taken.
    """
    figure = new_figure(8, 3.2, title="The whole trial from nothing")
    rows = results["whole_trial"]["trial"]
    labels = {"wall_s": "wall seconds", "cpu_s": "CPU seconds", "peak_sum_mb": "MB, all processes"}
    for ax, (field, label) in zip(figure.subplots(1, 3), labels.items(), strict=True):
        for colour, what in zip(
            LINE_COLOURS, ("hcc refresh", "concatenate everything"), strict=False
        ):
            done = [r for r in rows if r["what"] == what and not r.get("stopped")]
            ax.plot(
                [r["cells"] / 1000 for r in done],
                [r[field] for r in done],
                marker="o",
                color=colour,
                label=what,
            )
            for r in [
                r for r in rows if r["what"] == what and r.get("stopped") and field == "peak_sum_mb"
            ]:
                ax.plot(
                    r["cells"] / 1000,
                    r[field],
                    marker="X",
                    linestyle="",
                    color=colour,
                    label="stopped: no more memory",
                )
        ax.set_xlabel("thousand cells")
        ax.set_ylabel(label)
        ax.set_ylim(bottom=0)
        tidy(ax)
    figure.axes[0].legend(frameon=False, fontsize=7)
    figure.axes[2].legend(frameon=False, fontsize=7)
    return figure


def crowd(results: Mapping[str, Any]) -> Figure:
    """CPU per arrived sample and memory against the cells in the home."""
    figure = new_figure(8, 3.2, title="Towards a million cells")
    rows = results["crowd"]
    cells = [r["cells"] / 1000 for r in rows]
    left, right = figure.subplots(1, 2)
    left.plot(cells, [r["cpu_s"] / r["arrived"] for r in rows], marker="o", color=LINE_COLOURS[0])
    left.set_ylabel("CPU seconds per sample that arrived")
    for colour, (field, label) in zip(
        LINE_COLOURS,
        {"peak_mb": "largest process", "peak_sum_mb": "all processes"}.items(),
        strict=False,
    ):
        right.plot(cells, [r[field] for r in rows], marker="o", color=colour, label=label)
    right.set_ylabel("MB")
    right.legend(frameon=False, fontsize=8)
    for ax in (left, right):
        ax.set_ylim(bottom=0)
        ax.set_xlabel("thousand cells in the home")
        tidy(ax)
    return figure


def clinical(results: Mapping[str, Any]) -> Figure:
    """Clinical derivations against size, both axes logarithmic, with the line of proportion."""
    figure = new_figure(8, 3.6, title="Clinical derivations: CPU without imports")
    axes = figure.subplots(1, 2)
    for ax, what, label in zip(
        axes, ("endpoints", "safety"), ("subjects", "adverse events"), strict=True
    ):
        rows = pick(results["clinical"], what=what)
        ax.plot(
            [r["size"] for r in rows],
            [r["work_cpu_s"] for r in rows],
            marker="o",
            color=LINE_COLOURS[0],
            label="measured",
        )
        first = rows[0]
        proportional = [first["work_cpu_s"] * r["size"] / first["size"] for r in rows]
        ax.plot(
            [r["size"] for r in rows],
            proportional,
            linestyle="--",
            color="#666666",
            label="exactly proportional",
        )
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlabel(label)
        ax.set_ylabel("CPU seconds")
        ax.legend(frameon=False, fontsize=8)
        tidy(ax, grid="both")
    return figure


PLOTS: dict[str, tuple[str, Callable[[Mapping[str, Any]], Figure]]] = {
    "sample_cpu": ("one_sample", sample_cpu),
    "sample_memory": ("one_sample", sample_memory),
    "growing_home": ("growing_home", growing),
    "whole_trial": ("whole_trial", trial),
    "crowd": ("crowd", crowd),
    "clinical": ("clinical", clinical),
}
"""By name: the section it needs, and the function."""


def write(results: Mapping[str, Any], folder: Path) -> None:
    """Write every plot whose section was measured."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (section, plot) in PLOTS.items():
        if results.get(section):
            (folder / f"{name}.svg").write_bytes(save_svg(plot(results)))
