"""Malignant or not: correlation to the patient's own copy-number profile, with onco-fetal against
mature genes as second evidence.

Raw copy-number energy separates badly (area under the curve 0.55 to 0.7 in the hard simulation),
the correlation to the consensus of the same patient well; so no threshold on energy is applied to a
cell. The consensus of a biopsy before treatment is reused after it, where few tumour cells may be
left. Lineage is given: which cells are epithelial is decided in ``calling``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from hcc_assets.cells.malignancy.copy_number import (
    SCALE,
    Normal,
    Windows,
    class_means,
    mean_deviation,
    profiles,
    windows,
)
from hcc_assets.cells.malignancy.matched import lineage_split
from hcc_assets.cells.malignancy.molecules import expressed_in, log_values, sizes_of
from hcc_assets.cells.malignancy.split import (
    LEANING,
    MALIGNANT,
    MIN_CELLS,
    ONCOFETAL_CUT,
    best_split,
)
from hcc_assets.study.classes import IMMUNE_CLASSES, UNASSIGNED
from hcc_assets.study.markers import MATURE_HEPATOCYTE, ONCOFETAL

Vector = npt.NDArray[np.float64]

CANDIDATES: Final = ("tumour", "hepatocyte", "cholangiocyte", "epithelial")
"""Lineage labels that a malignant epithelial cell may carry."""

NORMAL_CLASSES: Final = (
    *IMMUNE_CLASSES,
    "fibroblast",
    "vascular_endothelial",
    "lymphatic_endothelial",
)
"""Classes taken as copy-number normal."""

EPITHELIAL_GENES: Final = ("EPCAM", "KRT8", "KRT18", "KRT19", "KRT7", "CDH1", "CLDN4", "TACSTD2")

MIN_CANDIDATES: Final = 15
"""Cells for a copy-number profile: own choice, half as many again as a malignant
population has at least.
"""
_LINEAGE_DEVIATION: Final = 0.7
"""Log deviation beyond any copy number: above ln 2, a doubling."""
_MIN_BINS: Final = 40
"""Bins for a profile: own choice, 200 Mb of the genome, as for comparing samples."""


@dataclass(frozen=True)
class MalignancyResult:
    """Calls of one sample.

    Attributes
    ----------
    calls
        One row per cell in the given order: ``is_candidate``; ``cnv_correlation`` to the malignant
        consensus and ``posterior`` of being malignant by it (NaN for cells that are no candidates);
        ``oncofetal`` (mean onco-fetal minus mean mature log expression); ``malignant``;
        ``confidence`` of the call.
    profile
        Malignant consensus of this sample by bin (``8q:127.5`` …), for the patient's other samples;
        None where no malignant population was seen.
    amplitude
        Root mean square over chromosome arms of the consensus, about the natural-log fold change;
        0.07 and more in aneuploid tumours.
    heat
        Mean profile of malignant, normal epithelial and reference cells by bin (columns), for the
        chromosome heatmap.
    by_lineage
        Whether the candidates are liver cells that were held against their own lineage: those that
        are not malignant are liver cells then.
    """

    calls: pd.DataFrame
    profile: pd.Series | None
    amplitude: float
    heat: pd.DataFrame
    by_lineage: bool = False


def _panel(values: sp.csr_matrix, symbols: pd.Index, names: tuple[str, ...]) -> Vector:
    at = np.flatnonzero(symbols.isin(names))
    return (
        np.round(np.asarray(values[:, at].mean(axis=1, dtype=np.float64)).ravel(), 9)
        if len(at)
        else np.zeros(values.shape[0])
    )


def oncofetal_score(values: sp.csr_matrix, symbols: pd.Index) -> Vector:
    """Mean log-normalised expression of the onco-fetal genes minus that of the mature hepatocyte
    genes, per cell.
    """
    return _panel(values, symbols, ONCOFETAL) - _panel(values, symbols, MATURE_HEPATOCYTE)


def _candidates(
    counts: sp.csr_matrix,
    cells: npt.NDArray[np.intp],
    symbols: pd.Index,
    labels: npt.NDArray[np.object_],
) -> npt.NDArray[np.bool_]:
    named = np.isin(labels.astype(str), CANDIDATES)
    at = np.flatnonzero(symbols.isin(EPITHELIAL_GENES))
    open_case = np.flatnonzero(labels == UNASSIGNED)
    if len(at) and len(open_case):
        seen = np.asarray((counts[cells[open_case]][:, at] > 0).sum(axis=1)).ravel()
        named[open_case[seen >= 3]] = True
    return named


def _normal_range(
    values: sp.csr_matrix, labels: npt.NDArray[np.object_], columns: npt.NDArray[np.intp]
) -> Normal:
    present = [c for c in NORMAL_CLASSES if (labels == c).sum() >= MIN_CELLS]
    if present:
        return Normal.of(class_means(values, labels, present), columns)
    return Normal.of(pd.DataFrame(np.asarray(values.mean(axis=0))), columns)


def _without_lineage_genes(where: Windows, deviation: Vector) -> sp.csr_matrix:
    """Windows without genes that deviate more than any copy number can: they belong to the lineage
    of the candidates.
    """
    keep = (np.abs(deviation) < _LINEAGE_DEVIATION).astype(np.float32)
    weights = sp.diags(keep) @ where.weights
    total = np.asarray(weights.sum(axis=0)).ravel()
    return sp.csr_matrix(weights @ sp.diags((1.0 / np.maximum(total, 0.1)).astype(np.float32)))


def _given(patient_profiles: Sequence[pd.Series], bins: pd.Index) -> Vector | None:
    known = [
        p.reindex(bins)
        for p in patient_profiles
        if p is not None and p.reindex(bins).notna().sum() >= _MIN_BINS
    ]
    if not known:
        return None
    scaled = [p / max(float(p.std()), 1e-9) for p in known]
    return np.asarray(pd.concat(scaled, axis=1).mean(axis=1).fillna(0.0), dtype=np.float64)


def call_malignancy(
    counts: sp.csr_matrix,
    genes: pd.DataFrame,
    lineage_labels: npt.NDArray[np.object_] | pd.Series,
    *,
    patient_profiles: Sequence[pd.Series] = (),
    rows: npt.NDArray[np.intp] | None = None,
) -> MalignancyResult:
    """Tell malignant from normal epithelial cells of one sample.

    Parameters
    ----------
    counts
        Cells x genes, counts (or any non-negative linear scale).
    genes
        ``gene_id`` and ``gene`` of each column; both may be symbols.
    lineage_labels
        One label per cell. Candidates are tumour, hepatocyte, cholangiocyte, epithelial, and
        unassigned cells with at least three epithelial genes; immune, stromal and endothelial
        classes are the normal cells.
    patient_profiles
        ``profile`` of other samples of the same patient.
    rows
        Rows of ``counts`` that are the cells; all when not given.

    Returns
    -------
    MalignancyResult
        Liver cells are held against normal cells of their own lineage (`matched`), all others
        against the normal cells of the sample (`split`). A cell is malignant where the posterior by
        copy number is above 0.9, or above 0.5 with the panel above its cut. Without a copy-number
        signal in the sample (near-diploid tumour, or no tumour) the panel alone decides, with lower
        confidence.

    References
    ----------
    Tirosh 2016 (Science 352:189) for the profile, Patel 2014 (Science 344:1396) for the correlation
    to the consensus.
    """
    labels = np.asarray(lineage_labels, dtype=object)
    ids, symbols = (pd.Index(genes[c].astype(str)) for c in ("gene_id", "gene"))
    cells_at = np.arange(counts.shape[0]) if rows is None else rows
    candidate = _candidates(counts, cells_at, symbols, labels)
    others = np.isin(labels.astype(str), NORMAL_CLASSES)
    seen = expressed_in(counts, cells_at[candidate]) | expressed_in(counts, cells_at[others])
    every = windows(ids, symbols, seen)
    spoken = np.flatnonzero(symbols.isin({*ONCOFETAL, *MATURE_HEPATOCYTE}))
    kept = np.union1d(every.columns, spoken)
    values = log_values(counts, cells_at, kept, sizes_of(counts, cells_at), SCALE)
    panel = oncofetal_score(values, symbols[kept])
    calls = pd.DataFrame(
        {
            "is_candidate": candidate,
            "cnv_correlation": np.nan,
            "posterior": np.nan,
            "oncofetal": panel,
        }
    )
    at = np.flatnonzero(candidate)
    profile, amplitude = None, float("nan")
    heat = pd.DataFrame(index=["malignant", "normal_epithelial", "reference"])
    posterior, informative, matched = np.zeros(len(at)), False, None
    if len(at) >= 2:
        where = every.among(kept)
        normal = _normal_range(values, labels, where.columns)
        if len(where.bins) >= _MIN_BINS and (len(at) >= MIN_CANDIDATES or patient_profiles):
            own = values[at]
            weights = _without_lineage_genes(where, mean_deviation(own, where, normal))
            cells = profiles(own, where, normal, weights=weights)
            normals = np.flatnonzero(others)
            reference = profiles(values, where, normal, rows=normals, weights=weights)
            start = _given(patient_profiles, where.bins)
            level = weights.T @ np.asarray(own.mean(axis=0)).ravel()[where.columns]
            matched = lineage_split(
                counts,
                cells_at,
                own,
                kept,
                candidate,
                labels,
                NORMAL_CLASSES,
                ids,
                symbols,
                every,
                seen,
                panel[at],
                start,
            )
            split = matched or best_split(cells, reference, panel[at], level, where.arms, start)
            amplitude, informative = split.amplitude, split.holds
            posterior = split.posterior if informative else posterior
            if informative and split.own.any():
                profile = pd.Series(split.own, index=where.bins, name="profile")
            calls.loc[at, "cnv_correlation"] = split.r
            heat = _heat(cells, reference, posterior, where.bins)
    malignant, posterior, confidence = _decide(posterior, panel[at], informative=informative)
    calls.loc[at, "posterior"] = posterior
    calls["malignant"] = False
    calls.loc[at, "malignant"] = malignant
    calls["confidence"] = np.nan
    calls.loc[at, "confidence"] = confidence
    return MalignancyResult(calls, profile, amplitude, heat, matched is not None)


def _heat(
    cells: npt.NDArray[np.float32],
    reference: npt.NDArray[np.float32],
    posterior: Vector,
    bins: pd.Index,
) -> pd.DataFrame:
    groups = {
        "malignant": cells[posterior > MALIGNANT],
        "normal_epithelial": cells[posterior < 1 - MALIGNANT],
        "reference": reference,
    }
    return pd.DataFrame(
        {k: v.mean(axis=0) if len(v) else np.full(len(bins), np.nan) for k, v in groups.items()},
        index=bins,
    ).T


def _decide(
    posterior: Vector, panel: Vector, *, informative: bool
) -> tuple[npt.NDArray[np.bool_], Vector, Vector]:
    """Call, probability of being malignant and confidence of each candidate, from copy number and
    panel; from the panel alone, the confidence is at most 0.7.
    """
    if not informative:
        by_panel = np.asarray(
            1.0 / (1.0 + np.exp(-(panel - ONCOFETAL_CUT) / 0.1)), dtype=np.float64
        )
        return (
            panel > ONCOFETAL_CUT,
            by_panel,
            np.asarray(0.5 + 0.4 * np.abs(by_panel - 0.5), dtype=np.float64),
        )
    malignant = (posterior > MALIGNANT) | ((posterior > LEANING) & (panel > ONCOFETAL_CUT))
    return malignant, posterior, np.where(malignant, posterior, 1.0 - posterior)
