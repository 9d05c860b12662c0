"""What the doubt of calls does to the change of composition: bias, coverage and type I error, from
true cells, from called cells, from sums of posteriors, and from sums at the prevalence of each
sample (published).

Run ``python -m benchmarks.doubt`` (some minutes on one core) or call ``compare``. The setting is
that of ``benchmarks/calibration.py``; a share of the cells of each class cannot be told from those
of related classes (monocyte, macrophage, dendritic and neutrophil; T and NK; tumour, hepatocyte and
cholangiocyte; …): seven in ten of them look like their own class, three like a relative. Posteriors
are exact for classes that are equally frequent, as those of a reference are. It guards against
regressions and is no evidence of clinical accuracy.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.calibration import CLASSES, EFFECTS, SHARES, references, simulate
from hcc_assets.cells.pseudobulk import at_prevalence, prevalence_variance
from hcc_assets.stats.composition_logratio import (
    PSEUDOCOUNT,
    Known,
    log_ratio_test,
    thinned_log,
)
from hcc_assets.stats.moderated import TTest
from hcc_assets.stats.proportions import wilson_wider

Array = npt.NDArray[np.float64]

GROUPS = (
    ("monocyte", "macrophage", "dendritic", "neutrophil"),
    ("T", "NK"),
    ("tumour", "hepatocyte", "cholangiocyte"),
    ("fibroblast", "vascular_endothelial"),
    ("B", "plasma"),
)
OWN_LOOK = 0.7
"""Share of the doubtful cells that look like their own class: own choice, so that a doubtful cell
of two equally frequent classes has a posterior of .7 at most."""
SPREAD = 0.86
"""Standard deviation of a log abundance over patients and biopsies in ``shares``: that of
``benchmarks/calibration.py``, 0.7 and 0.5 together."""
METHODS = ("true cells", "calls", "posteriors", "at prevalence (published)")


def looks(doubt: float) -> Array:
    """Chance of each look (clear cell of a class, then doubtful cell like a class) by class."""
    k = len(CLASSES)
    out = np.zeros((k, 2 * k))
    out[:, :k] = np.eye(k)
    for group in GROUPS:
        mine = [CLASSES.index(c) for c in group]
        for i in mine:
            out[i, i] = 1 - doubt
            for j in mine:
                other = (1 - OWN_LOOK) / (len(mine) - 1)
                out[i, k + j] = doubt * (OWN_LOOK if i == j else other)
    return out


def counted(seen: Array, posterior: Array, method: str) -> tuple[Array, Array]:
    """Counts of one sample by class and their variance, from the number of cells of each look."""
    if method == "calls":
        return seen @ np.eye(posterior.shape[1])[posterior.argmax(axis=1)], 0 * posterior[0]
    if method.startswith("at prevalence"):
        row = np.repeat(np.arange(len(posterior)), seen.astype(int))
        moved = at_prevalence(posterior[row], np.ones(len(row), dtype=bool), ())
        return moved.sum(axis=0), prevalence_variance(moved)
    return seen @ posterior, seen @ (posterior * (1 - posterior))


def test(counts: Array, variance: Array) -> TTest:
    """The published test (replicates, classes) of (replicates, pairs, 2, classes) counts."""
    before, after = thinned_log(counts[:, :, 0], counts[:, :, 1])
    changes = after - before
    calls = (variance / (counts + PSEUDOCOUNT) ** 2).sum(axis=2)
    known = Known(calls, np.zeros(calls[:, 0].shape), np.zeros(changes.shape[1]))
    return log_ratio_test(changes, references(counts, changes).primary, known=known)


def compare(
    *,
    replicates: int = 300,
    pairs: Iterable[int] = (8, 12),
    doubts: Iterable[float] = (0.1, 0.3, 0.5),
    seed: int = 5,
) -> pd.DataFrame:
    """The table.

    Returns
    -------
    pandas.DataFrame
        ``doubt, n_pairs, counted``; under the effects of ``benchmarks/calibration.py``
        ``bias_worst`` (log2, of the class where it is largest), ``coverage`` and
        ``coverage_lowest``; without a change and with tumour varying threefold ``null_rate`` and
        ``null_rate_highest``, over the 14 classes.
    """
    rows = []
    for doubt in doubts:
        chance = looks(doubt)
        posterior = (chance / np.maximum(chance.sum(axis=0), 1e-12)).T
        for n in pairs:
            rng = np.random.default_rng([seed, n, round(100 * doubt)])
            results = {}
            for case, effects, spread in (("changed", EFFECTS, 0.5), ("null", 0 * EFFECTS, 1.5)):
                true = simulate(rng, replicates, n, effects, tumour_sd=spread)
                seen = np.zeros((*true.shape[:-1], chance.shape[1]))
                for k in range(true.shape[-1]):
                    seen += rng.multinomial(true[..., k], chance[k])
                results[case] = (true.astype(float), seen)
            for method in METHODS:
                changed, null = (
                    test(*_all(*results[case], posterior, method)) for case in ("changed", "null")
                )
                bias = (changed.estimate - EFFECTS).mean(axis=0) / np.log(2)
                covered = (changed.ci_low <= EFFECTS) & (changed.ci_high >= EFFECTS)
                wrong = (null.p_value < 0.05).mean(axis=0)
                rows.append(
                    {
                        "doubt": doubt,
                        "n_pairs": n,
                        "counted": method,
                        "bias_worst": bias[np.abs(bias).argmax()],
                        "coverage": covered.mean(),
                        "coverage_lowest": covered.mean(axis=0).min(),
                        "null_rate": wrong.mean(),
                        "null_rate_highest": wrong.max(),
                    }
                )
    return pd.DataFrame(rows)


def _all(true: Array, seen: Array, posterior: Array, method: str) -> tuple[Array, Array]:
    if method == "true cells":
        return true, 0 * true
    flat = seen.reshape(-1, seen.shape[-1])
    both = [counted(s, posterior, method) for s in flat]
    counts, variance = (np.array([b[i] for b in both]).reshape(true.shape) for i in (0, 1))
    return counts, variance


def shares(
    *,
    replicates: int = 1000,
    cells: Iterable[int] = (300, 1000, 5000),
    doubts: Iterable[float] = (0.1, 0.3, 0.5),
    seed: int = 3,
) -> pd.DataFrame:
    """Intervals of the shares of single samples.

    Returns
    -------
    pandas.DataFrame
        ``doubt, cells, counted`` (true cells and published), ``coverage`` and ``coverage_lowest``
        of the 14 classes, and ``error``: mean squared error of the counts over the variance that is
        stated.
    """
    rows = []
    for doubt in doubts:
        chance = looks(doubt)
        posterior = (chance / np.maximum(chance.sum(axis=0), 1e-12)).T
        for n in cells:
            rng = np.random.default_rng([seed, n, round(100 * doubt)])
            share = SHARES * np.exp(rng.normal(0, SPREAD, (replicates, len(CLASSES))))
            share /= share.sum(axis=1, keepdims=True)
            true = rng.multinomial(n, share)
            seen = np.zeros((replicates, chance.shape[1]))
            for k in range(len(CLASSES)):
                seen += rng.multinomial(true[:, k], chance[k])
            for method in (METHODS[0], METHODS[-1]):
                counts, variance = _all(true.astype(float), seen, posterior, method)
                low, high = wilson_wider(counts, np.full(counts.shape, float(n)), variance)
                covered = ((low <= share) & (high >= share)).mean(axis=0)
                stated = n * share * (1 - share) + variance
                rows.append(
                    {
                        "doubt": doubt,
                        "cells": n,
                        "counted": method,
                        "coverage": covered.mean(),
                        "coverage_lowest": covered.min(),
                        "error": ((counts - n * share) ** 2).mean() / stated.mean(),
                    }
                )
    return pd.DataFrame(rows)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=300)
    replicates = parser.parse_args().replicates
    print(compare(replicates=replicates).round(3).to_string(index=False))
    print(shares(replicates=3 * replicates).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
