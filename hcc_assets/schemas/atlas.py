"""Table of the display atlas. No derivation belongs here."""

from __future__ import annotations

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.fields import column, maybe
from hcc_assets.study.classes import CELL_CLASSES


class Atlas(Table):
    """One row per cell that passes QC, with its place in the display embedding.

    For looking only: no number of the study is made from it.
    """

    cell_id: str = column("Sample and barcode")
    sample_id: str = column("Sample")
    subject_id: str = column("Subject")
    timepoint: str = column("Timepoint")
    cell_class: str = column("Cell class", isin=list(CELL_CLASSES))
    x: float = maybe("Display embedding, first coordinate")
    y: float = maybe("Display embedding, second coordinate")
    atlas_version: str = column("Version of the frozen embedding")

    class Config(Table.Config):
        name = "atlas"
        unique = ["cell_id"]
