"""Which populations of the candidates of one sample are malignant, by the lineage's own normal
cells. How candidates are parted is in ``parting``, what normal cells express in ``lineage``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hcc_assets.cells.malignancy.lineage import Coherence, Lineage, coherence
from hcc_assets.cells.malignancy.parting import Candidates, populations_of, two_means
from hcc_assets.cells.malignancy.split import correlation

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

ABERRANT: Final = 2.0
"""`lineage.Coherence.ratio` from which a population is aneuploid: 1 is chance and 1.8 its 99.9th
percentile over 38 arms; simulated tumours of real profiles have 2.1 to 13, their hepatocytes .6 to
1.4 (benchmarks/tumours.py)."""
_ARMS: Final = 38
"""Arms that limits of `lineage.Coherence.ratio` are for: those of the autosomes with enough genes
in simulated tumours (benchmarks/tumours.py)."""
_OF_THE_CLONE: Final = (0.6, 0.75)
"""Slope of a population's arms on those of the most aberrant one, from which it belongs to the
clone where it is aberrant itself, and where it is not: set by benchmarks/tumours.py, where clones
have .8 and more, hepatocytes up to .62 (ambient RNA of the tumour, patients, few cells)."""
_APART: Final = (0.3, 0.5)
"""Slope of what parts the most aberrant population from another one, which is the share of the copy
number that the other one lacks: up to the first it is of the clone, above the second it is not, and
between them copy number does not tell. Clones have .17 at most, normal cells .38 at least and .45
where a third of the molecules is ambient RNA of the tumour (benchmarks/tumours.py): a patient's own
hepatocytes deviate from the prior's as the tumour does, and up to .89 of its slope was theirs."""
_LEAST_SD: Final = 0.05
"""Own choice: least sd of correlations within a population, so that no cell is sure by rounding."""
_SURE: Final = 0.97
"""Posterior of the cells of a population that is malignant as a whole: own choice, within the 20 to
1 and the 200 to 1 of reference and copy number in ``calling``."""


@dataclass(frozen=True)
class Populations:
    """What was found.

    Attributes
    ----------
    posterior
        Probability of each candidate to be malignant.
    r
        Correlation of each candidate with the malignant consensus (0 without one).
    own
        Malignant consensus by bin; zeros without one.
    amplitude
        Of the malignant cells by arm, about the natural-log fold change; NaN without them.
    """

    posterior: Vector
    r: Vector
    own: Vector
    amplitude: float

    @property
    def aneuploid(self) -> bool:
        """Whether a malignant population was seen."""
        return bool(np.any(self.own))


def judge(
    cells: Candidates,
    lineage: Lineage,
    panel: Vector,
    aberrant: float = ABERRANT,
    amplitude: float = 0.0,
) -> Populations:
    """Part the candidates and judge each population against normal cells of its lineage.

    Parameters
    ----------
    cells, lineage
        From `parting.candidates_of` and `lineage.lineage_of`.
    panel
        Onco-fetal minus mature expression of each candidate.
    aberrant, amplitude
        `lineage.Coherence.ratio` over 38 arms and its amplitude, from which a population is
        aneuploid.

    Returns
    -------
    Populations
        Where the most aberrant population is aneuploid against its lineage, it is malignant, and so
        are those that have its copy number by six tenths at least and lack little of it when the
        two are held against each other.
    """
    n = len(cells.places)
    # the panel is no part of a copy-number profile: what it parts is no less normal for that
    upper = two_means(panel)
    halves = [np.flatnonzero(upper), np.flatnonzero(~upper)]
    groups = [g for h in halves if len(h) for g in populations_of(cells, h, panel)]
    found: list[Coherence | None] = [lineage.against(cells.molecules(g)) for g in groups]
    every = [*found, lineage.against(cells.molecules(np.arange(n)))]
    known = [f for f in every if f is not None]
    worst = max(known, key=lambda f: f.ratio) if known else None
    bad, given = np.zeros(len(groups), dtype=bool), np.full(n, np.nan)
    if worst is not None and beyond(worst, aberrant) and worst.amplitude >= amplitude:
        first = max(range(len(groups)), key=lambda k: -1.0 if (f := found[k]) is None else f.ratio)
        clone = cells.molecules(groups[first])
        for k, (one, group) in enumerate(zip(found, groups, strict=True)):
            apart = None if k == first else _apart(cells, clone, group)
            of_clone = 1.0 if k == first else _of_the_clone(one, worst, aberrant, apart)
            bad[k] = of_clone > 0.5
            given[group] = _by_name(cells, group, worst) if bad[k] else np.nan
            if of_clone == 0.5:
                given[group] = of_clone
    if not bad.any():
        return Populations(np.zeros(n), np.zeros(n), np.zeros(cells.bins.shape[1]), float("nan"))
    malignant = np.zeros(n, dtype=bool)
    malignant[np.concatenate([g for g, b in zip(groups, bad, strict=True) if b])] = True
    malignant &= ~(given <= 0.5)
    strength = float(
        np.average(
            [f.amplitude if f else 0.0 for f, b in zip(found, bad, strict=True) if b],
            weights=[len(g) for g, b in zip(groups, bad, strict=True) if b],
        )
    )
    if malignant.all():
        line = _from_lineage(cells, lineage)
        posterior = np.where(np.isnan(given), _SURE, given)
        return Populations(posterior, correlation(cells.bins, line), line, strength)
    line = cells.bins[malignant].mean(axis=0, dtype=np.float64)
    line = line - cells.bins[~malignant].mean(axis=0, dtype=np.float64)
    r = correlation(cells.bins, line)
    posterior = np.where(np.isnan(given), _posterior(r, malignant), given)
    return Populations(posterior, r, line, strength)


