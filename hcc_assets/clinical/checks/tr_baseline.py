"""Checks of TR at baseline: timing, size, number and place of the target lesions.

Checks of single records and of follow-up are in ``tr_records``, ``tr_course``.
"""

from __future__ import annotations

import pandas as pd

from hcc_assets.clinical.checks.context import Context
from hcc_assets.clinical.checks.registry import Finding, check, each, grouped
from hcc_assets.study.codelists import BASELINE_VISITS, NODE

SCREENING_DAYS = 28
"""A baseline is at most 4 weeks old at first dose [RECIST 1.1, 3.2.1]."""

LESION_MM, NODE_MM = 10, 15
"""Smallest measurable lesion, and lymph node by its short axis [RECIST 1.1, 3.1.1]."""

MAX_TARGETS, MAX_PER_ORGAN = 5, 2
"""Targets of a subject, and of one organ [RECIST 1.1, 3.2.2]."""

_READER = ["USUBJID", "EVALUATOR", "CRITERION"]
_TABLE = "tumour_assessments"


@check(
    "TR02",
    "Q",
    "The baseline scan is recent",
    "no baseline row is more than 28 days before the first dose (RECIST 1.1, 3.2.1)",
    _TABLE,
    "exposure",
)
def old_baseline(c: Context) -> list[Finding]:
    """Baseline certainly too old."""
    tr = c.tr[c.tr["BASELINE"]]
    bad = tr[tr["day_high"] < tr["dose_low"] - pd.Timedelta(days=SCREENING_DAYS)]
    return grouped(
        bad,
        _READER,
        f"the baseline assessment is more than {SCREENING_DAYS} days before the first dose; "
        "confirm or correct TRDTC",
    )


@check(
    "TR03",
    "E",
    "The baseline scan comes before treatment",
    "no row of the baseline visit is after the first dose",
    _TABLE,
    "exposure",
)
def late_baseline(c: Context) -> list[Finding]:
    """Baseline visit (named so, or visit number 0 where visits have no name) certainly after the
    first dose."""
    named = c.tr["VISIT"].str.strip().str.upper().isin(BASELINE_VISITS)
    numbered = c.tr["VISIT"].isna() & (c.tr["VISITNUM"] == 0)
    bad = c.tr[(c.tr["BASELINE"] | numbered | named) & (c.tr["day_low"] > c.tr["dose_high"])]
    earlier = pd.MultiIndex.from_frame(
        c.tr.loc[c.tr["BASELINE"] & ~(c.tr["day_low"] > c.tr["dose_high"]), _READER]
    )
    bad = bad[~pd.MultiIndex.from_frame(bad[_READER]).isin(earlier) | bad["BASELINE"]]
    return grouped(
        bad,
        _READER,
        "the baseline assessment is after the first dose; correct TRDTC, VISIT or the dosing dates",
    )


@check(
    "TR04",
    "Q",
    "Targets are measurable",
    "a target that is no lymph node is at least 10 mm at baseline (RECIST 1.1, 3.1.1)",
    _TABLE,
)
def small_target(c: Context) -> list[Finding]:
    """Non-nodal target below 10 mm."""
    tr = c.tr
    bad = (
        tr["BASELINE"]
        & (tr["TRGRPID"] == "TARGET")
        & ~tr["nodal"]
        & tr["used"]
        & (tr["mm"] < LESION_MM)
        & (tr["mm"] >= 0)
    )
    return each(
        tr[bad],
        "the target lesion is smaller than 10 mm at baseline; confirm the measurement or "
        "follow it as non-target",
    )


@check(
    "TR05",
    "Q",
    "Nodal targets are measurable",
    "a nodal target has a short axis of at least 15 mm at baseline (RECIST 1.1, 3.1.1)",
    _TABLE,
)
def small_node(c: Context) -> list[Finding]:
    """Nodal target below 15 mm in short axis."""
    tr = c.tr
    bad = (
        tr["BASELINE"]
        & (tr["TRGRPID"] == "TARGET")
        & tr["nodal"]
        & tr["used"]
        & (tr["mm"] < NODE_MM)
        & (tr["mm"] >= 0)
    )
    return each(
        tr[bad],
        "the nodal target has a short axis below 15 mm at baseline; confirm the measurement "
        "or follow the node as non-target",
    )


