"""The paired change of composition under other analyses: does the verdict depend on a choice? The
published one is in ``composition_changes``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.composition import CompositionSensitivity
from hcc_assets.stats.composition import UnitCounts, biopsy_counts, class_columns
from hcc_assets.stats.composition_changes import (
    SEED,
    adjust_primary,
    compositional_classes,
    mixed_changes,
    proportion_changes,
)
from hcc_assets.stats.composition_logratio import Needles
from hcc_assets.stats.moderated import TTest
from hcc_assets.stats.paired_changes import LOG2, Reference, log_ratios
from hcc_assets.study.classes import DENOMINATORS
from hcc_assets.study.config import StudyConfig, contrast_name

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Analysis:
    """One analysis: what it changes against the primary one."""

    description: str
    reference: Reference = "primary"
    posterior: bool = False
    mixed: bool = False
    merge: tuple[str, str] | None = None
    statuses: tuple[str, ...] = ("pass",)
    min_cells: int | None = None


ANALYSES: Final[dict[str, Analysis]] = {
    "primary": Analysis(
        "as published: depth-matched logarithm, the admissible reference with most cells, paired t"
    ),
    "clr": Analysis("centred log-ratio: reference is the average class", reference="clr"),
    "second_reference": Analysis(
        "the admissible reference with most cells among those of other classes; null where there "
        "is none",
        reference="second",
    ),
    "posterior": Analysis(
        (
            "posterior-expected log abundance digamma(count + 0.5) in place of the depth-matched "
            "logarithm"
        ),
        posterior=True,
    ),
    "mixed_model": Analysis(
        (
            "random intercept per patient, unpaired biopsies included, Satterthwaite degrees of "
            "freedom"
        ),
        mixed=True,
    ),
    "t_with_nk": Analysis("T and NK cells as one class", merge=("T", "NK")),
    "monocyte_with_macrophage": Analysis(
        "monocytes and macrophages as one class", merge=("monocyte", "macrophage")
    ),
    "b_with_plasma": Analysis("B and plasma cells as one class", merge=("B", "plasma")),
    "doublets_in": Analysis(
        "doublets counted in the class they were called", statuses=("pass", "doublet")
    ),
    "small_biopsies_in": Analysis("biopsies with few cells kept", min_cells=1),
}


def composition_sensitivity(
    samples: pd.DataFrame, counts: pd.DataFrame, config: StudyConfig
) -> pd.DataFrame:
    """Change of each class under every analysis of ``ANALYSES``.

    Parameters
    ----------
    samples, counts
        As for ``compositions``.

    Returns
    -------
    pandas.DataFrame
        ``CompositionSensitivity``, in the order of ``ANALYSES``; merged classes are named ``T+NK``.
    """
    if samples.empty:
        return empty(CompositionSensitivity)
    parts = []
    for name, analysis in ANALYSES.items():
        units = biopsy_counts(
            samples, counts, config, statuses=analysis.statuses, min_cells=analysis.min_cells
        )
        parts += [_run(name, analysis, units, denominator, config) for denominator in DENOMINATORS]
    table = pd.concat(parts, ignore_index=True)
    return conform(CompositionSensitivity, table.assign(contrast=contrast_name(config)))


def _run(
    name: str, analysis: Analysis, units: UnitCounts, denominator: str, config: StudyConfig
) -> pd.DataFrame:
    min_pairs = config.single_cell.min_pairs
    registered = denominator == config.single_cell.primary_denominator
    usable = units.usable_in(denominator)
    pairs = units.biopsies.pairs(usable)
    classes = compositional_classes(denominator)
    columns = class_columns(classes)
    counts, samples, calls = (
        v[:, columns] for v in (units.counts, units.sample_counts, units.sample_variance)
    )
    rest = units.counts[:, class_columns(DENOMINATORS[denominator])].sum(axis=1) - counts.sum(
        axis=1
    )
    if analysis.merge and all(c in classes for c in analysis.merge):
        # doubt between merged classes is counted still: that errs to the wide side
        (counts, names), (samples, _), (calls, _) = (
            merge_classes(v, classes, analysis.merge) for v in (counts, samples, calls)
        )
        classes = names
    n_subjects = pairs.n_subjects
    if analysis.mixed:
        primary = log_ratios(counts, pairs, min_pairs)
        test, n_subjects = mixed_changes(units, counts, usable, primary.weights, min_pairs)
    else:
        test = log_ratios(
            counts,
            pairs,
            min_pairs,
            reference=analysis.reference,
            posterior=analysis.posterior,
            needles=Needles(units.unit, samples, calls),
        ).test
    shares = proportion_changes(np.column_stack([counts, rest]), pairs, min_pairs, SEED).iloc[
        : len(classes)
    ]
    return _frame(name, analysis, denominator, classes, len(pairs), n_subjects, test).assign(
        p_adjusted=adjust_primary(test.p_value, classes, primary=registered),
        delta_median=shares["delta_median"].to_numpy(),
        p_signed_rank=shares["p_signed_rank"].to_numpy(),
    )


def merge_classes(
    counts: Array, classes: tuple[str, ...], pair: tuple[str, str]
) -> tuple[Array, tuple[str, ...]]:
    """Add the columns of two classes; the sum stands where the first stood and is named
    ``first+second``."""
    first, second = (classes.index(c) for c in pair)
    merged = counts.copy()
    merged[:, first] += merged[:, second]
    names = tuple("+".join(pair) if c == pair[0] else c for c in classes if c != pair[1])
    return np.delete(merged, second, axis=1), names


def _frame(
    name: str,
    analysis: Analysis,
    denominator: str,
    classes: tuple[str, ...],
    n_pairs: int,
    n_subjects: int,
    test: TTest,
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "analysis": name,
            "description": analysis.description,
            "denominator": denominator,
            "cell_class": list(classes),
            "n_pairs": n_pairs,
            "n_subjects": n_subjects,
            "log2_ratio": test.estimate / LOG2,
            "log2_ratio_ci_low": test.ci_low / LOG2,
            "log2_ratio_ci_high": test.ci_high / LOG2,
            "p_value": test.p_value,
        }
    )
