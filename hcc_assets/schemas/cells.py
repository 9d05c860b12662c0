"""Tables of the cells: per-sample metrics (store), QC summary and cell table (published).

Tables across samples live in the sibling modules.
"""

from __future__ import annotations

import pandera.pandas as pa

from hcc_assets.schemas.base import Table
from hcc_assets.study.classes import CELL_CLASSES, QC_STATUSES

_PERCENT = {"unit": "%"}


class CellMetrics(Table):
    """Store, one per sample: metrics of each barcode, hard-floor status and doublet score."""

    barcode: str = pa.Field(description="Barcode as delivered")
    n_umi: int = pa.Field(ge=0, description="Counts (UMI)")
    n_genes: int = pa.Field(ge=0, description="Genes detected")
    pct_mt: float = pa.Field(
        ge=0, le=100, description="Share of mitochondrial genes", metadata=_PERCENT
    )
    pct_ribo: float = pa.Field(
        ge=0, le=100, description="Share of ribosomal protein genes", metadata=_PERCENT
    )
    pct_hb: float = pa.Field(
        ge=0, le=100, description="Share of haemoglobin genes", metadata=_PERCENT
    )
    pct_top20: float = pa.Field(
        ge=0, le=100, description="Share of the 20 most counted genes", metadata=_PERCENT
    )
    pct_malat1: float = pa.Field(
        ge=0, le=100, description="Share of MALAT1 (nuclear RNA)", metadata=_PERCENT
    )
    log1p_umi: float = pa.Field(ge=0, description="Natural log of counts plus one")
    log1p_genes: float = pa.Field(ge=0, description="Natural log of genes plus one")
    complexity: float = pa.Field(
        nullable=True, description="log10 genes over log10 counts; null below two counts"
    )
    doublet_score: float = pa.Field(
        nullable=True,
        ge=0,
        le=1,
        description="Doublet score; null for barcodes below the hard floor or too few cells",
    )
    lineage_conflict: bool = pa.Field(
        description="Markers of two lineages that exclude each other, beyond ambient level"
    )
    ambient_umi: float = pa.Field(
        nullable=True,
        ge=0,
        description="Expected ambient counts of the barcode; null when not estimable",
    )
    qc_status: str = pa.Field(
        isin=list(QC_STATUSES),
        description="Status after hard floor and doublets, before limits by class",
    )

    class Config(Table.Config):
        name = "cell_metrics"
        unique = ["barcode"]


class AmbientProfile(Table):
    """Store, one per sample: ambient RNA by gene."""

    gene_id: str = pa.Field(description="Ensembl gene id, or symbol where the delivery has no id")
    gene: str = pa.Field(description="Gene symbol")
    share: float = pa.Field(ge=0, le=1, description="Share of ambient counts")

    class Config(Table.Config):
        name = "ambient_profile"
        unique = ["gene_id"]


class QcSummary(Table):
    """One row per sample: how many cells there are, how good they are and what was excluded."""

    sample_id: str = pa.Field(description="Sample identifier")
    subject_id: str = pa.Field(nullable=True, description="Subject identifier")
    timepoint: str = pa.Field(nullable=True, description="Timepoint of the trial")
    n_barcodes: int = pa.Field(ge=0, description="Barcodes delivered")
    n_cells: int = pa.Field(
        ge=0,
        description=(
            "Barcodes past the hard floor (counts, genes, mitochondrial and haemoglobin share)"
        ),
    )
    n_pass: int = pa.Field(ge=0, description="Cells that pass all of QC")
    median_umi: float = pa.Field(
        nullable=True, description="Median counts of the cells past the hard floor"
    )
    median_genes: float = pa.Field(
        nullable=True, description="Median genes of the cells past the hard floor"
    )
    median_pct_mt: float = pa.Field(
        nullable=True,
        description="Median mitochondrial share of the cells past the hard floor",
        metadata=_PERCENT,
    )
    doublet_rate: float = pa.Field(
        nullable=True, ge=0, le=1, description="Called doublets over cells past the hard floor"
    )
    expected_doublet_rate: float = pa.Field(
        nullable=True, ge=0, le=1, description="0.8 % per 1,000 cells"
    )
    ambient_fraction: float = pa.Field(
        nullable=True,
        ge=0,
        le=1,
        description="Ambient counts over all counts of the cells; null when not estimable",
    )
    ambient_source: str = pa.Field(
        nullable=True,
        description="raw: droplets below 100 counts; mean: mean profile of the cells (weaker)",
    )
    n_low_umi: int = pa.Field(ge=0, description="Barcodes with too few counts")
    n_low_genes: int = pa.Field(ge=0, description="Barcodes with too few genes")
    n_high_mt: int = pa.Field(ge=0, description="Barcodes with too high a mitochondrial share")
    n_high_hb: int = pa.Field(ge=0, description="Barcodes with too high a haemoglobin share")
    n_doublet: int = pa.Field(ge=0, description="Called doublets")
    n_erythroid: int = pa.Field(ge=0, description="Red cells")
    n_platelet: int = pa.Field(ge=0, description="Platelets")
    enough_cells: bool = pa.Field(description="At least min_cells_per_sample cells pass")
    reason: str = pa.Field(nullable=True, description="Why the sample is not used, null when it is")

    class Config(Table.Config):
        name = "qc_summary"
        unique = ["sample_id"]


class Cells(Table):
    """One row per barcode of every sample: status, class and how sure the call is."""

    cell_id: str = pa.Field(description="Sample identifier and barcode, joined by a colon")
    sample_id: str = pa.Field(description="Sample identifier")
    subject_id: str = pa.Field(description="Subject identifier")
    timepoint: str = pa.Field(description="Timepoint of the trial")
    barcode: str = pa.Field(description="Barcode as delivered")
    qc_status: str = pa.Field(
        isin=list(QC_STATUSES), description="pass, or why the cell is left out; no cell is deleted"
    )
    cell_class: str = pa.Field(
        isin=list(CELL_CLASSES),
        description=(
            "Class of the cell; unassigned for the doubtful and for cells that do not pass "
            "the floor"
        ),
    )
    confidence: float = pa.Field(
        nullable=True, ge=0, le=1, description="Calibrated probability of the class"
    )
    second_class: str = pa.Field(nullable=True, isin=list(CELL_CLASSES), description="Runner-up")
    doublet_score: float = pa.Field(nullable=True, ge=0, le=1, description="Doublet score")
    n_umi: int = pa.Field(ge=0, description="Counts (UMI)")
    n_genes: int = pa.Field(ge=0, description="Genes detected")
    pct_mt: float = pa.Field(
        ge=0, le=100, description="Share of mitochondrial genes", metadata=_PERCENT
    )
    reference_version: str = pa.Field(
        description=(
            "Version of the reference that made the call; provisional-… while the cohort is small"
        )
    )

    class Config(Table.Config):
        name = "cells"
        unique = ["cell_id"]
