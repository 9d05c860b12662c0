"""Checks of EX: dosing records."""

from __future__ import annotations

import pandas as pd

from hcc_assets.clinical.checks.context import Context
from hcc_assets.clinical.checks.registry import Finding, check, each
from hcc_assets.study.codelists import DOSE_UNIT

MAX_GAP_DAYS = 28
"""Longest pause without a record of it [CLINICAL.md 2, EX07]."""


@check("EX01", "E", "Dosing ends after it starts", "EXENDTC is not before EXSTDTC", "exposure")
def end_before_start(c: Context) -> list[Finding]:
    """End certainly before start."""
    return each(
        c.ex[c.ex["end_high"] < c.ex["start_low"]],
        "EXENDTC is before EXSTDTC; correct one of the dates",
    )


@check(
    "EX02",
    "E",
    "Doses are in mg",
    "EXDOSU is mg; a missing unit is taken as mg and queried",
    "exposure",
)
def unit(c: Context) -> list[Finding]:
    """Another unit than mg, or none beside a dose."""
    there = c.ex["EXDOSU"].notna()
    wrong = there & (c.ex["EXDOSU"].str.lower() != DOSE_UNIT)
    out = each(c.ex[wrong], "EXDOSU is not mg; correct the unit or convert the dose")
    if c.collected("exposure", "EXDOSU"):
        out += each(
            c.ex[~there & (c.ex["EXDOSE"] > 0)], "EXDOSU is empty; mg is assumed: add the unit", "Q"
        )
    return out


@check("EX03", "E", "No negative dose", "EXDOSE is 0 or more", "exposure")
def negative(c: Context) -> list[Finding]:
    """Negative dose."""
    return each(c.ex[c.ex["EXDOSE"] < 0], "EXDOSE is negative; correct the dose")


@check(
    "EX04",
    "Q",
    "Dosing records do not overlap",
    "no record of the same EXTRT starts on or before the last day of an earlier one",
    "exposure",
)
def overlap(c: Context) -> list[Finding]:
    """A record that certainly starts before an earlier one ends."""
    ex = c.ex[c.ex["EXSTDT"].notna()].copy()
    ex["treatment"] = ex["EXTRT"].fillna("")
    ex["last"] = ex["end_low"].where(
        ex["end_low"].notna() & (ex["end_low"] >= ex["start_low"]), ex["start_low"]
    )
    ex = ex.sort_values(["USUBJID", "treatment", "start_low", "last", "SRCROW"], kind="stable")
    before = ex.groupby(["USUBJID", "treatment"], sort=False)["last"].transform(
        lambda s: s.cummax().shift()
    )
    return each(
        ex[ex["start_high"] <= before],
        "the dosing record overlaps with an earlier one of the subject; correct EXSTDTC or EXENDTC",
    )


@check(
    "EX05",
    "Q",
    "No dosing after death",
    "no EX row with EXDOSE > 0 starts or ends after DTHDTC",
    "exposure",
    "subjects",
)
def after_death(c: Context) -> list[Finding]:
    """Dosing certainly after death."""
    ex = c.with_subject(c.ex)
    late = (ex["EXDOSE"] > 0) & (
        (ex["start_low"] > ex["death_high"]) | (ex["end_low"] > ex["death_high"])
    )
    return each(
        ex[late], "dosing goes on after the date of death in DM; correct the dosing dates or DTHDTC"
    )


@check(
    "EX06",
    "Q",
    "Doses are levels of the protocol",
    "EXDOSE is 0 or one of treatment.dose_levels_mg",
    "exposure",
)
def level(c: Context) -> list[Finding]:
    """Dose that is no level (negative ones are EX03)."""
    odd = (c.ex["EXDOSE"] > 0) & ~c.ex["EXDOSE"].isin(
        [0.0, *map(float, c.config.treatment.dose_levels_mg)]
    )
    return each(
        c.ex[odd], "EXDOSE is no dose level of the protocol and not 0; confirm or correct the dose"
    )


