"""Tables about whether a sample is what its label says.

Suspicions only: nothing is relabelled from them.
"""

from __future__ import annotations

import pandas as pd

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.fields import column, maybe

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

    sample_id: str = column("Sample")
    subject_id: str = column("Subject (USUBJID)")
    timepoint: str = column("Timepoint of the biopsy")
    tissue: str = column("Tissue; 'unknown' where the sheet does not say")
    collection_date: Timestamp = maybe("Date of collection")
    in_dm: str = maybe(
        "Is the subject in DM; null while there is no clinical export", isin=["Y", "N"]
    )
    first_dose: Timestamp = maybe("First dose of the subject")
    days_from_first_dose: float = maybe(
        "Collection minus first dose; 0 is the same day, negative before it", unit="days"
    )
    days_from_last_dose: float = maybe(
        "Collection minus the last day with a dose up to it; 0 while dosing", ge=0, unit="days"
    )
    clinical_sex: str = maybe("SEX of DM")
    expressed_sex: str = column(
        "Sex by XIST and Y-linked genes", isin=["M", "F", "mixed", "undetermined"]
    )
    xist_cp10k: float = maybe("XIST molecules per 10,000", ge=0)
    y_cp10k: float = maybe("Molecules of nine Y-linked genes per 10,000", ge=0)
    copy_number_r: float = maybe(
        "Correlation of the copy-number profile to the subject's other samples, the lowest"
    )
    copy_number_other_r: float = maybe(
        "Highest correlation of the copy-number profile to a sample of another subject"
    )
    expression_r: float = maybe(
        "Correlation of subject-specific expression to the subject's other samples, the lowest"
    )
    expression_other_r: float = maybe("Highest such correlation to a sample of another subject")
    barcode_overlap: float = maybe(
        "Largest share of barcodes in common with another sample (of the smaller of the two)",
        ge=0,
        le=1,
    )
    content_digest: str = maybe("Digest of the counts, whatever the order and names of cells")
    suspicions: str = maybe(
        "Checks that ask for a look, separated by blanks; null where there is none"
    )

    class Config(Table.Config):
        name = "sample_identity"
        unique = ["sample_id"]


class IdentitySuspicions(Table):
    """One row per suspicion: which check, about which sample, with which other sample."""

    check: str = column("What was checked", isin=list(SUSPICION_CHECKS))
    sample_id: str = column("Sample in question")
    subject_id: str = column("Its subject as labelled")
    other_sample_id: str = maybe("The sample it was compared with, where there is one")
    message: str = column("What was seen and what to do, one sentence")

    class Config(Table.Config):
        name = "identity_suspicions"
