"""The confirmatory engine of differential expression: PyDESeq2 with the pair as block.

Filters and pairs are those of the fast engine.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from hcc_assets.schemas.base import conform
from hcc_assets.schemas.expression import DegConfirmatory
from hcc_assets.stats.differential_expression import ClassFit, Fits, fit_classes
from hcc_assets.stats.expression_units import Ambient, Stack
from hcc_assets.stats.multiplicity import benjamini_hochberg
from hcc_assets.study.config import StudyConfig, contrast_name

if TYPE_CHECKING:
    from anndata import AnnData

Array = npt.NDArray[np.float64]

ALPHA = 0.05  # false discovery rate of the study, as for composition
_LEVEL = float(stats.norm.ppf(0.975))  # two-sided 95 %


def deg_confirmatory(
    samples: pd.DataFrame,
    pseudobulks: Mapping[str, AnnData] | Iterable[tuple[str, AnnData]] | Stack,
    config: StudyConfig,
    *,
    ambient: Mapping[str, Ambient] | None = None,
    fits: Fits | None = None,
    classes: Iterable[str] | None = None,
    n_cpus: int = 1,
) -> pd.DataFrame:
    """Differential expression by PyDESeq2 on the genes, classes and pairs of the fast engine, with
    the agreement of the two.

    Parameters
    ----------
    samples, pseudobulks, config, ambient, fits
        As for ``deg_tables``.
    classes
        Classes to run; None for all that can be tested. About ten seconds per thousand genes at ten
        pairs.
    n_cpus
        Workers of PyDESeq2.

    Returns
    -------
    pandas.DataFrame
        ``DegConfirmatory``. Wald test of the timepoint in ``~ pair + timepoint``, size factors
        ``poscounts``; Cook's filter and independent filtering are off, since the fast engine's
        filter is the filter. Adjusted within the class over genes that are not flagged. A class
        that cannot be tested has one row.
    """
    fits = fits or fit_classes(samples, pseudobulks, config, ambient=ambient)
    chosen = set(fits.classes) if classes is None else set(classes)
    parts = []
    for cell_class, fit in fits.classes.items():
        if cell_class not in chosen:
            continue
        if fit.results.empty:
            part = pd.DataFrame(
                {
                    "gene_id": [None],
                    "gene": [None],
                    "n_pairs": [fit.n_pairs],
                    "ambient_flag": [False],
                    "agrees": [False],
                }
            )
        else:
            part = _confirm(fits.stack, fit, n_cpus)
        parts.append(part.assign(cell_class=cell_class))
    columns = [*DegConfirmatory.to_schema().columns]
    frame = (
        pd.concat(parts, ignore_index=True).reindex(columns=columns)
        if parts
        else pd.DataFrame(columns=columns)
    )
    frame["p_adjusted_global"] = benjamini_hochberg(
        frame["p_value"].where(~frame["ambient_flag"].astype(bool))
    )
    return conform(DegConfirmatory, frame.assign(contrast=contrast_name(config)))


def _confirm(stack: Stack, fit: ClassFit, n_cpus: int) -> pd.DataFrame:
    genes = stack.genes[fit.tested].reset_index(drop=True)
    complete = fit.results["n_pairs"].to_numpy() == fit.n_pairs  # PyDESeq2 knows no missing gene
    found = run_pydeseq2(fit, np.flatnonzero(fit.tested)[complete], n_cpus=n_cpus)
    out = pd.concat(
        [genes, fit.results[["n_pairs", "mean_cells", "ambient_share", "ambient_flag"]]], axis=1
    )
    for column in ("base_mean", "log2_fold_change", "lfc_se", "p_value"):
        values = np.full(len(out), np.nan)
        values[complete] = found[column].to_numpy(dtype=float)
        out[column] = values
    out["ci_low"] = out["log2_fold_change"] - _LEVEL * out["lfc_se"]
    out["ci_high"] = out["log2_fold_change"] + _LEVEL * out["lfc_se"]
    out["p_adjusted"] = benjamini_hochberg(out["p_value"].where(~out["ambient_flag"]))
    out["fast_log2_fold_change"] = fit.results["log2_fold_change"]
    out["fast_p_adjusted"] = benjamini_hochberg(
        fit.results["p_value"].where(~fit.results["ambient_flag"])
    )
    return pd.concat([out, agreement(out, fit.results["p_value"].to_numpy())], axis=1)


def agreement(table: pd.DataFrame, fast_p: Array) -> pd.DataFrame:
    """Agreement of the engines: per gene the verdict, per class the rank correlation of signed
    evidence and the overlap of the calls."""
    slow_call, fast_call = (
        (table["p_adjusted"] < ALPHA).to_numpy(),
        (table["fast_p_adjusted"] < ALPHA).to_numpy(),
    )
    same_sign = (
        np.sign(table["log2_fold_change"]) == np.sign(table["fast_log2_fold_change"])
    ).to_numpy()
    slow = np.sign(table["log2_fold_change"]) * -np.log10(np.maximum(table["p_value"], 1e-300))
    fast = np.sign(table["fast_log2_fold_change"]) * -np.log10(np.maximum(fast_p, 1e-300))
    both = np.isfinite(slow) & np.isfinite(fast)
    either = (slow_call | fast_call).sum()
    columns = {
        "agrees": (slow_call & fast_call & same_sign) | (~slow_call & ~fast_call),
        "class_rank_correlation": float(stats.spearmanr(slow[both], fast[both]).statistic)
        if both.sum() > 2
        else np.nan,
        "class_overlap": float((slow_call & fast_call & same_sign).sum() / either)
        if either
        else np.nan,
    }
    return pd.DataFrame(columns, index=table.index)


def run_pydeseq2(fit: ClassFit, genes: npt.NDArray[np.intp], *, n_cpus: int = 1) -> pd.DataFrame:
    """Fit ``~ pair + timepoint`` on the paired pseudobulks of one class.

    Parameters
    ----------
    fit
        Fit of the class; its pairs are the blocks.
    genes
        Columns of ``fit.units.counts`` to test; size factors are those of these genes.

    Returns
    -------
    pandas.DataFrame
        ``base_mean, log2_fold_change, lfc_se, p_value``, one row per gene, after against before.
    """
    from pydeseq2.dds import DeseqDataSet
    from pydeseq2.default_inference import DefaultInference
    from pydeseq2.ds import DeseqStats

    n = len(fit.pairs)
    rows = np.concatenate([fit.pairs.before, fit.pairs.after])
    names = [f"{t}{i:04d}" for t in ("b", "a") for i in range(n)]
    counts = pd.DataFrame(
        np.rint(fit.units.counts[rows][:, genes]).astype(np.int64),
        index=names,
        columns=[f"g{i}" for i in range(genes.size)],
    )
    metadata = pd.DataFrame(
        {
            "pair": pd.Categorical([f"p{i:04d}" for i in range(n)] * 2),
            "timepoint": pd.Categorical(
                ["before"] * n + ["after"] * n, categories=["before", "after"]
            ),
        },
        index=names,
    )
    inference = DefaultInference(n_cpus=n_cpus)
    with warnings.catch_warnings():
        # PyDESeq2 warns of slow dispersion trends and of its own deprecations; results are compared
        # with the fast engine
        warnings.simplefilter("ignore")
        data = DeseqDataSet(
            counts=counts,
            metadata=metadata,
            design="~pair + timepoint",
            size_factors_fit_type="poscounts",
            refit_cooks=False,
            inference=inference,
            quiet=True,
        )
        data.deseq2()
        test = DeseqStats(
            data,
            contrast=["timepoint", "after", "before"],
            cooks_filter=False,
            independent_filter=False,
            inference=inference,
            quiet=True,
        )
        test.run_wald_test()
        test.summary()
    result = test.results_df
    return pd.DataFrame(
        {
            "base_mean": result["baseMean"].to_numpy(),
            "log2_fold_change": result["log2FoldChange"].to_numpy(),
            "lfc_se": result["lfcSE"].to_numpy(),
            "p_value": result["pvalue"].to_numpy(),
        }
    )
