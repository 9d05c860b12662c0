"""Gene sets of quality control as positions in a matrix. The lists themselves are data
(``study/data/qc_genes.json``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class QcGenes:
    """Lineages with their core markers, lineage pairs that one cell cannot be both of, and two
    lists for rescue and erythroid cells.
    """

    lineages: dict[str, tuple[str, ...]]
    incompatible: tuple[tuple[str, str], ...]
    neutrophil_rescue: tuple[str, ...]
    erythroid: tuple[str, ...]


@lru_cache(maxsize=1)
def qc_genes() -> QcGenes:
    """The lists of ``study/data/qc_genes.json``."""
    raw: dict[str, Any] = json.loads(
        files("hcc_assets.study").joinpath("data", "qc_genes.json").read_text(encoding="utf-8")
    )
    lineages = {name: tuple(genes) for name, genes in raw["lineages"].items()}
    names = list(lineages)
    fine = {frozenset(pair) for pair in raw["compatible"]}
    pairs = tuple(
        (a, b) for i, a in enumerate(names) for b in names[i + 1 :] if frozenset((a, b)) not in fine
    )
    return QcGenes(lineages, pairs, tuple(raw["neutrophil_rescue"]), tuple(raw["erythroid"]))


def positions(symbols: npt.ArrayLike, wanted: tuple[str, ...]) -> npt.NDArray[np.intp]:
    """Columns whose symbol is among ``wanted``, in column order."""
    return np.flatnonzero(np.isin(np.asarray(symbols, dtype=object).astype(str), wanted))
