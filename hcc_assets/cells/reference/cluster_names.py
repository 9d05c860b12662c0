"""Which class a cluster of cells is, by its marker panels. Clusters that no panel explains stay
without a name; single cells are judged elsewhere.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from hcc_assets.cells.reference.seeds import (
    CYCLING,
    EPITHELIAL,
    HEPATIC,
    NONCLASSICAL_MONOCYTE,
    gene_names,
)
from hcc_assets.study.markers import MATURE_HEPATOCYTE, ONCOFETAL, markers

Matrix = npt.NDArray[np.float64]

NOVEL: Final = "novel"
"""A cluster that is coherent and that no panel explains: it teaches the reference what
``unassigned`` looks like.
"""
_PSEUDO: Final = 0.15
"""Counts per 10,000 added before the logarithm: own choice, a few molecules in a cluster."""
_OFF_LIMIT: Final = 0.5
"""Highest level, per 10,000, at which a gene counts as off: own choice."""
_FLOOR: Final = 1.6
"""Score at which a class counts as there at all (log2 units over the off level, mean over its
panel): own choice, three times the off level.
"""
_SURE: Final = 0.4
"""Share of the best cluster's score: own choice (benchmarks/annotation.py)."""
_MARGIN: Final = 0.08
"""Lead over the second class, in the same unit: own choice (benchmarks/annotation.py)."""
_BILIARY_STRICT: Final = gene_names(
    "FXYD2 CFTR PKHD1 SOX9 KRT7 DCDC2 HNF1B SLC5A1 DEFB1 BICC1 TFF3 TFF2 TFF1"
)
_NEUTROPHIL: Final = gene_names(
    "FCGR3B CXCR2 CXCR1 CMTM2 G0S2 PROK2 ADGRG3 FPR2 PI3 IL1R2 CSF3R VNN2"
)
_LIVER: Final = 5e-4
"""Share of hepatic secreted proteins in the ambient RNA of liver tissue, at least: own choice;
blood has none.
"""
_SECRETED: Final = 0.15
"""Share of the highest cluster's hepatic transcripts that a hepatic cell has at least: own choice;
ambient RNA brings less.
"""
_AGGREGATE: Final = 0.75
"""Score of the other class from which a red cell or platelet sticks to it: own choice."""
_BLOOD: Final = ("erythroid", "platelet")
"""Stick to other cells: a cluster that is clearly something else as well is that."""
_EPITHELIAL_CLASSES: Final = ("tumour", "hepatocyte", "cholangiocyte")


class _Levels:
    """Log2 level of a gene in each cluster over the level where it is off; a gene that no cell has
    counts as off everywhere.
    """

    def __init__(self, own: Matrix, symbols: npt.NDArray[np.object_]):
        self.rate = own / np.maximum(own.sum(axis=1, keepdims=True), 1.0) * 1e4
        self.place = {str(s): i for i, s in enumerate(symbols)}

    def __call__(self, genes: tuple[str, ...]) -> Matrix:
        rate = np.zeros((len(self.rate), max(len(genes), 1)))
        for i, g in enumerate(genes):
            if g in self.place:
                rate[:, i] = self.rate[:, self.place[g]]
        off = np.minimum(np.quantile(rate, 0.25, axis=0), _OFF_LIMIT)
        return np.clip(np.log2((rate + _PSEUDO) / (off + _PSEUDO)), -1.0, 4.0)


def _top(levels: Matrix, n: int) -> npt.NDArray[np.float64]:
    """Mean of the ``n`` highest levels of each cluster."""
    n = min(n, levels.shape[1])
    return np.asarray(np.sort(levels, axis=1)[:, ::-1][:, :n].mean(axis=1), dtype=float)


def panel_scores(own: Matrix, symbols: npt.NDArray[np.object_]) -> tuple[tuple[str, ...], Matrix]:
    """Panel score of each cluster for each class: mean log2 level of the positive genes minus half
    that of the negative ones.

    Parameters
    ----------
    own
        Clusters x genes: counts without the part expected from ambient RNA.
    symbols
        Symbols of the genes.
    """
    level = _Levels(own, symbols)
    names = tuple(markers())
    out = np.zeros((len(own), len(names)))
    for j, name in enumerate(names):
        panel = markers()[name]
        positive = tuple(g for g in panel.positive if g not in CYCLING)
        score = level(positive).mean(axis=1)
        if name == "dendritic":
            score = np.max([level(genes).mean(axis=1) for genes in panel.subsets.values()], axis=0)
        elif name == "vascular_endothelial":
            score = np.maximum(score, level(panel.subsets.get("LSEC", positive)).mean(axis=1))
        elif name == "neutrophil":
            score = level(_NEUTROPHIL).mean(axis=1)
        elif name == "monocyte":
            score = np.maximum(score, level(NONCLASSICAL_MONOCYTE).mean(axis=1))
        elif name == "tumour":
            score = np.maximum(score, _top(level(EPITHELIAL), 8) * 0.8)
        negative = np.clip(level(panel.negative), 0, 4).mean(axis=1) if panel.negative else 0.0
        out[:, j] = score - 0.5 * negative
    return names, out


