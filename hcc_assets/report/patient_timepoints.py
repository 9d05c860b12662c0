"""The joint table: what a biopsy showed beside how its patient fared. No test belongs here."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hcc_assets.schemas.base import columns, conform, empty
from hcc_assets.schemas.patient_timepoints import PatientTimepoints
from hcc_assets.study.classes import PRIMARY_CLASSES

_KEY = ["subject_id", "timepoint"]


def _joined(values: pd.Series) -> str | None:
    found = sorted({str(v) for v in values.dropna()})
    return " ".join(found) or None


def patient_timepoints(
    samples: pd.DataFrame,
    compositions: pd.DataFrame,
    *,
    denominator: str,
    pfs: str,
    program_scores: pd.DataFrame | None = None,
    timing: pd.DataFrame | None = None,
    best_responses: pd.DataFrame | None = None,
    time_to_event: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per subject and timepoint with a sample.

    Parameters
    ----------
    samples, compositions
        Published tables. Samples of one subject and timepoint are pooled by their expected cells.
    denominator
        ``[single_cell] primary_denominator``.
    pfs
        Parameter of ``time_to_event`` that is progression-free survival (``[pfs] primary``).
    program_scores, timing, best_responses, time_to_event
        Published tables (``timing``: ``sample_identity``), of one criterion; what has not come yet
        is null.

    Returns
    -------
    pandas.DataFrame
        ``schemas.patient_timepoints.PatientTimepoints``, sorted.
    """
    if samples.empty:
        return empty(PatientTimepoints)
    sheet = samples.sort_values("sample_id").groupby(_KEY)
    out = pd.DataFrame(
        {
            "samples": sheet["sample_id"].agg(_joined),
            "tissue": sheet["tissue"].agg(_joined),
            "lesion_id": sheet["lesion_id"].agg(_joined),
            "collection_date": sheet["collection_date"].min(),
        }
    )
    out = out.join(_shares(compositions[compositions["denominator"] == denominator]))
    if program_scores is not None and len(program_scores):
        out = out.join(_scores(program_scores))
    if timing is not None:
        days = ["days_from_first_dose", "days_from_last_dose"]
        out = out.join(timing.groupby(_KEY)[days].min())
    if best_responses is not None:
        best = best_responses.set_index("USUBJID")[["BOR", "CBOR", "BEST_PCHG"]]
        out = out.join(best, on="subject_id")
    if time_to_event is not None:
        times = time_to_event[time_to_event["PARAMCD"] == pfs].set_index("USUBJID")
        times = times[["AVAL", "CNSR"]].astype(float).add_prefix("PFS_")
        out = out.join(times, on="subject_id")
    out = out.reset_index().sort_values(_KEY)
    names = list(columns(PatientTimepoints))
    return conform(PatientTimepoints, out.reindex(columns=names))


def _shares(compositions: pd.DataFrame) -> pd.DataFrame:
    """``prop_<class>`` and ``n_cells``: expected cells of the pooled samples over their sum."""
    cells = compositions.pivot_table(
        index=_KEY, columns="cell_class", values="n_expected", aggfunc="sum"
    )
    total = cells.sum(axis=1)
    shares = cells.reindex(columns=list(PRIMARY_CLASSES)).div(total.where(total > 0), axis=0)
    shares = shares.clip(upper=1.0)
    counted = compositions.drop_duplicates("sample_id").groupby(_KEY)["n_total"].sum()
    return shares.add_prefix("prop_").assign(n_cells=counted.astype(float))


def _scores(program_scores: pd.DataFrame) -> pd.DataFrame:
    """``program_<name>``: mean over samples and classes, weighted by their cells."""
    known = program_scores.dropna(subset=["score"])
    weighted = known.assign(product=known["score"] * known["n_cells"])
    sums = weighted.groupby([*_KEY, "program"])[["product", "n_cells"]].sum()
    mean = sums["product"] / sums["n_cells"].replace(0, np.nan)
    return mean.unstack("program").add_prefix("program_")
