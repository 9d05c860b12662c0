"""Ambient RNA of one sample: its profile, and how much of each cell it is. Counts are never
corrected; annotation and DE use the estimate.

Doublet calls belong to ``doublets``, which takes the lineage evidence from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import nnls
from scipy.special import pdtrc

from hcc_assets.cells.quality.gene_sets import positions, qc_genes
from hcc_assets.cells.quality.metrics import as_csr, column_sums, row_sums

if TYPE_CHECKING:
    from anndata import AnnData

EMPTY_UMI: Final = 100
"""Barcodes of the raw matrix below this hold ambient RNA only (EmptyDrops, Lun 2019)."""
_MIN_EMPTY_TOTAL: Final = 20_000
"""Molecules of a profile from empty droplets: own choice, one for each gene of the transcriptome.
"""
_SURE: Final = 1e-6
"""Chance from ambient RNA below which a cell is surely of a lineage: own choice, fewer than one
wrong cell in a sample.
"""
_MIN_GROUP: Final = 15
"""Cells of a lineage that show contamination: own choice."""
_TELLING: Final = 3.0
"""Molecules expected at 5 % contamination from which a gene tells anything: own choice; none then
has a chance of 5 %.
"""
_BROUGHT: Final = 0.5
"""Share of a gene's molecules in cells surely of its lineage, from which the mean of the cells is a
mixture that tells of contamination: own choice, half; .6 to .96 in blood, 0 to .03 in T genes of
dendritic cells alone. Cells sure of two lineages count: tumours in EMT look like these.
"""
_PRIOR_CONTAMINATION: Final = 0.3
"""Contamination assumed before there is an estimate: 30 %, the worst of SINGLE_CELL.md, section 6.
"""


@dataclass(frozen=True)
class Ambient:
    """Ambient RNA of a sample.

    Attributes
    ----------
    profile
        Share of each gene, in the order of the counts; sums to 1.
    source
        ``raw``: from droplets below 100 UMI. ``mean``: the mean profile of the delivered cells,
        weaker.
    fraction
        Ambient UMI over all UMI of the sample's cells; NaN when no pair of lineages allows an
        estimate.
    constant, slope
        Expected ambient UMI of a cell: ``constant + slope * n_umi``; NaN likewise.
    """

    profile: npt.NDArray[np.float64]
    source: Literal["raw", "mean"]
    fraction: float
    constant: float
    slope: float

    def expected_umi(
        self, n_umi: npt.ArrayLike, *, default: float = 0.0
    ) -> npt.NDArray[np.float64]:
        """Expected ambient UMI of cells with these totals, at most half of them; ``default`` is the
        fraction where none was estimated.
        """
        total = np.asarray(n_umi, dtype=np.float64)
        guess = default * total if np.isnan(self.fraction) else self.constant + self.slope * total
        return np.minimum(guess, total / 2)


@dataclass(frozen=True)
class LineageEvidence:
    """Per cell and lineage: ``total`` marker counts, ``detected`` distinct markers; ``share`` of
    each lineage's markers in the ambient profile.
    """

    names: tuple[str, ...]
    total: npt.NDArray[np.float64]
    detected: npt.NDArray[np.int64]
    share: npt.NDArray[np.float64]

    def above(self, ambient_umi: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Probability of at least that many marker counts from ambient RNA alone (Poisson), cells x
        lineages.
        """
        expected = np.maximum(ambient_umi[:, None] * self.share[None, :], 1e-9)
        return np.where(self.total > 0, pdtrc(np.maximum(self.total - 1, 0), expected), 1.0)


def lineage_evidence(
    matrix: sparse.csr_matrix,
    symbols: npt.NDArray[Any],
    profile: npt.NDArray[np.float64],
    panels: Mapping[str, tuple[str, ...]] | None = None,
) -> LineageEvidence:
    """Marker counts of ``panels`` (the lineages of ``qc_genes.json`` where not given), for all
    cells of ``matrix``."""
    lineages = qc_genes().lineages if panels is None else panels
    total, detected, share = [], [], []
    union = positions(symbols, tuple(g for genes in lineages.values() for g in genes))
    by_gene, names = matrix[:, union].tocsc(), symbols[union]
    for genes in lineages.values():
        columns = positions(symbols, genes)
        block = by_gene[:, positions(names, genes)]
        total.append(np.asarray(block.sum(axis=1), dtype=np.float64).ravel())
        detected.append(np.asarray((block > 0).sum(axis=1), dtype=np.int64).ravel())
        share.append(float(profile[columns].sum()))
    return LineageEvidence(
        tuple(lineages), np.stack(total, axis=1), np.stack(detected, axis=1), np.array(share)
    )


