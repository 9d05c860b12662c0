"""Checks of TR on what a lesion is: its id, whether a new one is a lesion at all, and results that
are delivered and count for nothing."""

from __future__ import annotations

from hcc_assets.clinical.checks.context import Context
from hcc_assets.clinical.checks.registry import Finding, check, each
from hcc_assets.study.codelists import DIAMETERS, NOT_DONE, NOT_EVALUATED, STATE

NEW_NODE_MM = (10, 15)
"""Short axis from which a node is pathological, and from which it is measurable
[RECIST 1.1, 3.1.1; CLINICAL.md 11.5]."""

_TABLE = "tumour_assessments"


@check(
    "TR29",
    "Q",
    "New lesions are unequivocal",
    "a new lymph node is 15 mm or more in short axis; from 10 mm it is pathological and its "
    "progression is to be confirmed (RECIST 1.1, 3.1.1)",
    _TABLE,
)
def doubtful_new_node(c: Context) -> list[Finding]:
    """New node of 10 to less than 15 mm."""
    tr = c.tr
    bad = (
        (tr["TRGRPID"] == "NEW")
        & tr["nodal"]
        & tr["used"]
        & (tr["mm"] >= NEW_NODE_MM[0])
        & (tr["mm"] < NEW_NODE_MM[1])
    )
    return each(
        tr[bad],
        "a new lymph node below 15 mm in short axis counts as progression; confirm that it is "
        "unequivocal, or record it as EQUIVOCAL",
    )


@check(
    "TR30",
    "E",
    "Targets have a lesion id",
    "TRLNKID is filled in a row of a target lesion that was assessed",
    _TABLE,
)
def nameless_target(c: Context) -> list[Finding]:
    """A target row that no lesion can be given to."""
    bad = (
        (c.tr["TRGRPID"] == "TARGET")
        & c.tr["TRLNKID"].isna()
        & c.tr["TRTESTCD"].isin(DIAMETERS)
        & (c.tr["TRSTAT"] != NOT_DONE)
    )
    return each(
        c.tr[bad], "TRLNKID of a target lesion is empty, so it counts for no lesion; complete it"
    )


@check(
    "TR34",
    "Q",
    "What was not done has no result",
    "TRORRES is empty, or says that nothing was seen, where TRSTAT is NOT DONE",
    _TABLE,
)
def result_of_nothing(c: Context) -> list[Finding]:
    """A result beside NOT DONE; it does not count."""
    said = c.tr["TRORRES"].notna() & ~c.tr["TRORRES"].isin(NOT_EVALUATED)
    bad = c.tr["TRLNKID"].notna() & said & (c.tr["TRSTAT"] == NOT_DONE)
    return each(
        c.tr[bad],
        "TRSTAT is NOT DONE, so the result beside it does not count; remove one of them",
    )


@check(
    "TR35",
    "Q",
    "Results are of a known test",
    "a lesion that has results at a visit has one of LDIAM, SAXIS, LPERP or TUMSTATE",
    _TABLE,
)
def unknown_test(c: Context) -> list[Finding]:
    """A lesion whose results at a visit are all of tests that are not read, or a perpendicular;
    others beside a known one (areas, volumes) are normal."""
    tr = c.tr[c.tr["TRLNKID"].notna() & (c.tr["TRSTAT"] != NOT_DONE)]
    word = tr["TRTESTCD"].isin(DIAMETERS | {STATE}) & ~tr["number"]
    known = tr["used"] | word | (tr["TRTESTCD"].isin(DIAMETERS) & (tr["TRGRPID"] != "TARGET"))
    visit = ["USUBJID", "EVALUATOR", "CRITERION", "TRLNKID", "VISITNUM", "part"]
    read = known.groupby([tr[k] for k in visit], dropna=False).transform("any")
    return each(
        tr[~read & tr["TRORRES"].notna() & ~tr["TRTESTCD"].isin(DIAMETERS | {STATE})],
        "TRTESTCD is none that is read (LDIAM, SAXIS, LPERP, TUMSTATE), so the result does not "
        "count; correct it",
    )
