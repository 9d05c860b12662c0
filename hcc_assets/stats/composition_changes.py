"""Paired change of composition: the registered estimand and the log-ratio test, per denominator and
class.

The arithmetic of log-ratios is in ``composition_logratio``, other analyses of the same question in
``composition_sensitivity``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.composition import CompositionChanges
from hcc_assets.stats.biopsies import Pairs
from hcc_assets.stats.composition import UnitCounts, biopsy_counts, class_columns
from hcc_assets.stats.composition_logratio import (
    Reference,
    log_ratio_test,
    posterior_log,
    sampling_variance,
    thinned_log,
)
from hcc_assets.stats.mixed_model import random_intercept
from hcc_assets.stats.moderated import TTest
from hcc_assets.stats.multiplicity import benjamini_hochberg
from hcc_assets.stats.paired import bootstrap_mean_ci, hodges_lehmann, signed_rank_p
from hcc_assets.study.classes import DENOMINATORS, PRIMARY_CLASSES, UNASSIGNED
from hcc_assets.study.config import StudyConfig, contrast_name

Array = npt.NDArray[np.float64]
LOG2 = float(np.log(2))  # natural logarithms to log2 fold changes
SEED = 20260101  # of the bootstrap; any number does, a fixed one gives the same bytes


@dataclass(frozen=True)
class LogRatios:
    """Log-ratio results of one denominator, natural log, one value per class; NaN where a class is
    not tested."""

    test: TTest
    weights: Array
    sampling_share: Array


def tested_classes(counts: Array, pairs: Pairs, min_pairs: int) -> npt.NDArray[np.bool_]:
    """Classes with a cell in at least one biopsy of at least ``min_pairs`` patients: the others
    carry no information about a change."""
    seen = (counts[pairs.before] + counts[pairs.after] > 0).astype(float)
    return (pairs.by_subject(seen) > 0).sum(axis=0) >= min_pairs


def log_ratios(
    counts: Array,
    pairs: Pairs,
    min_pairs: int,
    *,
    reference: Reference = "robust",
    posterior: bool = False,
) -> LogRatios:
    """Log-ratio test of the classes of one denominator.

    Parameters
    ----------
    counts
        (biopsies, k) cells of the classes of the denominator, without ``unassigned``.
    pairs
        Pairs of rows.
    min_pairs
        Fewest patients, for the test and for each class.
    reference
        See ``log_ratio_test``.
    posterior
        Use the posterior mean ``digamma(c + 0.5)`` in place of the depth-matched logarithm.
    """
    k = counts.shape[1]
    nothing = np.full(k, np.nan)
    none = LogRatios(TTest(nothing, nothing, nothing, nothing, nothing, nothing), nothing, nothing)
    tested = tested_classes(counts, pairs, min_pairs)
    if pairs.n_subjects < max(min_pairs, 2) or tested.sum() < 2:
        return none
    before, after = counts[pairs.before][:, tested], counts[pairs.after][:, tested]
    log_before, log_after = (
        (posterior_log(before)[0], posterior_log(after)[0])
        if posterior
        else thinned_log(before, after)
    )
    changes, noise = (
        pairs.by_subject(log_after - log_before),
        pairs.by_subject(sampling_variance(before, after)),
    )
    result = log_ratio_test(changes, noise, reference=reference)

    def spread(values: Array) -> Array:
        out = nothing.copy()
        out[tested] = values
        return out

    observed = (changes - (changes * result.weights).sum(axis=1, keepdims=True)).var(axis=0, ddof=1)
    share = np.clip(
        np.divide(
            noise.mean(axis=0), observed, out=np.full(observed.shape, np.nan), where=observed > 0
        ),
        0,
        1,
    )
    t = result.test
    test = TTest(*(spread(a) for a in (t.estimate, t.se, t.df, t.p_value, t.ci_low, t.ci_high)))
    return LogRatios(
        test,
        np.nan_to_num(spread(result.weights)) if np.isfinite(result.weights).all() else nothing,
        spread(share),
    )


def compositional_classes(denominator: str) -> tuple[str, ...]:
    """Classes of a denominator that enter log-ratios: all but ``unassigned``."""
    return tuple(c for c in DENOMINATORS[denominator] if c != UNASSIGNED)


def composition_changes(
    samples: pd.DataFrame, counts: pd.DataFrame, config: StudyConfig, *, seed: int = SEED
) -> pd.DataFrame:
    """Change of each class between the two timepoints.

    Parameters
    ----------
    samples, counts
        As for ``compositions``.
    config
        ``samples.timepoints``, ``single_cell.min_pairs`` and ``min_cells_per_sample``.
    seed
        Seed of the bootstrap over patients.

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
    parts = [
        _of_denominator(units, denominator, config.single_cell.min_pairs, seed)
        for denominator in DENOMINATORS
    ]
    table = pd.concat(parts, ignore_index=True)
    return conform(CompositionChanges, table.assign(contrast=contrast_name(config)))


def _of_denominator(units: UnitCounts, denominator: str, min_pairs: int, seed: int) -> pd.DataFrame:
    classes = DENOMINATORS[denominator]
    n = units.counts[:, class_columns(classes)]
    usable = units.usable_in(denominator)
    pairs = units.biopsies.pairs(usable)
    out = pd.DataFrame(
        {
            "denominator": denominator,
            "cell_class": classes,
            "n_pairs": len(pairs),
            "n_subjects": pairs.n_subjects,
        }
    )
    out = pd.concat([out, proportion_changes(n, pairs, min_pairs, seed)], axis=1)
    inside = np.array([c != UNASSIGNED for c in classes])
    counts = n[:, inside]
    robust = log_ratios(counts, pairs, min_pairs)
    mixed, mixed_n = mixed_changes(units, counts, usable, robust.weights, min_pairs)

    def place(values: Array) -> Array:
        column = np.full(len(classes), np.nan)
        column[inside] = values
        return column

    out["log2_ratio"] = place(robust.test.estimate / LOG2)
    out["log2_ratio_ci_low"] = place(robust.test.ci_low / LOG2)
    out["log2_ratio_ci_high"] = place(robust.test.ci_high / LOG2)
    out["p_value"] = place(robust.test.p_value)
    out["p_adjusted"] = adjust_primary(out["p_value"].to_numpy(), classes)
    out["reference_weight"] = place(robust.weights)
    out["sampling_share"] = place(robust.sampling_share)
    centred = log_ratios(counts, pairs, min_pairs, reference="clr").test
    out["clr_log2_ratio"] = place(centred.estimate / LOG2)
    out["clr_p_value"] = place(centred.p_value)
    out["mixed_n_subjects"] = mixed_n
    out["mixed_log2_ratio"] = place(mixed.estimate / LOG2)
    out["mixed_p_value"] = place(mixed.p_value)
    return out


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
        np.where(seen, low, np.nan),
        np.where(seen, high, np.nan),
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


def adjust_primary(p_values: Array, classes: Sequence[str]) -> Array:
    """Benjamini-Hochberg over the primary classes (a merged class counts when one of its parts is
    primary); NaN for the others."""
    primary = np.array([any(part in PRIMARY_CLASSES for part in c.split("+")) for c in classes])
    return benjamini_hochberg(np.where(primary, p_values, np.nan))


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
        (k,) reference; NaN means equal weights.

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
            values = logs - (logs @ (w / w.sum()))[:, None]
            for j in np.flatnonzero(tested):
                t = random_intercept(values[:, j], after, subjects).test
                results[:, j] = [
                    float(a) for a in (t.estimate, t.se, t.df, t.p_value, t.ci_low, t.ci_high)
                ]
    return TTest(*results), int(n_subjects)
