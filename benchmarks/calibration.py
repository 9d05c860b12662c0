"""Calibration of the composition test: null rate, coverage, power, false discoveries, against the
other references and against naive tests.

Run ``python benchmarks/calibration.py`` (about two minutes on one core) or call ``calibrate``. The
tested code is ``stats.composition_logratio`` and ``composition_reference`` itself. Setting: 14
classes, log-normal abundance with a patient standard deviation of 0.7 and a sample standard
deviation of 0.5, 500 to 8,000 cells, log changes of -1.0 (macrophage), +0.8 (T) and +1.0 (mast). In
the study of uneven classes nothing changes and tumour varies three times as much between biopsies
as the others; in the study of many, eight of the fourteen fall by half. It guards against
regressions and is no evidence of clinical accuracy.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from hcc_assets.stats.composition_logratio import (
    log_ratio_test,
    posterior_log,
    sampling_variance,
    thinned_log,
)
from hcc_assets.stats.composition_reference import References, agreement, find_references
from hcc_assets.stats.moderated import TTest
from hcc_assets.stats.multiplicity import benjamini_hochberg
from hcc_assets.study.classes import BLOOD_ELEMENTS, CELL_CLASSES, PRIMARY_CLASSES, UNASSIGNED

Array = npt.NDArray[np.float64]

CLASSES = tuple(
    c for c in CELL_CLASSES if c not in ("lymphatic_endothelial", *BLOOD_ELEMENTS, UNASSIGNED)
)
"""The 14 classes of the simulated compositions: without the rare ones and those of blood."""
N_PRIMARY = len(PRIMARY_CLASSES)
SHARES = np.array(
    [0.30, 0.09, 0.06, 0.09, 0.008, 0.14, 0.04, 0.025, 0.04, 0.06, 0.02, 0.04, 0.07, 0.017]
)
EFFECTS = np.zeros(len(CLASSES))
EFFECTS[[CLASSES.index("macrophage"), CLASSES.index("T"), CLASSES.index("mast")]] = (-1.0, 0.8, 1.0)
ONE_SIDED = np.zeros(len(CLASSES))
ONE_SIDED[:4] = -1.0
BARS = {8: 0.70, 12: 0.90, 20: 0.99}
_STILL = ("tumour", "T", "B", "NK", "hepatocyte", "cholangiocyte")
MANY = np.where(np.isin(CLASSES, _STILL), 0.0, -0.7)
METHODS: dict[str, tuple[str, bool]] = {
    "mode of abundant classes (published)": ("primary", False),
    "CLR": ("clr", False),
    "mode, digamma(c + 0.5)": ("primary", True),
}


def simulate(
    rng: np.random.Generator,
    replicates: int,
    pairs: int,
    effects: Array,
    *,
    depth_ratio: float = 1.0,
    tumour_sd: float = 0.5,
) -> npt.NDArray[np.int64]:
    """Counts (replicates, pairs, 2, classes); the second biopsy has ``depth_ratio`` times the
    cells, tumour varies by ``tumour_sd`` between biopsies."""
    k = SHARES.size
    spread = np.full(k, 0.5)
    spread[CLASSES.index("tumour")] = tumour_sd
    log = (
        np.log(SHARES / SHARES.sum())
        + rng.normal(0, 0.7, (replicates, pairs, 1, k))
        + rng.normal(0, 1, (replicates, pairs, 2, k)) * spread
    )
    log[:, :, 1] += effects
    share = np.exp(log)
    share /= share.sum(axis=-1, keepdims=True)
    cells = np.exp(rng.uniform(np.log(500), np.log(8000), (replicates, pairs, 2)))
    cells[:, :, 1] *= depth_ratio
    return rng.multinomial(np.maximum(cells, 100).astype(int), share)


def run(
    counts: npt.NDArray[np.int64], reference: str, posterior: bool = False
) -> tuple[TTest, npt.NDArray[np.bool_]]:
    """Test (replicates, classes) of one method, and whether all admissible references agree."""
    before, after = counts[:, :, 0], counts[:, :, 1]
    first, second = (
        (posterior_log(before)[0], posterior_log(after)[0])
        if posterior
        else thinned_log(before, after)
    )
    changes, found = second - first, references(counts, second - first)
    equal = np.full((len(counts), SHARES.size), 1 / SHARES.size)
    primary = reference == "primary"
    test = log_ratio_test(changes, found.primary if primary else equal, others=primary)
    return test, agreement(test, changes, found.weights, found.admissible)


def references(counts: npt.NDArray[np.int64], changes: Array) -> References:
    """Candidate references of each replicate."""
    share = (counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)).mean(axis=(1, 2))
    noise = sampling_variance(counts[:, :, 0], counts[:, :, 1]).mean(axis=1)
    return find_references(changes, noise, share / share.sum(axis=-1, keepdims=True))


def class_by_class(
    *, replicates: int = 2000, pairs: Iterable[int] = (8, 12), seed: int = 2
) -> pd.DataFrame:
    """Error of each class when tumour varies three times as much as the others, and what is said
    when eight of fourteen fall.

    Returns
    -------
    pandas.DataFrame
        ``n_pairs, null_rate_lowest, null_rate_highest, coverage_lowest, coverage_highest`` over the
        14 classes; ``rightly_said``: an unchanged class is not significant or its verdict is that
        it depends, in the worst class.
    """
    rows = []
    for n in pairs:
        rng = np.random.default_rng([seed, n])
        uneven = _blocks(
            lambda r, n=n, rng=rng: simulate(rng, r, n, 0 * EFFECTS, tumour_sd=1.5), replicates
        )
        tests = [run(c, "primary")[0] for c in uneven]
        null = np.concatenate([t.p_value < 0.05 for t in tests]).mean(axis=0)
        covered = np.concatenate([(t.ci_low <= 0) & (t.ci_high >= 0) for t in tests]).mean(axis=0)
        many, agreed = run(simulate(rng, max(replicates // 4, 50), n, MANY), "primary")
        still = MANY == 0
        said = ((many.p_value >= 0.05) | ~agreed)[:, still].mean(axis=0)
        rows.append(
            {
                "n_pairs": n,
                "null_rate_lowest": null.min(),
                "null_rate_highest": null.max(),
                "coverage_lowest": covered.min(),
                "coverage_highest": covered.max(),
                "rightly_said": said.min(),
            }
        )
    return pd.DataFrame(rows)


def false_discoveries(p_values: Array, effects: Array) -> tuple[float, float]:
    """Mean power and false discovery rate over the nine primary classes at 0.05."""
    rejected = benjamini_hochberg(p_values[:, :N_PRIMARY]) < 0.05
    true = effects[:N_PRIMARY] != 0
    wrong = (rejected & ~true).sum(axis=1) / np.maximum(rejected.sum(axis=1), 1)
    return (float(rejected[:, true].mean()) if true.any() else float("nan")), float(wrong.mean())


def naive_p_values(counts: npt.NDArray[np.int64]) -> dict[str, Array]:
    """Tests that people use: signed t on proportions, cells as replicates (pooled chi-square)."""
    totals = counts.sum(axis=-1, keepdims=True)
    share = counts / totals
    delta = share[:, :, 1] - share[:, :, 0]
    paired = stats.ttest_1samp(delta, 0, axis=1).pvalue
    pooled = counts.sum(axis=1).astype(float)
    n = pooled.sum(axis=-1, keepdims=True)
    p = pooled.sum(axis=1, keepdims=True) / n.sum(axis=1, keepdims=True)
    chi2 = ((pooled - n * p) ** 2 / (n * p * (1 - p))).sum(axis=1)
    return {
        "paired t on proportions": paired,
        "pooled chi-square (cells as replicates)": stats.chi2.sf(chi2, 1),
    }


def calibrate(
    *,
    replicates: int = 1000,
    null_replicates: int = 4000,
    pairs: Iterable[int] = (8, 12, 20, 40),
    seed: int = 1,
) -> pd.DataFrame:
    """Calibration table.

    Returns
    -------
    pandas.DataFrame
        ``method, n_pairs, null_rate`` (share of p < 0.05 over primary classes, nothing changed),
        ``null_rate_worst`` (worst class), ``null_rate_depth`` (second biopsies with a fifth of the
        cells), ``coverage`` (95 % intervals, all classes), ``power, fdr``, and ``fdr_one_sided,
        coverage_one_sided`` when four of the 14 classes fall together, also of those discoveries
        whose verdict is identifiable.
    """
    rows = []
    for n in pairs:
        rng = np.random.default_rng([seed, n])
        null = _blocks(lambda r, n=n, rng=rng: simulate(rng, r, n, 0 * EFFECTS), null_replicates)
        depth = _blocks(
            lambda r, n=n, rng=rng: simulate(rng, r, n, 0 * EFFECTS, depth_ratio=0.2), replicates
        )
        changed, one_sided = (
            simulate(rng, replicates, n, EFFECTS),
            simulate(rng, replicates, n, ONE_SIDED),
        )
        for name, (reference, posterior) in METHODS.items():
            p_null, p_depth = (
                np.concatenate([run(c, reference, posterior)[0].p_value for c in blocks])
                for blocks in (null, depth)
            )
            p_null, p_depth = p_null[:, :N_PRIMARY], p_depth[:, :N_PRIMARY]
            t, _ = run(changed, reference, posterior)
            one, agreed = run(one_sided, reference, posterior)
            power, fdr = false_discoveries(t.p_value, EFFECTS)
            rows.append(
                {
                    "method": name,
                    "n_pairs": n,
                    "null_rate": (p_null < 0.05).mean(),
                    "null_rate_worst": (p_null < 0.05).mean(axis=0).max(),
                    "null_rate_depth": (p_depth < 0.05).mean(),
                    "coverage": ((t.ci_low <= EFFECTS) & (t.ci_high >= EFFECTS)).mean(),
                    "power": power,
                    "fdr": fdr,
                    "fdr_one_sided": false_discoveries(one.p_value, ONE_SIDED)[1],
                    "fdr_one_sided_identifiable": false_discoveries(
                        np.where(agreed, one.p_value, 1.0), ONE_SIDED
                    )[1],
                    "coverage_one_sided": (
                        (one.ci_low <= ONE_SIDED) & (one.ci_high >= ONE_SIDED)
                    ).mean(),
                }
            )
        naive_null, naive, naive_one = (
            naive_p_values(null[0]),
            naive_p_values(changed),
            naive_p_values(one_sided),
        )
        for name in naive:
            power, fdr = false_discoveries(naive[name], EFFECTS)
            rate = (naive_null[name][:, :N_PRIMARY] < 0.05).mean()
            row = {"method": name, "n_pairs": n, "null_rate": rate, "power": power, "fdr": fdr}
            rows.append(row | {"fdr_one_sided": false_discoveries(naive_one[name], ONE_SIDED)[1]})
    return pd.DataFrame(rows)


def _blocks(
    make: Callable[[int], npt.NDArray[np.int64]], replicates: int, size: int = 1000
) -> list[npt.NDArray[np.int64]]:
    return [make(min(size, replicates - start)) for start in range(0, replicates, size)]


def verdict(table: pd.DataFrame) -> pd.DataFrame:
    """Each bar of the published method: ``bar, value, met``."""
    mine = table[table["method"] == next(iter(METHODS))].set_index("n_pairs")
    rows = [
        (
            f"null rate .04 to .06 at {n} pairs",
            mine.loc[n, "null_rate"],
            0.04 <= mine.loc[n, "null_rate"] <= 0.06,
        )
        for n in mine.index
    ]
    rows += [
        (
            f"coverage .93 to .97 at {n} pairs",
            mine.loc[n, "coverage"],
            0.93 <= mine.loc[n, "coverage"] <= 0.97,
        )
        for n in mine.index
    ]
    rows += [
        (f"power at least {bar} at {n} pairs", mine.loc[n, "power"], mine.loc[n, "power"] >= bar)
        for n, bar in BARS.items()
        if n in mine.index
    ]
    if 40 in mine.index:
        rows.append(
            (
                "false discovery rate at most .05 at 40 pairs",
                mine.loc[40, "fdr"],
                mine.loc[40, "fdr"] <= 0.05,
            )
        )
    return pd.DataFrame(rows, columns=["bar", "value", "met"])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--null-replicates", type=int, default=4000)
    arguments = parser.parse_args()
    start = time.perf_counter()
    table = calibrate(replicates=arguments.replicates, null_replicates=arguments.null_replicates)
    print(table.round(3).to_string(index=False))
    print(verdict(table).round(3).to_string(index=False))
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
