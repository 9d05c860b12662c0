"""How much of each cell every class may claim: the posterior, after markers, surprise and copy
number have been heard. Sums of these shares are what compositions count; the call itself, which is
one class or none, is made in ``annotation``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from hcc_assets.study.classes import CELL_CLASSES, EPITHELIAL, UNASSIGNED

Matrix = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

_NONE: Final = CELL_CLASSES.index(UNASSIGNED)
_TUMOUR, _HEPATOCYTE, _CHOLANGIOCYTE = (CELL_CLASSES.index(c) for c in EPITHELIAL)
_DIGITS: Final = 6
"""Digits of a share: own choice, as for posteriors, above the noise of summing in another order."""


def class_shares(
    probability: Matrix,
    decided: Places,
    confidence: npt.NDArray[np.float64],
    named: Places,
    named_confidence: npt.NDArray[np.float64],
) -> Matrix:
    """Share of each class in each cell, cells x `CELL_CLASSES`; rows sum to 1.

    Parameters
    ----------
    probability
        Posterior of the reference.
    decided, confidence
        Class and confidence by `annotation.decide`. A cell that fits no profile is ``unassigned``
        as a whole; a class that the reference lacks has the confidence of its rule, the others what
        is left.
    named, named_confidence
        The same after copy number (`epithelial.resolve_epithelial`). What the reference gives
        tumour, hepatocyte and cholangiocyte together stays theirs and is divided anew.
    """
    p = np.round(probability, _DIGITS)
    n = len(p)
    every = np.arange(n)
    best = p.argmax(axis=1)
    out = p.copy()
    odd = (decided != best) & (decided == _NONE)
    out[odd] = 0.0
    out[odd, _NONE] = 1.0
    rescued = np.flatnonzero((decided != best) & (decided != _NONE))
    out[rescued] = _given(p[rescued], decided[rescued], confidence[rescued])
    changed = (named != decided) | (np.abs(named_confidence - confidence) > 10.0**-_DIGITS)
    judged = np.flatnonzero(changed)
    if len(judged):
        out[judged] = _divided(
            out[judged],
            decided[judged],
            confidence[judged],
            named[judged],
            named_confidence[judged],
        )
    out = np.round(out, _DIGITS)
    total = out.sum(axis=1)
    out[total <= 0, _NONE] = 1.0
    return out / np.where(total > 0, total, 1.0)[every, None]


def _given(p: Matrix, at: Places, value: npt.NDArray[np.float64]) -> Matrix:
    """Rows with ``value`` at one class, and the rest of the mass as it was between the others."""
    rows = np.arange(len(p))
    rest = p.copy()
    rest[rows, at] = 0.0
    left = rest.sum(axis=1)
    out = rest * ((1 - value) / np.where(left > 0, left, 1.0))[:, None]
    out[rows, at] = np.where(left > 0, value, 1.0)
    return out


def _divided(
    shares: Matrix,
    decided: Places,
    confidence: npt.NDArray[np.float64],
    named: Places,
    value: npt.NDArray[np.float64],
) -> Matrix:
    three = [_TUMOUR, _HEPATOCYTE, _CHOLANGIOCYTE]
    rows = np.arange(len(shares))
    known = np.isin(decided, three)
    mass = shares[:, three].sum(axis=1)
    whole = np.where(known, np.maximum(mass, confidence), 1.0)
    whole = np.clip(np.maximum(whole, value), 0.0, 1.0)
    normal = np.where(
        shares[:, _HEPATOCYTE] >= shares[:, _CHOLANGIOCYTE], _HEPATOCYTE, _CHOLANGIOCYTE
    )
    other = np.where(named == _TUMOUR, np.where(known, normal, _NONE), _TUMOUR)
    rest = shares.copy()
    rest[:, three] = 0.0
    left = rest.sum(axis=1)
    out = rest * ((1 - whole) / np.where(left > 0, left, 1.0))[:, None]
    out[rows, named] += value
    out[rows, other] += whole - value
    return out
