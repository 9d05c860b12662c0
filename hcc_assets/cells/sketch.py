"""A balanced sketch of one sample: what the display atlas is fitted on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd
import scipy.sparse as sp

from hcc_assets.cells.quality.metrics import as_csr
from hcc_assets.study.classes import UNASSIGNED

if TYPE_CHECKING:
    from anndata import AnnData

PER_CLASS: Final = 60
"""Cells of one class in one sample, at most: own choice, so that rare classes are seen (ADR 0022).
"""


@dataclass(frozen=True)
class Sketch:
    """Some cells of one sample.

    Attributes
    ----------
    sample_id
        Sample.
    counts
        (cells, genes) counts.
    genes
        ``gene_id, gene``.
    cells
        ``barcode, cell_class``.
    """

    sample_id: str
    counts: sp.csr_matrix
    genes: pd.DataFrame
    cells: pd.DataFrame


def take_sketch(
    counts: AnnData, calls: pd.DataFrame, *, sample_id: str, per_class: int = PER_CLASS
) -> Sketch:
    """At most ``per_class`` passing cells of each class of one sample, chosen by a hash of the
    barcode: the order of cells does not matter.

    Parameters
    ----------
    counts
        Cells x genes.
    calls
        ``barcode, qc_status, cell_class``.
    """
    passing = calls[(calls["qc_status"] == "pass") & (calls["cell_class"] != UNASSIGNED)]
    digest = [
        hashlib.blake2b(f"{sample_id}|{b}".encode(), digest_size=8).hexdigest()
        for b in passing["barcode"]
    ]
    ranked = passing.assign(digest=digest).sort_values("digest", kind="stable")
    chosen = (
        ranked.groupby("cell_class", sort=False)
        .head(per_class)
        .sort_values("digest", kind="stable")
    )
    rows = counts.obs_names.get_indexer(pd.Index(chosen["barcode"]))
    genes = pd.DataFrame(
        {c: counts.var[c].astype(str).to_numpy(dtype=object) for c in ("gene_id", "gene")}
    )
    return Sketch(
        sample_id,
        sp.csr_matrix(as_csr(counts)[rows]),
        genes,
        chosen[["barcode", "cell_class"]].reset_index(drop=True),
    )