@check(
    "EX07",
    "Q",
    "Pauses of dosing are recorded",
    f"more than {MAX_GAP_DAYS} days without dose between two records have an interruption "
    "record (EXDOSE = 0)",
    "exposure",
)
def gap(c: Context) -> list[Finding]:
    """A long pause without a record of it."""
    ex = c.ex[c.ex["EXSTDT"].notna()].sort_values(["USUBJID", "EXSTDT", "SRCROW"], kind="stable")
    dosed = ex[ex["EXDOSE"] > 0].copy()
    ends = dosed["EXENDT"].where(dosed["EXENDT"].notna(), dosed["EXSTDT"])
    groups = ends.groupby(dosed["USUBJID"], sort=False)
    dosed["stopped"] = groups.transform(lambda s: s.cummax().shift())
    open_before = (
        dosed["EXENDT"]
        .isna()
        .groupby(dosed["USUBJID"], sort=False)
        .transform(lambda s: s.shift(fill_value=False).cummax())
    )
    long = dosed[
        ((dosed["EXSTDT"] - dosed["stopped"]).dt.days - 1 > MAX_GAP_DAYS)
        & ~open_before.astype(bool)
    ]
    pauses = ex.loc[ex["EXDOSE"] == 0, ["USUBJID", "EXSTDT", "EXENDT"]].rename(
        columns={"EXSTDT": "from", "EXENDT": "to"}
    )
    joined = long.merge(pauses, on="USUBJID", how="left")
    told = (joined["from"] < joined["EXSTDT"]) & (
        joined["to"].fillna(pd.Timestamp.max) > joined["stopped"]
    )
    covered = set(joined.loc[told, "SRCROW"])
    text = (
        f"more than {MAX_GAP_DAYS} days without dose before this record and no interruption "
        "record (EXDOSE = 0); add it or correct the dates"
    )
    return each(long[~long["SRCROW"].isin(covered)], text)


@check(
    "EX08",
    "Q",
    "The treatment is the study treatment",
    "EXTRT is treatment.name; other rows are kept",
    "exposure",
)
def treatment(c: Context) -> list[Finding]:
    """Another EXTRT; never a filter."""
    name = c.config.treatment.name.strip().upper()
    other = c.ex["EXTRT"].notna() & (c.ex["EXTRT"].str.upper() != name)
    return each(
        c.ex[other],
        "EXTRT is not the study treatment; the row counts as dosing: confirm or correct it",
    )


@check("EX09", "E", "Dosed subjects are in DM", "USUBJID of ex is in dm", "exposure", "subjects")
def not_in_dm(c: Context) -> list[Finding]:
    """Dosing of a subject without DM row."""
    return each(
        c.ex[~c.ex["USUBJID"].isin(c.dm["USUBJID"])],
        "the subject is not in DM; correct USUBJID or add the subject",
    )


@check("EX10", "E", "Doses have a start date", "EXSTDTC is filled where EXDOSE > 0", "exposure")
def no_start(c: Context) -> list[Finding]:
    """A dose without start."""
    return each(
        c.ex[c.ex["EXSTDTC"].isna() & (c.ex["EXDOSE"] > 0)],
        "EXSTDTC is empty; add the start of dosing",
    )


@check("EX11", "Q", "Dosing records have a dose", "EXDOSE is filled", "exposure")
def no_dose(c: Context) -> list[Finding]:
    """A record without dose; it counts as no dose. Unreadable doses are reported on reading."""
    return each(
        c.ex[c.ex["EXDOSE"].isna()],
        "EXDOSE is empty or unreadable and counts as no dose; add the dose (0 for an interruption)",
    )


@check(
    "EX12",
    "Q",
    "The first dose is dated",
    "EXSTDTC of the first dosing record is a whole date; a partial one is the first possible day, "
    "not before consent and the baseline scan",
    "exposure",
)
def partial_first_dose(c: Context) -> list[Finding]:
    """A first dose whose day is a guess: every time of the subject rests on it."""
    dosed = c.ex[(c.ex["EXDOSE"] > 0) & c.ex["EXSTDT"].notna()]
    first = dosed.sort_values(["USUBJID", "EXSTDT", "SRCROW"]).drop_duplicates("USUBJID")
    return each(
        first[first["EXSTDTF"].notna()],
        "the first dose has no whole date; it was set to the first day that is possible after "
        "consent and the baseline scan, and every time to event rests on it: complete EXSTDTC",
    )
