"""The prior of public profiles meets the cells of a cohort: how far it fits, which state each cell
is likest to, and the profiles of the prior on the scale of the cohort.

The prior itself is in ``study.prior``; profiles of the cohort's own cells are made in ``training``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.cells.reference.likelihood import class_scores, posterior
from hcc_assets.cells.reference.training import (
    Profiles,
    TrainingCells,
    evidence,
    grouped_counts,
)
from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED
from hcc_assets.study.markers import panel_genes
from hcc_assets.study.prior import EPITHELIUM, Prior

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

FITS: Final = 0.3
"""Correlation from which the prior is used: .58 in blood, .44 in head and neck, .08 in simulations
with invented genes; colon, whose epithelium the prior lacks, stays below (.28)."""
_ROUNDS: Final = 3
"""Own choice: calls move by less than 1 in 200 after the second."""
_SURE: Final = 0.9
"""Posterior from which a cell adapts its profile: own choice."""
_MISFIT: Final = (1.0, 0.5)
"""Temperature of the prior's likelihoods (`temperature.temperature_at`): own choice, timid; the
calibration of the reference comes later."""
_AMBIENT_TRUST: Final = 0.9
"""As in `training`."""
_EFFECT_LIMIT: Final = 3.0
"""Greatest log factor between the cohort and the prior in one gene: own choice, twentyfold."""
_NONE: Final = CELL_CLASSES.index(UNASSIGNED)


@dataclass(frozen=True)
class PriorView:
    """The prior over genes of a cohort.

    Attributes
    ----------
    at
        Places of the cohort's genes that the prior knows.
    shares, weight, variance
        States x those genes; weight and variance between studies of each of the genes.
    owner
        Class of each state (place in `CELL_CLASSES`); ``unassigned`` for epithelium of other
        organs.
    names
        ``class/state``.
    """

    at: Labels
    shares: Matrix
    weight: npt.NDArray[np.float64]
    variance: npt.NDArray[np.float64]
    owner: Labels
    names: tuple[str, ...]

    @cached_property
    def epithelial(self) -> npt.NDArray[np.bool_]:
        """States that are epithelium, of the liver or of another organ."""
        kinds = (EPITHELIUM, "hepatocyte", "cholangiocyte")
        return np.array([n.partition("/")[0] in kinds for n in self.names], dtype=bool)


def view_of(
    known: Prior, genes: npt.NDArray[np.object_], usable: npt.NDArray[np.bool_]
) -> PriorView:
    """The prior over those of ``genes`` that it knows; genes that are not ``usable`` have no
    weight."""
    place = pd.Index(known.genes).get_indexer(pd.Index(genes))
    at = np.flatnonzero(place >= 0)
    shares = known.shares[:, place[at]]
    shares = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)
    within, between = known.within[place[at]], known.between[place[at]]
    weight = np.where(usable[at], between / (between + within + 0.02), 0.0)
    owner = [CELL_CLASSES.index(c) if c in CELL_CLASSES else _NONE for c in known.classes]
    return PriorView(
        at, shares, weight, np.maximum(within, 0.05), np.array(owner, dtype=np.intp), known.states
    )


def fit_of(own: Matrix, view: PriorView, symbols: npt.NDArray[np.object_]) -> float:
    """How well the prior describes clusters of a cohort: upper quartile over clusters of the
    highest correlation with a state, over genes that are in no marker panel, both as log ratios
    to their means. The upper quartile, since tissues have clusters that no study of the prior has.

    Parameters
    ----------
    own
        Clusters x genes of the cohort: counts less ambient RNA.
    """
    use = (view.weight > 0) & ~np.isin(symbols[view.at], sorted(panel_genes()))
    counts = own[:, view.at[use]]
    large = counts.sum(axis=1) > 0
    if not large.any() or not use.any():
        return 0.0
    rate = np.log(counts[large] / counts[large].sum(axis=1, keepdims=True) + 1e-5)
    known = np.log(view.shares[:, use] + 1e-5)
    # clusters of one class alone have no contrast among them: both are held against the prior
    centre = known.mean(axis=0)
    effect = rate.mean(axis=0) - known.mean(axis=0)
    left = rate - centre - (effect if large.sum() > 3 else 0.0)
    right = known - centre
    left = left - left.mean(axis=1, keepdims=True)
    right = right - right.mean(axis=1, keepdims=True)
    left /= np.maximum(np.linalg.norm(left, axis=1, keepdims=True), 1e-12)
    right /= np.maximum(np.linalg.norm(right, axis=1, keepdims=True), 1e-12)
    return float(np.quantile((left @ right.T).max(axis=1), 0.75))


@dataclass(frozen=True)
class Adapted:
    """The prior on the scale of a cohort.

    Attributes
    ----------
    shares
        States x genes of the cohort.
    state
        State that each cell is likest to.
    probability
        Cells x `CELL_CLASSES` (``unassigned``: epithelium of other organs).
    """

    shares: Matrix
    state: Labels
    probability: Matrix


def _narrow(cells: TrainingCells, at: Labels) -> TrainingCells:
    ambient = cells.ambient[:, at]
    return TrainingCells(
        cells.counts[:, at],
        cells.genes[at],
        cells.symbols[at],
        cells.sample,
        ambient / np.maximum(ambient.sum(axis=1, keepdims=True), 1e-12),
        cells.ambient_umi,
        cells.barcodes,
        cells.sample_ids,
        cells.subject,
    )


def _own(cells: TrainingCells, group: Labels, n: int) -> Matrix:
    counts, ambient = grouped_counts(cells, group, n)
    return np.maximum(counts - _AMBIENT_TRUST * ambient, 0.02 * counts)


def gene_effect(own: Matrix, shares: Matrix) -> npt.NDArray[np.float64]:
    """Log factor of each gene between the cohort and the prior, over all states that have cells; no
    state counts for more than three times the median one.

    Parameters
    ----------
    own
        States x genes: counts of the cells of each state.
    shares
        States x genes of the prior.
    """
    total = own.sum(axis=1)
    if not (total > 0).any():
        return np.zeros(own.shape[1])
    limit = 3.0 * float(np.median(total[total > 0]))
    weight = np.minimum(total, limit) / np.maximum(total, 1.0)
    observed = weight @ own
    expected = (weight * total) @ shares
    expected = expected * observed.sum() / max(expected.sum(), 1e-12)
    return np.clip(np.log((observed + 2.0) / (expected + 2.0)), -_EFFECT_LIMIT, _EFFECT_LIMIT)


def _adapted(own: Matrix, view: PriorView) -> Matrix:
    """Posterior mean of the shares: the prior times the gene effect, with a gamma prior as tight as
    the studies agree, and the counts of the cells of the state."""
    effect = gene_effect(own, view.shares)
    base = view.shares * np.exp(effect)
    base = base / base.sum(axis=1, keepdims=True)
    strength = 1.0 / view.variance
    expected = own.sum(axis=1, keepdims=True) * base
    out = base * (own + strength) / (expected + strength)
    return np.asarray(out / out.sum(axis=1, keepdims=True), dtype=float)


def adapt(cells: TrainingCells, view: PriorView) -> Adapted:
    """Adapt the prior to the cells of a cohort without labels.

    Notes
    -----
    Empirical Bayes in a few rounds: cells are given to states, the factor of each gene between
    cohort and prior is estimated over all of them, and the shares of a state move from the prior's
    to its cells' as far as these outweigh the scatter between studies.
    """
    narrow = _narrow(cells, view.at)
    shares = view.shares
    temperature = _MISFIT[0] * (1.0 + _MISFIT[1] * narrow.size / 1000.0)
    for round_ in range(_ROUNDS + 1):
        profiles = Profiles(shares, view.owner, view.weight, np.zeros(len(shares), dtype=np.intp))
        likelihood = evidence(narrow, profiles)
        probability = posterior(
            class_scores(likelihood, view.owner, len(CELL_CLASSES), temperature)
        )
        state = likelihood.argmax(axis=1)
        if round_ == _ROUNDS:
            break
        sure = probability.max(axis=1) > _SURE
        shares = _adapted(_own(narrow, np.where(sure, state, -1), len(shares)), view)
    return Adapted(shares, state, probability)


def on_cohort_scale(cells: TrainingCells, owner: Labels, view: PriorView) -> Matrix:
    """Shares of the states of the prior, with the gene effect seen in cells of known classes;
    states x genes of the prior.

    Each cell counts for the likeliest state of its own class.
    """
    narrow = _narrow(cells, view.at)
    profiles = Profiles(
        view.shares, view.owner, view.weight, np.zeros(len(view.owner), dtype=np.intp)
    )
    known = np.flatnonzero(np.isin(owner, view.owner) & (owner >= 0) & (owner != _NONE))
    state = np.full(len(owner), -1, dtype=np.intp)
    if len(known):
        likelihood = evidence(narrow, profiles, known)
        allowed = owner[known][:, None] == view.owner[None, :]
        state[known] = np.where(allowed, likelihood, -np.inf).argmax(axis=1)
    return _adapted(_own(narrow, state, len(view.owner)), view)


def with_prior(
    cells: TrainingCells, owner: Labels, profiles: Profiles, view: PriorView
) -> Profiles:
    """Profiles of the cohort and, behind them, those of the prior on its scale, so that every class
    but tumour has one; they have no cells.

    Genes that the prior lacks have the mean share of the cohort there.
    """
    mean = profiles.shares.mean(axis=0)
    shares = np.repeat(mean[None, :], len(view.owner), axis=0)
    shares[:, view.at] = on_cohort_scale(cells, owner, view) * mean[view.at].sum()
    shares = shares / shares.sum(axis=1, keepdims=True)
    return Profiles(
        np.concatenate([profiles.shares, shares]),
        np.concatenate([profiles.owner, view.owner]),
        profiles.weight,
        np.concatenate([profiles.cells, np.zeros(len(view.owner), dtype=np.intp)]),
    )


def classes_fit(cells: TrainingCells, owner: Labels, view: PriorView) -> bool:
    """Whether the prior describes cells of known classes."""
    classes = np.unique(owner[(owner >= 0) & (owner != _NONE)])
    group = np.where(np.isin(owner, classes), np.searchsorted(classes, owner), -1)
    return bool(
        len(classes) and fit_of(_own(cells, group, len(classes)), view, cells.symbols) >= FITS
    )
