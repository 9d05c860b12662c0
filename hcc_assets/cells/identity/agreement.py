"""How alike two samples are in what marks a person: copy-number profile of the tumour, expression
that differs between subjects. Judgement is in ``comparison``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy import sparse

from hcc_assets.study.classes import OTHER_CLASSES, PRIMARY_CLASSES

if TYPE_CHECKING:
    from anndata import AnnData

_MIN_BINS: Final = 40
"""Bins of 5 Mb that two profiles share: own choice, 200 Mb of the genome, about a chromosome and a
half.
"""
_MIN_CELLS: Final = 20
"""Cells of a pseudobulk: SINGLE_CELL.md, section 4."""
_MIN_SAMPLES: Final = 4
"""Samples with the class: own choice, the fewest in which a mean can be taken out and differences
are left.
"""
_MIN_MEAN_COUNT: Final = 15
"""Mean counts of a gene: own choice, above the 10 of SINGLE_CELL.md, section 4, since single
samples are compared.
"""
_CLASSES: Final = tuple(
    c for c in (*PRIMARY_CLASSES, *OTHER_CLASSES) if c not in ("tumour", "erythroid", "platelet")
)


def copy_number_agreement(profiles: Mapping[str, pd.Series | None]) -> pd.DataFrame:
    """Correlation of copy-number profiles, samples x samples; NaN where either has none or they
    share under 40 bins.
    """
    names = sorted(s for s, p in profiles.items() if p is not None)
    frame = pd.DataFrame({s: profiles[s] for s in names}, dtype=float)
    return frame.corr(min_periods=_MIN_BINS).rename_axis(None).rename_axis(None, axis=1)


def _common_genes(names: list[pd.Index]) -> pd.Index:
    out = names[0] if names else pd.Index([], dtype=object)
    for other in names[1:]:
        out = out if out.equals(other) else out.intersection(other, sort=False)
    return out


def expression_agreement(
    pseudobulks: Mapping[str, AnnData], timepoints: Mapping[str, str]
) -> pd.DataFrame:
    """Correlation of what is particular to each sample within its classes, samples x samples.

    Parameters
    ----------
    pseudobulks
        Sums per class of each sample (``cells.pseudobulk``); classes with 20 cells in at least four
        samples count, tumour cells do not (their clone is compared by copy number).
    timepoints
        Timepoint of each sample: its mean is taken out, so that the effect of treatment makes no
        two subjects alike.

    Returns
    -------
    pandas.DataFrame
        NaN where two samples share no class.
    """
    names = sorted(pseudobulks)
    n = len(names)
    product, square = np.zeros((n, n)), np.zeros((n, n))
    common = _common_genes([pseudobulks[s].var_names for s in names])
    places = [pseudobulks[s].var_names.get_indexer(common) for s in names]
    for name in _CLASSES:
        rows, members = [], []
        for i, sample in enumerate(names):
            bulk = pseudobulks[sample]
            at = np.flatnonzero(
                (bulk.obs["cell_class"] == name).to_numpy()
                & (bulk.obs["n_cells"] >= _MIN_CELLS).to_numpy()
            )
            if len(at):
                sums = bulk.X[at[0]]
                rows.append(
                    np.asarray(
                        sums.toarray() if sparse.issparse(sums) else sums, dtype=float
                    ).ravel()[places[i]]
                )
                members.append(i)
        if len(members) < _MIN_SAMPLES:
            continue
        counts = np.vstack(rows)
        plus = counts[:, counts.mean(axis=0) >= _MIN_MEAN_COUNT] + 0.5
        if plus.shape[1] < 2:
            continue
        value = np.log2(plus / plus.sum(axis=1, keepdims=True))
        when = np.array([timepoints.get(names[i], "") for i in members])
        for timepoint in np.unique(when):
            inside = when == timepoint
            value[inside] -= value[inside].mean(axis=0)
        value -= value.mean(axis=1, keepdims=True)
        place = np.ix_(members, members)
        product[place] += value @ value.T
        square[place] += np.square(value).sum(axis=1)[:, None]
    norm = np.sqrt(square * square.T)
    out = np.divide(product, norm, out=np.full((n, n), np.nan), where=norm > 0)
    return pd.DataFrame(out, index=names, columns=names)
