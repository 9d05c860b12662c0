"""Composition of samples and timepoints.

Paired changes belong to ``paired_changes`` (``change_table`` is reached from here too) and
``composition_changes``; calls of single cells to ``cells.annotate``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.composition import Compositions, TimepointCompositions
from hcc_assets.stats.biopsies import Biopsies, group_biopsies, tissue_names
from hcc_assets.stats.paired_changes import change_table as change_table
from hcc_assets.stats.proportions import wilson_wider
from hcc_assets.study.classes import CELL_CLASSES, DENOMINATORS, UNASSIGNED
from hcc_assets.study.config import StudyConfig

INTERVAL_LABEL: Final = "Wilson 95 %, cell sampling and doubt of calls"
FEW_CELLS: Final = 200
"""Denominators below this are marked (single-cell methods, section 3: flagged below 200 cells)."""

HALF_A_CELL: Final = 0.5
"""Soft count from which something is there at all: whole counts of one and more, and no sum of the
small posteriors that every cell leaves in every class."""

Array = npt.NDArray[np.float64]


def class_columns(classes: Iterable[str]) -> list[int]:
    """Columns of classes in an array whose columns are ``CELL_CLASSES``."""
    return [CELL_CLASSES.index(c) for c in classes]


def class_counts(
    sample_ids: npt.ArrayLike,
    counts: pd.DataFrame,
    statuses: Iterable[str] = ("pass",),
    column: str = "n_cells",
) -> Array:
    """Cells per sample and class.

    Parameters
    ----------
    sample_ids
        n samples; a sample without a row in ``counts`` has zero cells.
    counts
        ``sample_id, cell_class, qc_status, n_cells``; several rows of one key are added. A missing
        class is ``unassigned``.
    statuses
        QC states that count.
    column
        What is added. Without ``n_expected`` or ``n_assigned`` cells count whole, without
        ``calls_variance`` and ``calls_error`` calls are beyond doubt.

    Returns
    -------
    numpy.ndarray
        (n, 18) in the order of ``CELL_CLASSES``.

    Raises
    ------
    ValueError
        A class is not one of the study's.
    """
    mine = counts[counts["qc_status"].isin(list(statuses))]
    names = mine["cell_class"].astype(object).where(mine["cell_class"].notna(), UNASSIGNED)
    columns = pd.Index(CELL_CLASSES).get_indexer(pd.Index(names))
    if (columns < 0).any():
        raise ValueError(
            f"{int((columns < 0).sum())} rows of the class counts name a class that the study "
            "does not know"
        )
    rows = pd.Index(np.asarray(sample_ids, dtype=object).astype(str)).get_indexer(
        pd.Index(mine["sample_id"].astype(str))
    )
    out = np.zeros((np.size(sample_ids), len(CELL_CLASSES)))
    known = rows >= 0
    if column not in mine and column.startswith("calls"):
        return out
    values = mine[column if column in mine else "n_cells"].to_numpy(dtype=float)
    np.add.at(out, (rows[known], columns[known]), values[known])
    return out


@dataclass(frozen=True)
class UnitCounts:
    """Counts per biopsy: ``counts`` (biopsies x 18, sums of posteriors where there are any),
    ``usable`` (biopsies,) by the rule on few cells; and of each sample its ``unit`` (row of the
    biopsies), ``sample_counts`` and ``sample_variance`` (samples x 18, that of the calls)."""

    biopsies: Biopsies
    counts: Array
    usable: npt.NDArray[np.bool_]
    unit: npt.NDArray[np.intp]
    sample_counts: Array
    sample_variance: Array

    def usable_in(self, denominator: str) -> npt.NDArray[np.bool_]:
        """Biopsies that have enough cells, and at least one in the denominator."""
        here = self.counts[:, class_columns(DENOMINATORS[denominator])].sum(axis=1)
        return self.usable & (here >= HALF_A_CELL)


def biopsy_counts(
    samples: pd.DataFrame,
    counts: pd.DataFrame,
    config: StudyConfig,
    *,
    statuses: Iterable[str] = ("pass",),
    min_cells: int | None = None,
) -> UnitCounts:
    """Sum counts of the samples of each biopsy and apply ``single_cell.min_cells_per_sample`` to
    the cells of the denominator ``all``.

    The rule looks at QC-passed cells of the whole biopsy, also when ``statuses`` count more.
    """
    biopsies = group_biopsies(samples, config)
    ids = samples["sample_id"].astype(str).to_numpy()
    everything = class_columns(DENOMINATORS["all"])
    passed = biopsies.sum_rows(ids, class_counts(ids, counts))[:, everything].sum(axis=1)
    soft = class_counts(ids, counts, statuses, "n_expected")
    limit = config.single_cell.min_cells_per_sample if min_cells is None else min_cells
    return UnitCounts(
        biopsies,
        biopsies.sum_rows(ids, soft),
        passed >= max(limit, 1),
        np.array([biopsies.unit_of[s] for s in ids], dtype=np.intp),
        soft,
        class_counts(ids, counts, statuses, "calls_variance"),
    )


def compositions(samples: pd.DataFrame, counts: pd.DataFrame, config: StudyConfig) -> pd.DataFrame:
    """Share of each class in each sample and denominator.

    Parameters
    ----------
    samples
        ``sample_id, subject_id, timepoint, tissue``, one row per sample whose cells are called.
    counts
        ``sample_id, cell_class, qc_status, n_cells`` and, where calls are in doubt, ``n_expected,
        n_assigned, calls_variance, calls_error`` (`cells.pseudobulk.soft_counts`).
    config
        The study.

    Returns
    -------
    pandas.DataFrame
        ``Compositions``: every class of every denominator has its row in every sample, also with no
        cell.
    """
    if samples.empty:
        return empty(Compositions)
    frame = samples.reset_index(drop=True)
    ids = frame["sample_id"].astype(str).to_numpy()
    units = biopsy_counts(frame, counts, config)
    names = ("n_cells", "n_expected", "n_assigned", "calls_variance", "calls_error")
    hard, soft, sure, variance, error = (class_counts(ids, counts, column=c) for c in names)
    variance = variance + error**2
    unassigned = hard[:, [CELL_CLASSES.index(UNASSIGNED)]]
    parts = []
    for denominator, classes in DENOMINATORS.items():
        at = class_columns(classes)
        n = hard[:, at]
        total = np.broadcast_to(n.sum(axis=1, keepdims=True), n.shape)
        whole = np.broadcast_to(soft[:, at].sum(axis=1, keepdims=True), n.shape)
        whole = np.where(whole >= HALF_A_CELL, whole, np.nan)
        share = soft[:, at] / whole
        low, high = wilson_wider(soft[:, at], np.nan_to_num(whole), variance[:, at])
        most = sure[:, at].sum(axis=1, keepdims=True) + unassigned
        most = np.where(most > 0, most, np.nan)
        in_tests = units.usable_in(denominator)[units.unit]
        k = len(classes)
        parts.append(
            pd.DataFrame(
                {
                    "sample_id": np.repeat(ids, k),
                    "subject_id": np.repeat(frame["subject_id"].astype(str).to_numpy(), k),
                    "timepoint": np.repeat(frame["timepoint"].astype(str).to_numpy(), k),
                    "tissue": np.repeat(
                        tissue_names(frame["tissue"]).to_numpy()
                        if "tissue" in frame
                        else np.full(len(ids), "unknown", dtype=object),
                        k,
                    ),
                    "denominator": denominator,
                    "cell_class": np.tile(np.array(classes, dtype=object), len(ids)),
                    "n_cells": n.ravel().astype(np.int64),
                    "n_total": total.ravel().astype(np.int64),
                    "n_expected": soft[:, at].ravel(),
                    "proportion": share.ravel(),
                    "ci_low": low.ravel(),
                    "ci_high": high.ravel(),
                    "proportion_min": np.fmin(sure[:, at] / most, share).ravel(),
                    "proportion_max": np.fmax((sure[:, at] + unassigned) / most, share).ravel(),
                    "interval": INTERVAL_LABEL,
                    "few_cells": total.ravel() < FEW_CELLS,
                    "in_tests": np.repeat(in_tests, k),
                }
            )
        )
    return conform(
        Compositions, in_order(pd.concat(parts), ["sample_id", "denominator", "cell_class"])
    )


def in_order(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Sort by keys, classes and denominators in the study's order, all else by name."""
    ranks = {
        "cell_class": {c: f"{i:03d}" for i, c in enumerate(CELL_CLASSES)},
        "denominator": {d: str(i) for i, d in enumerate(DENOMINATORS)},
    }
    return frame.sort_values(
        keys,
        key=lambda s: s.map(lambda v: ranks.get(str(s.name), {}).get(v, f"~{v}")),
        kind="stable",
    ).reset_index(drop=True)