def name_clusters(
    own: Matrix,
    symbols: npt.NDArray[np.object_],
    size: npt.NDArray[np.intp],
    *,
    ambient: npt.NDArray[np.float64],
    malignant: npt.NDArray[np.float64] | None = None,
) -> list[str]:
    """Name each cluster.

    Parameters
    ----------
    own, symbols
        As for `panel_scores`.
    size
        Cells of each cluster.
    ambient
        Ambient profile: hepatic genes in it tell that the tissue is liver.
    malignant
        Share of each cluster's cells that copy number shows to be malignant, NaN where it shows
        nothing.

    Returns
    -------
    list
        A class, `NOVEL`, or an empty text where two classes' markers mix or there is too little
        evidence.
    """
    names, score = panel_scores(own, symbols)
    relative = score / np.maximum(score.max(axis=0), _FLOOR)
    out = []
    epithelial = _epithelial_names(
        own, symbols, ambient, np.full(len(own), np.nan) if malignant is None else malignant
    )
    for c in range(len(own)):
        ranked = np.argsort(-relative[c], kind="stable")
        if (
            names[ranked[0]] in _BLOOD
            and score[c, ranked[1]] >= _FLOOR
            and relative[c, ranked[1]] >= _AGGREGATE
        ):
            ranked = ranked[1:]
        name, second = names[ranked[0]], names[ranked[1]]
        best, margin = relative[c, ranked[0]], relative[c, ranked[0]] - relative[c, ranked[1]]
        both = name in _EPITHELIAL_CLASSES and second in _EPITHELIAL_CLASSES
        if size[c] == 0:
            out.append("")
        elif best >= _SURE and (margin >= _MARGIN or both):
            out.append(epithelial[c] if name in _EPITHELIAL_CLASSES else name)
        elif best < 0.22 and score[c].max() < 0.6 and size[c] >= 40:
            out.append(NOVEL)
        else:
            out.append("")
    return out


def of_the_liver(ambient: npt.NDArray[np.float64], symbols: npt.NDArray[np.object_]) -> bool:
    """Whether hepatic genes in the ambient RNA tell that the tissue is liver."""
    return float(ambient[np.isin(symbols, HEPATIC)].sum()) > _LIVER


def _epithelial_names(
    own: Matrix,
    symbols: npt.NDArray[np.object_],
    ambient: npt.NDArray[np.float64],
    malignant: npt.NDArray[np.float64],
) -> list[str]:
    """Name of each cluster if it is epithelial.

    Copy number first; then hepatocyte by the mature against the onco-fetal panel, cholangiocyte by
    ductal genes in liver tissue, else tumour. A cluster that copy number shows to be normal, and
    that is neither hepatic nor ductal, is no known class.
    """
    level = _Levels(own, symbols)
    mature, oncofetal = level(MATURE_HEPATOCYTE).mean(axis=1), _top(level(ONCOFETAL), 6)
    hepatic, ductal, surface = (
        level(HEPATIC).mean(axis=1),
        _top(level(_BILIARY_STRICT), 5),
        _top(level(EPITHELIAL), 8),
    )
    mature_top, onco_top = max(float(mature.max()), _FLOOR), max(float(oncofetal.max()), _FLOOR)
    place = {str(s): i for i, s in enumerate(symbols)}
    liver = of_the_liver(ambient, symbols)
    known = [place[g] for g in HEPATIC if g in place]
    peak = np.maximum(level.rate[:, known].max(axis=0), 1e-9)
    secreted = np.median(level.rate[:, known] / peak, axis=1) if known else np.zeros(len(own))
    out = []
    for c in range(len(own)):
        lobular = mature[c] / mature_top
        is_hepatic = bool((hepatic[c] >= 1.0 and secreted[c] >= _SECRETED) or lobular > 0.5)
        is_ductal = bool(
            liver
            and ductal[c] >= 1.2
            and surface[c] >= 0.8
            and (ductal[c] > oncofetal[c] * 0.8 or malignant[c] < 0.2)
        )
        if malignant[c] > 0.7:
            out.append("tumour")
        elif malignant[c] < 0.2:
            normal = (
                "cholangiocyte"
                if is_ductal and not is_hepatic
                else "tumour"
                if is_hepatic
                else NOVEL
            )
            out.append("hepatocyte" if is_hepatic and lobular > 0.3 else normal)
        elif is_hepatic:
            out.append(
                "hepatocyte"
                if liver and lobular > 0.45 and lobular > oncofetal[c] / onco_top
                else "tumour"
            )
        else:
            out.append("cholangiocyte" if is_ductal else "tumour")
    return out
