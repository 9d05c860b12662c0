"""Checks of the treatment course: dosing entry that lags, and what DS says of the end of treatment.

A subject without an end of treatment counts as treated to the cutoff, so that no toxicity is lost;
what speaks against it is asked here.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from hcc_assets.clinical.checks.context import Context
from hcc_assets.clinical.checks.registry import Finding, check, each
from hcc_assets.clinical.treatment.course import LAG_DAYS, ends_of_treatment

WINDOW_DAYS: Final = 30
"""An event, visit or action on drug later than this after the last recorded dose means that dosing
goes on or ended without a word [CLINICAL.md 11.1]."""


def _last_records(c: Context) -> pd.DataFrame:
    """The subject's last dosing record (``SRCROW``) with the columns of the treatment course; of
    subjects whose dosing has impossible dates (EX01) none, since their last dose is not known."""
    ex = c.ex[(c.ex["EXDOSE"] > 0) & c.ex["EXSTDT"].notna()]
    ex = ex[~ex["USUBJID"].isin(ex.loc[ex["end_high"] < ex["start_low"], "USUBJID"])]
    last = ex.sort_values(["USUBJID", "EXSTDT", "EXENDT", "SRCROW"]).drop_duplicates(
        "USUBJID", keep="last"
    )
    return c.course.merge(last[["USUBJID", "SRCROW"]], on="USUBJID")


@check(
    "EX13",
    "Q",
    "Dosing is entered to date",
    f"without an end of treatment in DS, no adverse event or visit is later than {WINDOW_DAYS} "
    "days after the last recorded dose",
    "exposure",
    "subjects",
)
def entry_lags(c: Context) -> list[Finding]:
    """Something happened long after the last recorded dose, and no end of treatment is known."""
    open_ = _last_records(c)
    open_ = open_[open_["STATUS"] != "ENDED"]
    seen = pd.concat(
        [
            c.ae[["USUBJID"]].assign(day=c.ae["start_low"]),
            c.tr[["USUBJID"]].assign(day=c.tr["day_low"]),
        ]
    )
    seen = seen[seen["day"] <= pd.Timestamp(c.cutoff)]
    latest = open_["USUBJID"].map(seen.groupby("USUBJID")["day"].max()).astype("datetime64[ns]")
    return each(
        open_[(latest - open_["LSTEXDT"]).dt.days > WINDOW_DAYS],
        f"an adverse event or visit is more than {WINDOW_DAYS} days later than the last recorded "
        "dose, and DS has no end of treatment; enter the dosing to date, or the end of treatment",
    )


@check(
    "EX14",
    "Q",
    "Dosing is entered up to the end of treatment",
    f"the last dosing record ends no more than {LAG_DAYS} days before the end of treatment, or is "
    "an interruption",
    "exposure",
    "subjects",
    "disposition",
)
def entry_ends_early(c: Context) -> list[Finding]:
    """Recorded doses stop long before treatment ended."""
    ended = _last_records(c)
    lags = (ended["STATUS"] == "ENDED") & (ended["TRTEDT"] > ended["LSTEXDT"])
    return each(
        ended[lags],
        f"the last dosing record ends more than {LAG_DAYS} days before the end of treatment or "
        "death; events up to then count as treatment-emergent: enter the missing doses, the "
        "interruption, or the end of treatment",
    )


@check(
    "EX15",
    "Q",
    "No dosing after the end of treatment",
    "no EX row with EXDOSE > 0 starts after the end of treatment in DS",
    "exposure",
    "subjects",
    "disposition",
)
def dosed_after_end(c: Context) -> list[Finding]:
    """Dosing that certainly begins after the end of treatment (after death it is EX05)."""
    ends = c.course[c.course["SOURCE"].str.startswith("DS: end")].set_index("USUBJID")["ENDDT"]
    ended = c.ex["USUBJID"].map(ends).astype("datetime64[ns]")
    return each(
        c.ex[(c.ex["EXDOSE"] > 0) & (c.ex["start_low"] > ended)],
        "dosing begins after the end of treatment in DS; correct EXSTDTC or the record in DS",
    )


@check(
    "EX16",
    "Q",
    "The last dose is known where an event rests on it",
    "no adverse event begins after the safety window of the last recorded dose and within that of "
    "the end of treatment",
    "adverse_events",
    "exposure",
    "subjects",
    "disposition",
)
def event_between_windows(c: Context) -> list[Finding]:
    """An event that counts by the end of treatment and not by the last recorded dose, where these
    are too near each other for EX14. After an interruption the last dose is known."""
    last = c.ex.sort_values(["USUBJID", "EXSTDT", "SRCROW"]).drop_duplicates("USUBJID", keep="last")
    ended = _last_records(c)
    ended = ended[(ended["STATUS"] == "ENDED") & (ended["TRTEDT"] < ended["ENDDT"])]
    ended = ended[~ended["USUBJID"].isin(last.loc[last["EXDOSE"] == 0, "USUBJID"])]
    window = pd.Timedelta(days=c.config.safety.teae_window_days)
    events = c.ae[["USUBJID", "start_low"]].merge(ended[["USUBJID", "TRTEDT", "ENDDT"]])
    after = events["start_low"] - window
    between = events[(after > events["TRTEDT"]) & (after <= events["ENDDT"])]
    return each(
        ended[ended["USUBJID"].isin(between["USUBJID"])],
        "an adverse event is too late to count after the last recorded dose, but not after the end "
        "of treatment; enter the missing doses, or confirm the last dose",
    )


@check(
    "DS01",
    "Q",
    "The end of treatment is dated",
    "a DS record that ends treatment has a whole date",
    "disposition",
)
def undated_end(c: Context) -> list[Finding]:
    """An end of treatment without a date that can be used."""
    ends = ends_of_treatment(c.table("disposition"), c.config)
    return each(
        ends[ends["DSSTDT"].isna() | ends["DSSTDTF"].notna()],
        "the end of treatment has no whole date; complete DSSTDTC",
    )


@check(
    "DS02",
    "Q",
    "Drug withdrawn means that treatment ended",
    "AEACN = DRUG WITHDRAWN implies an end of treatment in DS",
    "adverse_events",
    "exposure",
    "subjects",
    "disposition",
)
def withdrawn_without_end(c: Context) -> list[Finding]:
    """Drug withdrawn for an event and no end of treatment."""
    going = set(c.course.loc[c.course["STATUS"] == "ONGOING", "USUBJID"])
    ds = c.table("disposition")
    if not (ds["DOMAIN"] == "DS").any():
        return []
    return each(
        c.ae[(c.ae["AEACN"] == "DRUG WITHDRAWN") & c.ae["USUBJID"].isin(going)],
        "AEACN is DRUG WITHDRAWN but DS has no end of treatment; add it, or correct the action",
    )
