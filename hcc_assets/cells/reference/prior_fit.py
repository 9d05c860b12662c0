"""The prior of public profiles meets the cells of a cohort: which state each cell is likest to, and
the profiles of the prior on the scale of the cohort.

The prior over the genes of a cohort is in ``prior_view``; profiles of the cohort's own cells are
made in ``training``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hcc_assets.cells.reference.likelihood import class_scores, posterior
from hcc_assets.cells.reference.prior_view import FITS, PriorView, fit_of
from hcc_assets.cells.reference.training import (
    CELL_OVERDISPERSION,
    WEIGHT_POWER,
    Profiles,
    TrainingCells,
    evidence,
    grouped_counts,
)
from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED
from hcc_assets.study.markers import markers, panel_genes

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

_ROUNDS: Final = 3
"""Own choice: calls move by less than 1 in 200 after the second."""
_SURE: Final = 0.9
"""Posterior from which a cell adapts its profile: own choice."""
MISFIT: Final = (1.0, 0.5)
"""Temperature of the prior's likelihoods (`temperature.temperature_at`): own choice, timid; a
reference with the prior behind it is no surer."""
_AMBIENT_TRUST: Final = 0.9
"""As in `training`."""
_EFFECT_LIMIT: Final = 3.0
"""Greatest log factor between the cohort and the prior in one gene: own choice, twentyfold."""
_UNMARKED: Final = 0.15
"""Weight of genes in no marker panel in the first round: own choice. Monocytes of an assay that no
study of the prior shares (PBMCs_COVID19 left out) were macrophages at 1, are monocytes at .15."""
_STRAY: Final = 1.5
"""How many sd between studies a state may leave the prior: own choice, so that a state cannot take
the genes of its neighbour, cell by cell (macrophages of head and neck as dendritic)."""
_NONE: Final = CELL_CLASSES.index(UNASSIGNED)


_SURPLUS: Final = 1.5
"""Log ratio from which a gene of a group is more than its state explains: own choice."""
UNLIKE: Final = 0.06
"""Share of the molecules of a group that its state does not explain, from which it is no state of
the prior: at most .02 in groups of blood, head and neck and lung whose class the prior has (.04 in
clusters of two classes); .06 to .12 for mast cells with their class left out, .10 for a type with
genes exchanged. Near classes left out (B, T, NK, monocyte) stay below: another state explains
them. Own choice between these figures of one run."""
_MARKED: Final = 0.35
"""Share of the expected marker molecules that a group of the class has: as for cells in
``calling.class_posterior``."""
_FEW_CELLS: Final = 5
"""Cells of a group that is judged: own choice."""


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


def narrow_to(cells: TrainingCells, at: Labels) -> TrainingCells:
    """The cells over some of their genes."""
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
    limit = _STRAY * np.sqrt(view.variance)
    out = base * np.exp(np.clip(np.log((own + strength) / (expected + strength)), -limit, limit))
    return np.asarray(out / out.sum(axis=1, keepdims=True), dtype=float)


def damped(view: PriorView, shares: Matrix, size: float) -> npt.NDArray[np.float64]:
    """Weight of each gene of the prior in cells of ``size`` molecules: genes of many molecules vary
    more than molecules drawn at random, and no single one of them decides."""
    typical = shares.max(axis=0) * size
    return np.asarray(
        view.weight**WEIGHT_POWER / (1 + (CELL_OVERDISPERSION + view.variance) * typical)
    )


def adapt(cells: TrainingCells, view: PriorView) -> Adapted:
    """Adapt the prior to the cells of a cohort without labels.

    Notes
    -----
    Empirical Bayes in a few rounds: cells are given to states, the factor of each gene between
    cohort and prior is estimated over all of them, and the shares of a state move from the prior's
    to its cells' as far as these outweigh the scatter between studies. In the first round, before
    the factors are known, markers speak louder: an assay raises thousands of other genes at once.
    """
    narrow = narrow_to(cells, view.at)
    shares = view.shares
    weight = damped(view, shares, float(np.median(narrow.size)))
    marker = np.isin(narrow.symbols, sorted(panel_genes()))
    temperature = MISFIT[0] * (1.0 + MISFIT[1] * narrow.size / 1000.0)
    for round_ in range(_ROUNDS + 1):
        trusted = weight if round_ else np.where(marker, weight, _UNMARKED * weight)
        profiles = Profiles(shares, view.owner, trusted, np.zeros(len(shares), dtype=np.intp))
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


def unlike(
    cells: TrainingCells, view: PriorView, found: Adapted, clusters: Labels
) -> npt.NDArray[np.bool_]:
    """Cells of groups (one cluster, one state) that have molecules which their state does not
    explain, and lack the markers of its class: a type that the prior lacks.

    Another assay, or activation, brings molecules that no state explains as well; markers stay. The
    state is that of the prior with the factor of each gene: one that has moved to the cells of a
    large group explains whatever they are, and expects none of the markers that they lack.
    """
    narrow = narrow_to(cells, view.at)
    n_states = len(view.owner)
    groups, inverse = np.unique(clusters * n_states + found.state, return_inverse=True)
    state = groups % n_states
    own = _own(narrow, np.asarray(inverse, dtype=np.intp), len(groups))[:, view.weight > 0]
    base = view.shares * np.exp(gene_effect(_own(narrow, found.state, n_states), view.shares))
    base = base / base.sum(axis=1, keepdims=True)
    expected = own.sum(axis=1, keepdims=True) * base[state][:, view.weight > 0]
    marked = np.zeros(len(groups), dtype=bool)
    for k in np.unique(view.owner[view.owner != _NONE]):
        panel = np.isin(narrow.symbols[view.weight > 0], markers()[CELL_CLASSES[k]].positive)
        mine = view.owner[state] == k
        marked[mine] = own[mine][:, panel].sum(axis=1) >= _MARKED * expected[mine][:, panel].sum(
            axis=1
        )
    more = np.log((own + 2.0) / (expected + 2.0)) > _SURPLUS
    surplus = np.where(more, own - expected, 0.0).sum(axis=1) / np.maximum(own.sum(axis=1), 1.0)
    judged = np.bincount(inverse, minlength=len(groups)) >= _FEW_CELLS
    return np.asarray((judged & (surplus > UNLIKE) & ~marked)[inverse], dtype=bool)


def on_cohort_scale(cells: TrainingCells, owner: Labels, view: PriorView) -> Matrix:
    """Shares of the states of the prior, with the gene effect seen in cells of known classes;
    states x genes of the prior.

    Each cell counts for the likeliest state of its own class.
    """
    narrow = narrow_to(cells, view.at)
    profiles = Profiles(
        view.shares,
        view.owner,
        damped(view, view.shares, float(np.median(narrow.size))),
        np.zeros(len(view.owner), dtype=np.intp),
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

    Genes that the prior lacks have the mean share of the cohort there. A gene weighs what cohort or
    prior say, whichever is more: a cohort of few classes does not know what tells the others apart.
    """
    mean = profiles.shares.mean(axis=0)
    shares = np.repeat(mean[None, :], len(view.owner), axis=0)
    shares[:, view.at] = on_cohort_scale(cells, owner, view) * mean[view.at].sum()
    shares = shares / shares.sum(axis=1, keepdims=True)
    weight = profiles.weight.copy()
    told = damped(view, shares[:, view.at], float(np.median(cells.size)))
    weight[view.at] = np.maximum(weight[view.at], told)
    return Profiles(
        np.concatenate([profiles.shares, shares]),
        np.concatenate([profiles.owner, view.owner]),
        weight,
        np.concatenate([profiles.cells, np.zeros(len(view.owner), dtype=np.intp)]),
    )


def classes_fit(cells: TrainingCells, owner: Labels, view: PriorView) -> bool:
    """Whether the prior describes cells of known classes."""
    classes = np.unique(owner[(owner >= 0) & (owner != _NONE)])
    group = np.where(np.isin(owner, classes), np.searchsorted(classes, owner), -1)
    return bool(
        len(classes) and fit_of(_own(cells, group, len(classes)), view, cells.symbols) >= FITS
    )
