"""The paired test of composition: log-ratio of each class against the classes that stayed, whether
another reference would say otherwise, and the smallest change that could have been found.

The arithmetic is in ``composition_logratio`` and ``composition_reference``; the published table is
made of these rows in ``composition_changes``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from hcc_assets.schemas.composition import VERDICTS
from hcc_assets.stats.biopsies import Pairs, group_biopsies
from hcc_assets.stats.composition_logratio import (
    Needles,
    log_ratio_test,
    needle_variance,
    of_others,
    posterior_log,
    sampling_variance,
    thinned_log,
)
from hcc_assets.stats.composition_reference import ALPHA, agreement, find_references, mean_shares
from hcc_assets.stats.moderated import TTest
from hcc_assets.study.classes import UNASSIGNED
from hcc_assets.study.config import StudyConfig, of_contrast

Array = npt.NDArray[np.float64]
Reference = Literal["primary", "second", "clr"]

LOG2 = float(np.log(2))  # natural logarithms to log2 fold changes
POWER: Final = 0.8  # of the smallest detectable change, as the contract has it

IDENTIFIABLE, DEPENDS, CONFOUNDED, INSUFFICIENT = VERDICTS

COLUMNS: Final = (
    "cell_class",
    "n_pairs",
    "log2_ratio",
    "log2_ratio_ci_low",
    "log2_ratio_ci_high",
    "p_value",
    "verdict",
    "mde_log2",
    "reference_weight",
    "sampling_share",
    "calls_share",
    "needle_sd_log2",
)
SEEN: Final = 0.5
"""Soft count from which a class is seen in a biopsy: whole counts of one and more, and not the
small posteriors that cells leave in every class."""


@dataclass(frozen=True)
class LogRatios:
    """Log-ratio results of one denominator, natural log, one value per class; NaN where a class is
    not tested.

    Attributes
    ----------
    test
        Against the reference.
    weights
        Of the classes in the reference, 0 for a class that is not tested; all NaN without a test.
    sampling_share
        Share of the variance between patients that counting few cells explains.
    calls_share
        Share of it that the doubt of calls explains; 0 where calls are beyond doubt.
    needles
        Variance of a log-ratio between needles of one biopsy; NaN where none has two.
    agreed
        Whether all admissible references give significance and sign alike.
    """

    test: TTest
    weights: Array
    sampling_share: Array
    calls_share: Array
    needles: Array
    agreed: npt.NDArray[np.bool_]


def tested_classes(counts: Array, pairs: Pairs, min_pairs: int) -> npt.NDArray[np.bool_]:
    """Classes with a cell in at least one biopsy of at least ``min_pairs`` patients: the others
    carry no information about a change."""
    most = np.maximum(counts[pairs.before], counts[pairs.after])
    seen = (most >= SEEN).astype(float)
    return (pairs.by_subject(seen) > 0).sum(axis=0) >= min_pairs


def log_ratios(
    counts: Array,
    pairs: Pairs,
    min_pairs: int,
    *,
    reference: Reference = "primary",
    posterior: bool = False,
    needles: Needles | None = None,
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
        ``primary`` (published), ``second`` (the largest other admissible one; NaN where there is
        none) or ``clr`` (the average class).
    posterior
        Use the posterior mean ``digamma(c + 0.5)`` in place of the depth-matched logarithm.
    needles
        Samples behind the counts: the doubt of their calls and their scatter enter the test.
    """
    k = counts.shape[1]
    nothing = np.full(k, np.nan)
    tested = tested_classes(counts, pairs, min_pairs)
    if pairs.n_subjects < max(min_pairs, 2) or tested.sum() < 2:
        none = TTest(nothing, nothing, nothing, nothing, nothing, nothing)
        return LogRatios(none, nothing, nothing, nothing, nothing, np.zeros(k, dtype=bool))
    before, after = counts[pairs.before][:, tested], counts[pairs.after][:, tested]
    log_before, log_after = (
        (posterior_log(before)[0], posterior_log(after)[0])
        if posterior
        else thinned_log(before, after)
    )
    changes = pairs.by_subject(log_after - log_before)
    noise = pairs.by_subject(sampling_variance(before, after)).mean(axis=0)
    found = find_references(changes, noise, mean_shares(before, after, pairs))
    weights = {
        "primary": lambda: found.primary,
        "second": found.second,
        "clr": lambda: np.full(noise.size, 1 / noise.size),
    }[reference]()
    known = None if needles is None else needles.known(counts, pairs, tested)
    if needles is not None and known is not None and np.isfinite(weights).all():
        here = np.isin(needles.unit, np.concatenate([pairs.before, pairs.after]))
        scatter = needle_variance(
            needles.counts[here][:, tested],
            needles.calls[here][:, tested],
            needles.unit[here],
            weights,
        )
        known = replace(known, needles=scatter)
    test = log_ratio_test(changes, weights, known=known, others=reference != "clr")
    agreed = agreement(test, changes, found.weights, found.admissible, known=known)

    def spread(values: Array) -> Array:
        out = nothing.copy()
        out[tested] = values
        return out

    observed = (changes - (changes * weights).sum(axis=1, keepdims=True)).var(axis=0, ddof=1)
    doubt = np.zeros_like(noise) if known is None else known.calls.mean(axis=0)
    share, calls_share = (
        np.divide(v, observed, out=np.full(observed.shape, np.nan), where=observed > 0)
        for v in (noise, doubt)
    )
    fields = (test.estimate, test.se, test.df, test.p_value, test.ci_low, test.ci_high)
    return LogRatios(
        TTest(*(spread(a) for a in fields)),
        np.nan_to_num(spread(weights)) if np.isfinite(weights).all() else nothing,
        spread(np.clip(share, 0, 1)),
        spread(np.clip(calls_share, 0, 1)),
        nothing if known is None else spread(known.needles / of_others(weights) ** 2),
        np.nan_to_num(spread(agreed.astype(float))) > 0,
    )


