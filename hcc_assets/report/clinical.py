"""Clinical rows of the trial report: rates, time to event, two-stage monitoring, and the lines that
stand under their tables. Safety is in ``safety``.

Numbers are copied from published tables. The page is put together in ``trial``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hcc_assets.report import words
from hcc_assets.schemas.base import records
from hcc_assets.stats.kaplan_meier import DAYS_PER_MONTH
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.criteria import suffix

Frames = Mapping[str, pd.DataFrame]
Rows = list[list[str]]

_PARAMETERS = {
    "PFS_TP": "PFS, treatment policy",
    "PFS_FDA": "PFS, FDA-style",
    "TTP": "Time to progression",
    "OS": "Overall survival",
    "DOR": "Duration of response",
    "TTR": "Time to response",
}
_MEASURES = {
    "ORR": "Objective response rate",
    "DCR": "Disease control rate",
    "CBR": "Clinical benefit rate (24 weeks)",
}


def rates(tables: Frames, config: StudyConfig) -> Rows:
    """Rates with their intervals, the headline of study.toml first, the treated population before
    the evaluable."""
    table = tables.get("response_rates")
    if table is None:
        return []
    headline = config.recist.headline
    order = table.assign(
        first=(table["source"] != headline).astype(int),
        later=(table["population"] != "TREATED").astype(int),
    )
    order["rank"] = order["measure"].map({m: i for i, m in enumerate(_MEASURES)})
    order = order.sort_values(["first", "later", "rank"])
    return [
        [
            _MEASURES[r.measure],
            "confirmed" if r.source == "CBOR" else "unconfirmed",
            r.population.lower(),
            f"{r.x} of {r.n}",
            words.estimate(r.pct, r.lcl, r.ucl),
        ]
        for r in records(order)
    ]


def responses(tables: Frames, config: StudyConfig) -> Rows:
    """Treated subjects by best overall response, by the headline's source."""
    table = tables.get("best_response_counts")
    if table is None:
        return []
    here = table[table["source"] == config.recist.headline]
    return [
        [r.response, f"{r.x} of {r.n}", words.estimate(r.pct, r.lcl, r.ucl)] for r in records(here)
    ]


def by_criterion(others: Mapping[str, Frames], config: StudyConfig) -> list[dict[str, Any]]:
    """Rates and times by each criterion beside the endpoint's, who was assessed by it, and the end
    of its figures' names."""
    return [
        {
            "name": criterion,
            "suffix": suffix(criterion, config.recist.criteria),
            "assessed": _assessed(tables, criterion),
            "rates": rates(tables, config),
            "survival": survival(tables, config, primary=False),
        }
        for criterion, tables in others.items()
    ]


def _assessed(tables: Frames, criterion: str) -> str:
    best = tables.get("best_responses")
    if best is None or best.empty:
        return ""
    n = int((best["N_ASSESSMENTS"] > 0).sum())
    return f"{n} of {len(best)} treated subjects were assessed by {criterion}; others count as NE."


def concordance(tables: Frames, config: StudyConfig) -> Rows:
    """Best response by the endpoint's criterion against the next one: pairs that somebody has."""
    table = tables.get("response_concordance")
    if table is None:
        return []
    here = table[(table["source"] == config.recist.headline) & (table["subjects"] > 0)]
    return [
        [
            f"{r.criterion}: {r.response}",
            f"{r.other_criterion}: {r.other_response}",
            str(r.subjects),
        ]
        for r in records(here)
    ]


def survival(tables: Frames, config: StudyConfig, *, primary: bool = True) -> Rows:
    """One row per parameter: events, median, landmarks. The primary PFS is named, but for tables of
    another criterion."""
    table = tables.get("pfs_summary")
    if table is None:
        return []
    rows = []
    for parameter, group in table.groupby("PARAMCD", sort=False):
        first = group.iloc[0]
        landmarks = "; ".join(
            (
                f"{words.number(r.landmark_months, 0)} mo "
                f"{words.share(r.surv, r.surv_lcl, r.surv_ucl)}, n at risk {r.n_risk}"
            )
            for r in records(group.dropna(subset=["landmark_days"]))
        )
        name = _PARAMETERS.get(str(parameter), str(parameter)) + (
            " (primary)" if primary and parameter == config.pfs.primary else ""
        )
        median = words.estimate(first["median_months"], first["lcl_months"], first["ucl_months"])
        if not words.missing(first["median_other"]):
            rules = {"midpoint": "middle", "left": "left end"}
            here = rules.pop(config.pfs.median_rule)
            median += (
                f"; {here} of a flat stretch, by its {rules.popitem()[1]} "
                f"{words.number(first['median_other_months'])}"
            )
        rows.append([name, f"{first['events']} of {first['n']}", median, landmarks or words.NE])
    order = {_PARAMETERS[p]: i for i, p in enumerate(_PARAMETERS)}
    return sorted(rows, key=lambda r: order.get(r[0].removesuffix(" (primary)"), 99))


