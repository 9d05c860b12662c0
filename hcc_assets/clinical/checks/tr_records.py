"""Checks of single TR records: keys, units, sizes, words.

Rules over visits are in ``tr_course``.
"""

from __future__ import annotations

from hcc_assets.clinical.checks.context import Context
from hcc_assets.clinical.checks.registry import Finding, check, each, grouped
from hcc_assets.clinical.reading.assessments import endpoint_readers
from hcc_assets.clinical.reading.lesions import below_limit
from hcc_assets.study.codelists import (
    DIAMETERS,
    LENGTH_UNITS,
    LESION_GROUPS,
    NOT_DONE,
    RESULT_WORDS,
)

MAX_MM = 300
"""Largest plausible diameter [CLINICAL.md 2, TR21]."""

_READER = ["USUBJID", "EVALUATOR", "CRITERION"]
_TABLE = "tumour_assessments"


@check("TR01", "E", "Assessed subjects are in DM", "USUBJID of tr is in dm", _TABLE, "subjects")
def not_in_dm(c: Context) -> list[Finding]:
    """Assessments of a subject without DM row."""
    return grouped(
        c.tr[~c.tr["in_dm"]],
        ["USUBJID"],
        "the subject is not in DM; correct USUBJID or add the subject",
    )


@check(
    "TR09", "E", "Lesions stay where they are", "one lesion of one reader has one location", _TABLE
)
def moved(c: Context) -> list[Finding]:
    """A lesion with two locations."""
    tr = c.tr[c.tr["TRLNKID"].notna() & c.tr["TULOC"].notna()]
    keys = [*_READER, "TRLNKID"]
    count = tr.groupby(keys)["TULOC"].transform("nunique")
    return grouped(
        tr[count > 1],
        keys,
        "the lesion changes its location; correct TULOC, or TRLNKID where it is another lesion",
    )


@check(
    "TR10",
    "E",
    "One result per lesion, visit and test",
    "subject, reader, lesion, visit and test are unique: conflicting values E, identical repeats Q",
    _TABLE,
)
def repeated(c: Context) -> list[Finding]:
    """Conflicting values under one key; identical repeats are collapsed on reading, equal numbers
    written differently are queried here."""
    tr = c.tr[c.tr[["TRLNKID", "VISITNUM", "TRTESTCD"]].notna().all(axis=1)].copy()
    keys = [*_READER, "TRLNKID", "VISITNUM", "part", "TRTESTCD"]
    tr = tr[tr.duplicated(keys, keep=False)]
    word = (
        tr["TRORRES"].fillna("")
        + "/"
        + tr["TRSTAT"].fillna("")
        + "/"
        + tr["TRORRESU"].fillna("").where(~tr["number"], "")
    )
    tr["value"] = word.where(tr["mm"].isna(), tr["mm"].map("{:.9f}".format, na_action="ignore"))
    differ = tr.groupby(keys)["value"].transform("nunique") > 1
    grouping_differs = (
        tr["TRGRPID"].fillna("").groupby([tr[k] for k in keys]).transform("nunique") > 1
    )
    text = "one lesion, visit and test of one reader has conflicting results; keep the right one"
    same = (
        "one lesion, visit and test of one reader has the same result more than once; remove the "
        "repeats"
    )
    return [
        *grouped(tr[differ], keys, text),
        *grouped(tr[~differ & ~grouping_differs], keys, same, "Q"),
    ]


@check("TR11", "E", "No assessment after death", "TRDTC is not after DTHDTC", _TABLE, "subjects")
def after_death(c: Context) -> list[Finding]:
    """Assessment certainly after death."""
    bad = (c.tr["day_low"] > c.tr["death_high"]) & (c.tr["TRSTAT"] != NOT_DONE)
    return grouped(
        c.tr[bad],
        [*_READER, "VISITNUM"],
        "the assessment is after the date of death in DM; correct TRDTC or DTHDTC",
    )


@check("TR13", "E", "No negative diameter", "a diameter is 0 or more", _TABLE)
def negative(c: Context) -> list[Finding]:
    """Negative measurement, in whatever unit."""
    bad = (
        c.tr["number"]
        & c.tr["TRTESTCD"].isin(DIAMETERS)
        & c.tr["TRORRES"].str.startswith("-").eq(True)
        & (c.tr["mm"] != 0)
    )
    return each(c.tr[bad], "the diameter is negative; correct TRORRES")


@check(
    "TR14",
    "E",
    "Diameters are in mm or cm",
    "TRORRESU of a measurement is mm or cm (E); a missing unit is mm, with a query (Q)",
    _TABLE,
)
def unit(c: Context) -> list[Finding]:
    """Unknown unit, or none."""
    measured = c.tr["number"] & c.tr["TRTESTCD"].isin(DIAMETERS)
    there = c.tr["TRORRESU"].notna()
    out = each(
        c.tr[measured & there & ~c.tr["TRORRESU"].str.upper().isin(LENGTH_UNITS)],
        "the unit of the diameter is not mm or cm; correct TRORRESU",
    )
    missing = measured & ~there & (c.tr["TRORRES"] != "0")
    if c.collected(_TABLE, "TRORRESU"):
        out += each(c.tr[missing], "TRORRESU is empty; mm is assumed: add the unit", "Q")
    elif missing.any():
        out.append(
            Finding(
                None,
                (),
                "the measurements have no unit (no TRORRESU); mm is assumed: add the units",
                "Q",
            )
        )
    return out


