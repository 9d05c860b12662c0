"""Parting the epithelial cells of one sample into malignant and normal by their copy-number
profiles. Which cells these are is decided in ``decision``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hcc_assets.cells.malignancy.mixture import split_normal_from_malignant

Vector = npt.NDArray[np.float64]

MALIGNANT: Final = 0.9
"""Posterior above which a cell is malignant: SINGLE_CELL.md, section 2.5."""
LEANING: Final = 0.5
"""Posterior above which the panel may decide: SINGLE_CELL.md, section 2.5."""
ONCOFETAL_CUT: Final = 0.15
"""Mean log-normalised onco-fetal minus mature expression above which the panel alone speaks for
malignancy: own choice.
"""

MIN_CELLS: Final = 10
"""Cells of a population: own choice, the fewest whose mean profile is read."""
_AMPLITUDE: Final = 0.065
"""Own choice, below the 0.07 of aneuploid tumours (`decision.MalignancyResult`)."""
_AMPLITUDE_PANEL_OPEN: Final = 0.045
"""Own choice, lower where the panel does not speak for mature hepatocytes."""
_AMPLITUDE_WITH_PANEL: Final = 0.03
"""Own choice, lowest where the panel differs between the parts as well."""
_PANEL_MATURE: Final = -0.3
"""Panel score of mature hepatocytes: own choice, likewise."""
_PANEL_DIFFERENCE: Final = 0.2
"""Difference of the panel between the parts that counts: own choice, above the cut."""
_OUTLIER_SD: Final = 4.0
"""Own choice: 3 in 100,000 normal cells lie beyond."""
_LEANING_SD: Final = 2.3
"""Own choice: 1 in 100 normal cells lies beyond; counts with the panel only."""
_MIN_WITHOUT_PANEL: Final = 20
"""Cells of a population that copy number alone shows: own choice, twice the least."""
_ROUNDS: Final = 4
"""Own choice: a bound on the work."""


@dataclass(frozen=True)
class Centred:
    """Profiles less their own mean, and the length of each: what every correlation with the same
    cells begins with.
    """

    values: npt.NDArray[np.float64]
    norm: Vector

    @classmethod
    def of(cls, cells: npt.NDArray[np.float32]) -> Centred:
        """Of cells x bins."""
        values = cells.astype(np.float64)
        values -= values.mean(axis=1, keepdims=True)
        return cls(values, np.linalg.norm(values, axis=1))

    def correlation(self, consensus: Vector) -> Vector:
        """Pearson correlation of each row to the consensus; 0 where either has no variance."""
        line = consensus - consensus.mean()
        norm = self.norm * np.linalg.norm(line)
        product, zero = self.values @ line, np.zeros(len(norm))
        return np.round(np.divide(product, norm, out=zero, where=norm > 0), 9)


def correlation(cells: npt.NDArray[np.float32], consensus: Vector) -> Vector:
    """`Centred.correlation` of cells x bins."""
    return Centred.of(cells).correlation(consensus)


def arm_amplitude(
    cells: npt.NDArray[np.float32], level: Vector, arms: npt.NDArray[np.object_]
) -> float:
    """How much the mean profile of these cells differs between chromosome arms, beyond what so few
    cells would by chance.

    Parameters
    ----------
    cells
        At least two cells x bins.
    level
        Mean log-normalised expression of the candidates per bin.
    arms
        Arm of each bin.

    Returns
    -------
    float
        Root mean square over arms of the mean deviation relative to the level, about the
        natural-log fold change; 0 where chance explains it.
    """
    names, code = np.unique(arms.astype(str), return_inverse=True)
    picker = np.zeros((len(arms), len(names)))
    picker[np.arange(len(arms)), code] = 1.0 / np.bincount(code)[code]
    per_cell = cells @ picker / np.maximum(level @ picker, 1e-3)
    fold = per_cell.mean(axis=0)
    chance = per_cell.var(axis=0, ddof=1).mean() / len(cells)
    return float(np.sqrt(max(np.mean(np.square(fold - np.median(fold))) - chance, 0.0)))


@dataclass(frozen=True)
class Split:
    """One way to part the candidates: consensus, correlation and posterior of each, mean profile of
    the sure ones, its amplitude, and whether it holds.
    """

    consensus: Vector
    r: Vector
    posterior: Vector
    own: Vector
    amplitude: float
    holds: bool


def _difference(cells: npt.NDArray[np.float32], posterior: Vector) -> Vector:
    """Mean profile of the malignant cells, less that of the normal candidates where there are any:
    what their lineage shares cancels.
    """
    sure, clear = posterior > MALIGNANT, posterior < 1 - MALIGNANT
    out = cells[sure].mean(axis=0, dtype=np.float64)
    return np.asarray(
        out - cells[clear].mean(axis=0, dtype=np.float64) if clear.sum() >= MIN_CELLS else out,
        dtype=np.float64,
    )


def _improve(
    cells: npt.NDArray[np.float32],
    centred: Centred,
    normal: Centred,
    consensus: Vector,
    *,
    fixed: bool,
) -> tuple[Vector, Vector, Vector]:
    """Alternate between posterior and consensus; a fixed consensus is only read."""
    r = posterior = np.zeros(len(cells))
    for _ in range(1 if fixed else _ROUNDS):
        r, of_normal = centred.correlation(consensus), normal.correlation(consensus)
        posterior = split_normal_from_malignant(r, of_normal)
        if (posterior > MALIGNANT).sum() < MIN_CELLS:
            break
        if not fixed:
            consensus = _difference(cells, posterior)
    return consensus, r, posterior


def _starts(cells: npt.NDArray[np.float32], panel: Vector) -> list[Vector]:
    """Where to look for the malignant cells: those with most energy, and those with the highest
    panel score, many or few.
    """
    energy = np.round(np.mean(np.square(cells, dtype=np.float64), axis=1), 12)
    many, few = max(len(cells) // 4, 2), min(max(len(cells) // 40, 8), len(cells))
    chosen = [
        np.argsort(-energy, kind="stable")[:many],
        np.argsort(-panel, kind="stable")[:many],
        np.argsort(-panel, kind="stable")[:few],
    ]
    return [
        np.asarray(cells[rows].mean(axis=0, dtype=np.float64), dtype=np.float64) for rows in chosen
    ]


def outliers(r: Vector, of_normal: Vector, panel: Vector) -> Vector:
    """Few malignant cells in a biopsy after treatment: those that follow the earlier profile far
    beyond normal cells, or beyond them with the panel.
    """
    if len(of_normal) < MIN_CELLS:
        return np.zeros(len(r))
    z = (r - of_normal.mean()) / max(float(of_normal.std()), 0.05)
    return np.where(
        (z > _OUTLIER_SD) | ((z > _LEANING_SD) & (panel > ONCOFETAL_CUT)),
        0.95,
        np.where(z > _LEANING_SD, 0.4, 0.02),
    )


def _needed_amplitude(
    panel: Vector, sure: npt.NDArray[np.bool_], rest: npt.NDArray[np.bool_]
) -> float:
    """Amplitude from which a split is believed: least where the panel differs between the parts,
    most where the cells look like mature hepatocytes.
    """
    level = float(panel[sure].mean())
    if rest.sum() >= MIN_CELLS and level >= float(panel[rest].mean()) + _PANEL_DIFFERENCE:
        return _AMPLITUDE_WITH_PANEL
    if sure.sum() < _MIN_WITHOUT_PANEL:
        return float("inf")
    return _AMPLITUDE if level < _PANEL_MATURE else _AMPLITUDE_PANEL_OPEN


def best_split(
    cells: npt.NDArray[np.float32],
    normal: npt.NDArray[np.float32],
    panel: Vector,
    level: Vector,
    arms: npt.NDArray[np.object_],
    given: Vector | None,
) -> Split:
    """Of the splits from all starts the one with the largest amplitude; the patient's earlier
    profile, where there is one, is the only start.
    """
    best: Split | None = None
    centred, of_normal = Centred.of(cells), Centred.of(normal)
    for start in [given] if given is not None else _starts(cells, panel):
        consensus, r, posterior = _improve(
            cells, centred, of_normal, start, fixed=given is not None
        )
        sure, rest = posterior > MALIGNANT, posterior < LEANING
        enough = bool(sure.sum() >= MIN_CELLS)
        own = _difference(cells, posterior) if enough else np.zeros(cells.shape[1])
        amplitude = arm_amplitude(cells[sure], level, arms) if enough else 0.0
        holds = enough and amplitude >= _needed_amplitude(panel, sure, rest)
        if given is not None and not holds:
            posterior, holds, own = (
                outliers(r, of_normal.correlation(consensus), panel),
                True,
                own * 0,
            )
        found = Split(consensus, r, posterior, own, amplitude, holds)
        if best is None or (found.holds, found.amplitude) > (best.holds, best.amplitude):
            best = found
    assert best is not None
    return best
