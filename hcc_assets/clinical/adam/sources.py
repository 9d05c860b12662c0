"""Delivered rows that the dates of ADTTE stand in [CLINICAL.md 11.11].

A response is derived from lesions, so that its date is that of a row of TR.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

Found = dict[tuple[object, ...], int]

_FILES = {
    ("EX", "EXSTDTC"): ("exposure", "EXSTDT"),
    ("EX", "EXENDTC"): ("exposure", "EXENDT"),
    ("TR", "TRDTC"): ("tumour_assessments", "TRDT"),
    **{
        (d, f"{d}{v}"): ("disposition", "DSSTDT")
        for d, v in (("DS", "STDTC"), ("CM", "STDTC"), ("PR", "STDTC"), ("SS", "DTC"))
    },
}
"""Domain and variable as delivered: the table that holds it, and the column of its date."""


def traced(times: pd.DataFrame, tables: Mapping[str, pd.DataFrame], cutoff: object) -> pd.DataFrame:
    """ADTTE rows whose SRCDOM, SRCVAR and SRCSEQ name a delivered row with the date ADT.

    Parameters
    ----------
    times
        ``schemas.endpoints.TimeToEvent`` of one criterion.
    tables
        ``exposure, tumour_assessments, disposition, subjects, best_responses``: tumour rows of the
        same criterion.
    cutoff
        Data cut-off.

    Returns
    -------
    pandas.DataFrame
        SRCSEQ is the row of the delivered file; null for DM, which has one row a subject, and for
        ADSL, where a date is that of the cut-off. A date that no row has (imputed, or moved to the
        first dose) keeps its domain without a row.
    """
    reader = dict(
        zip(tables["best_responses"]["USUBJID"], tables["best_responses"]["EVALUATOR"], strict=True)
    )
    lesions = tables["tumour_assessments"]
    read = lesions[lesions["EVALUATOR"] == lesions["USUBJID"].map(reader)]
    rows = {key: _rows(tables[table], date, key[0]) for key, (table, date) in _FILES.items()}
    own = {**rows, ("TR", "TRDTC"): _rows(read, "TRDT", "TR")}
    in_dm = set(zip(tables["subjects"]["USUBJID"], tables["subjects"]["DTHDT"], strict=True))
    limit = pd.Timestamp(cutoff)  # type: ignore[arg-type]
    out: list[tuple[str, str, float]] = []
    for subject, date, domain, variable in zip(
        *(times[c] for c in ("USUBJID", "ADT", "SRCDOM", "SRCVAR")), strict=True
    ):
        derived = domain == "RESPONSES"
        key = ("TR", "TRDTC") if derived else (domain, variable)
        if key == ("DM", "DTHDTC") and (subject, date) not in in_dm:
            key = ("DS", "DSSTDTC")
        places = (own if derived else rows).get(key, {})
        row = places.get((subject, date))
        if row is None and key in _FILES:
            dose = rows[("EX", "EXSTDTC")].get((subject, date))
            if date == limit:
                key = ("ADSL", "DCUTDT")
            elif dose is not None:
                key, row = ("EX", "EXSTDTC"), dose
        out.append((*key, np.nan if row is None else float(row)))
    columns = ["SRCDOM", "SRCVAR", "SRCSEQ"]
    found = pd.DataFrame(out, columns=columns, index=times.index)
    return times.assign(**{c: found[c] for c in columns})


def _rows(table: pd.DataFrame, date: str, domain: str) -> Found:
    """First delivered row of each subject and date."""
    if "DOMAIN" in table:
        table = table[table["DOMAIN"] == domain]
    dated = table[table[date].notna()]
    first = dated.sort_values("SRCROW").drop_duplicates(["USUBJID", date])
    keys = zip(first["USUBJID"], first[date], strict=True)
    return dict(zip(keys, first["SRCROW"].tolist(), strict=True))
