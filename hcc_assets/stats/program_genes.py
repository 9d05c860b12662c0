"""Genes of the pre-registered programs, class by class. Scores belong to ``programs``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.schemas.base import conform
from hcc_assets.schemas.expression import RelatedGenes
from hcc_assets.stats.differential_expression import ClassFit, Fits, fit_classes
from hcc_assets.stats.expression_units import Ambient, Stack
from hcc_assets.stats.multiplicity import within
from hcc_assets.study.config import StudyConfig, contrast_name
from hcc_assets.study.programs import programs

if TYPE_CHECKING:
    from anndata import AnnData


Array = npt.NDArray[np.float64]


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
    return conform(RelatedGenes, frame.assign(contrast=contrast_name(config)))


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
