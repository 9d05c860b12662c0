"""The quality of one sample, read back from the version of ``qc_cells``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hcc_assets.assets.inputs import Version

if TYPE_CHECKING:
    from hcc_assets.cells.quality.assessment import QcResult

TABLES = ("metrics", "ambient", "sample")


def quality_of(qc_cells: Version) -> QcResult:
    """The result of `cells.quality.assessment.assess`, without its seeds and fingerprint."""
    from hcc_assets.cells.quality.assessment import QcResult

    return QcResult.from_tables({name: qc_cells.frame(name) for name in TABLES})
