"""Where each biopsy lies in the treatment of its subject. Judgement is in ``comparison``."""

from __future__ import annotations

import numpy as np
import pandas as pd


def timing(
    samples: pd.DataFrame, subjects: pd.DataFrame | None, exposure: pd.DataFrame | None
) -> pd.DataFrame:
    """Where each biopsy lies in the treatment of its subject.

    Parameters
    ----------
    samples
        ``sample_id, subject_id, collection_date`` at least.
    subjects, exposure
        Clinical tables, or None while there are none.

    Returns
    -------
    pandas.DataFrame
        Index as ``samples``: ``in_dm`` (Y, N or None), ``first_dose, days_from_first_dose,
        days_from_last_dose, clinical_sex``. The last dose is the last day up to the biopsy that a
        record with a dose above 0 covers; a record without an end goes on.
    """
    out = pd.DataFrame(index=samples.index)
    known = (
        subjects.drop_duplicates("USUBJID").set_index("USUBJID") if subjects is not None else None
    )
    out["in_dm"] = (
        None if known is None else np.where(samples["subject_id"].isin(known.index), "Y", "N")
    )
    out["clinical_sex"] = None if known is None else samples["subject_id"].map(known["SEX"])
    out["first_dose"] = (
        pd.NaT if known is None else pd.to_datetime(samples["subject_id"].map(known["TRTSDT"]))
    )
    out["first_dose"] = pd.to_datetime(out["first_dose"])
    collected = pd.to_datetime(samples["collection_date"])
    out["days_from_first_dose"] = (collected - out["first_dose"]).dt.days.astype(float)
    last = pd.Series(pd.NaT, index=samples.index, dtype="datetime64[ns]")
    if exposure is not None and len(exposure):
        dosed = exposure[(exposure["EXDOSE"] > 0) & exposure["EXSTDT"].notna()]
        for at, subject, day in zip(samples.index, samples["subject_id"], collected, strict=True):
            rows = dosed[(dosed["USUBJID"] == subject) & (dosed["EXSTDT"] <= day)]
            if len(rows):
                last[at] = rows["EXENDT"].fillna(day).clip(upper=day).max()
    out["days_from_last_dose"] = (collected - last).dt.days.astype(float)
    return out
