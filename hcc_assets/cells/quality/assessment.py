"""Quality control of one sample, all that needs no reference: metrics, hard floor, ambient RNA,
doublets; and its row of the summary.

Limits by class come later, from ``adaptive``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.cells.quality.ambient import Ambient, estimate_ambient
from hcc_assets.cells.quality.doublets import find_doublets
from hcc_assets.cells.quality.metrics import MAX_PCT_HB, barcode_metrics, floor_status
from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.cells import AmbientProfile, CellMetrics, QcSummary
from hcc_assets.study.classes import QC_STATUSES
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.genes import is_haemoglobin

if TYPE_CHECKING:
    from anndata import AnnData


@dataclass(frozen=True)
class QcResult:
    """Quality of one sample's barcodes before any class is known.

    Attributes
    ----------
    metrics
        `schemas.cells.CellMetrics`, one row per barcode in the order of the counts.
    ambient
        Profile in the order of the genes, with ``genes`` naming them.
    genes
        ``gene_id, gene``, one row per gene in the order of the counts.
    expected_doublet_rate, doublet_threshold
        Of `doublets.Doublets`.
    n_barcodes
        Barcodes of the matrix that was delivered: of the raw one when cells were called from it.
    """

    metrics: pd.DataFrame
    ambient: Ambient
    genes: pd.DataFrame
    expected_doublet_rate: float
    doublet_threshold: float
    n_barcodes: int

    @property
    def ambient_fraction(self) -> float:
        """Ambient counts over all counts of the cells; NaN when not estimable."""
        return self.ambient.fraction

    @property
    def usable(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Barcodes past the hard floor, doublets among them."""
        return self.metrics["qc_status"].isin(["pass", "doublet"]).to_numpy()

    def to_tables(self) -> dict[str, pd.DataFrame]:
        """``metrics``, ``ambient`` (genes in the order of the counts) and ``sample`` (one row of
        the other attributes), for Parquet.
        """
        profile = self.genes.assign(share=self.ambient.profile)
        sample = pd.DataFrame(
            {
                "ambient_source": pd.Series([self.ambient.source], dtype=object),
                "ambient_fraction": [self.ambient.fraction],
                "ambient_constant": [self.ambient.constant],
                "ambient_slope": [self.ambient.slope],
                "expected_doublet_rate": [self.expected_doublet_rate],
                "doublet_threshold": [self.doublet_threshold],
                "n_barcodes": [self.n_barcodes],
            }
        )
        return {
            "metrics": self.metrics,
            "ambient": conform(AmbientProfile, profile),
            "sample": sample,
        }

    @classmethod
    def from_tables(cls, tables: Mapping[str, pd.DataFrame]) -> QcResult:
        """The inverse of `to_tables`."""
        row = tables["sample"].iloc[0]
        profile = tables["ambient"]
        ambient = Ambient(
            profile["share"].to_numpy(dtype=float),
            "raw" if row["ambient_source"] == "raw" else "mean",
            float(row["ambient_fraction"]),
            float(row["ambient_constant"]),
            float(row["ambient_slope"]),
        )
        return cls(
            conform(CellMetrics, tables["metrics"]),
            ambient,
            profile[["gene_id", "gene"]].reset_index(drop=True),
            float(row["expected_doublet_rate"]),
            float(row["doublet_threshold"]),
            int(row["n_barcodes"]),
        )


def assess(
    counts: AnnData,
    config: StudyConfig,
    *,
    raw: AnnData | None = None,
    seed: int = 0,
    n_barcodes: int | None = None,
) -> QcResult:
    """Judge the barcodes of one sample as far as that needs no cell class.

    Parameters
    ----------
    counts
        Cells x genes, as `tenx.read_counts` gives them.
    config
        ``single_cell.min_umi`` and ``min_genes`` are the hard floor.
    raw
        All droplets of the sample, when delivered: the ambient profile then comes from droplets
        below 100 counts.
    seed
        Of the simulated doublets, beside the content.
    n_barcodes
        Barcodes delivered; ``uns["n_barcodes"]`` or the number of cells when not given.

    Returns
    -------
    QcResult
        ``qc_status`` is ``low_umi, low_genes, high_mt, high_hb, erythroid, doublet`` or ``pass``.
        Row order follows ``counts``.
    """
    metrics = barcode_metrics(counts)
    status = floor_status(metrics, counts, config)
    ambient = estimate_ambient(counts, status == "pass", raw=raw)
    status[_bathed_in_haemoglobin(metrics, status, counts, ambient)] = "pass"
    usable = status == "pass"
    doublets = find_doublets(counts, usable, ambient, seed=seed)
    status[usable & doublets.called] = "doublet"
    metrics["doublet_score"] = doublets.score
    metrics["lineage_conflict"] = doublets.conflict
    metrics["ambient_umi"] = np.where(
        np.isnan(ambient.fraction), np.nan, ambient.expected_umi(metrics["n_umi"].to_numpy())
    )
    metrics["qc_status"] = status
    genes = counts.var[["gene_id", "gene"]].reset_index(drop=True).astype(object)
    return QcResult(
        conform(CellMetrics, metrics),
        ambient,
        genes,
        doublets.expected_rate,
        doublets.threshold,
        int(counts.uns.get("n_barcodes", counts.n_obs)) if n_barcodes is None else n_barcodes,
    )


