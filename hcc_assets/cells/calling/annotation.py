"""Class, confidence and final status of every barcode of one sample, from a reference that does not
change.

Each cell is judged on its own counts, the ambient RNA of its sample and the reference; other cells
of the sample matter for the copy-number profile that epithelial cells are compared with, and for
the adaptive limits of quality control. How a reference comes about is in ``reference``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from hcc_assets.cells.calling.believed import believed
from hcc_assets.cells.calling.class_posterior import ClassPosterior, class_posterior, restrict
from hcc_assets.cells.calling.class_shares import class_shares
from hcc_assets.cells.calling.epithelial import resolve_epithelial
from hcc_assets.cells.calling.marker_evidence import (
    MarkerEvidence,
    evidence_without,
    marker_evidence,
    rule_genes,
)
from hcc_assets.cells.malignancy.decision import MalignancyResult
from hcc_assets.cells.quality.adaptive import adaptive_status
from hcc_assets.cells.reference.marker_support import UNSUPPORTED
from hcc_assets.cells.reference.model import Reference
from hcc_assets.cells.reference.teaching import align, ambient_of, ambient_umi
from hcc_assets.study.classes import BLOOD_ELEMENTS, CELL_CLASSES, UNASSIGNED
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.programs import target_genes

if TYPE_CHECKING:
    from anndata import AnnData

    from hcc_assets.cells.quality.assessment import QcResult

OUTLIER: Final = 30.0
"""Robust sd above training cells at which the counts of a cell fit no profile: own choice, wide: at
most 3 % unassigned, yet 80 % of an injected type (SINGLE_CELL.md, section 5;
benchmarks/annotation.py).
"""
_RESCUED: Final = 0.9
"""Confidence of a cell whose conjunctive rule names a class without a profile: own choice, above
the 0.8 of SINGLE_CELL.md, section 2.4.
"""
_DIGITS: Final = 6
"""Digits that posteriors are compared at: own choice, above the noise of summing in another order.
"""
_CALLED: Final = ("pass", "doublet", "high_mt", "high_hb", "erythroid")
_NONE: Final = CELL_CLASSES.index(UNASSIGNED)


@dataclass(frozen=True)
class Annotation:
    """Calls of one sample.

    Attributes
    ----------
    calls
        One row per barcode in the order of the counts: ``barcode, qc_status`` (final),
        ``cell_class, confidence, second_class, doublet_score, n_umi, n_genes, pct_mt,
        reference_version``. Barcodes below the hard floor are ``unassigned`` with null confidence.
    profile
        Malignant consensus profile of this sample for later samples of the subject, or None.
    reference_version
        Version of the reference.
    malignancy
        Copy-number result over the cells that passed the first quality control, in their order;
        None where no epithelial cell was there.
    shares
        Share of each class in each barcode, barcodes x `CELL_CLASSES`; rows sum to 1.
    blind_shares
        The same without `programs.target_genes`; what copy number decided stays.
    """

    calls: pd.DataFrame
    profile: pd.Series | None
    reference_version: str
    shares: npt.NDArray[np.float64]
    blind_shares: npt.NDArray[np.float64]
    malignancy: MalignancyResult | None = None


def annotate(
    counts: AnnData,
    qc: QcResult,
    reference: Reference,
    config: StudyConfig,
    *,
    sample_id: str = "",
    subject_profiles: Sequence[pd.Series] = (),
) -> Annotation:
    """Label the cells of one sample.

    Parameters
    ----------
    counts
        Cells x genes, as `tenx.read_counts` gives them.
    qc
        Of the same counts.
    reference
        From `reference.build_reference`.
    config
        ``single_cell.confidence``: below it a cell is ``unassigned``.
    sample_id
        Accepted for the caller's convenience: no call depends on it.
    subject_profiles
        Malignant profiles of earlier samples of the subject.

    Returns
    -------
    Annotation
        Every barcode has a row.
    """
    status = qc.metrics["qc_status"].to_numpy(dtype=object).copy()
    n = counts.n_obs
    cell_class = np.full(n, UNASSIGNED, dtype=object)
    second = np.full(n, None, dtype=object)
    confidence = np.full(n, np.nan)
    shares = np.zeros((n, len(CELL_CLASSES)))
    shares[:, _NONE] = 1.0
    blind_shares = shares.copy()
    malignancy: MalignancyResult | None = None
    rows = np.flatnonzero(np.isin(status, _CALLED))
    if len(rows):
        panel, symbols, ambient = rule_genes(counts, qc)
        foreign, mine = ambient_umi(qc)[rows], sp.csr_matrix(panel[rows])
        evidence = marker_evidence(mine, symbols, ambient, foreign)
        found = _posterior(counts, qc, reference, rows, foreign)
        first, runner_up, sure = decide(found, evidence, reference)
        named = resolve_epithelial(
            counts,
            rows,
            first,
            sure,
            found.probability,
            evidence.epithelial & (first == _NONE),
            _normal_elsewhere(found),
            status[rows] == "pass",
            subject_profiles,
        )
        malignancy = named.malignancy
        named_class = (
            without_blood_elements(named.cell_class, evidence)
            if reference.prior
            else named.cell_class
        )
        shares[rows] = class_shares(
            found.probability, first, sure, named.cell_class, named.confidence
        )
        gone = rows[named_class != named.cell_class]
        shares[gone] = np.arange(len(CELL_CLASSES)) == _NONE
        less = found.without()
        unseen = evidence_without(
            target_genes(), evidence, _asks_rules(less, reference), mine, symbols, ambient, foreign
        )
        blind, _, blind_sure = decide(less, unseen, reference)
        judged = (named_class != first) | (named.confidence != sure)
        blind_shares[rows] = np.where(
            judged[:, None],
            shares[rows],
            class_shares(less.probability, blind, blind_sure, blind, blind_sure),
        )
        sure = np.round(believed(named.confidence, named_class, reference), _DIGITS)
        doubtful = (sure < config.single_cell.confidence) | (named_class == _NONE)
        runner_up = np.where(
            doubtful & (named_class != _NONE),
            named_class,
            np.where(named_class != first, first, runner_up),
        )
        cell_class[rows] = np.array(CELL_CLASSES, dtype=object)[
            np.where(doubtful, _NONE, named_class)
        ]
        second[rows] = np.array(
            [CELL_CLASSES[k] if k >= 0 else None for k in runner_up], dtype=object
        )
        confidence[rows] = sure
    cell_class[status == "erythroid"] = "erythroid"
    final = _final_status(qc, status, cell_class)
    calls = pd.DataFrame(
        {
            "barcode": counts.obs_names.to_numpy().astype(object),
            "qc_status": final,
            "cell_class": cell_class,
            "confidence": confidence,
            "second_class": second,
            "doublet_score": qc.metrics["doublet_score"].to_numpy(dtype=float),
            "n_umi": qc.metrics["n_umi"].to_numpy(),
            "n_genes": qc.metrics["n_genes"].to_numpy(),
            "pct_mt": qc.metrics["pct_mt"].to_numpy(dtype=float),
            "reference_version": np.full(n, reference.version, dtype=object),
        }
    )
    profile = None if malignancy is None else malignancy.profile
    return Annotation(calls, profile, reference.version, shares, blind_shares, malignancy)


def _posterior(
    counts: AnnData,
    qc: QcResult,
    reference: Reference,
    rows: npt.NDArray[np.intp],
    foreign: npt.NDArray[np.float64],
) -> ClassPosterior:
    if not len(reference.owner):
        return ClassPosterior(
            np.full((len(rows), len(CELL_CLASSES)), 1 / len(CELL_CLASSES)),
            np.zeros(len(rows)),
            np.zeros(len(rows)),
        )
    inside, _, there = align(counts, reference.genes)
    view, kept = restrict(reference, there)
    profile = ambient_of(qc, counts, reference.genes)[kept]
    inside = inside if len(kept) == inside.shape[1] else sp.csr_matrix(inside[:, kept])
    return class_posterior(
        sp.csr_matrix(inside[rows]),
        profile / max(float(profile.sum()), 1e-12),
        foreign,
        view,
        np.isin(view.symbols, sorted(target_genes())),
    )


def _normal_elsewhere(found: ClassPosterior) -> npt.NDArray[np.bool_]:
    """Cells that are what the reference knows as no class (epithelium of other organs), and not
    merely unlike everything."""
    return (found.probability.argmax(axis=1) == _NONE) & (np.round(found.surprise, 3) <= OUTLIER)


def _odd(found: ClassPosterior, reference: Reference) -> npt.NDArray[np.bool_]:
    """Cells whose counts fit no profile, or that lack the markers that set their class apart."""
    limit = np.array([reference.unsupported.get(c, UNSUPPORTED) for c in CELL_CLASSES])
    best = np.round(found.probability, _DIGITS).argmax(axis=1)
    return np.asarray(
        (np.round(found.surprise, 3) > OUTLIER) | (np.round(found.support, 3) < limit[best])
    )


def _asks_rules(found: ClassPosterior, reference: Reference) -> npt.NDArray[np.intp]:
    """Cells of which `decide` may ask the conjunctive rules."""
    p = np.round(found.probability, _DIGITS)
    odd = _odd(found, reference)
    return np.flatnonzero(odd | (p.argmax(axis=1) == _NONE) | (p.max(axis=1) < 0.5))


def decide(
    found: ClassPosterior, evidence: MarkerEvidence, reference: Reference
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Class, runner-up and confidence of each cell from posterior, markers and surprise.

    The class of highest posterior stands unless the markers that set it apart are missing although
    they should be there, or the counts fit no profile. Then a class that the reference lacks, but
    whose conjunctive rule the cell satisfies, takes its place; else the cell is ``unassigned``.

    Returns
    -------
    tuple
        Places in `CELL_CLASSES` (the runner-up -1 where there is none) and the confidence.
    """
    p = np.round(found.probability, _DIGITS)
    rows = np.arange(len(p))
    best = p.argmax(axis=1)
    rest = p.copy()
    rest[rows, best] = -1.0
    runner_up = np.where(rest.max(axis=1) > 0, rest.argmax(axis=1), -1)
    sure = p[rows, best]
    odd = _odd(found, reference) & (evidence.seed != best)
    known = np.isin(np.arange(len(CELL_CLASSES)), reference.owner)
    doubt = odd | (best == _NONE) | (sure < 0.5) | (not known.any())
    rescued = (evidence.seed >= 0) & ~known[np.maximum(evidence.seed, 0)] & doubt
    out = np.where(rescued, evidence.seed, np.where(odd | (not known.any()), _NONE, best))
    return out, np.where(out != best, best, runner_up), np.where(rescued, _RESCUED, sure)


def without_blood_elements(
    cell_class: npt.NDArray[np.intp], evidence: MarkerEvidence
) -> npt.NDArray[np.intp]:
    """Classes, with erythroid cells and platelets that lack the genes of their own as no class: a
    cell leaves the sample as a blood element on that evidence only."""
    out = cell_class.copy()
    for name in BLOOD_ELEMENTS:
        out[(cell_class == CELL_CLASSES.index(name)) & ~evidence.blood[name]] = _NONE
    return out


def _final_status(
    qc: QcResult, status: npt.NDArray[np.object_], cell_class: npt.NDArray[np.object_]
) -> npt.NDArray[np.object_]:
    metrics = qc.metrics.assign(qc_status=status)
    out = adaptive_status(metrics, pd.Series(cell_class)).to_numpy(dtype=object).copy()
    for name in ("erythroid", "platelet"):
        out[(out == "pass") & (cell_class == name)] = name
    return out
