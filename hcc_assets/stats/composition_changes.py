"""Paired change of composition: the registered estimand and the log-ratio test, per denominator and
class.

The log-ratio test is ``paired_changes.change_table``, other analyses of the same question are in
``composition_sensitivity``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.composition import CompositionChanges
from hcc_assets.stats.biopsies import Pairs
from hcc_assets.stats.composition import UnitCounts, biopsy_counts, class_columns
from hcc_assets.stats.composition_logratio import of_others, posterior_log
from hcc_assets.stats.mixed_model import random_intercept
from hcc_assets.stats.moderated import TTest
from hcc_assets.stats.multiplicity import benjamini_hochberg
from hcc_assets.stats.paired import bootstrap_mean_ci, hodges_lehmann, signed_rank_p
from hcc_assets.stats.paired_changes import (
    CONFOUNDED,
    INSUFFICIENT,
    LOG2,
    change_table,
    log_ratios,
)
from hcc_assets.study.classes import DENOMINATORS, PRIMARY_CLASSES, UNASSIGNED
from hcc_assets.study.config import StudyConfig, contrast_name

Array = npt.NDArray[np.float64]
SEED = 20260101  # of the bootstrap; any number does, a fixed one gives the same bytes


PRIMARY, SENSITIVITY = "primary", "sensitivity"
"""Roles of a denominator: the one that the study registered, and the others."""


def compositional_classes(denominator: str) -> tuple[str, ...]:
    """Classes of a denominator that enter log-ratios: all but ``unassigned``."""
    return tuple(c for c in DENOMINATORS[denominator] if c != UNASSIGNED)


def composition_changes(
    samples: pd.DataFrame,
    counts: pd.DataFrame,
    config: StudyConfig,
    *,
    seed: int = SEED,
    confounded: Collection[str] = (),
) -> pd.DataFrame:
    """Change of each class between the two timepoints.

    Parameters
    ----------
    samples, counts
        As for ``compositions``; with ``n_blind``, the expected cells of calls that were made
        without the genes that the drug acts on, their change is given too.
    config
        ``samples.timepoints``, ``single_cell.min_pairs``, ``min_cells_per_sample`` and
        ``primary_denominator``.
    seed
        Seed of the bootstrap over patients.
    confounded
        Contrasts (``pre>post``) whose change the design cannot tell from something else: the
        verdict of every estimate is CONFOUNDED.

    Returns
    -------
    pandas.DataFrame
        ``CompositionChanges``, one row per denominator and class. With fewer than ``min_pairs``
        patients every statistic is null beside its n. A class that is never seen in the pairs has a
        median of 0 and no test.
    """
    if samples.empty:
        return empty(CompositionChanges)
    units = biopsy_counts(samples, counts, config)
    parts = [_of_denominator(units, denominator, config, seed) for denominator in DENOMINATORS]
    if "n_blind" in counts:
        blind = biopsy_counts(samples, counts.assign(n_expected=counts["n_blind"]), config)
        for denominator, part in zip(DENOMINATORS, parts, strict=True):
            part["target_blind_log2_ratio"] = _tests(blind, denominator, config)["log2_ratio"]
    table = pd.concat(parts, ignore_index=True).assign(contrast=contrast_name(config))
    if "target_blind_log2_ratio" not in table:
        table["target_blind_log2_ratio"] = np.nan
    held = table["contrast"].isin(list(confounded)) & (table["verdict"] != INSUFFICIENT)
    table["verdict"] = table["verdict"].mask(held, CONFOUNDED)
    return conform(CompositionChanges, table)


def _of_denominator(
    units: UnitCounts, denominator: str, config: StudyConfig, seed: int
) -> pd.DataFrame:
    classes = DENOMINATORS[denominator]
    primary = denominator == config.single_cell.primary_denominator
    min_pairs = config.single_cell.min_pairs
    n = units.counts[:, class_columns(classes)]
    usable = units.usable_in(denominator)
    pairs = units.biopsies.pairs(usable)
    out = pd.DataFrame(
        {
            "denominator": denominator,
            "role": PRIMARY if primary else SENSITIVITY,
            "cell_class": classes,
            "n_pairs": len(pairs),
            "n_subjects": pairs.n_subjects,
        }
    )
    out = pd.concat([out, proportion_changes(n, pairs, min_pairs, seed)], axis=1)
    tests = _tests(units, denominator, config)
    out = pd.concat([out, tests.drop(columns=["cell_class", "n_pairs"])], axis=1)
    out["no_estimate"] = [
        None if np.isfinite(found) else _why_not(c, pairs.n_subjects, min_pairs)
        for c, found in zip(classes, out["log2_ratio"], strict=True)
    ]
    out["p_adjusted"] = adjust_primary(out["p_value"].to_numpy(), classes, primary=primary)
    inside = np.array([c != UNASSIGNED for c in classes])
    counts, weights = n[:, inside], out["reference_weight"].to_numpy()[inside]
    mixed, mixed_n = mixed_changes(units, counts, usable, weights, min_pairs)

    def place(values: Array) -> Array:
        column = np.full(len(classes), np.nan)
        column[inside] = values
        return column

    centred = log_ratios(counts, pairs, min_pairs, reference="clr").test
    out["clr_log2_ratio"] = place(centred.estimate / LOG2)
    out["clr_p_value"] = place(centred.p_value)
    out["mixed_n_subjects"] = mixed_n
    out["mixed_log2_ratio"] = place(mixed.estimate / LOG2)
    out["mixed_p_value"] = place(mixed.p_value)
    return out


def _tests(units: UnitCounts, denominator: str, config: StudyConfig) -> pd.DataFrame:
    """Rows of ``change_table`` for the classes of a denominator, in their order."""
    before, after = config.samples.timepoints[:2]
    long = _long(units, units.usable_in(denominator), DENOMINATORS[denominator])
    least = config.single_cell.min_pairs
    return change_table(long, before=before, after=after, min_pairs=least)


def _why_not(cell_class: str, n_subjects: int, min_pairs: int) -> str:
    if cell_class == UNASSIGNED:
        return "no class to test"
    if n_subjects < max(min_pairs, 2):
        return f"{n_subjects} patients with a pair, {max(min_pairs, 2)} needed"
    return f"seen in fewer than {min_pairs} patients, or no other class to compare with"


def _long(units: UnitCounts, usable: npt.NDArray[np.bool_], classes: Sequence[str]) -> pd.DataFrame:
    """Samples of the usable biopsies as ``change_table`` takes them; with no biopsy, one without
    cells, so that every class has its row."""
    rows = np.flatnonzero(usable[units.unit])
    rows = rows if rows.size else np.arange(min(1, len(units.unit)))
    unit, at, k = units.unit[rows], class_columns(classes), len(classes)
    biopsies = units.biopsies.units.iloc[unit]
    frame = {c: np.repeat(biopsies[c].to_numpy(dtype=object), k) for c in biopsies.columns}
    return pd.DataFrame(
        {
            "sample_id": np.repeat(rows.astype(str), k),
            **frame,
            "cell_class": np.tile(np.array(classes, dtype=object), rows.size),
            "n_cells": (units.sample_counts[rows][:, at] * usable[unit, None]).ravel(),
            "calls_variance": units.sample_variance[rows][:, at].ravel(),
        }
    )


def proportion_changes(counts: Array, pairs: Pairs, min_pairs: int, seed: int) -> pd.DataFrame:
    """The registered estimand for the classes of one denominator.

    Parameters
    ----------
    counts
        (biopsies, k) cells of all classes of the denominator, ``unassigned`` included.
    """
    names = (
        "mean_before",
        "mean_after",
        "delta_median",
        "delta_ci_low",
        "delta_ci_high",
        "delta_ci_level",
        "delta_hodges_lehmann",
        "p_signed_rank",
        "delta_mean",
        "delta_mean_ci_low",
        "delta_mean_ci_high",
    )
    k = counts.shape[1]
    out = pd.DataFrame(np.nan, index=range(k), columns=list(names))
    if pairs.n_subjects < min_pairs or len(pairs) == 0:
        return out
    shares = np.divide(
        counts,
        counts.sum(axis=1, keepdims=True),
        out=np.zeros_like(counts),
        where=counts.sum(axis=1, keepdims=True) > 0,
    )
    before, after = pairs.by_subject(shares[pairs.before]), pairs.by_subject(shares[pairs.after])
    delta = after - before
    out["mean_before"], out["mean_after"] = before.mean(axis=0), after.mean(axis=0)
    out["delta_median"], out["delta_mean"] = np.median(delta, axis=0), delta.mean(axis=0)
    seen = (counts[pairs.before] + counts[pairs.after]).sum(axis=0) > 0
    low, high = bootstrap_mean_ci(delta, seed=seed)
    out["delta_mean_ci_low"], out["delta_mean_ci_high"] = (
        np.where(seen, np.maximum(low, -1), np.nan),  # a share cannot change by more than all
        np.where(seen, np.minimum(high, 1), np.nan),
    )
    for j in np.flatnonzero(seen):
        where = hodges_lehmann(delta[:, j])
        out.loc[j, ["delta_hodges_lehmann", "delta_ci_low", "delta_ci_high", "delta_ci_level"]] = [
            where.estimate,
            where.low,
            where.high,
            where.level if np.isfinite(where.low) else np.nan,
        ]
        out.loc[j, "p_signed_rank"] = signed_rank_p(delta[:, j])
    return out


def adjust_primary(p_values: Array, classes: Sequence[str], *, primary: bool) -> Array:
    """Benjamini-Hochberg over the primary classes (a merged class counts when one of its parts is
    primary); NaN for the others, and for all where the denominator is not the primary one."""
    chosen = np.array([any(part in PRIMARY_CLASSES for part in c.split("+")) for c in classes])
    return benjamini_hochberg(np.where(chosen & primary, p_values, np.nan))


def mixed_changes(
    units: UnitCounts, counts: Array, usable: npt.NDArray[np.bool_], weights: Array, min_pairs: int
) -> tuple[TTest, int]:
    """Change of each class by a random-intercept model over all usable biopsies, paired or not, on
    posterior-expected log-ratios.

    Parameters
    ----------
    counts
        (biopsies, k) without ``unassigned``.
    weights
        (k,) reference, of which each class has the others; NaN means equal weights.

    Returns
    -------
    TTest, int
        Tests of k classes, and the number of patients.
    """
    biopsies = units.biopsies
    time = biopsies.units["timepoint"].to_numpy()
    rows = np.flatnonzero(usable & np.isin(time, [biopsies.before, biopsies.after]))
    after = (time[rows] == biopsies.after).astype(float)
    subjects = biopsies.units["subject_id"].to_numpy(dtype=str)[rows]
    n_subjects = np.unique(subjects).size
    k = counts.shape[1]
    results = np.full((6, k), np.nan)
    enough = n_subjects >= min_pairs and min(after.sum(), (1 - after).sum()) >= 3
    tested = (counts[rows] > 0).sum(axis=0) >= min_pairs
    if enough and tested.sum() >= 2:
        w = (
            np.where(tested, 1.0, 0.0)
            if not np.isfinite(weights).all()
            else np.where(tested, weights, 0.0)
        )
        if w.sum() > 0:
            logs = posterior_log(counts[rows])[0]
            w = w / w.sum()
            values = (logs - (logs @ w)[:, None]) / of_others(w)
            for j in np.flatnonzero(tested):
                t = random_intercept(values[:, j], after, subjects).test
                results[:, j] = [
                    float(a) for a in (t.estimate, t.se, t.df, t.p_value, t.ci_low, t.ci_high)
                ]
    return TTest(*results), int(n_subjects)
