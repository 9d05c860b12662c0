"""Gene programs across samples: score per sample, change per class.

The lists are in ``study.programs``, gene by gene in ``program_genes``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.expression import GenePrograms, ProgramChanges, ProgramScores
from hcc_assets.stats.differential_expression import MIN_COUNT, ClassFit, Fits, fit_classes
from hcc_assets.stats.expression_units import Stack, log_cpm
from hcc_assets.stats.moderated import moderate, t_test
from hcc_assets.stats.multiplicity import benjamini_hochberg
from hcc_assets.stats.program_genes import gene_columns, nan_mean
from hcc_assets.study.config import StudyConfig, contrast_name
from hcc_assets.study.programs import programs

if TYPE_CHECKING:
    from anndata import AnnData

Array = npt.NDArray[np.float64]

DETECTED_SHARE = 0.3
"""A gene counts in a score when it has ten counts in at least this share of the class' biopsies.
Looser than for tests (0.7), so that a program keeps genes that come or go (our choice)."""


class _Scored:
    """Scores of all programs in one class: per biopsy, per sample, per pair."""

    def __init__(self, fit: ClassFit, column_of: Mapping[str, int]):
        self.fit = fit
        names = list(programs())
        units = fit.units
        n = units.rows.size
        self.n_genes = np.zeros(len(names), dtype=int)
        self.of_units = np.full((n, len(names)), np.nan)
        self.of_samples = np.full((len(units.samples), len(names)), np.nan)
        if n == 0:
            return
        logs, reference = log_cpm(units.counts)
        sample_logs, _ = log_cpm(units.sample_counts, reference=reference)
        if len(units.samples) == n:
            sample_logs = logs[units.samples["unit"].to_numpy()]
        if units.measured is not None:
            logs = np.where(units.measured, logs, np.nan)
            sample_logs = np.where(
                units.measured[units.samples["unit"].to_numpy()], sample_logs, np.nan
            )
        detected = (units.counts >= MIN_COUNT).mean(axis=0) >= DETECTED_SHARE
        centre = nan_mean(logs)
        spread = _scale(logs)
        for j, program in enumerate(programs().values()):
            chosen = [
                (column_of[g], w)
                for g, w in program.weights.items()
                if g in column_of and detected[column_of[g]]
            ]
            self.n_genes[j] = len(chosen)
            if not chosen or n < 2:
                continue
            columns, weights = np.array([c for c, _ in chosen]), np.array([w for _, w in chosen])
            usable = np.isfinite(spread[columns])
            columns, weights = columns[usable], weights[usable]
            if columns.size:
                self.of_units[:, j] = _mean_z(
                    logs[:, columns], centre[columns], spread[columns], weights
                )
                self.of_samples[:, j] = _mean_z(
                    sample_logs[:, columns], centre[columns], spread[columns], weights
                )

    def before_after(self) -> tuple[Array, Array]:
        pairs = self.fit.pairs
        return pairs.by_subject(self.of_units[pairs.before]), pairs.by_subject(
            self.of_units[pairs.after]
        )


def _scale(logs: Array) -> Array:
    """Standard deviation of each gene over biopsies, moderated over genes so that a gene that
    hardly varies does not rule a score."""
    n = np.isfinite(logs).sum(axis=0)
    centre = nan_mean(logs)
    variance = np.where(
        n > 1, np.nansum((logs - centre) ** 2, axis=0) / np.maximum(n - 1, 1), np.nan
    )
    positive = np.where(variance > 1e-12, variance, np.nan)
    return np.sqrt(moderate(positive, np.maximum(n - 1, 1)).variance)


def _mean_z(logs: Array, centre: Array, spread: Array, weights: Array) -> Array:
    z = (logs - centre) / spread * weights
    used = np.isfinite(z).sum(axis=1)
    return np.where(used > 0, np.nansum(z, axis=1) / np.maximum(used, 1), np.nan)


def _score_all(fits: Fits) -> dict[str, _Scored]:
    column_of = gene_columns(fits.stack)
    return {c: _Scored(fit, column_of) for c, fit in fits.classes.items()}


def program_scores(
    samples: pd.DataFrame,
    pseudobulks: Mapping[str, AnnData] | Iterable[tuple[str, AnnData]] | Stack,
    config: StudyConfig,
    *,
    fits: Fits | None = None,
) -> pd.DataFrame:
    """Score of each program in each usable pseudobulk: mean over its detected genes of weight x z,
    z over the biopsies of the class.

    Returns
    -------
    pandas.DataFrame
        ``ProgramScores``. The score compares samples of one class and study; its zero is the mean
        over biopsies.
    """
    fits = fits or fit_classes(samples, pseudobulks, config)
    units = fits.biopsies.units
    parts = []
    for cell_class, scored in _score_all(fits).items():
        own = scored.fit.units.samples
        if own.empty:
            continue
        k = len(programs())
        of_unit = units.iloc[scored.fit.units.rows[own["unit"].to_numpy()]]
        parts.append(
            pd.DataFrame(
                {
                    "sample_id": np.repeat(own["sample_id"].to_numpy(), k),
                    **{
                        c: np.repeat(of_unit[c].to_numpy(), k)
                        for c in ("subject_id", "timepoint", "tissue")
                    },
                    "cell_class": cell_class,
                    "program": np.tile(np.array(list(programs()), dtype=object), len(own)),
                    "n_cells": np.repeat(own["n_cells"].to_numpy(), k),
                    "n_genes": np.tile(scored.n_genes, len(own)),
                    "score": scored.of_samples.ravel(),
                }
            )
        )
    if not parts:
        return empty(ProgramScores)
    frame = pd.concat(parts, ignore_index=True)
    rank = {c: i for i, c in enumerate(fits.classes)} | {p: i for i, p in enumerate(programs())}
    return conform(
        ProgramScores,
        frame.sort_values(
            ["sample_id", "cell_class", "program"],
            key=lambda s: s.map(lambda v: (rank.get(v, -1), v)),
            kind="stable",
        ),
    )


def gene_programs(
    samples: pd.DataFrame,
    pseudobulks: Mapping[str, AnnData] | Iterable[tuple[str, AnnData]] | Stack,
    config: StudyConfig,
    *,
    fits: Fits | None = None,
) -> pd.DataFrame:
    """Paired change of each program in each class; a class with fewer than ``min_pairs`` patients
    has its rows without a test.

    Returns
    -------
    pandas.DataFrame
        ``GenePrograms``. Variances are moderated over the programs of a class; all classes and
        programs are one family.
    """
    fits = fits or fit_classes(samples, pseudobulks, config)
    parts = []
    for cell_class, scored in _score_all(fits).items():
        part = pd.DataFrame(
            {
                "cell_class": cell_class,
                "program": list(programs()),
                "n_pairs": scored.fit.n_pairs,
                "n_genes": scored.n_genes,
            }
        )
        before, after = scored.before_after()
        delta = after - before
        n = np.isfinite(delta).sum(axis=0)
        few = n < max(config.single_cell.min_pairs, 2)
        mean = np.where(few, np.nan, nan_mean(delta)) if len(delta) else np.full(len(part), np.nan)
        spread = np.nansum((delta - mean) ** 2, axis=0) / np.maximum(n - 1, 1)
        moderated = moderate(np.where(few, np.nan, spread), np.maximum(n - 1, 1))
        t = t_test(mean, np.sqrt(moderated.variance / np.maximum(n, 1)), moderated.df)
        parts.append(part.assign(delta=mean, ci_low=t.ci_low, ci_high=t.ci_high, p_value=t.p_value))
    frame = pd.concat(parts, ignore_index=True)
    frame["p_adjusted"] = benjamini_hochberg(frame["p_value"])
    return conform(GenePrograms, frame.assign(contrast=contrast_name(config)))


def program_changes(
    samples: pd.DataFrame,
    pseudobulks: Mapping[str, AnnData] | Iterable[tuple[str, AnnData]] | Stack,
    config: StudyConfig,
    *,
    fits: Fits | None = None,
) -> pd.DataFrame:
    """Score of each program before and after treatment and its change, per patient and class
    (``ProgramChanges``)."""
    fits = fits or fit_classes(samples, pseudobulks, config)
    k = len(programs())
    parts = []
    for cell_class, scored in _score_all(fits).items():
        subjects = scored.fit.pairs.subjects.astype(object)
        before, after = scored.before_after()
        program = np.tile(np.array(list(programs()), dtype=object), subjects.size)
        part = pd.DataFrame(
            {"subject_id": np.repeat(subjects, k), "cell_class": cell_class, "program": program}
        )
        parts.append(
            part.assign(before=before.ravel(), after=after.ravel(), delta=(after - before).ravel())
        )
    table = pd.concat(parts, ignore_index=True)
    return conform(ProgramChanges, table.assign(contrast=contrast_name(config)))
