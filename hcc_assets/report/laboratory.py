"""Laboratory rows of the trial report, copied and counted from published tables."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from hcc_assets.report import words
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.lab_rules import rules, test_names

Frames = Mapping[str, pd.DataFrame]
Rows = list[list[str]]

_SEVERE = ("3", "4")


def _share(x: int, n: int) -> str:
    return f"{x} ({words.number(100 * x / n if n else float('nan'))} %)"


def worst_grades(tables: Frames) -> Rows:
    """One row per test and direction in which somebody had a grade: patients by worst grade under
    treatment, and those in whom it is above baseline."""
    table = tables.get("lab_shifts")
    if table is None or table.empty:
        return []
    rows = []
    for (test, place, _, term), group in table.groupby(
        ["LBTESTCD", "LBSPEC", "direction", "term"], sort=True
    ):
        n = int(group["n"].iloc[0])
        some = group[group["worst_grade"] != "0"]
        if some.empty:
            continue
        severe = group[group["worst_grade"].isin(_SEVERE)]
        before = group["base_grade"].replace("MISSING", "0")
        worse = group[group["worst_grade"] > before]
        name = test_names().get(str(test), str(test)) + (" (urine)" if place == "URINE" else "")
        counts = [int(part["patients"].sum()) for part in (some, worse, severe)]
        rows.append([str(term), name, str(n), *(_share(x, n) for x in counts)])
    return rows


def liver(tables: Frames, config: StudyConfig) -> Rows:
    """Lines of the safety of the liver: Hy's law, quadrants, ALBI, AFP."""
    table = tables.get("liver_safety")
    if table is None or table.empty:
        return []
    judged = table[table["HYS_LAW"].notna()]
    rows = [
        [
            f"Hy's law (within {config.labs.hys_law_days} days)",
            f"{int((judged['HYS_LAW'] == 'Y').sum())} of {len(judged)}",
        ]
    ]
    placed = table["QUADRANT"].value_counts()
    rows += [
        [f"Peaks: {words.plain(name).lower()}", f"{int(placed[name])} of {len(judged)}"]
        for name in ("HYS LAW", "TEMPLES COROLLARY", "CHOLESTASIS")
        if name in placed
    ]
    both = table.dropna(subset=["ALBI_GRADE", "ALBI_WORST_GRADE"])
    worse = int((both["ALBI_WORST_GRADE"] > both["ALBI_GRADE"]).sum())
    rows.append(["ALBI grade worse than at baseline", f"{worse} of {len(both)}"])
    known = table[table["AFP_RESPONSE"].notna()]
    fell = int((known["AFP_RESPONSE"] == "Y").sum())
    percent = words.number(config.labs.afp_response_percent, 0)
    rows.append([f"AFP response (-{percent} % of a raised baseline)", f"{fell} of {len(known)}"])
    return rows


def conventions(tables: Frames, config: StudyConfig) -> list[str]:
    """The conventions that grades of this trial can rest on, each with its terms."""
    table = tables.get("lab_shifts")
    if table is None or table.empty:
        return []
    there = set(zip(table["LBTESTCD"], table["direction"], strict=True))
    found: dict[str, list[str]] = {}
    for rule in rules(config.labs.ctcae_version):
        if (rule.test.split()[0], rule.direction) in there:
            for note in sorted({grade.note for grade in rule.grades if grade.note}):
                found.setdefault(note, []).append(rule.term)
    return [f"{', '.join(terms)} ({note})" for note, terms in sorted(found.items())]
