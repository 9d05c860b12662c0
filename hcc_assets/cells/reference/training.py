"""From cells with a class to profiles: shares of molecules by class and state, gene weights,
temperature and the limits of what a class looks like.

Which cells carry which class is decided in ``bootstrap`` (no labels) or by a delivered reference;
the model itself is in ``model``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from hcc_assets.cells.reference.likelihood import log_likelihood
from hcc_assets.study.markers import panel_genes

Matrix = npt.NDArray[np.float64]

_SHRINK: Final = 1.0
"""Molecules of prior weight that pull a profile to the average one, gene by gene: own choice, one
pseudo-count.
"""
_AMBIENT_TRUST: Final = 0.9
"""Share of the expected ambient RNA that is subtracted: own choice, so that no gene is lost to an
estimate too high.
"""
_PRIOR_SD: Final = 0.3
"""Log sd between samples before data: the patient sd of the hard setting of SINGLE_CELL.md, section
2.4.
"""
_PRIOR_DF: Final = 6.0
"""Samples that the prior sd is worth: own choice, the size of a first cohort."""
CELL_OVERDISPERSION: Final = 0.2
"""Own choice: a little below the 1 / theta of 0.25 to 0.5 of SINGLE_CELL.md, section 5, states
being profiles of their own.
"""
WEIGHT_POWER: Final = 1.5
"""Own choice (benchmarks/annotation.py): genes that differ between samples count less."""
_PANEL_PRIOR: Final = 2.0
"""Least variance between classes of a panel gene: own choice, a log sd of 1.4."""
MIN_SAMPLE_CELLS: Final = 10
"""Cells of a class in one sample that tell how samples differ: the 10 of rare classes in
SINGLE_CELL.md, section 4.
"""


@dataclass(frozen=True)
class TrainingCells:
    """Cells pooled over samples, rows sorted by sample and barcode.

    Attributes
    ----------
    counts
        Cells x genes, CSR.
    genes, symbols
        Keys and symbols of the columns.
    sample
        Number of the sample of each cell.
    ambient
        Samples x genes: share of each gene in the ambient RNA.
    ambient_umi
        Expected ambient molecules of each cell.
    barcodes, sample_ids
        Names of the rows; names of the samples by number.
    subject
        Number of the subject of each sample.
    """

    counts: sp.csr_matrix
    genes: npt.NDArray[np.object_]
    symbols: npt.NDArray[np.object_]
    sample: npt.NDArray[np.intp]
    ambient: Matrix
    ambient_umi: npt.NDArray[np.float64]
    barcodes: npt.NDArray[np.object_]
    sample_ids: tuple[str, ...]
    subject: npt.NDArray[np.intp]

    def rows(self, chosen: npt.NDArray[np.intp]) -> TrainingCells:
        """Some of the cells; samples keep their numbers."""
        return replace(
            self,
            counts=sp.csr_matrix(self.counts[chosen]),
            sample=self.sample[chosen],
            ambient_umi=self.ambient_umi[chosen],
            barcodes=self.barcodes[chosen],
        )

    @cached_property
    def size(self) -> npt.NDArray[np.float64]:
        """Molecules of each cell."""
        return np.asarray(self.counts.sum(axis=1), dtype=float).ravel()

    @cached_property
    def ambient_share(self) -> npt.NDArray[np.float64]:
        """Expected ambient share of each cell, at most one half."""
        return np.minimum(self.ambient_umi / np.maximum(self.size, 1.0), 0.5)


@dataclass(frozen=True)
class Profiles:
    """Shares of molecules (profiles x genes), the class each belongs to, and the weight of each
    gene.
    """

    shares: Matrix
    owner: npt.NDArray[np.intp]
    weight: npt.NDArray[np.float64]
    cells: npt.NDArray[np.intp]


def grouped_counts(
    cells: TrainingCells,
    group: npt.NDArray[np.intp],
    n: int,
    rows: npt.NDArray[np.bool_] | None = None,
) -> tuple[Matrix, Matrix]:
    """Counts of groups of cells and the part of them expected from ambient RNA; each groups x
    genes. A negative group is left out.
    """
    used = np.flatnonzero((group >= 0) if rows is None else (group >= 0) & rows)
    member = sp.csr_matrix(
        (np.ones(len(used)), (group[used], used)), shape=(n, cells.counts.shape[0])
    )
    counts = np.asarray((member @ cells.counts).toarray(), dtype=float)
    ambient = np.zeros((n, len(cells.ambient)))
    np.add.at(ambient, (group[used], cells.sample[used]), cells.ambient_umi[used])
    return counts, ambient @ cells.ambient


def _ratios(own: Matrix, centre: npt.NDArray[np.float64], prior: float) -> Matrix:
    """Log ratio of each row's shares to ``centre``, shrunk to 0 by ``prior`` molecules."""
    expected = own.sum(axis=1, keepdims=True) * centre[None, :]
    return np.asarray(np.log((own + prior) / (expected + prior)), dtype=float)


