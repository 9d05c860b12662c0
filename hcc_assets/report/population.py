"""Rows of the report on the subjects: how they went through the trial, who they are, how times to
event end. Numbers are copied from published tables."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from hcc_assets.report import words
from hcc_assets.schemas.base import records
from hcc_assets.study.config import StudyConfig

Frames = Mapping[str, pd.DataFrame]
Rows = list[list[str]]
_ABBREVIATION = 5
"""Letters up to which a short name is one that is not spelt out (BCLC): own choice."""


def flow(tables: Frames) -> Rows:
    """Steps of the trial with their subjects, and below each the reasons."""
    table = tables.get("subject_flow")
    if table is None:
        return []
    return [
        [
            words.sentence(r.step) if words.missing(r.reason) else f"– {words.sentence(r.reason)}",
            str(r.n),
            "" if words.missing(r.of_step) else words.sentence(r.of_step),
        ]
        for r in records(table)
    ]


def baseline(tables: Frames) -> Rows:
    """Characteristics of the treated subjects; of a number mean, sd, median and range. Levels that
    nobody has are left out here."""
    table = tables.get("baseline_characteristics")
    if table is None:
        return []
    rows: Rows = []
    last = ""
    for r in records(table):
        name = "" if r.characteristic == last else _name(r.characteristic)
        if words.missing(r.level):
            unit = "" if words.missing(r.unit) else f", {r.unit}"
            spread = f"mean {words.number(r.mean)} (sd {words.number(r.sd)})"
            span = f"median {words.number(r.median)} ({words.interval(r.minimum, r.maximum)})"
            rows.append([f"{name}{unit}", "", f"n {r.n}", f"{spread}; {span}"])
        elif r.n:
            n = f"{r.n} of {r.n_subjects}"
            level = "missing" if r.level == "MISSING" else r.level
            rows.append([name, level, n, f"{words.number(r.pct)} %"])
        else:
            continue
        last = r.characteristic
    return rows


def _name(text: str) -> str:
    """Name of a characteristic as it is written in a paper."""
    known = {"CHILD-PUGH": "Child-Pugh", "ALBI": "ALBI", "AFP": "AFP", "ECOG": "ECOG"}
    first, _, rest = text.partition(" ")
    if text in ("AGE", "SEX"):
        return words.sentence(text)
    if first in known:
        return f"{known[first]} {rest.lower()}".strip()
    return text if len(text) <= _ABBREVIATION else words.sentence(text)


def censoring(tables: Frames, config: StudyConfig) -> Rows:
    """Events and censorings of the primary PFS, OS and time to progression, by their words."""
    table = tables.get("censoring_reasons")
    if table is None:
        return []
    shown = (config.pfs.primary, "TTP", "OS")
    here = table[(table["CRITERION"] == config.recist.criteria[0]) & table["PARAMCD"].isin(shown)]
    order = here.assign(rank=here["PARAMCD"].map({p: i for i, p in enumerate(shown)}))
    return [
        [
            r.PARAMCD,
            "event" if r.CNSR == 0 else "censored",
            words.sentence(r.reason),
            "" if words.missing(r.censored_at) else r.censored_at,
            f"{r.n} of {r.n_subjects}",
            f"{words.number(r.pct)} %",
        ]
        for r in records(order.sort_values("rank", kind="stable"))
    ]
