"""Tables of the cells: per-sample metrics (store), QC summary and cell table (published).

Tables across samples live in the sibling modules.
"""

from __future__ import annotations

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.fields import column, maybe
from hcc_assets.study.classes import CALL_SOURCES, CELL_CLASSES, QC_STATUSES

_PERCENT = "%"


class CellMetrics(Table):
    """Store, one per sample: metrics of each barcode, hard-floor status and doublet score."""

    barcode: str = column("Barcode as delivered")
    n_umi: int = column("Counts (UMI)", ge=0)
    n_genes: int = column("Genes detected", ge=0)
    pct_mt: float = column("Share of mitochondrial genes", ge=0, le=100, unit=_PERCENT)
    pct_ribo: float = column("Share of ribosomal protein genes", ge=0, le=100, unit=_PERCENT)
    pct_hb: float = column("Share of haemoglobin genes", ge=0, le=100, unit=_PERCENT)
    pct_top20: float = column("Share of the 20 most counted genes", ge=0, le=100, unit=_PERCENT)
    pct_malat1: float = column("Share of MALAT1 (nuclear RNA)", ge=0, le=100, unit=_PERCENT)
    log1p_umi: float = column("Natural log of counts plus one", ge=0)
    log1p_genes: float = column("Natural log of genes plus one", ge=0)
    complexity: float = maybe("log10 genes over log10 counts; null below two counts")
    doublet_score: float = maybe(
        "Doublet score; null for barcodes below the hard floor or too few cells", ge=0, le=1
    )
    lineage_conflict: bool = column(
        "Markers of two lineages that exclude each other, beyond ambient level"
    )
    ambient_umi: float = maybe(
        "Expected ambient counts of the barcode; null when not estimable", ge=0
    )
    qc_status: str = column(
        "Status after hard floor and doublets, before limits by class", isin=list(QC_STATUSES)
    )

    class Config(Table.Config):
        name = "cell_metrics"
        unique = ["barcode"]


class AmbientProfile(Table):
    """Store, one per sample: ambient RNA by gene."""

    gene_id: str = column("Ensembl gene id, or symbol where the delivery has no id")
    gene: str = column("Gene symbol")
    share: float = column("Share of ambient counts", ge=0, le=1)

    class Config(Table.Config):
        name = "ambient_profile"
        unique = ["gene_id"]


class QcSummary(Table):
    """One row per sample: how many cells there are, how good they are and what was excluded."""

    sample_id: str = column("Sample identifier")
    subject_id: str = maybe("Subject identifier")
    timepoint: str = maybe("Timepoint of the trial")
    n_barcodes: int = column("Barcodes delivered", ge=0)
    n_cells: int = column(
        "Barcodes past the hard floor (counts, genes, mitochondrial and haemoglobin share)", ge=0
    )
    n_pass: int = column("Cells that pass all of QC", ge=0)
    median_umi: float = maybe("Median counts of the cells past the hard floor")
    median_genes: float = maybe("Median genes of the cells past the hard floor")
    median_pct_mt: float = maybe(
        "Median mitochondrial share of the cells past the hard floor", unit=_PERCENT
    )
    doublet_rate: float = maybe("Called doublets over cells past the hard floor", ge=0, le=1)
    expected_doublet_rate: float = maybe("0.8 % per 1,000 cells", ge=0, le=1)
    ambient_fraction: float = maybe(
        "Ambient counts over all counts of the cells; null when not estimable", ge=0, le=1
    )
    ambient_source: str = maybe(
        "raw: droplets below 100 counts; mean: mean profile of the cells (weaker)"
    )
    n_low_umi: int = column("Barcodes with too few counts", ge=0)
    n_low_genes: int = column("Barcodes with too few genes", ge=0)
    n_high_mt: int = column("Barcodes with too high a mitochondrial share", ge=0)
    n_high_hb: int = column("Barcodes with too high a haemoglobin share", ge=0)
    n_doublet: int = column("Called doublets", ge=0)
    n_erythroid: int = column("Red cells", ge=0)
    n_platelet: int = column("Platelets", ge=0)
    enough_cells: bool = column("At least min_cells_per_sample cells pass")
    reason: str = maybe("Why the sample is not used, null when it is")

    class Config(Table.Config):
        name = "qc_summary"
        unique = ["sample_id"]


class Cells(Table):
    """One row per barcode of every sample: status, class and how sure the call is."""

    cell_id: str = column("Sample identifier and barcode, joined by a colon")
    sample_id: str = column("Sample identifier")
    subject_id: str = column("Subject identifier")
    timepoint: str = column("Timepoint of the trial")
    barcode: str = column("Barcode as delivered")
    qc_status: str = column(
        "pass, or why the cell is left out; no cell is deleted", isin=list(QC_STATUSES)
    )
    cell_class: str = column(
        "Class of the cell; unassigned for the doubtful and for cells that do not pass the floor",
        isin=list(CELL_CLASSES),
    )
    confidence: float = maybe(
        "Calibrated probability of the class, or that of the other annotator; null where a person "
        "decided",
        ge=0,
        le=1,
    )
    second_class: str = maybe("Runner-up", isin=list(CELL_CLASSES))
    doublet_score: float = maybe("Doublet score", ge=0, le=1)
    n_umi: int = column("Counts (UMI)", ge=0)
    n_genes: int = column("Genes detected", ge=0)
    pct_mt: float = column("Share of mitochondrial genes", ge=0, le=100, unit=_PERCENT)
    reference_version: str = column(
        "Version of the reference that made the call; provisional-… while the cohort is small"
    )
    call_source: str = column(
        "Who decided: own, external (another annotator) or curated (a person)",
        isin=list(CALL_SOURCES),
    )

    class Config(Table.Config):
        name = "cells"
        unique = ["cell_id"]


class AnnotatorAgreement(Table):
    """One row per other annotator and class of our own calls: how often it says the same."""

    annotator: str = column("Name of the other annotator")
    cell_class: str = column("ALL, or the class of our own call", isin=["ALL", *CELL_CLASSES])
    n_cells: int = column("Passing cells that both call, unassigned left out", ge=0)
    agreement: float = maybe("Share of them with the same class", ge=0, le=1)

    class Config(Table.Config):
        name = "annotator_agreement"
        unique = ["annotator", "cell_class"]
