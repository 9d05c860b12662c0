"""RECIST 1.1 response per subject, reader and visit, from raw lesion rows to ``responses``.

The parts, from the bottom: ``arithmetic`` (exact numbers), ``readings`` (one result text),
``visits`` and ``lesion_rows`` (which visit, which lesion), ``lesion_cells`` with ``targets``,
``non_targets`` and ``new_lesions`` (lesions at a visit), ``timepoints`` (response), ``reasons``
(words). Best response and time to event are in ``endpoints``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Set

import numpy as np
import pandas as pd

from hcc_assets.clinical.recist.lesion_rows import Coded, code_rows
from hcc_assets.clinical.recist.reasons import reasons
from hcc_assets.clinical.recist.timepoints import derive_timepoints
from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.endpoints import Responses
from hcc_assets.study.config import StudyConfig

BLOCKED_REASON = "NE: data blocked by an open E finding"
_NUMBERS = ["BASE", "SUMDIAM", "NADIR_PRIOR", "PCHG_BASE", "PCHG_NADIR", "CHG_NADIR"]


def derive_responses(
    subjects: pd.DataFrame,
    tumour_assessments: pd.DataFrame,
    config: StudyConfig,
    *,
    cutoff: dt.date | None = None,
    blocked: Set[str] = frozenset(),
    unusable: Set[int] = frozenset(),
    markers: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Response per subject, reader, criterion and post-baseline visit [RECIST 1.1, section 4;
    CLINICAL rules of the study].

    Parameters
    ----------
    subjects
        Frame of ``schemas.clinical.Subjects``; a subject with lesion rows that is not in it counts
        as blocked.
    tumour_assessments
        Frame of ``schemas.clinical.TumourAssessments``, every reader, dosed or not.
    config
        ``[recist]`` gives node_reappearance, sticky_pr and confirmation_days.
    cutoff
        Assessments after this date are ignored; default: ``study.data_cutoff``.
    blocked
        Subjects whose tumour data have an open E finding: their visits stay, as NE.
    unusable
        Row numbers (``SRCROW``) that an open E finding takes the value from: the lesion is not
        evaluable at that visit.
    markers
        ``USUBJID, ADT, raised`` of the tumour marker (``laboratory.liver.raised_afp``); used where
        ``recist.afp_for_cr`` asks that it be normal for a complete response.

    Returns
    -------
    DataFrame
        ``schemas.endpoints.Responses`` sorted by subject, reader, criterion and visit in time
        order; sums in mm.
    """
    cutoff = cutoff or config.study.data_cutoff
    if tumour_assessments.empty:
        return empty(Responses)
    wanted = tumour_assessments["CRITERION"].isin(config.recist.criteria)
    coded = code_rows(tumour_assessments[wanted], cutoff, unusable)
    if coded.visits.empty:
        return empty(Responses)
    raised = np.zeros(len(coded.visits), dtype=bool)
    if config.recist.afp_for_cr and markers is not None:
        raised = _marker_raised(coded, markers, config.recist.visit_window_days)
    point = derive_timepoints(coded, config.recist, raised)
    scale = point.scale
    frame = point.visits.copy()
    who = coded.series.loc[frame["series"]].reset_index(drop=True)
    frame[who.columns] = who
    change_base, change_nadir = point.complete & point.has_base, point.complete & point.has_nadir
    frame["BASE"] = scale.floats(point.base, point.has_base)
    frame["SUMDIAM"] = scale.floats(point.total, point.complete)
    frame["NADIR_PRIOR"] = scale.floats(point.nadir, point.has_nadir)
    frame["CHG_NADIR"] = scale.floats(point.total - point.nadir, change_nadir)
    frame["PCHG_BASE"] = _percent(point.total - point.base, point.base, change_base)
    frame["PCHG_NADIR"] = _percent(point.total - point.nadir, point.nadir, change_nadir)
    frame["REASON"] = reasons(point)
    if raised.any():
        words = ["NTRGRESP", "OVRLRESP"]
        alone = derive_timepoints(coded, config.recist).visits[words]
        moved = (alone != point.visits[words]).any(axis=1).to_numpy()
        frame.loc[moved, "REASON"] += "; AFP is above its limit of normal: no complete response"
    shut = frame["USUBJID"].isin(blocked) | ~frame["USUBJID"].isin(subjects["USUBJID"])
    if shut.any():
        frame.loc[shut, _NUMBERS] = np.nan
        frame.loc[shut, ["TRGRESP", "NTRGRESP", "OVRLRESP"]] = "NE"
        frame.loc[shut, "NEWLPROG"] = "N"
        frame.loc[shut, "ADT"] = frame.loc[shut, "last"]
        frame.loc[shut, "REASON"] = BLOCKED_REASON
    return conform(Responses, frame[list(Responses.to_schema().columns)])


def _marker_raised(coded: Coded, markers: pd.DataFrame, window: int) -> np.ndarray:
    """Visits at which the last marker up to the visit (its window included) is raised."""
    visits = coded.visits[["series", "last"]].reset_index(drop=True)
    visits["USUBJID"] = coded.series["USUBJID"].loc[visits["series"]].to_numpy()
    visits["until"] = visits["last"] + pd.Timedelta(days=window)
    known = markers.sort_values("ADT", kind="stable")
    asked = visits[visits["until"].notna()].reset_index().sort_values("until", kind="stable")
    found = pd.merge_asof(asked, known, left_on="until", right_on="ADT", by="USUBJID")
    out = np.zeros(len(visits), dtype=bool)
    out[found["index"]] = found["raised"].eq(True)
    return out


def _percent(change: np.ndarray, reference: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Percent change as the correctly rounded float of the exact quotient; NaN where not valid or
    the reference is 0."""
    out = np.full(len(change), np.nan)
    rows = np.flatnonzero(valid & (reference != 0).astype(bool))
    out[rows] = [int(change[i]) * 100 / int(reference[i]) for i in rows]
    return out
