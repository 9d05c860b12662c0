"""Checks of TR over the course of a subject: order and timing of visits, sudden changes, missing
lesions, methods."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hcc_assets.clinical.checks.context import Context
from hcc_assets.clinical.checks.registry import Finding, check, each, grouped
from hcc_assets.clinical.reading.assessments import is_unscheduled
from hcc_assets.study.codelists import BASELINE_VISITS, NOT_DONE

MIX_UP_RATIO = (8.0, 20.0)
"""About 10-fold [CLINICAL.md 2, TR15]; the bounds are ours: a mix-up on top of a true change from
-20 % to +100 %."""

_READER = ["USUBJID", "EVALUATOR", "CRITERION"]
_TABLE = "tumour_assessments"


@check(
    "TR15",
    "Q",
    "No mix-up of mm and cm",
    "no diameter changes about 10-fold (8 to 20) against the visit before",
    _TABLE,
)
def tenfold(c: Context) -> list[Finding]:
    """A change that looks like cm entered as mm, or the reverse."""
    tr = c.tr[c.tr["used"] & (c.tr["mm"] > 0) & c.tr["VISITNUM"].notna()]
    tr = tr.sort_values([*_READER, "TRLNKID", "VISITNUM", "TRDT", "SRCROW"], kind="stable")
    before = tr.groupby([*_READER, "TRLNKID"], sort=False)["mm"].shift()
    ratio = np.maximum(tr["mm"] / before, before / tr["mm"])
    text = (
        "the diameter changes about 10-fold against the visit before; check whether cm was "
        "entered as mm (or the reverse)"
    )
    return each(tr[(ratio >= MIX_UP_RATIO[0]) & (ratio <= MIX_UP_RATIO[1])], text)


@check(
    "TR16",
    "Q",
    "Every target is assessed at every visit",
    "a baseline target has a row, a fragment or NOT DONE at each later visit",
    _TABLE,
)
def missing_target(c: Context) -> list[Finding]:
    """Baseline target without a row at a later visit; the response is NE meanwhile."""
    tr = c.tr[c.tr["VISITNUM"].notna()]
    targets = tr.loc[
        tr["BASELINE"] & (tr["TRGRPID"] == "TARGET") & tr["TRLNKID"].notna(), [*_READER, "TRLNKID"]
    ].drop_duplicates()
    later = tr[c.after_baseline.loc[tr.index]]
    visits = later.groupby([*_READER, "VISITNUM"], as_index=False).agg(SRCROW=("SRCROW", "min"))
    expected = visits.merge(targets, on=_READER)
    seen = pd.concat(
        [
            later[[*_READER, "VISITNUM", "TRLNKID"]],
            later[[*_READER, "VISITNUM", "root"]].rename(columns={"root": "TRLNKID"}),
        ]
    )
    seen = seen.dropna(subset=["TRLNKID"]).drop_duplicates().assign(seen=True)
    whole = (
        later.loc[later["TRLNKID"].isna() & (later["TRSTAT"] == NOT_DONE), [*_READER, "VISITNUM"]]
        .drop_duplicates()
        .assign(whole=True)
    )
    merged_from = (
        later[later["TRORRES"] == "COALESCED"]
        .groupby([*_READER, "TRLNKID"], as_index=False)
        .agg(merged=("VISITNUM", "min"))
    )
    joined = expected.merge(seen, how="left", on=[*_READER, "VISITNUM", "TRLNKID"]).merge(
        whole, how="left", on=[*_READER, "VISITNUM"]
    )
    joined = joined.merge(merged_from, how="left", on=[*_READER, "TRLNKID"])
    gone = joined[
        joined["seen"].isna() & joined["whole"].isna() & ~(joined["VISITNUM"] >= joined["merged"])
    ]
    text = (
        "a target lesion of the baseline has no row at the visit of this row and is not marked "
        "NOT DONE; add its result or the reason"
    )
    return grouped(gone.drop_duplicates([*_READER, "VISITNUM"]), [*_READER, "VISITNUM"], text)


def _disordered(c: Context) -> pd.Series:
    """Mask over ``visits``: the visit is certainly not after all visits with smaller numbers.
    Unscheduled visits are in order by their date alone, whatever their number."""
    visits = c.visits[~_unscheduled(c)]
    keys = [visits[name] for name in _READER]
    first_before = (
        visits["first_low"].groupby(keys, sort=False).cummax().groupby(keys, sort=False).shift()
    )
    last_before = (
        visits["last_low"].groupby(keys, sort=False).cummax().groupby(keys, sort=False).shift()
    )
    found = (visits["first_high"] <= first_before) | (visits["last_high"] <= last_before)
    return found.reindex(c.visits.index, fill_value=False)


def _unscheduled(c: Context) -> pd.Series:
    """Mask over ``visits``: unscheduled, or of a number that several scans share."""
    visits = c.visits
    shared = visits.duplicated([*_READER, "VISITNUM"], keep=False)
    return is_unscheduled(visits["name"], visits["VISITNUM"]) | shared


@check(
    "TR17",
    "E",
    "Visits follow one another",
    "TRDTC increases with VISITNUM, for each reader",
    _TABLE,
)
def order(c: Context) -> list[Finding]:
    """A visit that is certainly not after the one before."""
    text = "the visit is not after the visit with the smaller VISITNUM; correct TRDTC or VISITNUM"
    return grouped(c.visits[_disordered(c)], [*_READER, "VISITNUM"], text)


@check(
    "TR18",
    "Q",
    "Visits keep to the schedule",
    "a visit is within visit_window_days of a multiple of visit_interval_days after the first dose",
    _TABLE,
    "exposure",
)
def window(c: Context) -> list[Finding]:
    """Scheduled visit outside every window.

    Visits whose date is refused by TR11 or TR17, unscheduled ones and partial dates are not judged.
    """
    interval, allowed = c.config.recist.visit_interval_days, c.config.recist.visit_window_days
    visits = c.visits
    whole = (
        (visits["first_low"] == visits["first_high"])
        & (visits["last_low"] == visits["last_high"])
        & (visits["dose_low"] == visits["dose_high"])
    )
    unscheduled = _unscheduled(c)
    dead = visits["first_low"] > visits["death_high"]
    intended_baseline = (
        visits["baseline"]
        | visits["name"].str.upper().isin(BASELINE_VISITS)
        | (visits["name"].isna() & (visits["VISITNUM"] == 0))
    )
    judged = visits[
        whole
        & ~unscheduled
        & ~dead
        & ~intended_baseline
        & ~_disordered(c)
        & (visits["first_low"] > visits["dose_low"])
    ]
    inside = pd.Series(False, index=judged.index)
    for column in ("first_low", "last_low"):
        days = (judged[column] - judged["dose_low"]).dt.days.astype("float64")
        nearest = np.maximum(np.round(days / interval), 1) * interval
        inside |= (days - nearest).abs() <= allowed
    text = (
        f"the assessment is more than {allowed} days off the schedule of every {interval} days "
        "from the first dose; confirm the date"
    )
    return grouped(
        judged[~inside].drop_duplicates(["USUBJID", "VISITNUM"]), ["USUBJID", "VISITNUM"], text
    )


@check(
    "TR20", "Q", "Lesions keep their method", "TRMETHOD of a lesion stays that of baseline", _TABLE
)
def method(c: Context) -> list[Finding]:
    """Another method than at baseline; once per lesion."""
    tr = c.tr[c.tr["TRLNKID"].notna() & c.tr["TRMETHOD"].notna()]
    keys = [*_READER, "TRLNKID"]
    base = tr[tr["BASELINE"]]
    later = tr[c.after_baseline.loc[tr.index]]
    later = later[pd.MultiIndex.from_frame(later[keys]).isin(pd.MultiIndex.from_frame(base[keys]))]
    with_method = [*keys, "TRMETHOD"]
    changed = later[
        ~pd.MultiIndex.from_frame(later[with_method]).isin(
            pd.MultiIndex.from_frame(base[with_method])
        )
    ]
    changed = changed.sort_values([*keys, "VISITNUM", "SRCROW"], kind="stable")
    text = (
        "the method of assessment is not the one of baseline; confirm TRMETHOD, since sizes of "
        "different methods do not compare"
    )
    return each(changed.drop_duplicates(keys), text)
