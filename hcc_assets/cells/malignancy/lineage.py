"""What the normal cells of the candidates' lineage would express in this sample, from the prior of
public profiles; and whether a population differs from them along chromosomes, as copy number does,
or gene by gene, as lineages, patients and studies do.

A reference of immune and stromal cells alone takes what hepatocytes share for copy number
(SINGLE_CELL.md, section 6.7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.study.genes import CHROMOSOMES, positions
from hcc_assets.study.markers import panel_genes
from hcc_assets.study.prior import EPITHELIUM, Prior, prior

Vector = npt.NDArray[np.float64]

LINEAGES: Final = ("hepatocyte", "cholangiocyte")
"""Classes of the prior that a population of candidates is held against."""
FITS: Final = 0.3
"""Correlation of the candidates with the prior's hepatocytes from which these are their normal
cells: as for the prior as a whole (`reference.prior_fit.FITS`)."""
MIN_MOLECULES: Final = 30
"""Molecules of a gene in a population from which its share counts: own choice, a standard error of
a fifth, below the scatter between studies."""
_LEAST_SHARE: Final = 3e-6
"""Expected share from which a gene counts: own choice, above the floor of the prior (1e-6)."""
_MIN_GENES: Final = 300
"""Genes for a test: own choice, eight an arm."""
_MIN_IN_ARM: Final = 8
"""Genes of an arm that is tested: own choice, so that its mean has a third of a gene's scatter."""
_WINSOR: Final = 2.0
"""Robust sd at which the log ratio of a gene is cut: own choice; copy number moves it by less than
one."""
_EFFECT_LIMIT: Final = 3.0
"""Greatest log factor of a gene between sample and prior: as in `reference.prior_fit`."""
_STEPS: Final = (0.0, 0.25, 0.5, 0.75)
"""Between a class and hepatocytes, on the log scale: own choice; a tumour in epithelial to
mesenchymal transition lies anywhere between fibroblasts and these."""
_BETWEEN: Final = (*LINEAGES, EPITHELIUM)
"""What such a tumour may still be likest to."""
_SOURCE: Final = 20.0
"""A gene is the candidates' own where they have so many times the share of other cells: own choice;
what others have of it is ambient."""


@dataclass(frozen=True)
class Coherence:
    """How a population differs from an expectation by chromosome arm.

    Attributes
    ----------
    ratio
        Mean square of the arms' deviations in units of what the scatter from gene to gene explains:
        about 1 where genes deviate one by one, more where arms deviate as a whole.
    amplitude
        Root mean square of the arms' natural-log deviations beyond that scatter.
    arms
        Natural-log deviation by arm.
    error
        Standard error of each of them by the scatter from gene to gene.
    """

    ratio: float
    amplitude: float
    arms: pd.Series
    error: pd.Series


def coherence(
    molecules: Vector, expected: Vector, arms: npt.NDArray[np.object_], least: Vector | None = None
) -> Coherence | None:
    """Compare a population with an expectation; None where too few genes are seen.

    Parameters
    ----------
    molecules
        Molecules of each gene in the population.
    expected
        Share of each gene that is expected (NaN: unknown); need not sum to 1.
    arms
        Chromosome arm of each gene; None where it takes no part.
    least
        Molecules that stand behind the expectation, where it was counted.
    """
    total = float(molecules.sum())
    enough = molecules if least is None else np.minimum(molecules, least)
    # by the expectation, not by what is seen: lost genes must not drop out first
    due = np.nan_to_num(expected) * total
    use = (
        (due >= MIN_MOLECULES)
        & (np.nan_to_num(expected) > _LEAST_SHARE)
        & pd.notna(arms)
        & ((enough >= MIN_MOLECULES) if least is not None else np.ones(len(due), dtype=bool))
    )
    if use.sum() < _MIN_GENES:
        return None
    ratio = np.log((molecules[use] + 1.0) / (due[use] + 1.0))
    ratio -= np.median(ratio)
    limit = _WINSOR * 1.4826 * float(np.median(np.abs(ratio)))
    ratio = np.clip(ratio, -limit, limit)
    table = pd.DataFrame({"arm": arms[use].astype(str), "ratio": ratio})
    by_arm = table.groupby("arm")["ratio"]
    size = by_arm.size()
    kept = size.index[size >= _MIN_IN_ARM]
    mean, n = by_arm.mean()[kept], size[kept].to_numpy(dtype=float)
    inside = table[table["arm"].isin(kept)]
    left = inside["ratio"] - inside["arm"].map(mean)
    variance = float(np.square(left).sum() / max(len(inside) - len(kept), 1))
    off = mean.to_numpy() - np.average(mean.to_numpy(), weights=n)
    chance = variance / n
    return Coherence(
        round(float(np.mean(np.square(off) / np.maximum(chance, 1e-12))), 6),
        float(np.sqrt(max(np.mean(np.square(off) - chance), 0.0))),
        pd.Series(off, index=kept),
        pd.Series(np.sqrt(chance), index=kept),
    )


@dataclass(frozen=True)
class Lineage:
    """Expected shares (lineages x genes; NaN where the prior lacks the gene) and the arm of each
    gene (None where it takes no part in copy number)."""

    expected: npt.NDArray[np.float64]
    arms: npt.NDArray[np.object_]

    def against(self, molecules: Vector) -> Coherence | None:
        """A population against the lineage that it differs from least along chromosomes."""
        found = [coherence(molecules, e, self.arms) for e in self.expected]
        known = [f for f in found if f is not None]
        return min(known, key=lambda f: f.ratio) if known else None


