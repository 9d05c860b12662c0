"""Subjects by the steps of the trial (CONSORT flow of a single arm), and how times to event end."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import pandas as pd

from hcc_assets.clinical.treatment.course import ends_of_treatment
from hcc_assets.clinical.treatment.deaths import known_deaths
from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.baseline import CensoringReasons, SubjectFlow
from hcc_assets.study.config import StudyConfig

NOT_STATED: Final = "NOT STATED"


def subject_flow(
    subjects: pd.DataFrame,
    disposition: pd.DataFrame,
    course: pd.DataFrame,
    responses: pd.DataFrame,
    rates: pd.DataFrame,
    config: StudyConfig,
    *,
    cutoff: dt.date,
) -> pd.DataFrame:
    """Numbers of a CONSORT diagram.

    Parameters
    ----------
    subjects, disposition
        Frames of ``schemas.clinical``.
    course
        ``schemas.exposure.TreatmentCourse``: who is treated, and whether treatment goes on.
    responses, rates
        ``schemas.endpoints.Responses`` and ``ResponseRates`` of the endpoint's criterion.
    config
        ``[dialect] end_of_treatment``, ``[recist] headline``.
    cutoff
        Deaths after it are not counted.

    Returns
    -------
    pandas.DataFrame
        ``schemas.baseline.SubjectFlow``, in the order of the diagram. Whoever was not treated, and
        whoever ended treatment, has a reason as DS states it.
    """
    rows: list[dict[str, Any]] = []

    def add(step: str, n: int, of: str | None = None, reason: str | None = None) -> None:
        rows.append({"step": step, "reason": reason, "n": int(n), "of_step": of})

    people = set(subjects["USUBJID"])
    treated = set(course["USUBJID"])
    add("ENROLLED", len(people))
    add("CONSENTED", subjects["RFICDTC"].notna().sum(), "ENROLLED")
    waiting = people - treated
    add("NOT TREATED", len(waiting), "ENROLLED")
    ds = disposition[(disposition["DOMAIN"] == "DS") & disposition["USUBJID"].isin(waiting)]
    ds = ds[~ds["DSDECOD"].fillna("").str.startswith("INFORMED CONSENT")]
    for reason, n in _reasons(ds, waiting):
        add("NOT TREATED", n, "NOT TREATED", reason)
    add("TREATED", len(treated), "ENROLLED")
    for status in ("ONGOING", "UNKNOWN", "ENDED"):
        add(f"TREATMENT {status}", (course["STATUS"] == status).sum(), "TREATED")
    ended = set(course.loc[course["STATUS"] == "ENDED", "USUBJID"])
    ends = ends_of_treatment(disposition, config)
    for reason, n in _reasons(ends[ends["USUBJID"].isin(ended)], ended):
        add("TREATMENT ENDED", n, "TREATMENT ENDED", reason)
    seen = set(responses["USUBJID"]) & treated
    add("WITH A SCAN AFTER BASELINE", len(seen), "TREATED")
    here = rates[(rates["measure"] == "ORR") & (rates["source"] == config.recist.headline)]
    evaluable = here.loc[here["population"] == "EVALUABLE", "n"]
    add("EVALUABLE FOR RESPONSE", evaluable.iloc[0] if len(evaluable) else 0, "TREATED")
    deaths = known_deaths(subjects, disposition, cutoff=cutoff)
    died = set(deaths.loc[deaths["died"].eq(True), "USUBJID"]) & treated
    add("DIED", len(died), "TREATED")
    return conform(SubjectFlow, pd.DataFrame(rows))


def _reasons(records: pd.DataFrame, people: set[str]) -> list[tuple[str, int]]:
    """Reasons with their subjects, most first; the first dated one of each subject."""
    ordered = records.sort_values(["USUBJID", "DSSTDT", "DSDECOD"], na_position="last")
    first = ordered.dropna(subset=["DSDECOD"]).drop_duplicates("USUBJID")
    found = first["DSDECOD"].value_counts()
    pairs = sorted(((str(k), int(v)) for k, v in found.items()), key=lambda p: (-p[1], p[0]))
    without = len(people) - len(first)
    return [*pairs, (NOT_STATED, without)] if without else pairs


def censoring_reasons(time_to_event: pd.DataFrame) -> pd.DataFrame:
    """How many subjects end by which event or are censored for which reason.

    Parameters
    ----------
    time_to_event
        ``schemas.endpoints.TimeToEvent``.

    Returns
    -------
    pandas.DataFrame
        ``schemas.baseline.CensoringReasons``, sorted; the rows of a parameter add up to its
        subjects.
    """
    if time_to_event.empty:
        return empty(CensoringReasons)
    named = time_to_event.rename(columns={"EVNTDESC": "reason", "CNSDTDSC": "censored_at"})
    keys = ["CRITERION", "PARAMCD", "CNSR", "reason", "censored_at"]
    table = named.groupby(keys, dropna=False).size().rename("n").reset_index()
    total = table.groupby(["CRITERION", "PARAMCD"])["n"].transform("sum")
    table = table.assign(n_subjects=total, pct=100 * table["n"] / total)
    return conform(CensoringReasons, table.sort_values(keys).reset_index(drop=True))
