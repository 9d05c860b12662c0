"""Table of the display atlas. No derivation belongs here."""

from __future__ import annotations

import pandera.pandas as pa

from hcc_assets.schemas.base import Table
from hcc_assets.study.classes import CELL_CLASSES


class Atlas(Table):
    """One row per cell that passes QC, with its place in the display embedding.

    For looking only: no number of the study is made from it.
    """

    cell_id: str = pa.Field(description="Sample and barcode")
    sample_id: str = pa.Field(description="Sample")
    subject_id: str = pa.Field(description="Subject")
    timepoint: str = pa.Field(description="Timepoint")
    cell_class: str = pa.Field(isin=list(CELL_CLASSES), description="Cell class")
    x: float = pa.Field(nullable=True, description="Display embedding, first coordinate")
    y: float = pa.Field(nullable=True, description="Display embedding, second coordinate")
    atlas_version: str = pa.Field(description="Version of the frozen embedding")

    class Config(Table.Config):
        name = "atlas"
        unique = ["cell_id"]