def incompatible_matrix(names: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """Symmetric flags: which lineages one cell cannot be both of."""
    out = np.zeros((len(names), len(names)), dtype=bool)
    for a, b in qc_genes().incompatible:
        out[names.index(a), names.index(b)] = out[names.index(b), names.index(a)] = True
    return out


def _profile(
    counts: AnnData, raw: AnnData | None
) -> tuple[npt.NDArray[np.float64], Literal["raw", "mean"]]:
    matrix, genes = as_csr(counts), counts.var_names.to_numpy()
    if raw is None and "empty_umi" in counts.var:
        known = counts.var["empty_umi"].to_numpy(dtype=np.float64)
        if known.sum() >= _MIN_EMPTY_TOTAL:
            return known / known.sum(), "raw"
    if raw is not None:
        droplets = as_csr(raw)
        totals = row_sums(droplets)
        empty = np.asarray(
            droplets[np.flatnonzero((totals > 0) & (totals < EMPTY_UMI))].sum(
                axis=0, dtype=np.int64
            ),
            dtype=np.float64,
        ).ravel()
        place = {g: k for k, g in enumerate(raw.var_names)}
        summed = np.array([empty[place[g]] if g in place else 0.0 for g in genes])
        if summed.sum() >= _MIN_EMPTY_TOTAL:
            return summed / summed.sum(), "raw"
    summed = column_sums(matrix).astype(np.float64)
    return summed / max(summed.sum(), 1.0), "mean"


def _without_excess(
    found: npt.NDArray[np.float64], possible: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Cells whose foreign counts are no more than the group's contamination explains; the others
    are doublets.
    """
    keep = np.ones(len(found), dtype=bool)
    for _ in range(3):
        share = found[keep].sum() / max(possible[keep].sum(), 1e-12)
        keep = pdtrc(np.maximum(found - 1, 0), np.maximum(share * possible, 1e-9)) > 1e-3
    return keep


def _lower_share(found: npt.NDArray[np.float64], possible: npt.NDArray[np.float64]) -> float | None:
    """Contamination of a group of cells from counts of foreign genes: the lower quartile over
    genes, weighted by what each could tell.

    A gene that the cells do express a little only adds, so the genes that show least contamination
    are nearest to it. ``possible`` are the counts if the cells were nothing but ambient RNA. None
    where no gene tells anything.
    """
    telling = possible * 0.05 >= _TELLING
    if not telling.any():
        return float(found.sum() / possible.sum()) if possible.sum() * 0.05 >= _TELLING else None
    share, weight = found[telling] / possible[telling], possible[telling]
    order = np.lexsort((weight, share))
    return float(share[order][np.searchsorted(np.cumsum(weight[order]), 0.25 * weight.sum())])


def _brought(
    by_gene: sparse.csc_matrix,
    places: list[npt.NDArray[np.intp]],
    sure: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """Genes of which cells surely of their lineage have the greater part.

    In a mean profile a gene that no cell surely expresses comes from the very cells that it should
    tell of: they have as much of it as the profile, whatever their contamination.
    """
    out = np.zeros(by_gene.shape[1], dtype=bool)
    for b, columns in enumerate(places):
        block = by_gene[:, columns]
        own = np.asarray(block[np.flatnonzero(sure[:, b])].sum(axis=0)).ravel()
        out[columns] = own > _BROUGHT * np.asarray(block.sum(axis=0)).ravel()
    return out


def estimate_ambient(
    counts: AnnData, usable: npt.NDArray[np.bool_], *, raw: AnnData | None = None
) -> Ambient:
    """Profile and amount of ambient RNA.

    The amount comes from genes that a cell cannot express: markers of another lineage in cells that
    are surely of one lineage (the idea of SoupX, Young 2020), pooled over all pairs, cells with far
    too many of them left out as doublets. Ambient UMI is modelled as a constant per droplet plus a
    share of the cell. Where the profile is the mean of the cells, only genes tell of which cells
    surely of another lineage brought the greater part: cells of one lineage alone have no estimate.

    Parameters
    ----------
    counts
        Cells x genes.
    usable
        Cells past the hard floor, by position.
    raw
        All droplets of the same sample, when delivered. Without it ``var["empty_umi"]`` serves
        (`isolation.read_sample` fills it), else the mean profile.
    """
    matrix = as_csr(counts)
    profile, source = _profile(counts, raw)
    cells = np.flatnonzero(usable)
    none = Ambient(profile, source, float("nan"), float("nan"), float("nan"))
    if len(cells) < _MIN_GROUP:
        return none
    lineages = list(qc_genes().lineages.values())
    union = positions(counts.var["gene"].to_numpy(), tuple(g for genes in lineages for g in genes))
    inside, symbols, profile_there = (
        matrix[:, union][cells],
        counts.var["gene"].to_numpy()[union],
        profile[union],
    )
    total = row_sums(matrix).astype(np.float64)[cells]
    evidence = lineage_evidence(inside, symbols, profile_there)
    clash = incompatible_matrix(evidence.names)
    sure = (evidence.detected >= 2) & (evidence.above(_PRIOR_CONTAMINATION * total) < _SURE)
    by_gene = inside.tocsc()
    places = [positions(symbols, genes) for genes in lineages]
    brought = _brought(by_gene, places, sure)
    rows = []
    for a in range(len(evidence.names)):
        other = clash[a] & (evidence.share > 0)
        member = np.flatnonzero(sure[:, a] & ~(sure & clash[a][None, :]).any(axis=1))
        if len(member) < _MIN_GROUP or not other.any():
            continue
        member = member[
            _without_excess(
                evidence.total[member][:, other].sum(axis=1),
                total[member] * evidence.share[other].sum(),
            )
        ]
        columns = np.concatenate([places[b] for b in np.flatnonzero(other)])
        columns = columns[brought[columns]] if source == "mean" else columns
        found = np.asarray(by_gene[:, columns][member].sum(axis=0), dtype=np.float64).ravel()
        possible = total[member].sum() * profile_there[columns]
        if len(member) >= _MIN_GROUP and (share := _lower_share(found, possible)) is not None:
            rows.append(
                (total[member].mean(), share * total[member].mean(), float(np.sqrt(possible.sum())))
            )
    if not rows:
        return none
    x, y, weight = (np.array(v) for v in zip(*rows, strict=True))
    if len(rows) == 1:
        constant, slope = 0.0, float(y[0] / x[0])
    else:
        scale = np.sqrt(weight / weight.max()) / np.maximum(y, 1e-9) ** 0.5
        fit, _ = nnls(np.stack([np.ones_like(x), x], axis=1) * scale[:, None], y * scale)
        constant, slope = float(fit[0]), float(fit[1])
    fraction = float(np.minimum(constant + slope * total, total).sum() / total.sum())
    return Ambient(profile, source, min(fraction, 1.0), constant, slope)
