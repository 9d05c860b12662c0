"""Time to onset and duration of adverse events, by preferred term and by event of special
interest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import pandas as pd

from hcc_assets.clinical.safety.counting import aesi_masks
from hcc_assets.clinical.safety.events import derive_events
from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.safety import AeOnset
from hcc_assets.study.config import StudyConfig


def ae_onset(
    course: pd.DataFrame,
    adverse_events: pd.DataFrame,
    config: StudyConfig,
    *,
    cutoff: dt.date,
    left_out_rows: Collection[int] = frozenset(),
) -> pd.DataFrame:
    """When events begin and how long they last.

    Parameters
    ----------
    course, adverse_events
        Frames of ``schemas.exposure.TreatmentCourse`` and ``schemas.clinical.AdverseEvents``.
    config
        ``safety`` section: window and AESI terms.
    cutoff
        Records after it are ignored.
    left_out_rows
        ``SRCROW`` of rows that are not counted.

    Returns
    -------
    pandas.DataFrame
        ``schemas.safety.AeOnset``: the rows ALL, then each AESI, then each preferred term by
        falling number of patients. Onset is the study day of the first event of each patient, of
        those whose date is known to the day; duration that of every event with both dates known to
        the day, both days counted.
    """
    events = derive_events(course, adverse_events, config, cutoff=cutoff)
    events = events.loc[
        (events["TRTEMFL"] == "Y") & ~events["SRCROW"].isin(list(left_out_rows))
    ].reset_index(drop=True)
    if events.empty:
        return empty(AeOnset)
    whole = events["ASTDTF"].isna() & events["ASTDT"].notna()
    events["day"] = events["ASTDY"].where(whole)
    closed = whole & events["AENDTF"].isna()
    events["duration"] = ((events["AENDT"] - events["ASTDT"]).dt.days + 1.0).where(closed)
    parts = [_of(events.assign(term="ALL"), "ALL")]
    for name, mask in aesi_masks(events, config.safety.aesi).items():
        parts.append(_of(events.loc[mask].assign(term=name), "AESI"))
    terms = _of(events.assign(term=events["PT"]), "TERM")
    parts.append(terms.sort_values(["patients", "events", "term"], ascending=[False, False, True]))
    return conform(AeOnset, pd.concat(parts, ignore_index=True))


def _of(events: pd.DataFrame, part: str) -> pd.DataFrame:
    """One row per ``term``."""
    first = events.groupby(["term", "USUBJID"])["day"].min().reset_index()
    onset, lasting = (f.groupby("term") for f in (first, events))
    out = pd.DataFrame(
        {
            "patients": onset.size(),
            "events": lasting.size(),
            "onset_n": onset["day"].count(),
            "onset_median": onset["day"].median(),
            "onset_q1": onset["day"].quantile(0.25),
            "onset_q3": onset["day"].quantile(0.75),
            "onset_minimum": onset["day"].min(),
            "onset_maximum": onset["day"].max(),
            "duration_n": lasting["duration"].count(),
            "duration_median": lasting["duration"].median(),
            "duration_minimum": lasting["duration"].min(),
            "duration_maximum": lasting["duration"].max(),
        }
    )
    return out.rename_axis("term").reset_index().assign(part=part)
