"""Is the treatment confounded with how samples were made: each factor of ``samples.csv`` against
the timepoint, and, without any label, a change that unrelated classes share.

Upstream of both endpoints; what becomes of a confounded comparison is decided where it is tested.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.schemas.base import conform
from hcc_assets.schemas.confounders import DesignConfounding
from hcc_assets.stats.biopsies import group_biopsies
from hcc_assets.stats.expression_units import class_units, log_cpm, stack_pseudobulks
from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED
from hcc_assets.study.config import StudyConfig, contrast_name
from hcc_assets.study.markers import markers

if TYPE_CHECKING:
    from anndata import AnnData

Array = npt.NDArray[np.float64]

FACTORS: Final = ("chemistry", "sequencing_run", "genome", "tissue", "operator")
"""Columns of ``samples.csv`` that may be confounded with the timepoint."""
EXPRESSION: Final = "expression"
"""The factor that needs no column: a change that all classes share."""
ALPHA: Final = 0.05
"""Own choice, the usual level, divided by the number of factors that vary: at most one clean design
in twenty is flagged, however many factors are delivered (benchmarks/confounding.py)."""
LEANING: Final = (0.10, 0.5)
"""p and imbalance from which a factor that is not significant is a warning: own choice."""
SHARED: Final = (0.6, 0.75)
"""Median correlation between the changes of unrelated classes, from which it is a warning and a
confounder: .24 to .47 without and .89 under a change of chemistry (SINGLE_CELL.md, section 6)."""
GENES: Final = 1000
"""Most expressed genes that the changes are compared over: own choice, few enough to be measured
in small classes."""
FEWEST_PAIRS: Final = 3
"""Patients of a class for its mean change: own choice, the fewest that a scatter can be seen in."""
_EXACT: Final = 14
"""Pairs up to which all exchanges of before and after are enumerated (16,384)."""
_DRAWS: Final = 10_000
"""Random exchanges beyond: own choice, a Monte Carlo error of p below .005."""


def design_confounding(
    samples: pd.DataFrame, sums: Mapping[str, AnnData], config: StudyConfig, *, seed: int = 0
) -> pd.DataFrame:
    """Published table ``design_confounding`` of one contrast.

    Parameters
    ----------
    samples
        ``sample_id, subject_id, timepoint`` and any of `FACTORS`.
    sums
        Pseudobulk of each sample (`cells.pseudobulk`).
    config
        The first two timepoints are compared; limits of a usable pseudobulk.
    seed
        Of random exchanges where there are too many to enumerate.
    """
    values = {
        name: _paired_values(samples, name, config)
        for name in FACTORS
        if name in samples and samples[name].notna().any()
    }
    varying = sum(len(set(v.to_numpy().ravel())) > 1 for v in values.values())
    rows = [_factor(v, name, max(varying, 1), seed) for name, v in values.items()]
    rows.append(_expression(samples, sums, config, seed))
    named = [{"contrast": contrast_name(config), **row} for row in rows]
    return conform(DesignConfounding, pd.DataFrame(named))


def confounded_contrasts(table: pd.DataFrame) -> frozenset[str]:
    """Contrasts of ``design_confounding`` whose changes carry no verdict: a declared factor is
    confounded, or all classes changed together."""
    shared = (table["factor"] == EXPRESSION) & (table["verdict"] == "WARN")
    return frozenset(table.loc[shared | (table["verdict"] == "CONFOUNDED"), "contrast"])


def _exchanges(n: int, seed: int) -> npt.NDArray[np.bool_]:
    """Which pairs are exchanged: all ways, the first of them none; draws where they are many."""
    if n <= _EXACT:
        return np.array(list(itertools.product((False, True), repeat=n)), dtype=bool)
    draws = np.random.default_rng(seed).random((_DRAWS, n)) < 0.5
    draws[0] = False
    return draws


def _paired_values(samples: pd.DataFrame, name: str, config: StudyConfig) -> pd.DataFrame:
    """Value of a factor before and after, of the patients where both are known."""
    return (
        samples[samples[name].notna()]
        .groupby(["subject_id", "timepoint"])[name]
        .agg(lambda v: "+".join(sorted({str(x) for x in v})))
        .unstack("timepoint")
        .reindex(columns=list(config.samples.timepoints[:2]))
        .dropna()
    )


def _factor(value: pd.DataFrame, name: str, varying: int, seed: int) -> dict[str, object]:
    """Imbalance of a factor between the timepoints over pairs: half the sum over levels of the
    absolute difference in frequency (0 alike, 1 no level in common), and the exact p value under
    exchange of before and after within patients."""
    n = len(value)
    if n == 0:
        text = f"not judged: no patient has {name} at both timepoints"
        return _row(name, statement=text)
    levels, codes = np.unique(value.to_numpy().ravel(), return_inverse=True)
    one = np.eye(len(levels))[codes.reshape(n, 2)]
    difference = one[:, 1] - one[:, 0]
    sign = np.where(_exchanges(n, seed), -1.0, 1.0)
    imbalance = np.abs(sign @ difference).sum(axis=1) / (2 * n)
    observed = float(imbalance[0])
    p = float((imbalance >= observed - 1e-12).mean())
    differ = int((value.iloc[:, 0] != value.iloc[:, 1]).sum())
    # one level before and another after, whatever p so few pairs can reach
    split = n >= 2 and observed == 1.0 and len(levels) == 2
    if split or (p * varying < ALPHA and observed > 0):
        verdict, text = "CONFOUNDED", f"changes with the timepoint in {differ} of {n} patients"
    elif (p * varying < LEANING[0] and observed >= LEANING[1]) or (n == 1 and len(levels) == 2):
        verdict, text = "WARN", f"leans with the timepoint: differs in {differ} of {n} patients"
    else:
        verdict, text = "CLEAR", f"differs in {differ} of {n} patients, in no one direction"
        if len(levels) == 1:
            text = f"the same in all samples of {n} patients"
    return _row(name, observed, p, verdict, text)


def _row(
    factor: str,
    statistic: float | None = None,
    p_value: float | None = None,
    verdict: str | None = None,
    statement: str = "",
) -> dict[str, object]:
    return {
        "factor": factor,
        "statistic": statistic,
        "p_value": p_value,
        "verdict": verdict,
        "statement": statement,
    }


def _changes(
    samples: pd.DataFrame, sums: Mapping[str, AnnData], config: StudyConfig
) -> dict[str, tuple[npt.NDArray[np.str_], Array, Array]]:
    """Per class: patients, their log2 changes over genes, and the mean level of each gene."""
    stack = stack_pseudobulks({s: sums[s] for s in samples["sample_id"] if s in sums})
    biopsies = group_biopsies(samples, config)
    found = {}
    for name in CELL_CLASSES:
        if name == UNASSIGNED:
            continue
        units = class_units(stack, biopsies, name, config)
        usable = np.zeros(len(biopsies.units), dtype=bool)
        usable[units.rows] = True
        pairs = biopsies.pairs(usable)
        # rows of pairs are those of the usable biopsies as they stand in the table of all
        place = {int(row): i for i, row in enumerate(units.rows)}
        if pairs.n_subjects < FEWEST_PAIRS:
            continue
        values, level = log_cpm(units.counts)
        first = np.array([place[int(r)] for r in pairs.before])
        second = np.array([place[int(r)] for r in pairs.after])
        found[name] = (pairs.subjects, pairs.by_subject(values[second] - values[first]), level)
    return found


def _expression(
    samples: pd.DataFrame, sums: Mapping[str, AnnData], config: StudyConfig, seed: int
) -> dict[str, object]:
    """Median correlation, over pairs of classes of different lineages, of their mean changes; the p
    value is that of exchanging before and after of whole patients."""
    found = _changes(samples, sums, config) if len(sums) else {}
    couples = [
        (a, b)
        for a, b in itertools.combinations(found, 2)
        if markers()[a].compartment != markers()[b].compartment
    ]
    if not couples:
        text = (
            f"not judged: fewer than two classes of different lineages have {FEWEST_PAIRS} "
            "patients with enough cells at both timepoints"
        )
        return _row(EXPRESSION, statement=text)
    people = sorted({str(s) for subjects, _, _ in found.values() for s in subjects})
    number = {s: i for i, s in enumerate(people)}
    sign = np.where(_exchanges(len(people), seed), -1.0, 1.0)
    own = {k: np.array([number[str(s)] for s in subjects]) for k, (subjects, _, _) in found.items()}
    values = []
    for a, b in couples:
        level = np.minimum(found[a][2], found[b][2])
        genes = np.argsort(-level, kind="stable")[:GENES]
        left = sign[:, own[a]] @ found[a][1][:, genes]
        right = sign[:, own[b]] @ found[b][1][:, genes]
        left = left - left.mean(axis=1, keepdims=True)
        right = right - right.mean(axis=1, keepdims=True)
        norm = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
        values.append((left * right).sum(axis=1) / np.maximum(norm, 1e-12))
    shared = np.median(np.array(values), axis=0)
    observed = float(shared[0])
    verdict = "CLEAR"
    if observed >= SHARED[1]:
        verdict = "CONFOUNDED"
    elif observed >= SHARED[0]:
        verdict = "WARN"
    p = float((shared >= observed - 1e-12).mean())
    text = (
        f"classes of different lineages changed alike: median correlation {observed:.2f} "
        f"over {len(couples)} pairs of classes (doubtful from {SHARED[0]}, confounded from "
        f"{SHARED[1]})"
    )
    if verdict == "CLEAR":
        text = f"classes changed each in its own way: median correlation {observed:.2f}"
    return _row(EXPRESSION, observed, p, verdict, text)
