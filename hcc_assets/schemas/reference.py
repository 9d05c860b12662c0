"""Published tables of the reference that labels cells.

The model itself is stored by the platform; labels of cells are in ``schemas.cells``.
"""

from __future__ import annotations

import pandera.pandas as pa

from hcc_assets.schemas.base import Table
from hcc_assets.study.classes import CELL_CLASSES, QC_STATUSES


class ReferenceSummary(Table):
    """What the reference knows of each class.

    One row per class; a class without training cells has its row with zeros and is labelled by
    marker rules only.
    """

    reference_version: str = pa.Field(
        description=(
            "Kind and content hash of the reference; provisional-… while calls may still change"
        )
    )
    kind: str = pa.Field(
        isin=["labels", "cohort", "provisional"],
        description="Trained from delivered labels, frozen from the cohort, or not yet frozen",
    )
    cell_class: str = pa.Field(isin=list(CELL_CLASSES[:-1]), description="Cell class")
    primary: bool = pa.Field(description="Class of the primary endpoint")
    n_profiles: int = pa.Field(
        ge=0, description="States of the class that have a profile of their own"
    )
    n_training_cells: int = pa.Field(ge=0, description="Cells that the profiles are made from")
    n_seed: float = pa.Field(
        nullable=True,
        ge=0,
        description=(
            "Cells that the conjunctive rules give the class over the training samples; null "
            "when trained from labels"
        ),
    )
    n_samples: int = pa.Field(ge=0, description="Samples that taught the reference")
    n_genes: int = pa.Field(ge=0, description="Genes that carry weight")
    temperature: float = pa.Field(
        gt=0, description="Divisor of log-likelihoods, from held-out cells"
    )

    class Config(Table.Config):
        name = "annotation_reference"
        unique = ["cell_class"]


class LabelChanges(Table):
    """Every call that a new reference changes, and what it was.

    One row per cell whose class or status differs.
    """

    sample_id: str = pa.Field(description="Sample")
    barcode: str = pa.Field(description="Barcode as delivered")
    old_class: str = pa.Field(
        nullable=True,
        isin=list(CELL_CLASSES),
        description="Class before; null where the cell had no row",
    )
    new_class: str = pa.Field(
        nullable=True,
        isin=list(CELL_CLASSES),
        description="Class after; null where the cell has no row",
    )
    old_qc_status: str = pa.Field(
        nullable=True, isin=list(QC_STATUSES), description="Status before"
    )
    new_qc_status: str = pa.Field(nullable=True, isin=list(QC_STATUSES), description="Status after")
    old_confidence: float = pa.Field(nullable=True, ge=0, le=1, description="Confidence before")
    new_confidence: float = pa.Field(nullable=True, ge=0, le=1, description="Confidence after")
    old_version: str = pa.Field(nullable=True, description="Reference before")
    new_version: str = pa.Field(nullable=True, description="Reference after")

    class Config(Table.Config):
        name = "reference_changes"
        unique = ["sample_id", "barcode"]
