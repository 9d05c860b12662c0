"""Calibration of the composition test: null rate, coverage, power, false discoveries, against the
other references and against naive tests.

Run ``python benchmarks/calibration.py`` (about two minutes on one core) or call ``calibrate``. The
tested code is ``stats.composition_logratio`` itself. Setting: 14 classes, log-normal abundance with
a patient standard deviation of 0.7 and a sample standard deviation of 0.5, 500 to 8,000 cells, log
changes of -1.0 (macrophage), +0.8 (T) and +1.0 (mast). It guards against regressions and is no
evidence of clinical accuracy.
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
    Reference,
    log_ratio_test,
    posterior_log,
    sampling_variance,
    thinned_log,
)
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
METHODS: dict[str, tuple[Reference, bool]] = {
    "robust median-log-ratio (published)": ("robust", False),
    "CLR": ("clr", False),
    "patient median": ("patient_median", False),
    "robust, digamma(c + 0.5)": ("robust", True),
}


def simulate(
    rng: np.random.Generator,
    replicates: int,
    pairs: int,
    effects: Array,
    *,
    depth_ratio: float = 1.0,
) -> npt.NDArray[np.int64]:
    """Counts (replicates, pairs, 2, classes); the second biopsy has ``depth_ratio`` times the
    cells."""
    k = SHARES.size
    log = (
        np.log(SHARES / SHARES.sum())
        + rng.normal(0, 0.7, (replicates, pairs, 1, k))
        + rng.normal(0, 0.5, (replicates, pairs, 2, k))
    )
    log[:, :, 1] += effects
    share = np.exp(log)
    share /= share.sum(axis=-1, keepdims=True)
    cells = np.exp(rng.uniform(np.log(500), np.log(8000), (replicates, pairs, 2)))
    cells[:, :, 1] *= depth_ratio
    return rng.multinomial(np.maximum(cells, 100).astype(int), share)


def run(
    counts: npt.NDArray[np.int64], reference: Reference, posterior: bool
) -> tuple[Array, Array, Array, Array]:
    """Estimate, interval and p-value (replicates, classes) of one method."""
    before, after = counts[:, :, 0], counts[:, :, 1]
    first, second = (
        (posterior_log(before)[0], posterior_log(after)[0])
        if posterior
        else thinned_log(before, after)
    )
    t = log_ratio_test(second - first, sampling_variance(before, after), reference=reference).test
    return t.estimate, t.ci_low, t.ci_high, t.p_value


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
        coverage_one_sided`` when four of the 14 classes fall together.
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
            p_null = np.concatenate([run(c, reference, posterior)[3] for c in null])[:, :N_PRIMARY]
            p_depth = np.concatenate([run(c, reference, posterior)[3] for c in depth])[
                :, :N_PRIMARY
            ]
            _, low, high, p = run(changed, reference, posterior)
            _, low_one, high_one, p_one = run(one_sided, reference, posterior)
            power, fdr = false_discoveries(p, EFFECTS)
            rows.append(
                {
                    "method": name,
                    "n_pairs": n,
                    "null_rate": (p_null < 0.05).mean(),
                    "null_rate_worst": (p_null < 0.05).mean(axis=0).max(),
                    "null_rate_depth": (p_depth < 0.05).mean(),
                    "coverage": ((low <= EFFECTS) & (high >= EFFECTS)).mean(),
                    "power": power,
                    "fdr": fdr,
                    "fdr_one_sided": false_discoveries(p_one, ONE_SIDED)[1],
                    "coverage_one_sided": ((low_one <= ONE_SIDED) & (high_one >= ONE_SIDED)).mean(),
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
