"""The temperature of the likelihoods, at which held-out training cells have the confidence they
deserve. Profiles come from ``training``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hcc_assets.cells.reference.likelihood import (
    class_scores,
    posterior,
    size_evidence,
    typical_log_size,
)
from hcc_assets.cells.reference.training import TrainingCells, evidence, train_profiles
from hcc_assets.study.classes import CELL_CLASSES

Matrix = npt.NDArray[np.float64]

_BASES: Final = (0.7, 0.85, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0)
"""Own choice: a grid from overconfident to timid, steps of about a fifth."""
_SLOPES: Final = (0.0, 0.1, 0.2, 0.5, 1.0)
"""Per 1,000 molecules: own choice, from none to doubling."""
_DEFAULT_TEMPERATURE: Final = (2.0, 0.2)
"""Where nothing can be held out: own choice, timid."""


@dataclass(frozen=True)
class HeldOut:
    """Held-out training cells: posterior of the class called, that class (place in
    `CELL_CLASSES`), and whether it is the cell's own."""

    confidence: npt.NDArray[np.float64]
    called: npt.NDArray[np.intp]
    right: npt.NDArray[np.bool_]

    @classmethod
    def none(cls) -> HeldOut:
        """Where nothing could be held out."""
        return cls(np.zeros(0), np.zeros(0, dtype=np.intp), np.zeros(0, dtype=bool))

    def errors(self, confidence: npt.NDArray[np.float64]) -> dict[str, float]:
        """Expected calibration error of the cells called each class (ten bins) at this
        confidence."""
        out = {}
        for k in np.unique(self.called):
            mine = self.called == k
            bins = np.minimum((confidence[mine] * 10).astype(int), 9)
            size = np.bincount(bins, minlength=10)
            gap = np.bincount(bins, confidence[mine] - self.right[mine], minlength=10)
            out[CELL_CLASSES[k]] = round(float(np.abs(gap).sum() / size.sum()), 4)
        return out


def temperature_at(
    size: npt.NDArray[np.float64], temperature: tuple[float, float]
) -> npt.NDArray[np.float64]:
    """Divisor of the log-likelihoods of cells: sampling noise has been counted already, misfit of
    the profiles grows with the molecules of the cell.
    """
    return np.asarray(temperature[0] * (1.0 + temperature[1] * size / 1000.0), dtype=float)


def calibrate(
    cells: TrainingCells,
    owner: npt.NDArray[np.intp],
    state: npt.NDArray[np.intp],
    n_classes: int,
    usable: npt.NDArray[np.bool_],
) -> tuple[tuple[float, float], HeldOut]:
    """Temperature at which held-out cells have the confidence they deserve, and what these cells
    are called at it.

    Subjects are dealt into two halves (samples, where subjects are not known; cells, where there is
    one sample); profiles of one half judge the other. The pair of `temperature_at` that maximises
    the held-out likelihood of the classes is taken, classes weighted by the root of their size and
    no cell worse than 1 in 100.
    """
    groups = np.unique(cells.subject)
    fold = (
        cells.subject[cells.sample] % 2
        if len(groups) > 1
        else cells.sample % 2
        if len(cells.sample_ids) > 1
        else np.arange(len(owner)) % 2
    )
    parts: list[tuple[npt.NDArray[np.intp], Matrix, npt.NDArray[np.intp]]] = []
    for f in (0, 1):
        train = np.where(fold != f, owner, -1)
        if len(np.unique(train[train >= 0])) < 2:
            continue
        profiles = train_profiles(cells, train, state, n_classes, usable)
        rows = np.flatnonzero((fold == f) & (owner >= 0) & np.isin(owner, profiles.owner))
        if len(rows):
            parts.append((rows, evidence(cells, profiles, rows), profiles.owner))
    if not parts:
        return _DEFAULT_TEMPERATURE, HeldOut.none()
    size = cells.size
    centre = typical_log_size(size, owner, n_classes)
    best, lowest = _DEFAULT_TEMPERATURE, np.inf
    for base in _BASES:
        for slope in _SLOPES:
            loss, number = 0.0, 0.0
            for rows, likelihood, profile_owner in parts:
                scores = class_scores(
                    likelihood, profile_owner, n_classes, temperature_at(size[rows], (base, slope))
                )
                p = posterior(scores + size_evidence(size[rows], centre))
                worth = 1.0 / np.sqrt(np.bincount(owner[rows], minlength=n_classes)[owner[rows]])
                loss += float(
                    (-np.log(np.maximum(p[np.arange(len(rows)), owner[rows]], 0.01)) * worth).sum()
                )
                number += float(worth.sum())
            if loss / number < lowest - 1e-6:
                best, lowest = (base, slope), loss / number
    confidence, called, right = [], [], []
    for rows, likelihood, profile_owner in parts:
        scores = class_scores(
            likelihood, profile_owner, n_classes, temperature_at(size[rows], best)
        )
        p = posterior(scores + size_evidence(size[rows], centre))
        confidence.append(p.max(axis=1))
        called.append(p.argmax(axis=1))
        right.append(p.argmax(axis=1) == owner[rows])
    return best, HeldOut(*map(np.concatenate, (confidence, called, right)))