def _baseline_targets(c: Context) -> pd.DataFrame:
    tr = c.tr[c.tr["BASELINE"] & (c.tr["TRGRPID"] == "TARGET") & c.tr["TRLNKID"].notna()]
    return tr.sort_values("SRCROW").drop_duplicates([*_READER, "root"])


@check(
    "TR06",
    "E",
    "Targets are chosen at baseline",
    "a TARGET lesion has a baseline row, or is a fragment Tnn.k of one that has",
    _TABLE,
)
def late_target(c: Context) -> list[Finding]:
    """Target first seen after a baseline assessment that exists."""
    tr = c.tr
    at_baseline = pd.MultiIndex.from_frame(tr.loc[tr["BASELINE"], _READER].drop_duplicates())
    targets = tr[tr["BASELINE"] & (tr["TRGRPID"] == "TARGET") & tr["TRLNKID"].notna()]
    known = pd.MultiIndex.from_frame(targets[[*_READER, "TRLNKID"]].drop_duplicates())
    later = tr[c.after_baseline & (tr["TRGRPID"] == "TARGET") & tr["TRLNKID"].notna()]
    own = pd.MultiIndex.from_frame(later[[*_READER, "TRLNKID"]]).isin(known)
    parent = pd.MultiIndex.from_frame(
        later[[*_READER, "root"]].set_axis([*_READER, "TRLNKID"], axis=1)
    ).isin(known)
    has_baseline = pd.MultiIndex.from_frame(later[_READER]).isin(at_baseline)
    bad = later[has_baseline & ~own & ~parent]
    text = (
        "the target lesion is first seen after baseline; it is a new lesion (TRGRPID NEW), or "
        "its baseline row is missing: correct one"
    )
    return grouped(bad, [*_READER, "TRLNKID"], text)


@check(
    "TR07",
    "Q",
    "At most five targets",
    "no more than 5 target lesions at baseline (RECIST 1.1, 3.2.2)",
    _TABLE,
)
def many_targets(c: Context) -> list[Finding]:
    """More than five targets."""
    targets = _baseline_targets(c)
    count = targets.groupby(_READER)["root"].transform("size")
    return grouped(
        targets[count > MAX_TARGETS],
        _READER,
        "there are more than 5 target lesions at baseline; follow the others as non-target",
    )


@check(
    "TR08",
    "Q",
    "At most two targets per organ",
    "no more than 2 targets in one organ; all lymph nodes are one organ (RECIST 1.1, 3.2.2; EORTC)",
    _TABLE,
)
def many_per_organ(c: Context) -> list[Finding]:
    """More than two targets in one organ."""
    targets = _baseline_targets(c)
    targets = targets[targets["TULOC"].notna()].copy()
    targets["organ"] = targets["TULOC"].where(~targets["nodal"], NODE)
    keys = [*_READER, "organ"]
    count = targets.groupby(keys)["root"].transform("size")
    return grouped(
        targets[count > MAX_PER_ORGAN],
        keys,
        "there are more than 2 target lesions in one organ at baseline; follow the others as "
        "non-target",
    )


@check(
    "TR12",
    "E",
    "No new lesion at baseline",
    "TRGRPID = NEW does not stand at the baseline visit",
    _TABLE,
)
def new_at_baseline(c: Context) -> list[Finding]:
    """New lesion in a baseline row."""
    bad = c.tr["BASELINE"] & (c.tr["TRGRPID"] == "NEW") & (c.tr["TRORRES"] != "ABSENT")
    return each(
        c.tr[bad],
        "a NEW lesion stands at baseline; make it target or non-target, or correct the visit",
    )
