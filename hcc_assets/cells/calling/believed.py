"""Confidence of the calls of one sample: their posterior, by the map that the reference was made
with. No class is decided here; the map itself is in ``study.confidence``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hcc_assets.cells.reference.model import Reference
from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED

_NONE = CELL_CLASSES.index(UNASSIGNED)


def believed(
    posterior: npt.NDArray[np.float64], called: npt.NDArray[np.intp], reference: Reference
) -> npt.NDArray[np.float64]:
    """Share of calls like these that are right.

    Parameters
    ----------
    posterior
        Of the class called, after markers and copy number.
    called
        Place of that class in `CELL_CLASSES`.
    reference
        One without a map (made before there was one, from delivered labels, or where the prior does
        not describe the cohort) leaves every posterior as it is.
    """
    if reference.confidence is None:
        return posterior
    own = reference.training_cells[called]
    found = reference.confidence(posterior, own, np.array(CELL_CLASSES, dtype=object)[called])
    return np.where(called == _NONE, posterior, found)
