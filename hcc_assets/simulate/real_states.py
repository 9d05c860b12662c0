"""States of the simulated liver from the shipped prior: which there are, their shares of a class,
and their profiles in one simulated study.

Tumours differ by patient and are in ``real_tumours``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.simulate import programs
from hcc_assets.simulate.real_settings import RealSettings
from hcc_assets.study import genes as gene_data
from hcc_assets.study.markers import ONCOFETAL
from hcc_assets.study.prior import FLOOR, prior

Vector = npt.NDArray[np.float64]

# Shares within a class are our choice; states of other organs (alveolar macrophages) are left out.
SHARE_OF_CLASS: Final = {
    "T/CD4": 0.3,
    "T/CD8": 0.3,
    "T/naive": 0.15,
    "T/regulatory": 0.15,
    "T/unconventional": 0.1,
    "NK/cytotoxic": 0.5,
    "NK/tissue": 0.5,
    "B/mature": 0.55,
    "B/naive": 0.35,
    "B/germinal": 0.1,
    "plasma/plasma": 0.8,
    "plasma/plasmablast": 0.2,
    "monocyte/classical": 0.75,
    "monocyte/nonclassical": 0.25,
    "macrophage/Kupffer": 0.45,
    "macrophage/inflammatory": 0.35,
    "macrophage/interstitial": 0.2,
    "dendritic/cDC1": 0.2,
    "dendritic/cDC2": 0.45,
    "dendritic/activated": 0.15,
    "dendritic/plasmacytoid": 0.2,
    "mast/mast": 1.0,
    "neutrophil/blood": 0.5,
    "neutrophil/tissue": 0.5,
    "fibroblast/fibroblast": 0.45,
    "fibroblast/pericyte": 0.3,
    "fibroblast/stellate": 0.25,
    "vascular_endothelial/vessel": 0.55,
    "vascular_endothelial/LSEC central": 0.25,
    "vascular_endothelial/LSEC periportal": 0.2,
    "lymphatic_endothelial/lymphatic": 1.0,
    "hepatocyte/2": 0.17,
    "hepatocyte/3": 0.17,
    "hepatocyte/4": 0.17,
    "hepatocyte/5": 0.17,
    "hepatocyte/6": 0.16,
    "hepatocyte/periportal": 0.16,
    "cholangiocyte/cholangiocyte": 1.0,
    "erythroid/erythroid": 1.0,
    "platelet/platelet": 1.0,
}
CONTINUA: Final = (
    ("monocyte/classical", "macrophage/inflammatory"),
    ("T/CD8", "NK/cytotoxic"),
)
"""Pairs of states between which cells lie."""
_STEPS: Final = (0.15, 0.35)
"""Places on the way, from either end: our choice. Nearer the middle no truth could be named."""
_CYCLING: Final = {"T/CD8": 0.08, "NK/cytotoxic": 0.05, "macrophage/inflammatory": 0.04}
"""Share of the class that cycles, by the state that does: our choice. Tumours are apart."""
_PROLIFERATION: Final = (
    "MKI67 TOP2A UBE2C STMN1 TYMS PCLAF CCNB1 CDK1 BIRC5 CENPF TUBA1B HMGB2 RRM2 TK1 NUSAP1 "
    "TPX2 CENPE HMMR MCM3 MCM5 PCNA GINS2"
)
PROLIFERATION: Final = tuple(_PROLIFERATION.split())
"""Genes of cycling cells, of both phases."""
_PROLIFERATION_SHARE: Final = 3e-4
"""Median share of one of them in a cycling cell: our choice, as a middling marker."""
_RECEPTOR: Final = [
    "CD3D",
    "CD3E",
    "CD3G",
    "CD247",
    "CD2",
    "CD5",
    "CD6",
    "CD28",
    "TRAC",
    "TRAT1",
    "THEMIS",
]
"""What a T cell keeps however much it kills (and a killer without it is none)."""
ISLET: Final = "islet-like"
"""A type that neither a panel nor a study of the prior knows."""
_ISLET_SHARE: Final = 6e-4
"""Median share of its own genes: our choice, as of other class markers."""
_SHARED: Final = 0.5
"""Part of the variance between studies that all states of a study share: our choice, half, since
protocols move all cells and annotations move single ones."""


@dataclass(frozen=True)
class LiverState:
    """One state: its name, its class (`programs.NOVEL` for none) and its share of the class."""

    name: str
    cell_class: str
    share: float


@dataclass(frozen=True)
class StudyStates:
    """Profiles of one simulated study.

    Attributes
    ----------
    genes
        One row per gene in genomic order: ``gene_id, gene, chromosome, start, arm``.
    states
        All but tumour.
    logs
        States x genes: natural-log share of molecules; not normalised.
    """

    genes: pd.DataFrame
    states: tuple[LiverState, ...]
    logs: Vector

    def log_of(self, name: str) -> Vector:
        """Profile of the state of that name."""
        return self.logs[[s.name for s in self.states].index(name)]


def _genes() -> tuple[pd.DataFrame, npt.NDArray[np.intp]]:
    """Genes of known position, in genomic order, and their place in the prior (-1: not there):
    those of the prior, the mitochondrial ones, XIST and onco-fetal genes that it lacks."""
    table = gene_data.gene_table()
    table = table[table["chromosome"].isin(gene_data.CHROMOSOMES)].drop_duplicates("gene")
    place = pd.Index(prior().genes).get_indexer(pd.Index(table["gene_id"]))
    mitochondrial = gene_data.is_mitochondrial(table["gene"]) & ~table["gene"].str.match("MT-[TR]")
    added = table["gene"].isin([*ONCOFETAL, gene_data.X_INACTIVATION_GENE]) | mitochondrial
    keep = (place >= 0) | added.to_numpy()
    out = table[keep].reset_index(drop=True)
    out["arm"] = gene_data.positions(pd.Index(out["gene_id"]))["arm"]
    return out[["gene_id", "gene", "chromosome", "start", "arm"]], place[keep]


def raise_to(log: Vector, at: npt.NDArray[np.intp], level: Vector) -> Vector:
    """The profile with the genes ``at`` at least at the natural-log share ``level``."""
    out = log.copy()
    out[at] = np.maximum(out[at], level)
    return out


def study_states(rng: np.random.Generator, settings: RealSettings) -> StudyStates:
    """Profiles of the states as one further study would have measured them.

    The prior's log share of each gene moves by its variance between studies (half of it in all
    states alike), so that what is simulated is not what the annotation knows.
    """
    known = prior()
    genes, place = _genes()
    symbols = pd.Index(genes["gene"])
    there = place >= 0
    names = [n for n in SHARE_OF_CLASS if n.partition("/")[0] not in settings.without]
    extra = settings.novel if settings.novel in known.states else ""
    wanted = [*names, extra] if extra else names
    order = [known.states.index(n) for n in wanted]
    logs = np.full((len(wanted), len(genes)), np.log(FLOOR))
    logs[:, there] = np.log(known.shares[order][:, place[there]])
    sd = np.full(len(genes), 0.0)
    sd[there] = np.sqrt(settings.study_scatter * known.within[place[there]])
    logs += rng.normal(0, 1, len(genes)) * sd * np.sqrt(_SHARED)
    logs += rng.normal(0, 1, logs.shape) * sd * np.sqrt(1 - _SHARED)
    logs[:, symbols.isin([gene_data.X_INACTIVATION_GENE])] = np.log(2e-4)
    mitochondrial = gene_data.is_mitochondrial(symbols)
    relative = np.exp(rng.normal(0, 0.7, int(mitochondrial.sum())))
    for i, name in enumerate(wanted):
        total = programs.MITOCHONDRIAL_SHARE.get(
            name.partition("/")[0], programs.MITOCHONDRIAL_SHARE_OTHER
        )
        logs[i, mitochondrial] = np.log(relative / relative.sum() * total / (1 - total))
    base = {n: logs[i] for i, n in enumerate(wanted)}
    level = np.log(_PROLIFERATION_SHARE) + rng.normal(0, 0.5, len(PROLIFERATION))
    states, rows = [], []
    for name in names:
        cell_class = name.partition("/")[0]
        share = SHARE_OF_CLASS[name]
        states.append(LiverState(name, cell_class, share))
        rows.append(base[name])
        if name in _CYCLING:
            at = np.array([symbols.get_loc(g) for g in PROLIFERATION if g in symbols])
            there_level = np.array(
                [v for g, v in zip(PROLIFERATION, level, strict=True) if g in symbols]
            )
            states.append(
                LiverState(f"{name} cycling", cell_class, _CYCLING[name] * settings.cycling)
            )
            rows.append(raise_to(base[name], at, there_level))
    for left, right in CONTINUA:
        if settings.continuum <= 0 or left not in base or right not in base:
            continue
        for here, there_name in ((left, right), (right, left)):
            cell_class = here.partition("/")[0]
            for step in _STEPS:
                mixed = (1 - step) * base[here] + step * base[there_name]
                receptor = symbols.isin(_RECEPTOR)
                mixed[receptor] = base[here][receptor]
                share = settings.continuum / (1 - settings.continuum) / len(_STEPS)
                states.append(LiverState(f"{here} {step:.2f} {there_name}", cell_class, share))
                rows.append(mixed)
    if extra:
        states.append(LiverState(extra, programs.NOVEL, 1.0))
        rows.append(base[extra])
    elif settings.novel == ISLET:
        states.append(LiverState(ISLET, programs.NOVEL, 1.0))
        rows.append(_islet(rng, logs, symbols))
    return StudyStates(genes, tuple(states), np.array(rows))


def _islet(rng: np.random.Generator, logs: Vector, symbols: pd.Index) -> Vector:
    """What all states share, a program of its own over 600 genes, and the genes of islets."""
    own = np.median(logs, axis=0)
    busy = np.flatnonzero(own > np.log(1e-5))
    chosen = rng.choice(busy, size=min(600, len(busy)), replace=False)
    own[chosen] += rng.normal(0, 1.2, len(chosen))
    names = next(s.genes for s in programs.STATES if s.cell_class == programs.NOVEL)
    at = np.array([symbols.get_loc(g) for g in [*names.split(), "KRT8", "KRT18"] if g in symbols])
    return raise_to(own, at, np.log(_ISLET_SHARE) + rng.normal(0, 0.7, len(at)))
