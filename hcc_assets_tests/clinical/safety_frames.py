"""Small clinical frames for the safety, exposure and ADaM tests. No assertions belong here."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd

from hcc_assets.clinical.safety import events, summaries
from hcc_assets.clinical.safety import exposure as dosing
from hcc_assets.clinical.treatment.course import treatment_course
from hcc_assets.schemas.base import Table, columns, conform, empty
from hcc_assets.schemas.clinical import AdverseEvents, Disposition, Exposure, Subjects
from hcc_assets.study.config import StudyConfig


def _fill(model: type[Table], rows: list[dict[str, Any]]) -> pd.DataFrame:
    spec = columns(model)
    frame = pd.DataFrame({c: [r.get(c) for r in rows] for c in spec}, columns=list(spec))
    for column, meta in spec.items():
        if meta["dtype"] == "date" and column + "C" in spec:
            full = (
                frame[column + "C"]
                .astype(object)
                .where(frame[column + "C"].astype(str).str.fullmatch(r"\d{4}-\d{2}-\d{2}"), None)
            )
            frame[column] = pd.to_datetime(
                frame[column].astype(object).where(frame[column].notna(), full)
            )
    frame["SRCROW"] = [r.get("SRCROW", i + 1) for i, r in enumerate(rows)]
    if "ONGOING" in spec:
        frame["ONGOING"] = frame["ONGOING"].map(bool)
    return conform(model, frame)


def exposure(*rows: tuple[Any, ...]) -> pd.DataFrame:
    """Rows ``(USUBJID, EXDOSE, start, end)``."""
    return _fill(
        Exposure,
        [
            {
                "USUBJID": r[0],
                "EXDOSE": r[1],
                "EXSTDTC": r[2],
                "EXENDTC": r[3],
                "EXDOSU": "mg",
                "EXDOSFRQ": "QD",
                "EXTRT": "SURUFATINIB",
            }
            | (r[4] if len(r) > 4 else {})
            for r in rows
        ],
    )


def subjects(ex: pd.DataFrame, *extra: dict[str, Any]) -> pd.DataFrame:
    """DM rows for every subject of ``ex`` (treatment dates derived as the model says) and of
    ``extra``, whose values win."""
    given = {e["USUBJID"]: e for e in extra}
    rows = []
    for subject in sorted(set(ex["USUBJID"]) | set(given)):
        own = ex.loc[(ex["USUBJID"] == subject) & (ex["EXDOSE"] > 0)]
        row: dict[str, Any] = {"USUBJID": subject}
        if len(own):
            row |= {
                "TRTSDT": own["EXSTDT"].min(),
                "TRTEDT": own["EXENDT"].fillna(own["EXSTDT"]).max(),
                "ONGOING": bool(own.sort_values("EXSTDT")["EXENDT"].isna().iloc[-1]),
            }
        rows.append(row | given.get(subject, {}))
    return _fill(Subjects, rows)


def adverse_events(*rows: dict[str, Any]) -> pd.DataFrame:
    """AE rows; ``AEDECOD`` and ``AESTDTC`` and whatever else is said."""
    return _fill(
        AdverseEvents,
        [
            {
                "AEBODSYS": "Soc",
                "AEOUT": "UNKNOWN",
                "AEREL": "N",
                "AESER": "N",
                "AEACN": "DOSE NOT CHANGED",
            }
            | r
            for r in rows
        ],
    )


def line(
    summary: pd.DataFrame, table: str, *, soc: str = "ALL", term: str = "ALL", level: str = "ANY"
) -> pd.Series:
    """The one row of a summary."""
    found = summary.loc[
        (summary["table"] == table)
        & (summary["soc"] == soc)
        & (summary["term"] == term)
        & (summary["level"] == level)
    ]
    assert len(found) == 1, (table, soc, term, level, len(found))
    return found.iloc[0]


def course_of(
    dm: pd.DataFrame,
    ex: pd.DataFrame,
    config: StudyConfig,
    cutoff: dt.date,
    disposition: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The treatment course; DS counts as not delivered unless given."""
    ds = empty(Disposition) if disposition is None else disposition
    return treatment_course(dm, ex, ds, config, cutoff=cutoff)


def ae_summary(
    dm: pd.DataFrame,
    ex: pd.DataFrame,
    ae: pd.DataFrame,
    config: StudyConfig,
    *,
    cutoff: dt.date,
    **more: Any,
) -> pd.DataFrame:
    """Safety tables from delivered tables."""
    course = course_of(dm, ex, config, cutoff, more.get("disposition"))
    return summaries.ae_summary(dm, course, ae, config, cutoff=cutoff, **more)


def aesi_summary(
    dm: pd.DataFrame, ex: pd.DataFrame, ae: pd.DataFrame, config: StudyConfig, *, cutoff: dt.date
) -> pd.DataFrame:
    """Events of special interest from delivered tables."""
    return summaries.aesi_summary(course_of(dm, ex, config, cutoff), ae, config, cutoff=cutoff)


def ae_listings(
    dm: pd.DataFrame,
    ex: pd.DataFrame,
    ae: pd.DataFrame,
    config: StudyConfig,
    *,
    cutoff: dt.date,
    **more: Any,
) -> pd.DataFrame:
    """Listings from delivered tables."""
    course = course_of(dm, ex, config, cutoff)
    return summaries.ae_listings(course, ae, config, cutoff=cutoff, **more)


def treatment_emergent(
    dm: pd.DataFrame, ex: pd.DataFrame, ae: pd.DataFrame, config: StudyConfig, *, cutoff: dt.date
) -> pd.DataFrame:
    """Flags of the events from delivered tables."""
    return events.treatment_emergent(course_of(dm, ex, config, cutoff), ae, config, cutoff=cutoff)


def exposure_summary(
    dm: pd.DataFrame,
    ex: pd.DataFrame,
    config: StudyConfig,
    *,
    cutoff: dt.date,
    disposition: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Exposure from delivered tables."""
    course = course_of(dm, ex, config, cutoff, disposition)
    return dosing.exposure_summary(course, ex, config, cutoff=cutoff)
