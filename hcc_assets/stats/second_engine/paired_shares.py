"""Changes of composition once more: shares of each subject from the published shares of samples,
the test on the log-ratio scale from its own interval."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import mean, median
from typing import Any

import pandas as pd

from hcc_assets.stats.second_engine.comparison import Again, compare
from hcc_assets.stats.second_engine.hazards import adjusted_again
from hcc_assets.stats.second_engine.rank_tests import MOST, signed_rank

NAN = float("nan")
KEYS = ["contrast", "denominator", "cell_class"]
_TAIL, _FOUND = 0.975, 0.8  # two-sided 0.05, and the power of the smallest detectable change

NOT_MADE = (
    "log2_ratio and its interval (depth-matched log-ratios of one subject are in no published "
    "table)",
    "bounds of the exact and of the bootstrap interval",
    "verdict, reference_weight, sampling_share, calls_share, needle_sd_log2, and the columns of "
    "the sensitivity analyses (target_blind, clr, mixed)",
)

Shares = dict[tuple[str, str], dict[str, float]]
"""Expected cells by class of each subject and tissue."""


def composition_changes_again(
    published: pd.DataFrame,
    compositions: pd.DataFrame,
    *,
    primary: Sequence[str],
    min_pairs: int,
) -> Again:
    """Make the registered estimand and its signed-rank test again, the paired t test from its
    interval, and the adjusted p-values.

    Parameters
    ----------
    published, compositions
        ``schemas.composition``: ``CompositionChanges`` and ``Compositions``.
    primary
        Classes that are adjusted over.
    min_pairs
        ``[single_cell] min_pairs``.

    Notes
    -----
    On the log-ratio scale half of the interval over t(0.975, n - 1) is the standard error; p-value
    and smallest detectable change follow from it (scipy's t).
    """
    rows: list[dict[str, object]] = []
    for (contrast, denominator), group in published.groupby(
        ["contrast", "denominator"], sort=False
    ):
        before, after = str(contrast).split(">")
        own = compositions[(compositions["denominator"] == denominator) & compositions["in_tests"]]
        first, second = _cells(own, before), _cells(own, after)
        pairs = sorted(first.keys() & second.keys())
        for cell_class in group["cell_class"].tolist():
            rows.append(
                {"contrast": contrast, "denominator": denominator, "cell_class": cell_class}
                | _change(first, second, pairs, cell_class, min_pairs)
            )
    rows += [_ratio(r) for r in published.to_dict("records")]
    found = Again(0, (), NOT_MADE)
    by_figures: dict[tuple[str, ...], list[dict[str, object]]] = defaultdict(list)
    for row in rows:
        by_figures[tuple(row)].append(row)
    for alike in by_figures.values():
        found += compare(published, pd.DataFrame(alike), KEYS)
    adjusts = published["cell_class"].isin(list(primary)) & (published["role"] == "primary")
    others = published[~adjusts & published["p_adjusted"].notna()]
    wrong = tuple(
        f"{r['contrast']}, {r['denominator']}, {r['cell_class']}: p_adjusted of a class that is "
        "not adjusted"
        for r in others.to_dict("records")
    )
    return found + adjusted_again(published[adjusts], KEYS, ["contrast"]) + Again(0, wrong)


def _cells(compositions: pd.DataFrame, timepoint: str) -> Shares:
    found: Shares = defaultdict(lambda: defaultdict(float))
    here = compositions[compositions["timepoint"] == timepoint]
    columns = ("subject_id", "tissue", "cell_class", "n_expected")
    for subject, tissue, name, n in zip(*(here[c].tolist() for c in columns), strict=True):
        found[(subject, tissue)][name] += n
    return found


def _change(
    first: Shares,
    second: Shares,
    pairs: Sequence[tuple[str, str]],
    cell_class: str,
    min_pairs: int,
) -> dict[str, object]:
    by_subject: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for pair in pairs:
        shares = [side[pair][cell_class] / sum(side[pair].values()) for side in (first, second)]
        by_subject[pair[0]].append((shares[0], shares[1]))
    n = len(by_subject)
    out: dict[str, object] = {"n_pairs": len(pairs), "n_subjects": n}
    names = ("mean_before", "mean_after", "delta_median", "delta_mean")
    tests = ("delta_hodges_lehmann", "p_signed_rank")
    if n < min_pairs:
        return out | dict.fromkeys((*names, *tests), NAN)
    before = [mean(v[0] for v in by_subject[s]) for s in by_subject]
    after = [mean(v[1] for v in by_subject[s]) for s in by_subject]
    delta = [b - a for a, b in zip(before, after, strict=True)]
    figures = (mean(before), mean(after), median(delta), mean(delta))
    out |= dict(zip(names, figures, strict=True))
    if not any(side[pair][cell_class] > 0 for side in (first, second) for pair in pairs):
        return out | dict.fromkeys(tests, NAN)
    averages = [(delta[i] + delta[j]) / 2 for i in range(n) for j in range(i + 1)]
    out["delta_hodges_lehmann"] = median(averages)
    return out | ({"p_signed_rank": signed_rank(delta)} if n <= MOST else {})


def _ratio(row: Mapping[Any, Any]) -> dict[str, object]:
    """p-value and smallest detectable change that the published interval stands for."""
    from scipy.stats import t

    made: dict[str, object] = {k: row[k] for k in KEYS}
    estimate, low, high = (float(row[f"log2_ratio{end}"]) for end in ("", "_ci_low", "_ci_high"))
    df = int(row["n_subjects"]) - 1
    if math.isnan(low):
        figures = ["p_value", "mde_log2", "log2_ratio_ci_high"]
        return made | dict.fromkeys(
            figures + ["log2_ratio"] * (not pd.isna(row["no_estimate"])), NAN
        )
    error = (high - low) / 2 / float(t.ppf(_TAIL, df))
    return made | {
        "p_value": 2 * float(t.sf(abs(estimate) / error, df)),
        "mde_log2": float(t.ppf(_TAIL, df) + t.ppf(_FOUND, df)) * error,
        "log2_ratio_ci_high": 2 * estimate - low,
    }
