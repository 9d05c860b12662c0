"""Tables about deliveries: which samples there are.

Clinical and derived tables live in their own modules.
"""

from __future__ import annotations

import pandas as pd

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.fields import column, maybe

Timestamp = pd.Timestamp


class Samples(Table):
    """One row per registered sample: its row in ``samples.csv`` is good and a complete matrix was
    delivered."""

    sample_id: str = column("Sample")
    subject_id: str = column("Subject (USUBJID)")
    timepoint: str = column("Timepoint of the biopsy, as in study.toml")
    collection_date: Timestamp = maybe("Date of collection")
    tissue: str = column("Tissue; 'unknown' where the sheet does not say")
    lesion_id: str = maybe("Biopsied lesion (TRLNKID)")
    chemistry: str = maybe("Chemistry of the library")
    sequencing_run: str = maybe("Sequencing run")
    genome: str = maybe("Genome that the sheet names")
    operator: str = maybe("Who made the library")

    class Config(Table.Config):
        name = "samples"
        unique = ["sample_id"]
