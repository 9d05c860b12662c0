"""Tables about whether a sample is what its label says.

Suspicions only: nothing is relabelled from them.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from hcc_assets.schemas.base import Table

Timestamp = pd.Timestamp

SUSPICION_CHECKS = (
    "not_in_dm",
    "timing",
    "tissue",
    "sex",
    "copy_number",
    "expression",
    "same_content",
    "barcode_overlap",
)


class SampleIdentity(Table):
    """One row per sample: its dates against treatment, its sex by expression, and how well it
    agrees with the subject's other samples."""

    sample_id: str = pa.Field(description="Sample")
    subject_id: str = pa.Field(description="Subject (USUBJID)")
    timepoint: str = pa.Field(description="Timepoint of the biopsy")
    tissue: str = pa.Field(description="Tissue; 'unknown' where the sheet does not say")
    collection_date: Timestamp = pa.Field(nullable=True, description="Date of collection")
    in_dm: str = pa.Field(
        nullable=True,
        isin=["Y", "N"],
        description="Is the subject in DM; null while there is no clinical export",
    )
    first_dose: Timestamp = pa.Field(nullable=True, description="First dose of the subject")
    days_from_first_dose: float = pa.Field(
        nullable=True,
        description="Collection minus first dose; 0 is the same day, negative before it",
        metadata={"unit": "days"},
    )
    days_from_last_dose: float = pa.Field(
        nullable=True,
        ge=0,
        description="Collection minus the last day with a dose up to it; 0 while dosing",
        metadata={"unit": "days"},
    )
    clinical_sex: str = pa.Field(nullable=True, description="SEX of DM")
    expressed_sex: str = pa.Field(
        isin=["M", "F", "mixed", "undetermined"], description="Sex by XIST and Y-linked genes"
    )
    xist_cp10k: float = pa.Field(nullable=True, ge=0, description="XIST molecules per 10,000")
    y_cp10k: float = pa.Field(
        nullable=True, ge=0, description="Molecules of nine Y-linked genes per 10,000"
    )
    copy_number_r: float = pa.Field(
        nullable=True,
        description=(
            "Correlation of the copy-number profile to the subject's other samples, the lowest"
        ),
    )
    copy_number_other_r: float = pa.Field(
        nullable=True,
        description="Highest correlation of the copy-number profile to a sample of another subject",
    )
    expression_r: float = pa.Field(
        nullable=True,
        description=(
            "Correlation of subject-specific expression to the subject's other samples, the lowest"
        ),
    )
    expression_other_r: float = pa.Field(
        nullable=True, description="Highest such correlation to a sample of another subject"
    )
    barcode_overlap: float = pa.Field(
        nullable=True,
        ge=0,
        le=1,
        description=(
            "Largest share of barcodes in common with another sample (of the smaller of the two)"
        ),
    )
    content_digest: str = pa.Field(
        nullable=True, description="Digest of the counts, whatever the order and names of cells"
    )
    suspicions: str = pa.Field(
        nullable=True,
        description="Checks that ask for a look, separated by blanks; null where there is none",
    )

    class Config(Table.Config):
        name = "sample_identity"
        unique = ["sample_id"]


class IdentitySuspicions(Table):
    """One row per suspicion: which check, about which sample, with which other sample."""

    check: str = pa.Field(isin=list(SUSPICION_CHECKS), description="What was checked")
    sample_id: str = pa.Field(description="Sample in question")
    subject_id: str = pa.Field(description="Its subject as labelled")
    other_sample_id: str = pa.Field(
        nullable=True, description="The sample it was compared with, where there is one"
    )
    message: str = pa.Field(description="What was seen and what to do, one sentence")

    class Config(Table.Config):
        name = "identity_suspicions"