def smallest_detectable(test: TTest) -> Array:
    """Change (in the unit of the test) that so many pairs with this spread find with power 0.8 at
    the level 0.05, two-sided."""
    df = np.where(np.isfinite(test.df), test.df, 1.0)
    return (stats.t.ppf(1 - ALPHA / 2, df) + stats.t.ppf(POWER, df)) * test.se


def change_table(
    counts: pd.DataFrame, *, before: str = "pre", after: str = "post", min_pairs: int = 5
) -> pd.DataFrame:
    """Change of each class within patients relative to the classes that stayed.

    Parameters
    ----------
    counts
        ``sample_id, subject_id, timepoint, cell_class, n_cells`` and, where known, ``tissue``: of
        one denominator, which is the classes given. Counts are whole or soft; an absent row is 0.
        Optional ``calls_variance`` is the variance of a count by the doubt of calls. Samples of one
        subject, timepoint and tissue are summed and their scatter is a variance, pairs are made
        within one tissue, pairs of one patient averaged. ``unassigned`` is no class to test.
    before, after
        Timepoints; rows of others are left out.
    min_pairs
        Fewest patients, for all tests and with a cell of the class.

    Returns
    -------
    pandas.DataFrame
        A row per class, in the order of first appearance: ``cell_class, n_pairs, log2_ratio,
        log2_ratio_ci_low, log2_ratio_ci_high, p_value, verdict, mde_log2`` (smallest change found
        with power 0.8), ``reference_weight``, ``sampling_share``, ``calls_share`` and
        ``needle_sd_log2`` (null where no biopsy has two samples). The verdict is IDENTIFIABLE
        where every admissible reference gives significance and sign alike, else DEPENDS ON
        REFERENCE; INSUFFICIENT without an estimate.

    Raises
    ------
    ValueError
        A count is negative or not finite, or a sample has two subjects, timepoints or tissues.
    """
    numbers = pd.to_numeric(counts["n_cells"]).to_numpy(dtype=float)
    if not np.isfinite(numbers).all() or (numbers < 0).any():
        raise ValueError("n_cells has a value that is no count: negative, missing or infinite")
    classes = [str(c) for c in pd.unique(counts["cell_class"].astype(str))]
    names = ["sample_id", "subject_id", "timepoint", *(["tissue"] if "tissue" in counts else [])]
    samples = counts[names].drop_duplicates().reset_index(drop=True)
    config = of_contrast(StudyConfig(), before, after)
    biopsies = group_biopsies(samples, config)
    ids = samples["sample_id"].astype(str)
    row = pd.Index(ids).get_indexer(pd.Index(counts["sample_id"].astype(str)))
    columns = pd.Index(classes).get_indexer(pd.Index(counts["cell_class"].astype(str)))
    each, calls = np.zeros((len(ids), len(classes))), np.zeros((len(ids), len(classes)))
    np.add.at(each, (row, columns), numbers)
    if "calls_variance" in counts:
        np.add.at(calls, (row, columns), counts["calls_variance"].to_numpy(dtype=float))
    inside = np.array([c != UNASSIGNED for c in classes], dtype=bool)
    unit = np.array([biopsies.unit_of[s] for s in ids], dtype=np.intp)
    needles = Needles(unit, each[:, inside], calls[:, inside])
    table = biopsies.sum_rows(ids, each)[:, inside]
    pairs = biopsies.pairs(table.sum(axis=1) > 0)
    result = log_ratios(table, pairs, min_pairs, needles=needles)

    def place(values: Array) -> Array:
        out = np.full(len(classes), np.nan)
        out[inside] = values
        return out

    test = result.test
    return pd.DataFrame(
        {
            "cell_class": classes,
            "n_pairs": len(pairs),
            "log2_ratio": place(test.estimate / LOG2),
            "log2_ratio_ci_low": place(test.ci_low / LOG2),
            "log2_ratio_ci_high": place(test.ci_high / LOG2),
            "p_value": place(test.p_value),
            "verdict": _verdicts(place(test.p_value), place(result.agreed.astype(float)) > 0),
            "mde_log2": place(smallest_detectable(test) / LOG2),
            "reference_weight": place(result.weights),
            "sampling_share": place(result.sampling_share),
            "calls_share": place(result.calls_share),
            "needle_sd_log2": place(np.sqrt(result.needles) / LOG2),
        },
        columns=list(COLUMNS),
    )


def _verdicts(p_values: Array, agreed: npt.NDArray[np.bool_]) -> list[str]:
    return [
        INSUFFICIENT if not np.isfinite(p) else IDENTIFIABLE if same else DEPENDS
        for p, same in zip(p_values, agreed, strict=True)
    ]
