"""Which populations of the candidates of one sample are malignant, by the lineage's own normal
cells. How candidates are parted is in ``parting``, what normal cells express in ``lineage``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hcc_assets.cells.malignancy.lineage import Coherence, Lineage
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
        are those that have its copy number by six tenths at least.
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
    bad = np.zeros(len(groups), dtype=bool)
    if worst is not None and beyond(worst, aberrant) and worst.amplitude >= amplitude:
        bad = np.array([_of_the_clone(f, worst, aberrant) for f in found])
    if not bad.any():
        return Populations(np.zeros(n), np.zeros(n), np.zeros(cells.bins.shape[1]), float("nan"))
    malignant = np.zeros(n, dtype=bool)
    malignant[np.concatenate([g for g, b in zip(groups, bad, strict=True) if b])] = True
    strength = float(
        np.average(
            [f.amplitude if f else 0.0 for f, b in zip(found, bad, strict=True) if b],
            weights=[len(g) for g, b in zip(groups, bad, strict=True) if b],
        )
    )
    if malignant.all():
        line = _from_lineage(cells, lineage)
        return Populations(np.full(n, _SURE), correlation(cells.bins, line), line, strength)
    line = cells.bins[malignant].mean(axis=0, dtype=np.float64)
    line = line - cells.bins[~malignant].mean(axis=0, dtype=np.float64)
    r = correlation(cells.bins, line)
    return Populations(_posterior(r, malignant), r, line, strength)


def _of_the_clone(one: Coherence | None, worst: Coherence, aberrant: float) -> bool:
    if one is None:
        return False
    return _slope(one, worst) >= _OF_THE_CLONE[not beyond(one, aberrant)]


def beyond(found: Coherence, aberrant: float) -> bool:
    """Whether arms deviate by more than a limit for 38 arms: chance moves the mean over fewer
    further from 1, by the root of their number."""
    return bool(found.ratio >= 1 + (aberrant - 1) * np.sqrt(_ARMS / min(len(found.arms), _ARMS)))


def _slope(one: Coherence, worst: Coherence) -> float:
    both = one.arms.index.intersection(worst.arms.index)
    x, y = worst.arms[both].to_numpy(), one.arms[both].to_numpy()
    return float(x @ y / max(float(x @ x), 1e-12))


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
