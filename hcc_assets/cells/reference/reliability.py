"""The reliability curve of a reference: confidence against the share of calls that are right.

The map from posterior to confidence is in ``study.confidence``.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hcc_assets.cells.reference.temperature import HeldOut
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets.study.confidence import ShippedConfidence

LEFT_OUT: Final = "other studies"
"""Real labelled cells of studies that neither prior nor map had seen."""
HELD_OUT: Final = "this cohort"
"""Training cells of the reference, judged by profiles made without them."""
_EDGES: Final = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.99)
"""Least confidence of each bin: own choice, finer where most cells are."""


class ReliabilityBin(NamedTuple):
    """Mean confidence and share right of the cells of one source in one bin of confidence."""

    source: str
    confidence: float
    right: float
    cells: int


def what_is_known(
    held_out: HeldOut, own: npt.NDArray[np.intp], shipped: ShippedConfidence | None
) -> tuple[dict[str, float], tuple[ReliabilityBin, ...]]:
    """Calibration error by class, and the reliability curve.

    Parameters
    ----------
    held_out
        Training cells judged by profiles made without them.
    own
        Training cells by class, in the order of `CELL_CLASSES`.
    shipped
        The map in use; without one posteriors are confidence, and there is no curve.

    Returns
    -------
    tuple
        Labels that the likelihood itself gave cannot show where it errs, so that a class has the
        larger of its own error and that of other studies.
    """
    if shipped is None:
        return held_out.errors(held_out.confidence), ()
    names = np.array(CELL_CLASSES, dtype=object)[held_out.called]
    number = np.zeros(len(CELL_CLASSES))
    number[: len(own)] = own
    confidence = shipped.map(held_out.confidence, number[held_out.called], names)
    mine = held_out.errors(confidence)
    error: dict[str, float] = {
        str(c): max(mine.get(c, 0.0), shipped.class_error.get(c, 0.0))
        for c in CELL_CLASSES
        if c in mine or c in shipped.class_error
    }
    curve = [
        ReliabilityBin(LEFT_OUT, float(b["confidence"]), float(b["right"]), int(b["cells"]))
        for b in shipped.reliability
    ]
    at = np.digitize(confidence, _EDGES) - 1
    for i in range(len(_EDGES)):
        here = at == i
        if here.any():
            curve.append(
                ReliabilityBin(
                    HELD_OUT,
                    round(float(confidence[here].mean()), 4),
                    round(float(held_out.right[here].mean()), 4),
                    int(here.sum()),
                )
            )
    return error, tuple(curve)
