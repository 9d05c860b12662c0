"""Tumour, hepatocyte, cholangiocyte or none of them: the reference's opinion of an epithelial cell
joined with the copy number of its own sample.

The copy-number method is in ``malignancy``; which cells are epithelial at all comes from
``annotation``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.cells.malignancy.decision import MalignancyResult, call_malignancy
from hcc_assets.cells.malignancy.mesenchymal import mesenchymal_clone
from hcc_assets.cells.malignancy.split import MALIGNANT
from hcc_assets.cells.quality.metrics import as_csr
from hcc_assets.study.classes import CELL_CLASSES, EPITHELIAL, UNASSIGNED

if TYPE_CHECKING:
    from anndata import AnnData

_TUMOUR, _HEPATOCYTE, _CHOLANGIOCYTE = (CELL_CLASSES.index(c) for c in EPITHELIAL)
_LIMIT: Final = 3.0
"""Most that the reference may say for or against malignancy, in log odds: own choice, 20 to 1, so
that copy number (up to 200 to 1) can overrule it.
"""


@dataclass(frozen=True)
class EpithelialCalls:
    """New class (place in `CELL_CLASSES`) and confidence of the cells given, and the result of the
    copy-number method (None where it was not run).
    """

    cell_class: npt.NDArray[np.intp]
    confidence: npt.NDArray[np.float64]
    malignancy: MalignancyResult | None


def resolve_epithelial(
    counts: AnnData,
    cells: npt.NDArray[np.intp],
    best: npt.NDArray[np.intp],
    confidence: npt.NDArray[np.float64],
    probability: npt.NDArray[np.float64],
    epithelial: npt.NDArray[np.bool_],
    elsewhere: npt.NDArray[np.bool_],
    usable: npt.NDArray[np.bool_],
    subject_profiles: Sequence[pd.Series] = (),
) -> EpithelialCalls:
    """Classes of epithelial cells.

    Parameters
    ----------
    counts, cells
        Of the sample, and the rows that are judged.
    best, confidence
        Class and confidence by the reference.
    probability
        Posterior of the reference, cells x `CELL_CLASSES`.
    epithelial
        Cells with clear epithelial genes that the reference does not know; they may become
        ``tumour``.
    elsewhere
        Those of them that look like normal epithelium of another organ.
    usable
        Cells past quality control; others take no part in the copy-number profile.
    subject_profiles
        Malignant profiles of earlier samples of the subject.

    Returns
    -------
    EpithelialCalls
        Where copy number separates the cells of the sample, log odds of the reference (limited to
        3) and of copy number are added. A cell that is then not malignant takes the better of
        hepatocyte and cholangiocyte if the reference gives them a twentieth, or if it is a liver
        cell by its lineage, and is ``unassigned`` otherwise. Where copy number says nothing the
        reference stands, and an epithelial cell of no known type is ``tumour``, unless it looks
        like normal epithelium of another organ. What looks like a fibroblast and has a copy number
        that no fibroblast has is ``tumour`` as well.
    """
    out, sure = best.copy(), confidence.copy()
    candidate = usable & (np.isin(best, (_TUMOUR, _HEPATOCYTE, _CHOLANGIOCYTE)) | epithelial)
    labels = np.array(CELL_CLASSES, dtype=object)[best]
    labels[epithelial & ~np.isin(labels, EPITHELIAL)] = "epithelial"
    rows = np.flatnonzero(usable)
    whole, genes = as_csr(counts), counts.var[["gene_id", "gene"]]
    clone = mesenchymal_clone(whole, genes, labels[rows], cells[rows])
    if clone is not None:
        bad = clone.posterior > MALIGNANT
        turned = rows[clone.rows[bad]]
        out[turned], sure[turned] = _TUMOUR, confidence[turned] * clone.posterior[bad]
        # neither epithelium nor normal
        labels[turned] = "mesenchymal"
    if not candidate.any():
        return EpithelialCalls(out, sure, None)
    result = call_malignancy(
        whole, genes, labels[rows], patient_profiles=subject_profiles, rows=cells[rows]
    )
    informative = result.profile is not None
    if clone is not None and not informative:
        result = replace(result, profile=clone.profile)
    lone = epithelial & ~np.isin(best, (_TUMOUR, _HEPATOCYTE, _CHOLANGIOCYTE))
    if not informative:
        unlike = lone & ~elsewhere
        out[unlike], sure[unlike] = _TUMOUR, np.maximum(sure[unlike], 0.85)
        return EpithelialCalls(out, sure, result)
    by_copy_number = np.full(len(best), np.nan)
    by_copy_number[rows] = result.calls["posterior"].to_numpy(dtype=float)
    judged = np.flatnonzero(candidate & np.isfinite(by_copy_number))
    three = probability[judged][:, [_TUMOUR, _HEPATOCYTE, _CHOLANGIOCYTE]]
    mass = three.sum(axis=1)
    own = np.where(mass > 0.05, three[:, 0] / np.maximum(mass, 1e-12), 0.5)
    odds = np.clip(_logit(own), -_LIMIT, _LIMIT) + _logit(by_copy_number[judged])
    malignant = 1.0 / (1.0 + np.exp(-odds))
    normal = np.where(three[:, 1] >= three[:, 2], _HEPATOCYTE, _CHOLANGIOCYTE)
    known = ((three[:, 1:].max(axis=1) >= 0.05) | result.by_lineage) & ~lone[judged]
    is_tumour = malignant > 0.5
    out[judged] = np.where(
        is_tumour, _TUMOUR, np.where(known, normal, CELL_CLASSES.index(UNASSIGNED))
    )
    base = np.where(lone[judged], 1.0, np.maximum(mass, confidence[judged]))
    sure[judged] = np.where(is_tumour, malignant, 1.0 - malignant) * base
    return EpithelialCalls(out, np.clip(sure, 0.0, 1.0), result)


def _logit(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    q = np.clip(p, 0.005, 0.995)
    return np.asarray(np.log(q / (1 - q)), dtype=float)
