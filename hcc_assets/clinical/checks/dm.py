"""Checks of DM: subjects."""

from __future__ import annotations

import pandas as pd

from hcc_assets.clinical.checks.context import Context
from hcc_assets.clinical.checks.registry import Finding, check, each, reading
from hcc_assets.study.codelists import AGE_MAXIMUM, AGE_MINIMUM, SEX

reading("DM01", "E", "Each subject has one row", "USUBJID is unique in dm", "DM")
reading(
    "DM02",
    "E",
    "Consent and death dates exist in the calendar",
    "RFICDTC and DTHDTC are ISO 8601 dates, whole or partial; nothing else is guessed",
    "DM",
)


@check("DM03", "Q", "Sex is a known code", "SEX is M, F or U", "subjects")
def sex(c: Context) -> list[Finding]:
    """SEX outside its code list."""
    bad = c.dm["SEX"].notna() & ~c.dm["SEX"].isin(SEX)
    return each(c.dm[bad], "SEX is not M, F or U; correct the code")


@check(
    "DM04",
    "Q",
    "Age fits the protocol",
    f"AGE is at least {AGE_MINIMUM} and at most {AGE_MAXIMUM} years",
    "subjects",
)
def age(c: Context) -> list[Finding]:
    """AGE outside the protocol."""
    bad = (c.dm["AGE"] < AGE_MINIMUM) | (c.dm["AGE"] > AGE_MAXIMUM)
    return each(
        c.dm[bad],
        f"AGE is outside the protocol ({AGE_MINIMUM} years and older); confirm or correct it",
    )


@check(
    "DM05",
    "Q",
    "Death date and death flag agree",
    "DTHDTC is filled if and only if DTHFL is Y",
    "subjects",
)
def death_flag(c: Context) -> list[Finding]:
    """DTHDTC without DTHFL = Y, or the reverse."""
    if not (c.collected("subjects", "DTHFL") and c.collected("subjects", "DTHDTC")):
        return []
    flagged, dated = c.dm["DTHFL"] == "Y", c.dm["DTHDTC"].notna()
    return [
        *each(c.dm[dated & ~flagged], "DTHDTC is filled but DTHFL is not Y; correct one of them"),
        *each(c.dm[flagged & ~dated], "DTHFL is Y but DTHDTC is empty; add the date of death"),
    ]


@check(
    "DM06",
    "Q",
    "No death after the data cut-off",
    "DTHDTC is not after the data cut-off",
    "subjects",
)
def death_after_cutoff(c: Context) -> list[Finding]:
    """Death certainly after the cut-off."""
    return each(
        c.dm[c.dm["death_low"] > pd.Timestamp(c.cutoff)],
        "DTHDTC is after the data cut-off; confirm or correct the date of death",
    )


@check(
    "DM07",
    "Q",
    "Consent comes before the first dose",
    "the first dose (first EX row with EXDOSE > 0) is not before RFICDTC",
    "subjects",
    "exposure",
)
def dose_before_consent(c: Context) -> list[Finding]:
    """First dose certainly before consent."""
    dose = c.dm["USUBJID"].map(c.first_dose["high"]).astype("datetime64[ns]")
    return each(
        c.dm[dose < c.dm["consent_low"]],
        "the first dose in EX is before consent (RFICDTC); correct one of the dates",
    )