def _normal(log_ratio: Matrix, centre: npt.NDArray[np.float64]) -> Matrix:
    shares = centre * np.exp(log_ratio)
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True), dtype=float)


def _sample_balanced(
    cells: TrainingCells, group: npt.NDArray[np.intp], n: int
) -> tuple[Matrix, Matrix, npt.NDArray[np.intp]]:
    """Ambient-free counts of groups, samples weighted so that no sample has more than a third of a
    group, and those of (group, sample) pairs with enough cells.
    """
    n_samples = len(cells.ambient)
    pair = np.where(group >= 0, group * n_samples + cells.sample, -1)
    present, inverse = np.unique(pair, return_inverse=True)
    counts, ambient = grouped_counts(cells, np.where(pair >= 0, inverse, -1), len(present))
    own = np.maximum(counts - _AMBIENT_TRUST * ambient, 0.02 * counts)
    number = np.bincount(inverse, minlength=len(present))
    out = np.zeros((n, counts.shape[1]))
    for k in range(n):
        at = np.flatnonzero((present >= 0) & (present // n_samples == k))
        if len(at):
            total = own[at].sum(axis=1)
            limit = max(total.sum() / 3, total.sum() / len(at))
            out[k] = (own[at] * np.minimum(1.0, limit / np.maximum(total, 1e-9))[:, None]).sum(
                axis=0
            )
    enough = np.flatnonzero((present >= 0) & (number >= MIN_SAMPLE_CELLS))
    return out, own[enough], np.asarray(present[enough] // n_samples, dtype=np.intp)


def _effective_samples(cells: TrainingCells, mine: npt.NDArray[np.intp]) -> float:
    """How many equally large samples the cells are worth (inverse Simpson of their samples)."""
    number = np.bincount(cells.sample[mine]).astype(float)
    return float(number.sum() ** 2 / max((number**2).sum(), 1.0))


def _shrunk(
    log_ratio: Matrix,
    own: Matrix,
    within: npt.NDArray[np.float64],
    effective: npt.NDArray[np.float64],
    least: npt.NDArray[np.float64],
) -> tuple[Matrix, npt.NDArray[np.float64]]:
    """Log ratios pulled to 0 as far as their scatter over rows is sampling and difference between
    samples (empirical Bayes), and the variance that is neither.
    """
    noise = 1.0 / (own + _SHRINK) + within[None, :] / effective[:, None]
    between = np.maximum((log_ratio**2 - noise).mean(axis=0), least)
    return np.asarray(log_ratio * (between / (between + noise + 1e-9)), dtype=float), between


def train_profiles(
    cells: TrainingCells,
    owner: npt.NDArray[np.intp],
    state: npt.NDArray[np.intp],
    n_classes: int,
    usable: npt.NDArray[np.bool_],
) -> Profiles:
    """Profiles of the classes and their states.

    Parameters
    ----------
    cells
        The training cells.
    owner
        Class of each cell, -1 for none.
    state
        State of each cell (0, 1, …) within its class; states of fewer than 25 cells fall to the
        class profile.
    n_classes
        Number of classes.
    usable
        Genes that may carry weight.
    """
    by_class, pairs, pair_class = _sample_balanced(cells, owner, n_classes)
    present = np.flatnonzero(by_class.sum(axis=1) > 0)
    smooth = by_class[present] / by_class[present].sum(axis=1, keepdims=True)
    centre = smooth.mean(axis=0) + 1e-9
    centre = centre / centre.sum()
    ratio = _ratios(by_class[present], centre, _SHRINK)
    raw_shares = np.zeros_like(by_class)
    raw_shares[present] = _normal(ratio, centre)
    within = _within(pairs, pair_class, raw_shares)
    effective = np.array([_effective_samples(cells, np.flatnonzero(owner == k)) for k in present])
    least = np.where(np.isin(cells.symbols, sorted(panel_genes())), _PANEL_PRIOR, 0.0)
    ratio, between = _shrunk(ratio, by_class[present], within, effective, least)
    class_shares = np.zeros_like(by_class)
    class_shares[present] = _normal(ratio, centre)
    typical = class_shares[present].max(axis=0) * float(np.median(cells.size))
    weight = (between / (between + within + 1e-9)) ** WEIGHT_POWER / (
        1 + (CELL_OVERDISPERSION + within) * typical
    )
    weight = np.where(usable, weight, 0.0)
    shares, owners, number = [], [], []
    for k in present:
        mine = np.flatnonzero(owner == k)
        sizes = np.bincount(state[mine])
        kept = np.flatnonzero(sizes >= 25)
        if len(kept) < 2:
            shares.append(class_shares[k])
            owners.append(k)
            number.append(len(mine))
            continue
        group = np.full(len(owner), -1, dtype=np.intp)
        for i, s in enumerate(kept):
            group[mine[state[mine] == s]] = i
        by_state, _, _ = _sample_balanced(cells, group, len(kept))
        effective = np.array(
            [_effective_samples(cells, np.flatnonzero(group == i)) for i in range(len(kept))]
        )
        deviation, _ = _shrunk(
            _ratios(by_state, class_shares[k], _SHRINK), by_state, within, effective, least / 4
        )
        shares.extend(_normal(deviation, class_shares[k]))
        owners.extend([k] * len(kept))
        number.extend(sizes[kept].tolist())
    return Profiles(
        np.array(shares), np.array(owners, dtype=np.intp), weight, np.array(number, dtype=np.intp)
    )


def _within(
    pairs: Matrix, pair_class: npt.NDArray[np.intp], class_shares: Matrix
) -> npt.NDArray[np.float64]:
    """Variance of a gene's log share between samples within classes, sampling taken off; a prior
    keeps it sane where samples are few.
    """
    squares = np.full(class_shares.shape[1], _PRIOR_DF * _PRIOR_SD**2)
    freedom = np.full(class_shares.shape[1], _PRIOR_DF)
    for k in np.unique(pair_class):
        mine = pairs[pair_class == k]
        if len(mine) > 1:
            target = mine.sum(axis=1, keepdims=True) * class_shares[k]
            deviation = np.log((mine + _SHRINK) / (target + _SHRINK))
            sampling = mine / (target + _SHRINK) ** 2
            informative = target / (target + _SHRINK)
            squares += (np.maximum(deviation**2 - sampling, 0.0) * informative).sum(axis=0)
            freedom += informative.sum(axis=0) * (len(mine) - 1) / len(mine)
    return np.asarray(squares / freedom, dtype=float)


def evidence(
    cells: TrainingCells, profiles: Profiles, rows: npt.NDArray[np.intp] | None = None
) -> Matrix:
    """Log-likelihood of the training cells under the profiles, each with the ambient RNA of its
    sample; cells x profiles.
    """
    chosen = np.arange(cells.counts.shape[0]) if rows is None else rows
    out = np.zeros((len(chosen), len(profiles.owner)))
    size, share = cells.size, cells.ambient_share
    for s in np.unique(cells.sample[chosen]):
        at = np.flatnonzero(cells.sample[chosen] == s)
        i = chosen[at]
        out[at] = log_likelihood(
            cells.counts[i], size[i], profiles.shares, profiles.weight, cells.ambient[s], share[i]
        )
    return out