def _bathed_in_haemoglobin(
    metrics: pd.DataFrame, status: npt.NDArray[np.object_], counts: AnnData, ambient: Ambient
) -> npt.NDArray[np.bool_]:
    """Cells over the floor of haemoglobin by the ambient RNA of their sample alone: small cells of
    a biopsy with lysed blood, neutrophils above all."""
    if np.isnan(ambient.fraction):
        return np.zeros(len(status), dtype=bool)
    red = is_haemoglobin(counts.var["gene"])
    total = metrics["n_umi"].to_numpy(dtype=float)
    soup = ambient.expected_umi(total) * float(ambient.profile[red].sum())
    own = metrics["pct_hb"].to_numpy() - 100 * soup / np.maximum(total, 1)
    return np.asarray((status == "high_hb") & (own <= MAX_PCT_HB))


def _median(values: pd.Series) -> float:
    return float(values.median()) if len(values) else float("nan")


def summary_row(
    sample_id: str,
    qc: QcResult,
    config: StudyConfig,
    *,
    status: pd.Series | None = None,
    subject_id: str | None = None,
    timepoint: str | None = None,
) -> dict[str, Any]:
    """The row of one sample for `qc_summary`.

    Parameters
    ----------
    status
        Final ``qc_status`` by the order of ``qc.metrics`` (after class limits); that of the metrics
        when not given.
    """
    metrics = qc.metrics
    final = (metrics["qc_status"] if status is None else status).to_numpy(dtype=object)
    inside = metrics[qc.usable]
    n_cells, n_pass = len(inside), int((final == "pass").sum())
    enough = n_pass >= config.single_cell.min_cells_per_sample
    called = metrics["qc_status"].to_numpy(dtype=object) == "doublet"
    row: dict[str, Any] = {
        "sample_id": sample_id,
        "subject_id": subject_id,
        "timepoint": timepoint,
        "n_barcodes": qc.n_barcodes,
        "n_cells": n_cells,
        "n_pass": n_pass,
        "median_umi": _median(inside["n_umi"]),
        "median_genes": _median(inside["n_genes"]),
        "median_pct_mt": _median(inside["pct_mt"]),
        "doublet_rate": float(called.sum() / n_cells) if n_cells else float("nan"),
        "expected_doublet_rate": qc.expected_doublet_rate if n_cells else float("nan"),
        "ambient_fraction": qc.ambient_fraction,
        "ambient_source": qc.ambient.source,
        "enough_cells": enough,
        "reason": None
        if enough
        else f"fewer than {config.single_cell.min_cells_per_sample} cells pass",
    }
    return row | {f"n_{s}": int((final == s).sum()) for s in QC_STATUSES if s != "pass"}


def refused_row(
    sample_id: str, reason: str, *, subject_id: str | None = None, timepoint: str | None = None
) -> dict[str, Any]:
    """The row of a sample whose matrix was refused: no cells, and the reason."""
    nothing = (
        "median_umi",
        "median_genes",
        "median_pct_mt",
        "doublet_rate",
        "expected_doublet_rate",
        "ambient_fraction",
    )
    zero = ("n_barcodes", "n_cells", "n_pass", *(f"n_{s}" for s in QC_STATUSES if s != "pass"))
    row: dict[str, Any] = {
        "sample_id": sample_id,
        "subject_id": subject_id,
        "timepoint": timepoint,
        "ambient_source": None,
        "enough_cells": False,
    }
    return row | {"reason": reason} | dict.fromkeys(nothing, float("nan")) | dict.fromkeys(zero, 0)


def qc_summary(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Published table ``qc_summary`` from the rows of `summary_row` and `refused_row`, sorted by
    sample.
    """
    frame = pd.DataFrame([dict(r) for r in rows])
    if frame.empty:
        return empty(QcSummary)
    return conform(QcSummary, frame.sort_values("sample_id", kind="stable"))
