"""Counting adverse events: every count is a pair (patients, events) over treatment-emergent rows.

Row-level flags are in ``events``.

All tables are built from one stacked frame in which each event stands three times (overall, under
its SOC, under its preferred term), so that one grouped pass counts every unit. A patient is counted
once per line: at the maximum grade of the unit (MAX_GRADE), at the worst outcome (OUTCOME).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from hcc_assets.clinical.safety.events import OUTCOMES
from hcc_assets.stats.proportions import poisson_rate

ALL: Final = "ALL"
ANY: Final = "ANY"
GROUPS: Final[dict[str, tuple[int, ...]]] = {
    **{str(g): (g,) for g in range(1, 6)},
    "MISSING": (0,),
    "1-2": (1, 2),
    "3-4": (3, 4),
    ">=3": (3, 4, 5),
    ANY: (0, 1, 2, 3, 4, 5),
}
"""Lines of a grade [CLINICAL.md 7, grade groups] and the CTCAE grades they hold; 0 is missing."""

RELATED_GRADES: Final = {k: v for k, v in GROUPS.items() if len(v) == 1 or k == ANY}
"""Lines of RELATED_SOC_PT_GRADE: each grade, MISSING and ANY."""

_N_GRADES: Final = 6
"""CTCAE v5.0 has grades 1 to 5; 0 is a missing one."""

SEVERE: Final = 3
"""CTCAE grade from which an event is severe or worse [CLINICAL.md 7, overview]."""

DAYS_PER_YEAR: Final = 365.25
"""Twelve months of 30.4375 days [CLINICAL.md 5]."""


def frame(rows: Mapping[str, object], table: str) -> pd.DataFrame:
    """Rows of one table with the columns ``table, soc, term, level, patients, events``."""
    return pd.DataFrame(
        {"table": table, **rows}, columns=["table", "soc", "term", "level", "patients", "events"]
    )


def overview_lines(events: pd.DataFrame) -> dict[str, pd.Series]:
    """The lines of the overview as row masks over treatment-emergent events, in reading order."""
    severe, related = events["ATOXGRN"] >= SEVERE, events["AREL"] == "Y"
    return {
        "ANY TEAE": pd.Series(True, index=events.index),
        "GRADE>=3": severe,
        "RELATED": related,
        "RELATED GRADE>=3": related & severe,
        "SERIOUS": events["ASER"] == "Y",
        "FATAL": events["AFATAL"] == "Y",
        "DRUG WITHDRAWN": events["AACN"] == "DRUG WITHDRAWN",
        "DOSE REDUCED": events["AACN"] == "DOSE REDUCED",
        "DRUG INTERRUPTED": events["AACN"] == "DRUG INTERRUPTED",
        "RELATED SERIOUS": related & (events["ASER"] == "Y"),
        "RELATED FATAL": related & (events["AFATAL"] == "Y"),
    }


def overview(events: pd.DataFrame, deaths: int) -> pd.DataFrame:
    """OVERVIEW: one row per line, at 0 too.

    DEATHS are all deaths of the safety set, whatever their cause; FATAL is grade 5 or outcome
    FATAL.
    """
    lines = overview_lines(events)
    patients = [events.loc[mask, "USUBJID"].nunique() for mask in lines.values()]
    counts = [int(mask.sum()) for mask in lines.values()]
    return frame(
        {
            "soc": ALL,
            "term": [*lines, "DEATHS"],
            "level": ANY,
            "patients": [*patients, deaths],
            "events": [*counts, deaths],
        },
        "OVERVIEW",
    )


def stacked(events: pd.DataFrame) -> pd.DataFrame:
    """Each event three times: under (ALL, ALL), (SOC, ALL) and (SOC, preferred term).

    Columns ``soc, term, USUBJID, grade`` (0 = missing).
    """
    base = pd.DataFrame(
        {"USUBJID": events["USUBJID"], "grade": events["ATOXGRN"].fillna(0).astype("int64")}
    )
    return pd.concat(
        [
            base.assign(soc=ALL, term=ALL),
            base.assign(soc=events["SOC"], term=ALL),
            base.assign(soc=events["SOC"], term=events["PT"]),
        ],
        ignore_index=True,
    )


def unit_order(stack: pd.DataFrame) -> pd.DataFrame:
    """Units ``soc, term`` in reading order with ``patients, events``; the overall row is there even
    without events.

    Overall first, SOC by falling frequency of patients, then events, then name; inside a SOC its
    own row, then preferred terms likewise.
    """
    units = (
        stack.groupby(["soc", "term"], sort=True)
        .agg(patients=("USUBJID", "nunique"), events=("USUBJID", "size"))
        .reset_index()
    )
    if units.empty:
        return pd.DataFrame({"soc": [ALL], "term": [ALL], "patients": [0], "events": [0]})
    of_soc = (
        units.loc[units["term"] == ALL].set_index("soc")[["patients", "events"]].add_prefix("soc_")
    )
    units = units.join(of_soc, on="soc")
    units["rank"] = np.where(units["soc"] == ALL, 0, np.where(units["term"] == ALL, 1, 2))
    units["overall"] = units["soc"] != ALL
    keys = ["overall", "soc_patients", "soc_events", "soc", "rank", "patients", "events", "term"]
    units = units.sort_values(keys, ascending=[True, False, False, True, True, False, False, True])
    return units[["soc", "term", "patients", "events"]].reset_index(drop=True)


def terms(units: pd.DataFrame, table: str) -> pd.DataFrame:
    """One row per unit, whatever the grade (SOC_PT, SERIOUS_SOC_PT)."""
    return frame({**{str(c): units[c] for c in units.columns}, "level": ANY}, table)


def by_grade(
    stack: pd.DataFrame,
    units: pd.DataFrame,
    table: str,
    groups: Mapping[str, tuple[int, ...]] = GROUPS,
) -> pd.DataFrame:
    """MAX_GRADE and its like: every grade level for every unit, at 0 too.

    Patients at their maximum grade; events at their own grade.

    A patient without any graded event in the unit is MISSING; a missing grade is in ANY but in no
    grade line.
    """
    key = pd.MultiIndex.from_frame(units[["soc", "term"]])
    worst = stack.groupby(["soc", "term", "USUBJID"], sort=False)["grade"].max().reset_index()
    tables = {}
    for name, rows in (("patients", worst), ("events", stack)):
        unit = key.get_indexer(pd.MultiIndex.from_frame(rows[["soc", "term"]]))
        per_grade = np.bincount(
            unit * _N_GRADES + rows["grade"].to_numpy(), minlength=_N_GRADES * len(units)
        ).reshape(len(units), _N_GRADES)
        tables[name] = np.stack(
            [per_grade[:, list(grades)].sum(axis=1) for grades in groups.values()], axis=1
        ).ravel()
    repeat = len(groups)
    return frame(
        {
            "soc": np.repeat(units["soc"].to_numpy(dtype=object), repeat),
            "term": np.repeat(units["term"].to_numpy(dtype=object), repeat),
            "level": np.tile(np.array(list(groups), dtype=object), len(units)),
            **tables,
        },
        table,
    )


def outcome(events: pd.DataFrame) -> pd.DataFrame:
    """OUTCOME: patients by their worst outcome, events by rows.

    UNKNOWN, then MISSING, only for patients of whom nothing else is known.
    """
    rank = events["AOUT"].map({o: i for i, o in enumerate(OUTCOMES)})
    worst = rank.groupby(events["USUBJID"]).min().value_counts()
    rows = rank.value_counts()
    numbers = range(len(OUTCOMES))
    return frame(
        {
            "soc": ALL,
            "term": ALL,
            "level": list(OUTCOMES),
            "patients": [int(worst.get(i, 0)) for i in numbers],
            "events": [int(rows.get(i, 0)) for i in numbers],
        },
        "OUTCOME",
    )


def aesi_masks(events: pd.DataFrame, definition: Mapping[str, list[str]]) -> dict[str, pd.Series]:
    """Rows of each AESI, by preferred term; capitals and spaces do not matter."""
    term = events["PT"].map({t: " ".join(str(t).split()).casefold() for t in events["PT"].unique()})
    return {
        name: term.isin({" ".join(t.split()).casefold() for t in terms})
        for name, terms in definition.items()
    }


def aesi(events: pd.DataFrame, definition: Mapping[str, list[str]]) -> pd.DataFrame:
    """AESI: one row per AESI of ``study.toml``, in its order, at 0 too."""
    masks = aesi_masks(events, definition)
    return frame(
        {
            "soc": ALL,
            "term": list(masks),
            "level": ANY,
            "patients": [events.loc[m, "USUBJID"].nunique() for m in masks.values()],
            "events": [int(m.sum()) for m in masks.values()],
        },
        "AESI",
    )


def eair(events: pd.DataFrame, at_risk: pd.DataFrame) -> pd.DataFrame:
    """EAIR: patients with a first event per 100 patient-years at risk, overall and by preferred
    term, with exact Poisson limits.

    Parameters
    ----------
    events
        Treatment-emergent events.
    at_risk
        ``USUBJID, TRTSDT, end`` of the safety set; ``end`` is the end of risk without an event.

    Notes
    -----
    Risk runs from first dose to the first event or ``end``, both days counted. An event without a
    start date is placed on the day of first dose. A preferred term that was delivered under several
    SOCs has one row, under the SOC that has most of its events.
    """
    base = pd.DataFrame(
        {"USUBJID": events["USUBJID"], "onset": events["ASTDT"].fillna(events["TRTSDT"])}
    )
    rows = pd.concat(
        [base.assign(term=ALL, home=ALL), base.assign(term=events["PT"], home=events["SOC"])],
        ignore_index=True,
    )
    first = (
        rows.groupby(["term", "USUBJID"], sort=True)["onset"]
        .min()
        .reset_index()
        .merge(at_risk, on="USUBJID")
    )
    total = float(((at_risk["end"] - at_risk["TRTSDT"]).dt.days + 1).sum())
    whole = (first["end"] - first["TRTSDT"]).dt.days + 1
    until = (
        first["onset"].where(first["onset"] < first["end"], first["end"]) - first["TRTSDT"]
    ).dt.days + 1
    saved = (whole - until).groupby(first["term"]).sum()
    patients = first.groupby("term").size()
    counts = rows.groupby("term").size()
    homes = (
        rows.groupby(["term", "home"])
        .size()
        .rename("k")
        .reset_index()
        .sort_values(["term", "k", "home"], ascending=[True, False, True])
    )
    home = homes.drop_duplicates("term").set_index("term")["home"].drop(ALL, errors="ignore")
    order = pd.DataFrame(
        {
            "soc": home,
            "patients": patients.drop(ALL, errors="ignore"),
            "events": counts.drop(ALL, errors="ignore"),
        }
    ).rename_axis("term")
    order = order.reset_index().sort_values(
        ["patients", "events", "term"], ascending=[False, False, True]
    )
    terms = [ALL, *order["term"]]
    out = frame(
        {
            "soc": [ALL, *order["soc"]],
            "term": terms,
            "level": ANY,
            "patients": [int(patients.get(t, 0)) for t in terms],
            "events": [int(counts.get(t, 0)) for t in terms],
        },
        "EAIR",
    )
    years = np.array([(total - float(saved.get(t, 0.0))) / DAYS_PER_YEAR for t in terms])
    limits = np.array(
        [poisson_rate(x, y) for x, y in zip(out["patients"].tolist(), years.tolist(), strict=True)],
        dtype=float,
    )
    out["patient_years"] = years
    out[["rate_100py", "lcl", "ucl"]] = 100.0 * limits.reshape(-1, 3)
    return out
