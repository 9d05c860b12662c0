"""Subject ids of all domains in the spelling of DM."""

from __future__ import annotations

import pandas as pd

from hcc_assets.clinical.issues import IssueLog


def one_spelling(frames: dict[str, pd.DataFrame], log: IssueLog) -> dict[str, pd.DataFrame]:
    """The typed domains with each USUBJID written as DM writes it: ids that differ in letter case
    alone are one subject [CLINICAL.md 11.9]. Each subject so read is told once per domain (RD13).

    Ids that DM itself writes in two ways stay as they are (RD09).
    """
    if "dm" not in frames:
        return frames
    ids = pd.Series(frames["dm"]["USUBJID"].unique())
    folded = ids.str.casefold()
    alone = ids[~folded.duplicated(keep=False)]
    known, spelling = set(ids), dict(zip(alone.str.casefold(), alone, strict=True))
    out = {}
    for domain, frame in frames.items():
        other = ~frame["USUBJID"].isin(known)
        wanted = frame["USUBJID"].str.casefold().map(spelling)
        moved = other & wanted.notna()
        if moved.any():
            frame = frame.assign(USUBJID=frame["USUBJID"].mask(moved, wanted))
            log.add_rows(
                "RD13",
                "Q",
                domain,
                "USUBJID is written in another letter case than in DM and was read as the same "
                "subject; write it as in DM",
                frame[moved].drop_duplicates("USUBJID"),
            )
        out[domain] = frame
    return out
