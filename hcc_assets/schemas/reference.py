"""Published tables of the reference that labels cells.

The model itself is stored by the platform; labels of cells are in ``schemas.cells``.
"""

from __future__ import annotations

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.fields import column, maybe
from hcc_assets.study.classes import CELL_CLASSES, QC_STATUSES

QUALITY_STATUSES = ("SUPPORTED", "SHIFTED", "INSUFFICIENT", "ABSENT")


class ReferenceSummary(Table):
    """What the reference knows of each class.

    One row per class; a class without training cells has its row with zeros and is labelled by
    marker rules only.
    """

    reference_version: str = column(
        "Kind and content hash of the reference; provisional-… while calls may still change"
    )
    kind: str = column(
        "Trained from delivered labels, frozen from the cohort, or not yet frozen",
        isin=["labels", "cohort", "provisional"],
    )
    cell_class: str = column("Cell class", isin=list(CELL_CLASSES[:-1]))
    primary: bool = column("Class of the primary endpoint")
    n_profiles: int = column("States of the class that have a profile of their own", ge=0)
    n_training_cells: int = column("Cells that the profiles are made from", ge=0)
    n_seed: float = maybe(
        "Cells that the conjunctive rules give the class over the training samples; null "
        "when trained from labels",
        ge=0,
    )
    n_samples: int = column("Samples that taught the reference", ge=0)
    n_genes: int = column("Genes that carry weight", ge=0)
    temperature: float = column("Divisor of log-likelihoods, from held-out cells", gt=0)

    class Config(Table.Config):
        name = "annotation_reference"
        unique = ["cell_class"]


class AnnotationQuality(Table):
    """May this class carry a conclusion: how many cells, how sure, how well calibrated.

    One row per class.
    """

    cell_class: str = column("Cell class", isin=list(CELL_CLASSES[:-1]))
    n_cells: int = column("Cells of the class that pass, over all samples", ge=0)
    mean_confidence: float = maybe("Mean confidence of those cells; null without cells", ge=0, le=1)
    calibration_error: float = maybe(
        "Calibration error of the class on held-out training cells of the reference or, with the "
        "prior, on cells of studies left out, whichever is more; null where neither is known",
        ge=0,
        le=1,
    )
    status: str = column(
        "SUPPORTED; SHIFTED (unsure, badly calibrated, or a fifth of its cells unassigned); "
        "INSUFFICIENT (fewer than 20 cells); ABSENT (none)",
        isin=list(QUALITY_STATUSES),
    )

    class Config(Table.Config):
        name = "annotation_quality"
        unique = ["cell_class"]


class LabelChanges(Table):
    """Every call that a new reference changes, and what it was.

    One row per cell whose class or status differs.
    """

    sample_id: str = column("Sample")
    barcode: str = column("Barcode as delivered")
    old_class: str = maybe("Class before; null where the cell had no row", isin=list(CELL_CLASSES))
    new_class: str = maybe("Class after; null where the cell has no row", isin=list(CELL_CLASSES))
    old_qc_status: str = maybe("Status before", isin=list(QC_STATUSES))
    new_qc_status: str = maybe("Status after", isin=list(QC_STATUSES))
    old_confidence: float = maybe("Confidence before", ge=0, le=1)
    new_confidence: float = maybe("Confidence after", ge=0, le=1)
    old_version: str = maybe("Reference before")
    new_version: str = maybe("Reference after")

    class Config(Table.Config):
        name = "reference_changes"
        unique = ["sample_id", "barcode"]
