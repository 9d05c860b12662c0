"""Safety rows of the trial report: adverse events by line, term, outcome, onset and special
interest.

Numbers are copied from published tables. The page is put together in ``trial``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from hcc_assets.report import words
from hcc_assets.report.clinical import Frames, Rows, blocked_line
from hcc_assets.schemas.base import records

_OVERVIEW = {
    "ANY TEAE": "Any treatment-emergent event",
    "GRADE>=3": "Grade 3 or worse",
    "RELATED": "Related",
    "RELATED GRADE>=3": "Related, grade 3 or worse",
    "SERIOUS": "Serious",
    "FATAL": "Fatal",
    "DRUG WITHDRAWN": "Led to withdrawal of the drug",
    "DOSE REDUCED": "Led to dose reduction",
    "DRUG INTERRUPTED": "Led to interruption",
    "RELATED SERIOUS": "Related, serious",
    "RELATED FATAL": "Related, fatal",
    "DEATHS": "Deaths of any cause",
}


def overview(tables: Frames) -> Rows:
    """Lines of the overview of adverse events."""
    table = tables.get("ae_summary")
    if table is None:
        return []
    here = table[table["table"] == "OVERVIEW"].set_index("term")
    rows = []
    for term, text in _OVERVIEW.items():
        if term in here.index:
            r = here.loc[term]
            rows.append(
                [text, f"{r['patients']} of {r['n']}", words.number(r["pct"]), str(r["events"])]
            )
    return rows


def preferred_terms(tables: Frames) -> Rows:
    """The twenty most frequent preferred terms."""
    table = tables.get("ae_summary")
    if table is None:
        return []
    return _by_grade(table, "MAX_GRADE")


def related_terms(tables: Frames) -> Rows:
    """The twenty most frequent preferred terms among treatment-related events."""
    table = tables.get("ae_summary")
    return [] if table is None else _by_grade(table, "RELATED_SOC_PT_GRADE")


def serious_terms(tables: Frames) -> Rows:
    """Preferred terms of serious events: patients and events."""
    table = tables.get("ae_summary")
    if table is None:
        return []
    here = table[(table["table"] == "SERIOUS_SOC_PT") & (table["term"] != "ALL")]
    return [
        [r.term, r.soc, f"{r.patients} ({words.number(r.pct)} %)", str(r.events)]
        for r in records(here)
    ]


def outcomes(tables: Frames) -> Rows:
    """Outcome of adverse events: patients by their worst outcome, events by rows."""
    table = tables.get("ae_summary")
    if table is None:
        return []
    here = table[table["table"] == "OUTCOME"]
    return [
        [
            words.plain(r.level).capitalize(),
            f"{r.patients} of {r.n}",
            words.number(r.pct),
            str(r.events),
        ]
        for r in records(here)
    ]


def onset(tables: Frames) -> Rows:
    """Time to onset and duration: all events, each event of special interest, and the ten most
    frequent terms."""
    table = tables.get("ae_onset")
    if table is None or table.empty:
        return []
    first = table[table["part"] != "TERM"]
    shown = pd.concat([first, table[table["part"] == "TERM"].head(10)])
    return [
        [
            "All events" if r.part == "ALL" else words.plain(r.term).capitalize(),
            str(r.patients),
            words.estimate(r.onset_median, r.onset_q1, r.onset_q3),
            f"{words.number(r.duration_median)} ({r.duration_n} of {r.events})",
        ]
        for r in records(shown)
    ]


def _by_grade(table: pd.DataFrame, name: str) -> Rows:
    grades = table[(table["table"] == name) & (table["term"] != "ALL") & (table["soc"] != "ALL")]
    if grades.empty:
        return []
    wide = grades.pivot_table(
        index=["soc", "term"], columns="level", values="patients", aggfunc="first"
    ).reset_index()
    if "ANY" not in wide:
        return []
    n = int(grades["n"].iloc[0])
    wide = wide.sort_values(["ANY"], ascending=False, kind="stable").head(20)
    at = {g: wide[g] if g in wide else pd.Series(0, index=wide.index) for g in ("3", "4", "5")}
    severe, fatal = at["3"] + at["4"] + at["5"], at["5"]
    share = [
        f"{int(x)} ({words.number(100 * x / n if n else float('nan'))} %)" for x in wide["ANY"]
    ]
    return [
        [str(term), str(soc), any_grade, str(int(g3)), str(int(g5))]
        for term, soc, any_grade, g3, g5 in zip(
            wide["term"], wide["soc"], share, severe, fatal, strict=True
        )
    ]


def safety_note(tables: Frames, sources: Sequence[Mapping[str, Any]]) -> str:
    """What data issues do to the safety tables: copies may be left out, never subjects."""
    blocked = blocked_line(tables)
    told = [text for s in sources if s["asset"] == "ae_summary" for text in s["failing"]]
    rows = told[0] if told else "Every adverse event row is counted"
    response = (
        f" In response data {blocked[0].lower()}{blocked[1:]} Here they all count."
        if blocked
        else ""
    )
    return f"{rows}.{response}"


def aesi(tables: Frames) -> Rows:
    """One row per adverse event of special interest: patients by line of its overview."""
    table = tables.get("aesi_summary")
    if table is None or table.empty:
        return []
    lines = table[table["part"] == "OVERVIEW"].set_index(["aesi", "level"])["patients"]
    shown = ("ANY", "GRADE>=3", "RELATED", "SERIOUS", "FATAL", "RESOLVED", "NOT RESOLVED")
    names = table["aesi"].drop_duplicates()
    return [
        [
            words.plain(str(name)).capitalize(),
            *(str(int(lines.get((name, level), 0))) for level in shown),
        ]
        for name in names
    ]