def _of_the_clone(
    one: Coherence | None, worst: Coherence, aberrant: float, apart: Coherence | None
) -> float:
    """1 for a population of the clone, 0 for another one, one half where copy number does not tell:
    it follows the clone and is not aberrant itself, with too little seen to compare the two, or
    lacks a part."""
    if one is None:
        return 0.0
    own = beyond(one, aberrant)
    if _slope(one, worst) < _OF_THE_CLONE[not own]:
        return 0.0
    if apart is None:
        return 1.0 if own else 0.5
    lacks = _slope(apart, worst)
    return 1.0 if lacks <= _APART[0] else 0.5 if own and lacks <= _APART[1] else 0.0


def _apart(cells: Candidates, first: Vector, group: npt.NDArray[np.intp]) -> Coherence | None:
    """What parts the molecules of a clone from a population; None where it cannot be seen."""
    other = cells.molecules(group)
    return coherence(first, other / max(float(other.sum()), 1.0), cells.arms, other)


def _by_name(
    cells: Candidates, group: npt.NDArray[np.intp], worst: Coherence
) -> npt.NDArray[np.float64]:
    """Probability by their own copy number that the cells of a malignant population which the
    caller takes for one normal class are malignant as all others of it are; NaN for those others.

    Whether the slope of what parts the two is that of a clone (0) or of normal cells (1), each with
    its error; one half where too little is seen of them.
    """
    out = np.full(len(group), np.nan)
    some = [flags[group] for flags in cells.named if flags[group].any()]
    # the copy number of a population is that of the many in it
    if np.any(some, axis=0).sum() > len(group) / 2:
        return out
    for inside in some:
        apart = _apart(cells, cells.molecules(group[~inside]), group[inside])
        odds = 0.0
        if apart is not None:
            odds = (0.5 - _slope(apart, worst)) / max(_slope_error(apart, worst), 1e-6) ** 2
        out[inside] = np.clip(1.0 / (1.0 + np.exp(-np.clip(odds, -30, 30))), 1 - _SURE, _SURE)
    return out


def beyond(found: Coherence, aberrant: float) -> bool:
    """Whether arms deviate by more than a limit for 38 arms: chance moves the mean over fewer
    further from 1, by the root of their number."""
    return bool(found.ratio >= 1 + (aberrant - 1) * np.sqrt(_ARMS / min(len(found.arms), _ARMS)))


def _slope(one: Coherence, worst: Coherence) -> float:
    both = one.arms.index.intersection(worst.arms.index)
    x, y = worst.arms[both].to_numpy(), one.arms[both].to_numpy()
    return float(x @ y / max(float(x @ x), 1e-12))


def _slope_error(one: Coherence, worst: Coherence) -> float:
    both = one.arms.index.intersection(worst.arms.index)
    x, error = worst.arms[both].to_numpy(), one.error[both].to_numpy()
    return float(np.sqrt(np.sum(np.square(x * error))) / max(float(x @ x), 1e-12))


def _posterior(r: Vector, malignant: Flags) -> Vector:
    """Two normal distributions of the correlation, of the cells of either side."""
    high, low = r[malignant], r[~malignant]
    up = _log_density(r, high) + np.log(malignant.mean())
    down = _log_density(r, low) + np.log((~malignant).mean())
    inside = np.clip(r, low.mean(), high.mean())
    out = 1.0 / (1.0 + np.exp(np.clip(down - up, -30, 30)))
    out = np.where(r >= high.mean(), np.maximum(out, 0.999), np.where(r <= low.mean(), 0.0, out))
    order = np.argsort(inside, kind="stable")
    out[order] = np.maximum.accumulate(out[order])
    return np.asarray(np.round(out, 9), dtype=np.float64)


def _log_density(x: Vector, of: Vector) -> Vector:
    sd = max(float(of.std()), _LEAST_SD)
    return np.asarray(-0.5 * np.square((x - of.mean()) / sd) - np.log(sd), dtype=np.float64)


def _from_lineage(cells: Candidates, lineage: Lineage) -> Vector:
    """Consensus of a sample whose candidates are all malignant: arms against the lineage."""
    found = lineage.against(cells.molecules(np.arange(len(cells.places))))
    level = {} if found is None else found.arms.to_dict()
    return np.array([float(level.get(a, 0.0)) for a in cells.full.arms.astype(str)])
