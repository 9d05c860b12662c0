"""Class, confidence and final status of every barcode of one sample, from a reference that does not change.

Each cell is judged on its own counts, the ambient RNA of its sample and the reference; other cells of the sample matter for the adaptive limits of quality
control only. How a reference comes about is in ``reference``; whether an epithelial cell is malignant is in ``malignancy``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from hcc_assets.cells.likelihood import class_scores, log_likelihood, posterior
from hcc_assets.cells.marker_evidence import MarkerEvidence, marker_evidence
from hcc_assets.cells.outliers import deviance_per_molecule
from hcc_assets.cells.qc_adaptive import adaptive_status
from hcc_assets.cells.reference import Reference
from hcc_assets.cells.reference_samples import align, ambient_of, ambient_umi
from hcc_assets.schemas.base import conform
from hcc_assets.schemas.reference import LabelChanges
from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED
from hcc_assets.study.config import StudyConfig

if TYPE_CHECKING:
    from anndata import AnnData

    from hcc_assets.cells.qc import QcResult

Matrix = npt.NDArray[np.float64]

OUTLIER: Final = 30.0
"""Robust sd above training cells at which the counts of a cell fit no profile."""
_DIGITS: Final = 6
_CHUNK: Final = 4096
_CALLED: Final = ("pass", "doublet", "high_mt", "high_hb", "erythroid")
_NONE: Final = CELL_CLASSES.index(UNASSIGNED)


@dataclass(frozen=True)
class Annotation:
    """Calls of one sample.

    Attributes
    ----------
    calls
        One row per barcode in the order of the counts: ``barcode, qc_status`` (final), ``cell_class, confidence, second_class, doublet_score, n_umi, n_genes,
        pct_mt, reference_version``. Barcodes below the hard floor are ``unassigned`` with null confidence.
    profile
        Malignant consensus profile of this sample for later samples of the subject, or None.
    reference_version
        Version of the reference.
    """

    calls: pd.DataFrame
    profile: Any
    reference_version: str


@dataclass(frozen=True)
class ClassPosterior:
    """Posterior of each class (cells x `CELL_CLASSES`) and how far, in robust sd, each cell lies from training cells of its best profile."""

    probability: Matrix
    surprise: npt.NDArray[np.float64]


def class_posterior(
    counts: sp.csr_matrix, ambient: npt.NDArray[np.float64], foreign: npt.NDArray[np.float64], reference: Reference
) -> ClassPosterior:
    """Posterior of the classes that the reference knows.

    Parameters
    ----------
    counts
        Cells x genes of the reference.
    ambient, foreign
        Ambient profile over these genes; expected ambient molecules of each cell.
    """
    n = counts.shape[0]
    probability = np.zeros((n, len(CELL_CLASSES)))
    surprise = np.zeros(n)
    measured = np.asarray(reference.symbols != "") & _measured(counts, ambient)
    shares = np.where(measured, reference.shares.astype(float), 0.0)
    shares = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)
    weight = np.where(measured, reference.weight, 0.0)
    total = np.asarray(counts.sum(axis=1), dtype=float).ravel()
    for start in range(0, n, _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, n))
        size = total[rows]
        likelihood = log_likelihood(counts[rows], size, shares, weight, ambient, np.minimum(foreign[rows] / np.maximum(size, 1.0), 0.5))
        probability[rows] = posterior(class_scores(likelihood, reference.owner, len(CELL_CLASSES), reference.temperature))
        best = likelihood.argmax(axis=1)
        deviance = deviance_per_molecule(counts[rows], size, weight, likelihood[np.arange(len(rows)), best])
        surprise[rows] = reference.limits.score(deviance, size, best)
    return ClassPosterior(probability, surprise)


def _measured(counts: sp.csr_matrix, ambient: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    return np.ones(counts.shape[1], dtype=bool) if counts.shape[1] == 0 else np.asarray(ambient >= 0)


def annotate(
    counts: AnnData, qc: QcResult, reference: Reference, config: StudyConfig, *, sample_id: str, subject_profiles: Sequence[Any] = ()
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
        For messages only; no call depends on it.
    subject_profiles
        Malignant profiles of earlier samples of the subject.
    """
    status = qc.metrics["qc_status"].to_numpy(dtype=object).copy()
    n = counts.n_obs
    cell_class = np.full(n, UNASSIGNED, dtype=object)
    second = np.full(n, None, dtype=object)
    confidence = np.full(n, np.nan)
    rows = np.flatnonzero(np.isin(status, _CALLED))
    if len(rows):
        matrix, keys, symbols = align(counts)
        foreign = ambient_umi(qc)
        evidence = marker_evidence(sp.csr_matrix(matrix[rows]), symbols, ambient_of(qc, counts, keys), foreign[rows])
        if len(reference.owner):
            inside, _, there = align(counts, reference.genes)
            view = _Restricted.of(reference, there)
            found = class_posterior(
                sp.csr_matrix(inside[rows][:, view.kept]),
                _renormal(ambient_of(qc, counts, reference.genes)[view.kept]),
                foreign[rows],
                view.reference,
            )
        else:
            found = ClassPosterior(np.full((len(rows), len(CELL_CLASSES)), 1 / len(CELL_CLASSES)), np.zeros(len(rows)))
        best, runner_up, sure = decide(found, evidence, reference, config.single_cell.confidence)
        cell_class[rows] = np.array(CELL_CLASSES, dtype=object)[best]
        second[rows] = np.array([CELL_CLASSES[k] if k >= 0 else None for k in runner_up], dtype=object)
        confidence[rows] = np.round(np.clip(sure, 0.0, 1.0), _DIGITS)
    cell_class[status == "erythroid"] = "erythroid"
    final = _final_status(qc, status, cell_class, config)
    calls = pd.DataFrame(
        {
            "barcode": counts.obs_names.to_numpy().astype(object), "qc_status": final, "cell_class": cell_class, "confidence": confidence, "second_class": second,
            "doublet_score": qc.metrics["doublet_score"].to_numpy(dtype=float), "n_umi": qc.metrics["n_umi"].to_numpy(), "n_genes": qc.metrics["n_genes"].to_numpy(),
            "pct_mt": qc.metrics["pct_mt"].to_numpy(dtype=float), "reference_version": np.full(n, reference.version, dtype=object),
        }
    )  # fmt: skip
    return Annotation(calls, None, reference.version)


