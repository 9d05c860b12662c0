"""Populations of the candidates of one sample that differ along chromosomes.

Cells are parted by one half of the genes and the parting is confirmed by the other half, so that
noise which parted them cannot speak for it. Which population is malignant is decided in
``populations``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from hcc_assets.cells.malignancy.copy_number import Normal, Windows, profiles, windows
from hcc_assets.cells.malignancy.lineage import coherence
from hcc_assets.cells.malignancy.molecules import molecules_of
from hcc_assets.cells.malignancy.split import MIN_CELLS, correlation

Matrix = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_AGAINST_OWN: Final = 2.0
"""Coherence of the difference of two populations that holds by itself: as
`populations.ABERRANT`."""
_SAME: Final = 0.8
"""Correlation of two partings, each by its own half of the genes, from which there are two
populations: own choice, 9 of 10 cells alike."""
_DEPTH: Final = 2
"""Times that a population is parted again: own choice, a clone and a sub-clone beside normal
cells."""
_COMPONENTS: Final = 3
"""Principal components along which cells are parted: own choice; copy number leads where it is."""
_TAILS: Final = (0.01, 0.1)
"""Quantiles between whose means a line is cut first: own choice, for a few cells and for many."""
_MIN_BINS: Final = 40
"""Bins of a half of the genes: as for a whole profile (`decision`)."""
_ROUNDS: Final = 3
"""Own choice: a bound on the work."""


@dataclass(frozen=True)
class Candidates:
    """The candidates of one sample.

    Attributes
    ----------
    counts, places
        Counts of a sample, and the rows of the candidates among its cells.
    arms
        Of the genes (`lineage.arms_of`).
    full
        Windows over all genes.
    bins
        Cells x bins over all genes: deviation from the candidates' mean.
    halves
        The same over every other gene, in genomic order, each with the flags of its genes.
    named
        Cells of each normal class by the caller's word, which copy number has to confirm.
    """

    counts: sp.csr_matrix
    places: npt.NDArray[np.intp]
    arms: npt.NDArray[np.object_]
    full: Windows
    bins: Matrix
    halves: tuple[tuple[Matrix, Flags], tuple[Matrix, Flags]]
    named: tuple[Flags, ...] = ()

    def molecules(self, rows: npt.NDArray[np.intp]) -> Vector:
        """Molecules of each gene in these cells."""
        return molecules_of(self.counts, self.places[rows])


def candidates_of(
    counts: sp.csr_matrix,
    places: npt.NDArray[np.intp],
    values: sp.csr_matrix,
    kept: npt.NDArray[np.intp],
    ids: pd.Index,
    symbols: pd.Index,
    arms: npt.NDArray[np.object_],
    where: Windows,
    seen: Flags,
    named: tuple[Flags, ...] = (),
) -> Candidates:
    """Read the candidates over all genes and over each half of them; ``values`` are their
    log-normalised counts over the genes ``kept``.
    """
    mean = np.asarray(values.mean(axis=0), dtype=np.float32).ravel()

    def read(place: Windows) -> Matrix:
        near = place.among(kept)
        centre = mean[near.columns]
        return profiles(values, near, Normal(centre, centre))

    halves = []
    for k in (0, 1):
        flags = np.zeros(len(ids), dtype=bool)
        flags[where.columns[k::2]] = True
        halves.append((read(windows(ids, symbols, seen & flags)), flags))
    return Candidates(counts, places, arms, where, read(where), (halves[0], halves[1]), named)


def two_means(score: Vector) -> Flags:
    """The upper of two groups of a line, which may be very unequal."""
    best, least = np.zeros(len(score), dtype=bool), np.inf
    for tail in _TAILS:
        low, high = np.quantile(score, [tail, 1 - tail])
        upper = score > (low + high) / 2
        for _ in range(20):
            if upper.all() or not upper.any():
                break
            again = score > (float(score[upper].mean()) + float(score[~upper].mean())) / 2
            if (again == upper).all():
                break
            upper = again
        cost = sum(
            len(part) * (np.log(max(float(part.std()), 1e-6)) - np.log(len(part) / len(score)))
            for part in (score[upper], score[~upper])
            if len(part)
        )
        if min(upper.sum(), (~upper).sum()) >= MIN_CELLS and cost < least - 1e-9:
            best, least = upper, float(cost)
    return best


def _starts(bins: Matrix) -> list[Flags]:
    centred = bins.astype(np.float64) - bins.mean(axis=0, dtype=np.float64)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return [two_means(np.round(centred @ vectors[:, -k], 9)) for k in range(1, _COMPONENTS + 1)]


def _refined(bins: Matrix, upper: Flags) -> Flags:
    for _ in range(_ROUNDS):
        if min(upper.sum(), (~upper).sum()) < MIN_CELLS:
            break
        line = bins[upper].mean(axis=0, dtype=np.float64)
        line = line - bins[~upper].mean(axis=0, dtype=np.float64)
        again = two_means(correlation(bins, line))
        if (again == upper).all():
            break
        upper = again
    return upper


def _between(cells: Candidates, rows: npt.NDArray[np.intp], upper: Flags, genes: Flags) -> float:
    """Coherence of the difference of two populations over some genes; the smaller one is held
    against the larger one."""
    if min(upper.sum(), (~upper).sum()) < MIN_CELLS:
        return 0.0
    one, two = cells.molecules(rows[upper]), cells.molecules(rows[~upper])
    if one.sum() > two.sum():
        one, two = two, one
    arms = cells.arms.copy()
    arms[~genes] = None
    found = coherence(one, two / two.sum(), arms, two)
    return found.ratio if found else 0.0


def _agreement(one: Flags, others: list[Flags]) -> float:
    """Highest correlation of a parting with any of others, whichever side is the upper one."""
    if one.all() or not one.any():
        return 0.0
    mixed = [o for o in others if o.any() and not o.all()]
    return max((abs(float(np.corrcoef(one, o)[0, 1])) for o in mixed), default=0.0)


def _parted(cells: Candidates, rows: npt.NDArray[np.intp], panel: Vector) -> Flags | None:
    """The best parting of these cells that genes which had no part in it confirm: by parting the
    same cells again, or by differing along chromosomes."""
    (first, _), (second, second_genes) = cells.halves
    if len(rows) < 2 * MIN_CELLS or min(first.shape[1], second.shape[1]) < _MIN_BINS:
        return None
    by_panel = two_means(panel[rows])
    again = [_refined(second[rows], s) for s in _starts(second[rows])]
    found = [_refined(first[rows], s) for s in [*_starts(first[rows]), by_panel]]
    best, most = None, (False, 0.0)
    for upper in found:
        ratio = _between(cells, rows, upper, second_genes)
        same = _agreement(upper, again) >= _SAME
        if (same or ratio >= _AGAINST_OWN) and (same, ratio) > most:
            best, most = upper, (same, ratio)
    return best


def populations_of(
    cells: Candidates, rows: npt.NDArray[np.intp], panel: Vector, depth: int = _DEPTH
) -> list[npt.NDArray[np.intp]]:
    """Rows of each population of some candidates; parted ``depth`` times at most."""
    upper = _parted(cells, rows, panel) if depth else None
    if upper is None or min(upper.sum(), (~upper).sum()) < MIN_CELLS:
        return [rows]
    return [
        *populations_of(cells, rows[upper], panel, depth - 1),
        *populations_of(cells, rows[~upper], panel, depth - 1),
    ]
