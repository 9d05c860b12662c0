"""Tables of what could pass for a change of composition: missing biopsies, cells kept by QC.

No derivation here: the rules are in ``stats.composition_confounders``.
"""

from __future__ import annotations

import pandera.pandas as pa

from hcc_assets.schemas.base import Table
from hcc_assets.study.classes import CELL_CLASSES, DENOMINATORS

_CLASSES = list(CELL_CLASSES)


_DENOMINATORS = list(DENOMINATORS)


class BiopsyMissingness(Table):
    """Which patients have which biopsies, by response.

    Who progresses early tends to skip the second biopsy: then pairs are no random sample.
    """

    response: str = pa.Field(
        description=(
            "Best response of the headline, NOT EVALUATED where none is derived, ALL for everyone"
        )
    )
    n_subjects: int = pa.Field(ge=0, description="Subjects")
    n_before: int = pa.Field(ge=0, description="With a usable biopsy before treatment")
    n_after: int = pa.Field(ge=0, description="With a usable biopsy after treatment")
    n_paired: int = pa.Field(ge=0, description="With a pair within one tissue")
    n_before_only: int = pa.Field(
        ge=0, description="Before only (or no second one in the same tissue)"
    )
    n_after_only: int = pa.Field(
        ge=0, description="After only (or no first one in the same tissue)"
    )
    n_none: int = pa.Field(ge=0, description="Without a usable biopsy")
    pct_paired: float = pa.Field(
        nullable=True, description="Paired among the subjects", metadata={"unit": "%"}
    )
    p_value: float = pa.Field(
        nullable=True,
        ge=0,
        le=1,
        description="ALL: Fisher's exact test, paired or not against CR/PR or not",
    )

    class Config(Table.Config):
        name = "biopsy_missingness"
        unique = ["response"]


class QcKept(Table):
    """Share of the cells of each class that QC keeps, per timepoint, with a paired test: a
    difference is a confounder of every composition change."""

    cell_class: str = pa.Field(
        description="Cell class as called before QC decides; ALL for every barcode"
    )
    timepoint: str = pa.Field(description="Timepoint")
    n_samples: int = pa.Field(
        ge=0, description="Biopsies with at least ten cells of the class before QC"
    )
    n_called: int = pa.Field(ge=0, description="Cells of the class before QC")
    n_kept: int = pa.Field(ge=0, description="Cells that QC keeps")
    kept_median: float = pa.Field(nullable=True, description="Median kept fraction over biopsies")
    kept_q1: float = pa.Field(nullable=True, description="First quartile")
    kept_q3: float = pa.Field(nullable=True, description="Third quartile")
    n_pairs: int = pa.Field(ge=0, description="Patients with a pair (repeated on both timepoints)")
    delta_median: float = pa.Field(
        nullable=True, description="Median change of the kept fraction, after - before (repeated)"
    )
    delta_ci_low: float = pa.Field(
        nullable=True, description="Lower bound, Hodges-Lehmann, exact (repeated)"
    )
    delta_ci_high: float = pa.Field(nullable=True, description="Upper bound (repeated)")
    p_value: float = pa.Field(
        nullable=True, ge=0, le=1, description="Exact signed-rank test (repeated)"
    )
    p_adjusted: float = pa.Field(
        nullable=True, ge=0, le=1, description="Benjamini-Hochberg over classes (repeated)"
    )

    class Config(Table.Config):
        name = "qc_kept"
        unique = ["cell_class", "timepoint"]