def timepoint_compositions(
    samples: pd.DataFrame, counts: pd.DataFrame, config: StudyConfig
) -> pd.DataFrame:
    """Mean and median share of each class over subjects, per timepoint.

    Samples of one biopsy are summed, biopsies of one subject in different tissues averaged;
    biopsies below ``min_cells_per_sample`` are left out.

    Returns
    -------
    pandas.DataFrame
        ``TimepointCompositions``; every timepoint of the study and of the samples has all its rows.
    """
    if samples.empty:
        return empty(TimepointCompositions)
    units = biopsy_counts(samples, counts, config)
    frame = units.biopsies.units
    samples_of_unit = np.bincount(list(units.biopsies.unit_of.values()), minlength=len(frame))
    timepoints = [
        *config.samples.timepoints,
        *sorted(set(frame["timepoint"]) - set(config.samples.timepoints)),
    ]
    rows = []
    for timepoint in timepoints:
        here = (frame["timepoint"] == timepoint).to_numpy()
        for denominator, classes in DENOMINATORS.items():
            used = here & units.usable_in(denominator)
            n = units.counts[used][:, class_columns(classes)]
            shares = (
                pd.DataFrame(n / n.sum(axis=1, keepdims=True))
                .groupby(frame["subject_id"].to_numpy()[used], sort=True)
                .mean()
                .to_numpy()
            )
            for j, cell_class in enumerate(classes):
                rows.append(
                    {
                        "timepoint": timepoint,
                        "denominator": denominator,
                        "cell_class": cell_class,
                        "n_samples": int(samples_of_unit[used].sum()),
                        "n_subjects": shares.shape[0],
                        **_summary(shares[:, j]),
                    }
                )
    return conform(TimepointCompositions, pd.DataFrame(rows))


def _summary(values: Array) -> dict[str, float]:
    nan = float("nan")
    if values.size == 0:
        return dict.fromkeys(("mean", "ci_low", "ci_high", "median", "q1", "q3"), nan)
    q1, median, q3 = np.quantile(values, [0.25, 0.5, 0.75])
    mean = float(values.mean())
    half = (
        nan
        if values.size < 2
        else float(stats.t.ppf(0.975, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size))
    )
    return {
        "mean": mean,
        "ci_low": max(mean - half, 0.0) if half == half else nan,
        "ci_high": min(mean + half, 1.0) if half == half else nan,
        "median": float(median),
        "q1": float(q1),
        "q3": float(q3),
    }
