"""Checks of TR on what a lesion is: its id, and whether a new one is a lesion at all."""

from __future__ import annotations

from hcc_assets.clinical.checks.context import Context
from hcc_assets.clinical.checks.registry import Finding, check, each
from hcc_assets.study.codelists import DIAMETERS, NOT_DONE

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
