"""What sites write where a lesion id should stand: ids in another letter case, non-targets as a
group. Sizes and states are read in ``recist``."""

from __future__ import annotations

from typing import Final

import pandas as pd

from hcc_assets.study.codelists import NOT_DONE

GROUP: Final = "NON-TARGETS"
"""Id of the non-targets of a reader who assesses them together [CLINICAL.md 11.7]."""
NAMELESS_NEW: Final = "NEW"
"""Id of a new lesion that has none."""
_WORST: Final = {"UNEQUIVOCAL PROGRESSION": 0, "PRESENT": 1, "ABSENT": 3}
"""Order in which the states of a group count: the worst of its members is its own. What cannot be
evaluated (2) leaves open whether the group is gone."""


def lesion_ids(frame: pd.DataFrame) -> pd.Series:
    """Id of each row without blanks; rows of a known group without one get that of the group: a
    lesion that is not named still counts. A target without id stays nameless and is a finding."""
    ids = frame["TRLNKID"].str.replace(" ", "", regex=False)
    nameless = ids.isna()
    told = frame["TRORRES"].notna() | (frame["TRSTAT"] == NOT_DONE)
    ids = ids.mask(nameless & (frame["TRGRPID"] == "NON-TARGET"), GROUP)
    return ids.mask(nameless & told & (frame["TRGRPID"] == "NEW"), NAMELESS_NEW)


def one_row_for_a_group(frame: pd.DataFrame) -> pd.DataFrame:
    """Non-targets that share one id in several places are one lesion: one row for each visit, day
    and test, with the worst state; its place is not told."""
    reader = ["USUBJID", "EVALUATOR", "CRITERION"]
    states = frame[(frame["TRGRPID"] == "NON-TARGET") & (frame["TRTESTCD"] == "TUMSTATE")]
    states = states[states["TRLNKID"].notna()]
    scan = [*reader, "TRLNKID", "VISITNUM", "TRDT"]
    places = states.groupby(scan, dropna=False)["TULOC"].transform("nunique")
    several = (places > 1) | (states["TRLNKID"] == GROUP)
    lesion = [*reader, "TRLNKID"]
    grouped = several.groupby([states[c] for c in lesion]).transform("any")
    states = states[grouped]
    if states.empty:
        return frame
    rank = states["TRORRES"].map(_WORST).fillna(2)
    order = states.assign(rank=rank).sort_values([*scan, "rank", "SRCROW"], kind="stable")
    gone = order.index[order.duplicated(scan)]
    out = frame.copy()
    out.loc[states.index, "TULOC"] = None
    return out.drop(index=gone)


def below_limit(frame: pd.DataFrame) -> pd.Series:
    """Rows whose result is a bound with its number in TRSTRESN (``<5`` and 5)."""
    return frame["TRORRES"].str.match(r"[<≤]\s*\d").eq(True) & frame["TRSTRESN"].notna()