def _subjects(n: int) -> str:
    return "1 subject" if n == 1 else f"{n} subjects"


def blocked_line(tables: Frames) -> str:
    """How many treated subjects data issues block; empty before there is a table of rates."""
    table = tables.get("response_rates")
    if table is None or table.empty:
        return ""
    n = int(table["n_blocked"].max())
    verb = (
        "is blocked by data issues and counts" if n == 1 else "are blocked by data issues and count"
    )
    return f"{_subjects(n).replace(' ', ' treated ')} {verb} as NE."


def short_sd(tables: Frames, config: StudyConfig) -> tuple[str, bool]:
    """How many best responses hang on the SD minimum, which lies inside the visit window; and
    whether any does."""
    table = tables.get("response_rates")
    if table is None or table.empty:
        return "", False
    counts = table[table["population"] == "TREATED"].groupby("source")["n_short_sd"].max()
    longer, window = config.recist.sd_minimum_days, config.recist.visit_window_days
    text = (
        f"With the minimum for stable disease at {longer - window} days instead of {longer} (the "
        f"visit window is {window} days), the unconfirmed best "
        f"response of {_subjects(int(counts['BOR']))} and the confirmed one of "
        f"{_subjects(int(counts['CBOR']))} would change."
    )
    benefit = table[(table["measure"] == "CBR") & (table["source"] == config.recist.headline)]
    early = int(benefit.loc[benefit["population"] == "TREATED", "n_short_cb"].max())
    text += f" With 24 weeks shortened by it, {_subjects(early)} more would have clinical benefit."
    return text, bool(counts.any()) or early > 0


def open_rates(tables: Frames, config: StudyConfig) -> tuple[str, bool]:
    """What open errors can still make of response and disease control, and whether they can."""
    table = tables.get("endpoint_bounds")
    if table is None or table.empty:
        return "", False
    here = table[table["source"] == config.recist.headline]
    moved = here[here["moves"].astype(bool)]
    if moved.empty:
        return "No open error can move the objective response or disease control rate.", False
    parts = [
        f"the {_MEASURES[r.measure].lower()} can be "
        f"{words.number(r.value_min)} to {words.number(r.value_max)} % "
        f"({int(r.x_min)} to {int(r.x_max)} of {r.n})"
        for r in records(moved)
    ]
    return f"{_with_open(int(moved['n_open'].max()))} {' and '.join(parts)}.", True


def open_median(tables: Frames) -> tuple[str, bool]:
    """What open errors can still make of the median PFS, and whether they can."""
    table = tables.get("endpoint_bounds")
    if table is None or table.empty:
        return "", False
    r = table[table["measure"] == "MEDIAN_PFS"].iloc[0]
    if not r["moves"]:
        return "No open error can move the median PFS.", False
    low, high = (words.number(r[c] / DAYS_PER_MONTH) for c in ("value_min", "value_max"))
    name = _PARAMETERS[str(r["source"])]
    return (
        f"{_with_open(int(r['n_open']))} the median of {name} can be {low} to {high} months.",
        True,
    )


def _with_open(n: int) -> str:
    verb = "has" if n == 1 else "have"
    return (
        f"{_subjects(n)} {verb} open errors in the data of response or PFS: over all their outcomes"
    )


def simon(tables: Frames) -> Rows:
    """The two-stage design against the responses so far; empty without a design."""
    table = tables.get("simon_monitoring")
    if table is None or table.empty:
        return []
    r = table.iloc[0]
    best = "confirmed" if r["source"] == "CBOR" else "unconfirmed"
    rows = [
        [
            "Design",
            (
                f"stop after {r['n1']} subjects with {r['r1']} or fewer responses; promising with "
                f"more than {r['r']} of {r['n']}"
            ),
        ],
        [
            "Subjects in the design",
            f"{r['n_enrolled']} treated, {r['n_known']} of them with a final response",
        ],
        ["Responses so far", f"{r['responses']} ({best}), stage {r['stage']}"],
        ["Decision", f"{r['decision']}: {r['note']}"],
    ]
    if not words.missing(r["p0"]):
        rows.append(
            [
                "If the rate is not of interest",
                f"p0 {words.number(r['p0'], 2)}: alpha {words.number(r['alpha'], 3)}, "
                f"early end {words.number(r['pet0'], 3)}, "
                f"expected subjects {words.number(r['en0'])}",
            ]
        )
    if not words.missing(r["p1"]):
        rows.append(
            [
                "If the rate is of interest",
                f"p1 {words.number(r['p1'], 2)}: power {words.number(r['power'], 3)}, "
                f"promising from here {words.number(r['p_promising'], 3)}",
            ]
        )
    rows.append(
        [
            "Rate adjusted for the design, % (95 % CI)",
            words.share(r["estimate"], r["lcl"], r["ucl"]),
        ]
    )
    rows.append(
        [
            "Rate not adjusted for the design, % (95 % exact CI)",
            words.share(r["crude"], r["cp_lcl"], r["cp_ucl"]),
        ]
    )
    return rows