def _renormal(profile: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return profile / max(float(profile.sum()), 1e-12)


@dataclass(frozen=True)
class _Restricted:
    """A reference over those of its genes that a delivery measures."""

    reference: Reference
    kept: npt.NDArray[np.intp]

    @classmethod
    def of(cls, reference: Reference, there: npt.NDArray[np.object_]) -> _Restricted:
        from dataclasses import replace

        kept = np.flatnonzero(there != "")
        if len(kept) == len(reference.genes):
            return cls(reference, kept)
        shares = reference.shares[:, kept].astype(float)
        shares = (shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)).astype(np.float32)
        return cls(
            replace(reference, genes=reference.genes[kept], symbols=reference.symbols[kept], weight=reference.weight[kept], shares=shares), kept
        )


def decide(
    found: ClassPosterior, evidence: MarkerEvidence, reference: Reference, threshold: float
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Class, runner-up and confidence of each cell from posterior, markers and surprise.

    Rules, in order: the class of highest posterior; a class that the reference lacks but whose conjunctive rule the cell satisfies replaces it when the cell
    fits its best profile badly; a cell whose markers speak for none of its class, or that fits no profile, is ``unassigned``, except an epithelial cell of no
    known type, which is ``tumour``; below ``threshold`` a cell is ``unassigned``.

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
    far = np.round(found.surprise, 3) > OUTLIER
    unsupported = ~evidence.supported[rows, best] & (best != _NONE)
    known = np.isin(np.arange(len(CELL_CLASSES)), reference.owner)
    rescued = (evidence.seed >= 0) & ~known[np.maximum(evidence.seed, 0)] & (far | unsupported | (sure < threshold) | (best == _NONE) | ~known.any())
    odd = (far | unsupported) & ~rescued
    epithelial = odd & evidence.epithelial
    out = np.where(rescued, evidence.seed, best)
    out = np.where(epithelial, CELL_CLASSES.index("tumour"), out)
    sure = np.where(rescued, 0.9, np.where(epithelial, np.maximum(sure, 0.85), sure))
    undecided = (odd & ~epithelial) | (sure < threshold)
    runner_up = np.where(undecided & (out != _NONE), out, np.where(out != best, best, runner_up))
    return np.where(undecided, _NONE, out), runner_up, sure


def _final_status(qc: QcResult, status: npt.NDArray[np.object_], cell_class: npt.NDArray[np.object_], config: StudyConfig) -> npt.NDArray[np.object_]:
    metrics = qc.metrics.assign(qc_status=status)
    out = adaptive_status(metrics, pd.Series(cell_class, index=metrics.index), config).to_numpy(dtype=object).copy()
    for name in ("erythroid", "platelet"):
        out[(out == "pass") & (cell_class == name)] = name
    return out


def label_changes(old: dict[str, pd.DataFrame], new: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Published table ``reference_changes``: cells whose class or status differs between two sets of calls (sample id to ``Annotation.calls``)."""
    columns = ["barcode", "cell_class", "qc_status", "confidence", "reference_version"]
    rows = []
    for sample_id in sorted(set(old) | set(new)):
        blank = pd.DataFrame(columns=columns, dtype=object)
        both = old.get(sample_id, blank)[columns].merge(new.get(sample_id, blank)[columns], on="barcode", how="outer", suffixes=("_old", "_new"))
        differs = (both["cell_class_old"].fillna("") != both["cell_class_new"].fillna("")) | (
            both["qc_status_old"].fillna("") != both["qc_status_new"].fillna("")
        )
        rows.append(both[differs].assign(sample_id=sample_id))
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["sample_id", "barcode"])
    names = {"cell_class": "class", "qc_status": "qc_status", "confidence": "confidence", "reference_version": "version"}
    renamed = {f"{k}_{side}": f"{side}_{v}" for k, v in names.items() for side in ("old", "new")}
    out = table.rename(columns=renamed).reindex(columns=list(LabelChanges.to_schema().columns)).sort_values(["sample_id", "barcode"], kind="stable")
    return conform(LabelChanges, out)
