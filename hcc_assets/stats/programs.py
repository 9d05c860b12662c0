"""Related genes and gene programs across samples: gene by gene, score per sample, change per class.

The lists are in ``study.programs``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.expression import GenePrograms, ProgramChanges, ProgramScores, RelatedGenes
from hcc_assets.stats.differential_expression import MIN_COUNT, ClassFit, Fits, fit_classes
from hcc_assets.stats.expression_units import Ambient, Stack, log_cpm
from hcc_assets.stats.moderated import moderate, t_test
from hcc_assets.stats.multiplicity import benjamini_hochberg, within
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.programs import programs

if TYPE_CHECKING:
    from anndata import AnnData

Array = npt.NDArray[np.float64]

DETECTED_SHARE = 0.3
"""A gene counts in a score when it has ten counts in at least this share of the class' biopsies.
Looser than for tests (0.7), so that a program keeps genes that come or go (our choice)."""


def gene_columns(stack: Stack) -> dict[str, int]:
    """Column of each symbol; of several genes with one symbol the one with the most counts."""
    total = np.asarray(stack.matrix.sum(axis=0)).ravel()
    order = np.argsort(total, kind="stable")
    symbols = stack.genes["gene"].to_numpy(dtype=object)
    return {str(symbols[i]): int(i) for i in order}


def related_genes(
    samples: pd.DataFrame,
    pseudobulks: Mapping[str, AnnData] | Iterable[tuple[str, AnnData]] | Stack,
    config: StudyConfig,
    *,
    ambient: Mapping[str, Ambient] | None = None,
    fits: Fits | None = None,
) -> pd.DataFrame:
    """Genes of the pre-registered programs, before and after treatment, class by class.

    Returns
    -------
    pandas.DataFrame
        ``RelatedGenes``: every gene of every program in every class. Means are given from one pair
        on; the comparison where the gene has enough counts and the class at least ``min_pairs``
        patients. Tests are those of ``deg_tables``; adjusted within the program.
    """
    fits = fits or fit_classes(samples, pseudobulks, config, ambient=ambient)
    listed = [
        (number, name, gene)
        for number, (name, program) in enumerate(programs().items())
        for gene in program.weights
    ]
    number, names, genes = (list(part) for part in zip(*listed, strict=True))
    columns = _columns_of(fits.stack, genes)
    parts = [_genes_of(names, genes, columns, fit) for fit in fits.classes.values()]
    frame = (
        pd.concat(parts, ignore_index=True)
        .iloc[np.argsort(np.tile(number, len(parts)), kind="stable")]
        .reset_index(drop=True)
    )
    frame["p_adjusted"] = within(frame["p_value"].where(~frame["ambient_flag"]), frame["program"])
    return conform(RelatedGenes, frame)


def _columns_of(stack: Stack, genes: list[str]) -> npt.NDArray[np.intp]:
    column_of = gene_columns(stack)
    return np.array([column_of.get(g, -1) for g in genes], dtype=np.intp)


def _genes_of(
    programs_of: list[str], genes: list[str], columns: npt.NDArray[np.intp], fit: ClassFit
) -> pd.DataFrame:
    out = pd.DataFrame(
        {
            "program": programs_of,
            "gene": genes,
            "cell_class": fit.cell_class,
            "n_pairs": fit.n_pairs,
        }
    )
    found = columns >= 0
    for name, values in (("mean_pre", fit.log_before), ("mean_post", fit.log_after)):
        means = np.full(len(genes), np.nan)
        if fit.n_pairs:
            means[found] = nan_mean(values[:, columns[found]])
        out[name] = means
    names = ["log2_fold_change", "ci_low", "ci_high", "p_value", "ambient_flag"]
    row_of = np.append(
        np.where(fit.tested, np.cumsum(fit.tested) - 1, -1), -1
    )  # the last stands for genes that no delivery has
    position = row_of[np.where(found, columns, fit.tested.size)]
    for name in names:
        values = np.full(len(genes), np.nan)
        if not fit.results.empty:
            values[position >= 0] = fit.results[name].to_numpy(dtype=float)[position[position >= 0]]
        out[name] = values
    if not fit.results.empty:
        used = position >= 0
        out.loc[used, "n_pairs"] = fit.results["n_pairs"].to_numpy()[position[used]]
    out["ambient_flag"] = out["ambient_flag"].fillna(0.0).astype(bool)
    return out


def nan_mean(values: Array) -> Array:
    """Mean of each column over its finite values; NaN where it has none."""
    n = np.isfinite(values).sum(axis=0)
    return np.where(n > 0, np.nansum(values, axis=0) / np.maximum(n, 1), np.nan)


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
    return conform(GenePrograms, frame)


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
    return conform(ProgramChanges, pd.concat(parts, ignore_index=True))
