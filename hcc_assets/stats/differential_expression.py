"""Paired differential expression per class on pseudobulk: the fast engine of every refresh.

The confirmatory engine is in ``deseq``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.schemas.base import conform
from hcc_assets.schemas.expression import DegTables
from hcc_assets.stats.biopsies import Biopsies, Pairs, group_biopsies
from hcc_assets.stats.expression_units import (
    RARE_CLASSES,
    Ambient,
    ClassUnits,
    Stack,
    ambient_counts,
    analysed_classes,
    class_units,
    log_cpm,
    stack_pseudobulks,
)
from hcc_assets.stats.moderated import moderate_with_trend, t_test
from hcc_assets.stats.multiplicity import benjamini_hochberg
from hcc_assets.study.config import StudyConfig, contrast_name
from hcc_assets.study.genes import is_haemoglobin, is_mitochondrial, is_receptor_chain, is_ribosomal

if TYPE_CHECKING:
    from anndata import AnnData

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MIN_COUNT = 10
MIN_SHARE = 0.7
"""A gene is tested when it has ``MIN_COUNT`` counts in at least ``MIN_SHARE`` of as many biopsies
as a timepoint has (single-cell methods, section 4, after edgeR's ``filterByExpr``)."""

AMBIENT_LIMIT = 0.5  # share of counts explained by ambient RNA; single-cell methods, section 4
_PLASMA_LINEAGE = ("B", "plasma")


@dataclass(frozen=True)
class ClassFit:
    """Paired comparison of one class.

    Attributes
    ----------
    units, pairs
        Usable biopsies, and pairs as rows of ``units.counts``.
    log_before, log_after
        (patients, genes) normalised log2 CPM of the paired patients.
    tested
        (genes,) genes that pass the filters; ``results`` has one row for each.
    results
        ``n_pairs, mean_cells, base_mean, log2_fold_change, lfc_se, ci_low, ci_high, p_value,
        ambient_share, ambient_flag``.
    n_pairs
        Patients with a pair.
    """

    cell_class: str
    units: ClassUnits
    pairs: Pairs
    log_before: Array
    log_after: Array
    tested: Flags
    results: pd.DataFrame
    n_pairs: int


@dataclass(frozen=True)
class Fits:
    """Fits of all classes on one stack of pseudobulks."""

    stack: Stack
    biopsies: Biopsies
    classes: dict[str, ClassFit]


def excluded_genes(symbols: pd.Series, cell_class: str) -> Flags:
    """Mitochondrial, ribosomal and haemoglobin genes, and receptor chains where they are not the
    cell's own (or clonal anyway)."""
    always, immunoglobulin = _excluded(tuple(symbols))
    return always.copy() if cell_class in _PLASMA_LINEAGE else always | immunoglobulin


@lru_cache(maxsize=2)
def _excluded(symbols: tuple[str, ...]) -> tuple[Flags, Flags]:
    """Genes excluded in every class, and immunoglobulin chains: every class of a fit asks about the
    same symbols."""
    index = pd.Index(symbols)
    chains = is_receptor_chain(index)
    immunoglobulin = chains & np.asarray(index.str.startswith("IG"), dtype=bool)
    return is_mitochondrial(index) | is_ribosomal(index) | is_haemoglobin(index) | (
        chains & ~immunoglobulin
    ), immunoglobulin


def fit_classes(
    samples: pd.DataFrame,
    pseudobulks: Mapping[str, AnnData] | Iterable[tuple[str, AnnData]] | Stack,
    config: StudyConfig,
    *,
    ambient: Mapping[str, Ambient] | None = None,
) -> Fits:
    """Fit the fast engine for every class; the tables of this module and of ``programs`` are read
    from its result.

    Parameters
    ----------
    samples
        ``sample_id, subject_id, timepoint, tissue``.
    pseudobulks
        Per sample, see ``stack_pseudobulks``; or a stack.
    config
        ``single_cell.min_pairs``, ``min_cells_pseudobulk``, ``samples.timepoints``.
    ambient
        Ambient RNA per sample, where known.
    """
    stack = pseudobulks if isinstance(pseudobulks, Stack) else stack_pseudobulks(pseudobulks)
    biopsies = group_biopsies(samples, config)
    fits = {c: _fit(stack, biopsies, c, config, ambient) for c in analysed_classes()}
    return Fits(stack, biopsies, fits)


def _local_pairs(biopsies: Biopsies, units: ClassUnits) -> Pairs:
    usable = np.zeros(len(biopsies.units), dtype=bool)
    usable[units.rows] = True
    pairs = biopsies.pairs(usable)
    position = np.full(len(biopsies.units), -1, dtype=np.intp)
    position[units.rows] = np.arange(units.rows.size)
    return Pairs(position[pairs.before], position[pairs.after], pairs.owner, pairs.subjects)


def _fit(
    stack: Stack,
    biopsies: Biopsies,
    cell_class: str,
    config: StudyConfig,
    ambient: Mapping[str, Ambient] | None,
) -> ClassFit:
    units = class_units(stack, biopsies, cell_class, config)
    pairs = _local_pairs(biopsies, units)
    n, genes = pairs.n_subjects, len(stack.genes)
    nothing = np.zeros((0, genes))
    if n == 0:
        return ClassFit(
            cell_class,
            units,
            pairs,
            nothing,
            nothing,
            np.zeros(genes, dtype=bool),
            pd.DataFrame(),
            0,
        )
    rows = np.concatenate([pairs.before, pairs.after])
    counts = units.counts[rows]
    values, _ = log_cpm(counts)
    if units.measured is not None:
        values = np.where(units.measured[rows], values, np.nan)
    before, after = pairs.by_subject(values[: len(pairs)]), pairs.by_subject(values[len(pairs) :])
    in_pairs = np.isfinite(after - before).sum(axis=0)
    enough = (counts >= MIN_COUNT).sum(axis=0) >= np.maximum(
        np.ceil(MIN_SHARE * len(pairs) - 1e-9), 2
    )
    tested = (
        enough
        & ~excluded_genes(stack.genes["gene"], cell_class)
        & (in_pairs >= config.single_cell.min_pairs)
    )
    if n < config.single_cell.min_pairs or not tested.any():
        return ClassFit(
            cell_class, units, pairs, before, after, np.zeros(genes, dtype=bool), pd.DataFrame(), n
        )
    expected = ambient_counts(stack, biopsies, units, ambient)
    share = (
        np.full(genes, np.nan)
        if expected is None
        else _ambient_share(expected[rows], counts, len(pairs))
    )
    results = _test((after - before)[:, tested], (before + after)[:, tested] / 2)
    library = counts.sum(axis=1, keepdims=True)
    base_mean = (counts[:, tested] / library).mean(axis=0) * float(library.mean())
    results = results.assign(
        mean_cells=float(units.n_cells[rows].mean()),
        base_mean=base_mean,
        ambient_share=share[tested],
        ambient_flag=np.nan_to_num(share[tested]) > AMBIENT_LIMIT,
    )
    return ClassFit(cell_class, units, pairs, before, after, tested, results, n)


def _ambient_share(expected: Array, counts: Array, n_pairs: int) -> Array:
    shares = []
    for half in (slice(0, n_pairs), slice(n_pairs, None)):
        total = counts[half].sum(axis=0)
        shares.append(
            np.divide(expected[half].sum(axis=0), total, out=np.zeros(total.shape), where=total > 0)
        )
    return np.clip(np.maximum(*shares), 0, 1)


def _test(delta: Array, level: Array) -> pd.DataFrame:
    """Moderated paired t test of each column; missing values lower a gene's own number of pairs."""
    n = np.isfinite(delta).sum(axis=0)
    mean = np.nansum(delta, axis=0) / np.maximum(n, 1)
    variance = np.nansum((delta - mean) ** 2, axis=0) / np.maximum(n - 1, 1)
    moderated = moderate_with_trend(
        np.where(n > 1, variance, np.nan), n - 1, np.nansum(level, axis=0) / np.maximum(n, 1)
    )
    t = t_test(mean, np.sqrt(moderated.variance / np.maximum(n, 1)), moderated.df)
    columns = {
        "n_pairs": n,
        "log2_fold_change": mean,
        "lfc_se": t.se,
        "ci_low": t.ci_low,
        "ci_high": t.ci_high,
        "p_value": t.p_value,
    }
    return pd.DataFrame(columns)


def deg_tables(
    samples: pd.DataFrame,
    pseudobulks: Mapping[str, AnnData] | Iterable[tuple[str, AnnData]] | Stack,
    config: StudyConfig,
    *,
    ambient: Mapping[str, Ambient] | None = None,
    fits: Fits | None = None,
) -> pd.DataFrame:
    """Differential expression of every class, after against before treatment, within patients.

    Parameters
    ----------
    samples, pseudobulks, config, ambient
        See ``fit_classes``.
    fits
        Result of ``fit_classes`` on the same inputs, to save doing it twice.

    Returns
    -------
    pandas.DataFrame
        ``DegTables``: the genes that pass the filters in each class; a class with fewer than
        ``min_pairs`` patients has one row without a gene.
    """
    fits = fits or fit_classes(samples, pseudobulks, config, ambient=ambient)
    parts = []
    for cell_class, fit in fits.classes.items():
        if fit.results.empty:
            part = pd.DataFrame(
                {
                    "gene_id": [None],
                    "gene": [None],
                    "n_pairs": [fit.n_pairs],
                    "ambient_flag": [False],
                }
            )
        else:
            genes = fits.stack.genes[fit.tested].reset_index(drop=True)
            part = pd.concat([genes, fit.results], axis=1)
            part["p_adjusted"] = benjamini_hochberg(part["p_value"].where(~part["ambient_flag"]))
        parts.append(part.assign(cell_class=cell_class, few_cells=_few_cells(fit, config)))
    frame = pd.concat(parts, ignore_index=True).reindex(columns=[*DegTables.to_schema().columns])
    frame["p_adjusted_global"] = benjamini_hochberg(
        frame["p_value"].where(~frame["ambient_flag"].astype(bool))
    )
    return conform(DegTables, frame.assign(contrast=contrast_name(config)))


def _few_cells(fit: ClassFit, config: StudyConfig) -> bool:
    used = np.concatenate([fit.pairs.before, fit.pairs.after])
    return fit.cell_class in RARE_CLASSES and bool(
        (fit.units.n_cells[used] < config.single_cell.min_cells_pseudobulk).any()
    )
