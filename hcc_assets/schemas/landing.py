"""Tables about deliveries: which samples there are.

Clinical and derived tables live in their own modules.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from hcc_assets.schemas.base import Table

Timestamp = pd.Timestamp


class Samples(Table):
    """One row per registered sample: its row in ``samples.csv`` is good and a complete matrix was
    delivered."""

    sample_id: str = pa.Field(description="Sample")
    subject_id: str = pa.Field(description="Subject (USUBJID)")
    timepoint: str = pa.Field(description="Timepoint of the biopsy, as in study.toml")
    collection_date: Timestamp = pa.Field(nullable=True, description="Date of collection")
    tissue: str = pa.Field(description="Tissue; 'unknown' where the sheet does not say")
    lesion_id: str = pa.Field(nullable=True, description="Biopsied lesion (TRLNKID)")
    chemistry: str = pa.Field(nullable=True, description="Chemistry of the library")
    sequencing_run: str = pa.Field(nullable=True, description="Sequencing run")

    class Config(Table.Config):
        name = "samples"
        unique = ["sample_id"]
