"""Adverse events row by row: analysis dates, treatment-emergent flag, grade, relatedness,
seriousness. Counting is in ``counting``.

Rules (CLINICAL rules, section 7):

- treatment-emergent: start on or after first dose and no later than last dose plus
  ``safety.teae_window_days``; a worsening after first dose of an event that was there before is a
  row of its own with its own start and so falls under the same rule. A missing start counts, unless
  the end lies before first dose. First dose and last day of treatment are those of ``course``.
- an end before its start is an unknown end.
- a partial start is the first day of its month or year, but not before first dose where that falls
  into the same month or year (and the event did not end before first dose); a partial end is the
  last day of its month or year.
- AESER decides whether an event is serious; where it is neither Y nor N, a seriousness criterion
  that is Y does. An event with a criterion and AESER = N is counted as reported and shown in the
  listing of serious events.
- an AEREL that is missing or not in ``[safety.relatedness]`` counts as related: what nobody judged
  is not ruled out.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

import numpy as np
import pandas as pd

from hcc_assets.clinical.reading.dates import parse_dates
from hcc_assets.clinical.treatment.deaths import NULL, words
from hcc_assets.schemas.base import columns, conform
from hcc_assets.schemas.safety import TreatmentEmergent
from hcc_assets.study.config import StudyConfig

NOT_CODED: Final = "NOT CODED"

SERIOUS_CRITERIA: Final = {
    "AESDTH": "death",
    "AESLIFE": "life threatening",
    "AESHOSP": "hospitalization",
    "AESDISAB": "disability",
    "AESCONG": "congenital anomaly",
    "AESMIE": "other medically important",
}

OUTCOMES: Final = (
    "FATAL",
    "NOT RECOVERED/NOT RESOLVED",
    "RECOVERING/RESOLVING",
    "RECOVERED/RESOLVED WITH SEQUELAE",
    "RECOVERED/RESOLVED",
    "UNKNOWN",
    "MISSING",
)
"""Worst first [CLINICAL.md 7, worst outcome, policy P]; UNKNOWN and MISSING count for a patient
only where nothing else is known."""


def one_spelling(column: pd.Series) -> pd.Series:
    """Terms that differ in capitals or spaces alone become one: the most frequent spelling, of
    equals the first by name. Null is `NOT_CODED`."""
    raw = column.value_counts()
    counts = (
        raw.groupby([" ".join(str(v).split()) for v in raw.index])
        .sum()
        .rename_axis("text")
        .reset_index(name="n")
        .astype({"text": object})
    )
    counts["key"] = counts["text"].str.casefold()
    chosen = (
        counts.sort_values(["key", "n", "text"], ascending=[True, False, True])
        .drop_duplicates("key")
        .set_index("key")["text"]
    )
    known = {
        value: chosen.get(" ".join(str(value).split()).casefold()) or NOT_CODED
        for value in column.dropna().unique()
    }
    return column.map(known).fillna(NOT_CODED).astype(object)


def grade_number(column: pd.Series) -> pd.Series:
    """CTCAE grade as a number 1 to 5; anything else is null."""
    found = {
        v: re.fullmatch(r"(?:GRADE\s*)?([1-5])(?:\.0+)?", str(v).strip().upper())
        for v in column.dropna().unique()
    }
    return column.map({v: float(m[1]) for v, m in found.items() if m}).astype("float64")


def study_day(date: pd.Series, start: pd.Series) -> pd.Series:
    """Study day of a date: the day of first dose is 1, the day before it -1, there is no day 0."""
    days = (pd.to_datetime(date) - pd.to_datetime(start)).dt.days.astype("float64")
    return days + (days >= 0)


def any_criterion(events: pd.DataFrame) -> pd.Series:
    """True for rows with at least one seriousness criterion that is Y."""
    found = pd.Series(False, index=events.index)
    for column in SERIOUS_CRITERIA:
        found |= words(events[column]).eq("Y")
    return found


def _related(column: pd.Series, config: StudyConfig) -> tuple[pd.Series, pd.Series]:
    mapped = {" ".join(k.upper().split()): v for k, v in config.safety.relatedness.items()}
    word = words(column)
    known = word.isin(mapped)
    flag = np.where(known, word.map(mapped).fillna(True).astype(bool), True)
    source = np.where(word.isna(), "MISSING", np.where(known, "MAPPED", "UNMAPPED"))
    return pd.Series(np.where(flag, "Y", "N"), index=column.index), pd.Series(
        source, index=column.index
    )


def _first_worst(events: pd.DataFrame, keys: list[str]) -> pd.Series:
    """Flag the first row at maximum grade per key among treatment-emergent rows; a missing grade is
    below grade 1."""
    rows = events.loc[events["TRTEMFL"] == "Y", [*keys, "ATOXGRN", "ASTDT", "AESEQ", "SRCROW"]]
    rows = rows.assign(ATOXGRN=-rows["ATOXGRN"].fillna(0)).sort_values(
        [*keys, "ATOXGRN", "ASTDT", "AESEQ", "SRCROW"]
    )
    first = rows.index[~rows.duplicated(keys)]
    return pd.Series(
        np.where(events.index.isin(first), "Y", NULL), index=events.index, dtype=object
    )


def derive_events(
    course: pd.DataFrame,
    adverse_events: pd.DataFrame,
    config: StudyConfig,
    *,
    cutoff: dt.date,
) -> pd.DataFrame:
    """`treatment_emergent` before validation and without the occurrence flags, in the order of the
    input."""
    limit = pd.Timestamp(cutoff)
    ae = adverse_events.merge(course[["USUBJID", "TRTSDT", "TRTEDT"]], on="USUBJID", how="left")
    end, start = parse_dates(ae["AEENDTC"]), parse_dates(ae["AESTDTC"])
    ended_before = end["high"] < start["low"]  # one of the dates is wrong: the end is unknown
    ae["AENDT"] = end["high"].where(end["flag"].notna(), ae["AEENDT"]).mask(ended_before)
    ae["AENDTF"] = end["flag"].mask(ended_before, NULL)
    reaches = (
        (ae["TRTSDT"] >= start["low"])
        & (ae["TRTSDT"] <= start["high"])
        & ~(ae["AENDT"] < ae["TRTSDT"])
    )
    ae["ASTDT"] = (
        start["low"].mask(reaches, ae["TRTSDT"]).where(start["flag"].notna(), ae["AESTDT"])
    )
    ae["ASTDTF"] = start["flag"]
    ae = ae.loc[~(ae["ASTDT"] > limit)].copy()
    after = ae["AENDT"] > limit
    ae["AENDT"], ae["AENDTF"] = ae["AENDT"].mask(after), ae["AENDTF"].mask(after, NULL)
    ae["ASTDY"], ae["AENDY"] = (
        study_day(ae["ASTDT"], ae["TRTSDT"]),
        study_day(ae["AENDT"], ae["TRTSDT"]),
    )

    treated = ae["TRTSDT"].notna()
    until = ae["TRTEDT"] + pd.Timedelta(days=config.safety.teae_window_days)
    unknown = ae["ASTDT"].isna()
    reasons = [
        (~treated, "N", "not in the safety set"),
        (unknown & (ae["AENDT"] < ae["TRTSDT"]), "N", "start missing, ended before first dose"),
        (unknown, "Y", "start missing"),
        (ae["ASTDT"] < ae["TRTSDT"], "N", "started before first dose"),
        (ae["ASTDT"] > until, "N", "started after the window that follows last dose"),
    ]
    ae["SAFFL"] = np.where(treated, "Y", "N")
    ae["TRTEMFL"] = np.select([r[0] for r in reasons], [r[1] for r in reasons], "Y")
    ae["TRTEMDSC"] = np.select(
        [r[0] for r in reasons],
        [r[2] for r in reasons],
        "started on treatment or in the window after last dose",
    )

    ae["SOC"], ae["PT"] = one_spelling(ae["AEBODSYS"]), one_spelling(ae["AEDECOD"])
    ae["ATOXGRN"] = grade_number(ae["AETOXGR"])
    ae["AREL"], ae["ARELDSC"] = _related(ae["AEREL"], config)
    reported = words(ae["AESER"])
    ae["ASER"] = np.where(
        reported.eq("Y") | (~reported.isin(["Y", "N"]) & any_criterion(ae)), "Y", "N"
    )
    ae["AACN"] = words(ae["AEACN"])
    outcome = words(ae["AEOUT"])
    ae["AOUT"] = outcome.where(outcome.isin(OUTCOMES), "UNKNOWN").where(outcome.notna(), "MISSING")
    ae["AFATAL"] = np.where((ae["ATOXGRN"] == 5) | (ae["AOUT"] == "FATAL"), "Y", "N")
    return ae


def flag_first_worst(events: pd.DataFrame) -> pd.DataFrame:
    """Events with AOCCIFL, AOCCSIFL and AOCCPIFL: the first treatment-emergent row at maximum grade
    of the subject, of its SOC, of its preferred term."""
    keys = {
        "AOCCIFL": ["USUBJID"],
        "AOCCSIFL": ["USUBJID", "SOC"],
        "AOCCPIFL": ["USUBJID", "SOC", "PT"],
    }
    return events.assign(**{column: _first_worst(events, key) for column, key in keys.items()})


def treatment_emergent(
    course: pd.DataFrame,
    adverse_events: pd.DataFrame,
    config: StudyConfig,
    *,
    cutoff: dt.date,
) -> pd.DataFrame:
    """Adverse events with analysis dates, treatment-emergent flag and collapsed codes.

    Parameters
    ----------
    course, adverse_events
        Frames of ``schemas.exposure.TreatmentCourse`` and ``schemas.clinical.AdverseEvents``.
    config
        ``safety.teae_window_days`` and ``safety.relatedness``.
    cutoff
        Events that start after it are left out; ends after it are null.

    Returns
    -------
    pandas.DataFrame
        ``schemas.safety.TreatmentEmergent``, all rows up to the cutoff, of treated subjects or not,
        sorted by subject, start and source row.
    """
    events = flag_first_worst(derive_events(course, adverse_events, config, cutoff=cutoff))
    events = events.sort_values(["USUBJID", "ASTDT", "AESEQ", "SRCROW"])
    return conform(TreatmentEmergent, events[list(columns(TreatmentEmergent))])
