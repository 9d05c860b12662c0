"""What one result text says: a kind (number, absent, too small, ...) and a length in exact units.

The words of a state count as ``TUMSTATE`` gives them; what several readings of one lesion at one
visit amount to is in ``lesion_cells``.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd

from hcc_assets.clinical.reading.lesions import below_limit
from hcc_assets.clinical.recist.arithmetic import Scale, millimetres
from hcc_assets.study.codelists import NOT_DONE

# Kinds of a reading: codes of our own, compared and never added.
NONE, NUMBER, ABSENT, SMALL, COALESCED, PRESENT, PROGRESSION, EQUIVOCAL, UNEQUIVOCAL, UNREADABLE = (
    range(10)
)

WORDS = {
    "ABSENT": ABSENT,
    "TOO SMALL TO MEASURE": SMALL,
    "TOO SMALL": SMALL,
    "COALESCED": COALESCED,
    "PRESENT": PRESENT,
    "UNEQUIVOCAL PROGRESSION": PROGRESSION,
    "EQUIVOCAL": EQUIVOCAL,
    "UNEQUIVOCAL": UNEQUIVOCAL,
    "NOT EVALUABLE": NONE,
    "NOT DONE": NONE,
    "NOT ASSESSED": NONE,
    "UNKNOWN": NONE,
    "NE": NONE,
    "ND": NONE,
    "": NONE,
}
"""Result words of the delivery [CLINICAL.md 1, TRORRES and TUMSTATE] with the spellings seen."""

TOO_SMALL_MM = Decimal(5)
"""What a lesion counts that is too small to measure [RECIST 1.1, 4.3.2]."""


def read_result(text: str, unit: str) -> tuple[int, Decimal]:
    """Kind of a result text and its contribution in mm [4.3.2]: too small to measure is 5 mm,
    absent and coalesced are 0."""
    word = " ".join(text.upper().split())
    if word in WORDS:
        kind = WORDS[word]
        return kind, TOO_SMALL_MM if kind == SMALL else Decimal(0)
    value = millimetres(text.strip(), unit)
    return (UNREADABLE, Decimal(0)) if value is None else (NUMBER, value)


def readings(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, Scale]:
    """Kind and exact units of every row of ``tumour_assessments``, and the scale of the units."""
    text = frame["TRORRES"].fillna("").astype(str)
    unit = frame["TRORRESU"].fillna("").astype(str)
    blank = (text.str.strip() == "").to_numpy() | below_limit(frame).to_numpy()
    from_number = blank & frame["TRSTRESN"].notna().to_numpy()
    if from_number.any():
        text = text.mask(
            from_number, frame["TRSTRESN"].map(lambda v: repr(float(v)) if v == v else "")
        )
        unit = unit.mask(from_number, frame["TRSTRESU"].fillna("").astype(str))
    codes, uniques = pd.factorize(text + "\x1f" + unit)
    read = [read_result(*str(u).split("\x1f", 1)) for u in uniques]
    scale = Scale.of([value for _, value in read], len(frame))
    kinds = (
        np.array([kind for kind, _ in read], dtype=np.int8)[codes] if read else np.zeros(0, np.int8)
    )
    units = (
        np.array([scale.units(value) for _, value in read], dtype=scale.dtype)[codes]
        if read
        else np.zeros(0, scale.dtype)
    )
    not_done = (
        frame["TRSTAT"].fillna("").astype(str).str.strip().str.upper().eq(NOT_DONE).to_numpy()
    )
    kinds[not_done] = NONE
    return kinds, units, scale