def arms_of(ids: pd.Index, out: npt.NDArray[np.bool_]) -> npt.NDArray[np.object_]:
    """Arm of each autosomal gene, None for those that are ``out``."""
    where = positions(ids)
    autosome = np.isin(where["chromosome"].to_numpy().astype(str), CHROMOSOMES[:22])
    arms = where["arm"].to_numpy(dtype=object).copy()
    arms[~autosome | out] = None
    return np.asarray(arms, dtype=object)


def lineage_of(
    candidates: Vector,
    others: dict[str, Vector],
    ids: pd.Index,
    symbols: pd.Index,
    arms: npt.NDArray[np.object_],
) -> Lineage | None:
    """The prior's liver epithelium on the scale of the sample, or None where the candidates are
    unlike hepatocytes.

    Parameters
    ----------
    candidates
        Molecules of each gene in all candidates.
    others
        Molecules of each gene in each normal class of the sample: the factor of a gene between
        sample and prior is theirs, since cells of all classes share protocol and patient.
    ids, symbols
        Names of the genes.
    arms
        From `arms_of`.
    """
    known = prior()
    place = pd.Index(known.genes).get_indexer(ids)
    if not _likest_to(("hepatocyte",), candidates, symbols, known, place):
        return None
    classes = np.array(known.classes, dtype=object)
    logs = [np.log(known.shares[classes == name]).mean(axis=0) for name in LINEAGES]
    factor = _gene_factor(candidates, others, known, place)
    return Lineage(_on_the_scale(logs, factor, place), arms)


def lineage_between(
    name: str,
    candidates: Vector,
    others: dict[str, Vector],
    ids: pd.Index,
    symbols: pd.Index,
    arms: npt.NDArray[np.object_],
    *,
    alike: bool = True,
) -> Lineage | None:
    """As `lineage_of` for cells that are taken for class ``name``: each of the prior's states of
    that class, and steps between these and its hepatocytes; None where the cells are unlike the
    class and all epithelium, if they have to be ``alike``."""
    known = prior()
    place = pd.Index(known.genes).get_indexer(ids)
    classes = np.array(known.classes, dtype=object)
    if (place >= 0).sum() < _MIN_GENES or not (classes == name).any():
        return None
    if alike and not _likest_to((name, *_BETWEEN), candidates, symbols, known, place):
        return None
    own = np.log(known.shares[classes == name])
    liver = np.log(known.shares[classes == "hepatocyte"]).mean(axis=0)
    mixed = [(1 - step) * own.mean(axis=0) + step * liver for step in _STEPS]
    factor = _gene_factor(candidates, others, known, place)
    return Lineage(_on_the_scale([*own, *mixed], factor, place), arms)


def _on_the_scale(
    logs: Sequence[Vector], factor: Vector, place: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    there = place >= 0
    out = np.full((len(logs), len(place)), np.nan)
    for row, log in zip(out, logs, strict=True):
        share = np.exp(log[place[there]] + factor[there])
        row[there] = share / share.sum()
    return out


def _likest_to(
    names: tuple[str, ...],
    molecules: Vector,
    symbols: pd.Index,
    known: Prior,
    place: npt.NDArray[np.intp],
) -> bool:
    """Whether cells are likest to a state of those classes, over genes in no marker panel."""
    there = place >= 0
    if there.sum() < _MIN_GENES or molecules.sum() <= 0:
        return False
    use = there & ~symbols.isin(panel_genes())
    seen, place = molecules[use], place[use]
    shares = np.log(known.shares[:, place] + 1e-5)
    centre = shares.mean(axis=0)
    own = np.log(seen / max(float(seen.sum()), 1.0) + 1e-5) - centre
    weight = np.sqrt(known.between[place] / (known.between[place] + known.within[place] + 1e-3))
    rows = np.vstack([(own - own.mean()) * weight, (shares - centre) * weight])
    r = np.round(np.corrcoef(rows)[0, 1:], 9)
    return bool(known.classes[int(r.argmax())] in names and r.max() >= FITS)


def _gene_factor(
    candidates: Vector, others: dict[str, Vector], known: Prior, place: npt.NDArray[np.intp]
) -> Vector:
    """Natural-log factor of each gene between the sample's normal classes and the prior's, ambient
    RNA of the candidates taken off."""
    there = place >= 0
    classes = np.array(known.classes, dtype=object)
    seen, due = np.zeros(len(place)), np.zeros(len(place))
    for name, molecules in others.items():
        if not (classes == name).any():
            continue
        share = np.exp(np.log(known.shares[classes == name]).mean(axis=0))[place[there]]
        seen += molecules
        due[there] += molecules[there].sum() * share / share.sum()
    if seen.sum() <= 0:
        return np.zeros(len(place))
    soup = candidates / candidates.sum()
    marks = there & (soup > 1e-4) & (soup > _SOURCE * due / max(due.sum(), 1.0))
    ambient = seen[marks].sum() / max(float(soup[marks].sum()), 1e-12) if marks.any() else 0.0
    own = np.maximum(seen - min(ambient, 0.8 * float(seen.sum())) * soup, 0.0)
    due *= own[there].sum() / max(float(due.sum()), 1e-12)
    factor = np.log((own + MIN_MOLECULES) / (due + MIN_MOLECULES))
    return np.where(there & ~marks, np.clip(factor, -_EFFECT_LIMIT, _EFFECT_LIMIT), 0.0)
