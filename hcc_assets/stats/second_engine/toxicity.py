"""Percentages and exposure-adjusted incidence of adverse events once more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

import pandas as pd

from hcc_assets.stats.second_engine.comparison import Again, compare

NAN = float("nan")
DAYS_IN_YEAR = 365.25  # clinical rules, section 5
_HUNDRED = 100.0  # rates are per 100 patient-years
ALL, UNCODED = "ALL", "NOT CODED"
KEYS = ["table", "soc", "term", "level"]


def incidence_again(
    published: pd.DataFrame,
    subjects: pd.DataFrame,
    course: pd.DataFrame,
    adverse_events: pd.DataFrame,
    disposition: pd.DataFrame | None,
    *,
    window_days: int,
    cutoff: dt.date,
    left_out: Collection[int],
) -> Again:
    """Make n and percentages of every table again, and of EAIR patients, events, patient-years,
    rates and exact limits.

    Parameters
    ----------
    published
        ``schemas.safety.AeSummary``.
    subjects, course, adverse_events, disposition
        Tables of subjects, as the first engine reads them.
    window_days, cutoff, left_out
        ``[safety] teae_window_days``, data cut-off, and ``SRCROW`` of rows that do not count.

    Notes
    -----
    Limits are those of statsmodels (``confint_poisson``, ``exact-c``, Garwood). A term with an
    event whose start has no whole date keeps its counts and patient-years from the table, and so
    does ALL then: which day such an event counts from is a convention, not arithmetic.
    """
    n = len(course)
    percent = published[KEYS].assign(
        n=n, pct=[p / n * 100 if n else NAN for p in published["patients"].tolist()]
    )
    found = compare(published, percent, KEYS)
    rates = published[published["table"] == "EAIR"]
    rows = [
        {**{k: r[k] for k in KEYS}, **_rate(int(r["patients"]), float(r["patient_years"]))}
        for r in rates.to_dict("records")
    ]
    if rows:
        found += compare(published, pd.DataFrame(rows), KEYS)
    risk = _at_risk(subjects, course, disposition, window_days, cutoff)
    events = adverse_events[
        ~adverse_events["SRCROW"].isin(list(left_out))
        & adverse_events["USUBJID"].isin(course["USUBJID"])
    ]
    events = events.merge(risk, on="USUBJID")
    events = events.assign(folded=_folded(events["AEDECOD"]))
    whole = events["AESTDT"].notna() & events["AESTDTF"].isna()
    unclear = set(events.loc[~whole, "folded"])
    here = whole & (events["AESTDT"] >= events["start"]) & (events["AESTDT"] <= events["last"])
    made = _incidence(events[here], risk)
    terms = rates.assign(folded=_folded(rates["term"])).set_index("folded")["term"]
    for folded, term in terms.items():
        if term != ALL and folded not in made:
            made[str(folded)] = (0, 0, float(risk["days"].sum()) / DAYS_IN_YEAR)
    given = [
        {
            "table": "EAIR",
            "term": terms.get(folded, folded),
            "patients": patients,
            "events": count,
            "patient_years": years,
        }
        for folded, (patients, count, years) in made.items()
        if folded not in unclear and not (folded == ALL and unclear)
    ]
    if given:
        found += compare(rates, pd.DataFrame(given), ["table", "term"])
    told = (
        f"counts and patient-years of {len(unclear)} terms and of ALL: starts without a whole date"
    )
    return found + Again(0, (), _NOT_MADE + ((told,) if unclear else ()))


_NOT_MADE = (
    "patients and events of the tables other than EAIR (their second programming is a test)",
)


def _folded(terms: pd.Series) -> pd.Series:
    known = {t: ALL if t == ALL else " ".join(str(t).split()).casefold() for t in terms.unique()}
    known |= {t: UNCODED.casefold() for t in known if pd.isna(t)}
    return terms.map(known).fillna(UNCODED.casefold())


def _rate(patients: int, years: float) -> dict[str, float]:
    from statsmodels.stats.rates import confint_poisson

    if not years > 0:
        return {"rate_100py": NAN, "lcl": NAN, "ucl": NAN}
    low, high = confint_poisson(patients, years, method="exact-c", alpha=0.05)
    return {
        "rate_100py": _HUNDRED * patients / years,
        "lcl": _HUNDRED * float(low) if patients else 0.0,
        "ucl": _HUNDRED * float(high),
    }


def _at_risk(
    subjects: pd.DataFrame,
    course: pd.DataFrame,
    disposition: pd.DataFrame | None,
    window_days: int,
    cutoff: dt.date,
) -> pd.DataFrame:
    """First day, last day of treatment-emergence, last day at risk and days at risk of each."""
    limit: Any = pd.Timestamp(cutoff)
    died = dict(zip(subjects["USUBJID"], subjects["DTHDT"], strict=True))
    if disposition is not None:
        told: dict[str, Any] = {}
        for r in disposition[disposition["DOMAIN"] == "DS"].to_dict("records"):
            if " ".join(str(r["DSDECOD"]).upper().split()) == "DEATH" and not pd.isna(r["DSSTDT"]):
                told[r["USUBJID"]] = min(r["DSSTDT"], told.get(r["USUBJID"], r["DSSTDT"]))
        died |= {s: d for s, d in told.items() if s in died and pd.isna(died[s])}
    rows = []
    for r in course.to_dict("records"):
        last = r["TRTEDT"] + pd.Timedelta(days=window_days)
        ends = [last, limit]
        death = died.get(r["USUBJID"])
        if death is not None and not pd.isna(death) and death <= limit:
            ends.append(death)
        end = max(min(ends), r["TRTSDT"])
        days = (end - r["TRTSDT"]).days + 1
        rows.append((r["USUBJID"], r["TRTSDT"], min(last, limit), end, days))
    found = pd.DataFrame(rows, columns=["USUBJID", "start", "last", "end", "days"])
    return found.astype(dict.fromkeys(("start", "last", "end"), "datetime64[ns]"))


def _incidence(events: pd.DataFrame, risk: pd.DataFrame) -> dict[str, tuple[int, int, float]]:
    """Patients, events and patient-years of each term and of ALL."""
    total = float(risk["days"].sum())
    every = pd.concat([events.assign(folded=ALL), events], ignore_index=True)
    first = every.groupby(["folded", "USUBJID"])[["AESTDT", "start", "end", "days"]].min()
    until = (first[["AESTDT", "end"]].min(axis=1) - first["start"]).dt.days + 1
    by_term = (first["days"] - until).groupby("folded")
    saved, patients = by_term.sum(), by_term.size()
    counts = every.groupby("folded").size()
    return {
        str(term): (
            int(patients.get(term, 0)),
            int(counts.get(term, 0)),
            (total - float(saved.get(term, 0.0))) / DAYS_IN_YEAR,
        )
        for term in [ALL, *(t for t in counts.index if t != ALL)]
    }