@check(
    "TR19",
    "Q",
    "Lesions have the diameter that counts",
    "a nodal target has a short axis, any other target a longest diameter",
    _TABLE,
)
def wrong_axis(c: Context) -> list[Finding]:
    """Measured target without the measurement that RECIST uses."""
    tr = c.tr[
        (c.tr["TRGRPID"] == "TARGET")
        & c.tr["TULOC"].notna()
        & c.tr["TRLNKID"].notna()
        & c.tr["VISITNUM"].notna()
    ].copy()
    keys = [*_READER, "TRLNKID", "VISITNUM"]
    tr["measure"] = tr["number"] & tr["TRTESTCD"].isin(DIAMETERS)
    tr["right"] = tr["used"] | ~tr["measure"]
    found = tr.groupby(keys).agg(measured=("measure", "any"), right=("right", "any")).reset_index()
    wanting = tr.merge(found.loc[found["measured"] & ~found["right"], keys], on=keys)
    return [
        *grouped(
            wanting[wanting["nodal"]],
            keys,
            "the lymph node has no short axis (SAXIS) at this visit; add it",
        ),
        *grouped(
            wanting[~wanting["nodal"]],
            keys,
            "the lesion has no longest diameter (LDIAM) at this visit; add it",
        ),
    ]


@check("TR21", "Q", "Diameters are plausible", f"a diameter is at most {MAX_MM} mm", _TABLE)
def huge(c: Context) -> list[Finding]:
    """More than 300 mm."""
    return each(
        c.tr[c.tr["mm"] > MAX_MM],
        f"the diameter is larger than {MAX_MM} mm; correct the value or its unit",
    )


@check(
    "TR22",
    "E",
    "A lesion has one role",
    "no lesion id is both TARGET and NON-TARGET for one reader",
    _TABLE,
)
def two_roles(c: Context) -> list[Finding]:
    """Target and non-target under one id."""
    tr = c.tr[c.tr["TRGRPID"].isin(["TARGET", "NON-TARGET"]) & c.tr["TRLNKID"].notna()]
    keys = [*_READER, "TRLNKID"]
    count = tr.groupby(keys)["TRGRPID"].transform("nunique")
    return grouped(
        tr[count > 1],
        keys,
        "the same lesion id is target and non-target; give one of them another TRLNKID or "
        "correct TRGRPID",
    )


@check(
    "TR25",
    "Q",
    "Lesion groups are known",
    "TRGRPID of a lesion is TARGET, NON-TARGET or NEW",
    _TABLE,
)
def group(c: Context) -> list[Finding]:
    """Unknown group; the row counts for no response."""
    bad = c.tr["TRLNKID"].notna() & ~c.tr["TRGRPID"].isin(LESION_GROUPS)
    return each(
        c.tr[bad],
        "TRGRPID is not TARGET, NON-TARGET or NEW, so the row counts for no response; correct it",
    )


@check(
    "TR26",
    "E",
    "Results can be read",
    "TRORRES is a number or a known word: else E for a diameter, Q for a state; empty "
    "without NOT DONE is Q",
    _TABLE,
)
def result(c: Context) -> list[Finding]:
    """Result that nobody can use, such as a detection limit in place of a number."""
    tr = c.tr[c.tr["TRLNKID"].notna()]
    diameter, state = tr["TRTESTCD"].isin(DIAMETERS), tr["TRTESTCD"] == "TUMSTATE"
    unknown = tr["TRORRES"].notna() & ~tr["TRORRES"].isin(RESULT_WORDS) & ~below_limit(tr)
    empty = tr["TRORRES"].isna() & (tr["TRSTAT"] != NOT_DONE) & tr["TRSTRESN"].isna()
    return [
        *each(
            tr[diameter & unknown & ~tr["number"]],
            "TRORRES is neither a number nor a known word; correct the result (TOO SMALL TO "
            "MEASURE, NOT DONE, …)",
        ),
        *each(
            tr[state & unknown],
            "TRORRES is no known state of a lesion (PRESENT, ABSENT, UNEQUIVOCAL "
            "PROGRESSION, …); correct it",
            "Q",
        ),
        *each(
            tr[(diameter | state) & empty],
            "TRORRES is empty and TRSTAT is not NOT DONE; add the result or the reason",
            "Q",
        ),
    ]


@check(
    "TR27",
    "E",
    "Every subject has one endpoint reader",
    "of several readers one is [recist] endpoint_reader, or TRACPTFL marks the same one at "
    "every visit",
    _TABLE,
)
def no_endpoint_reader(c: Context) -> list[Finding]:
    """Several readers and no rule that chooses one: the subject's endpoints are blocked, the
    responses of each reader stay."""
    readers = endpoint_readers(c.table(_TABLE), c.config)
    text = (
        "there are several readers and none is the endpoint reader of study.toml; mark one with "
        "TRACPTFL at every visit, or correct TREVAL, TREVALID"
    )
    return [Finding(subject, (), text) for subject, reader in readers.items() if reader is None]
