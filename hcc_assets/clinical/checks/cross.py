"""Checks of reported against derived response.

They need the derived table, so they run after ``recist`` and not in ``run_checks``.
"""

from __future__ import annotations

import pandas as pd

from hcc_assets.clinical.checks.registry import reading
from hcc_assets.clinical.issues import IssueLog
from hcc_assets.study.codelists import OVERALL_RESPONSE
from hcc_assets.study.criteria import DERIVED

reading(
    "TR23",
    "Q",
    "Reported and derived response agree",
    "RSSTRESC (OVRLRESP) equals the derived OVRLRESP of the same reader and visit",
    "RS",
)
reading(
    "TR24",
    "Q",
    "A new lesion is reported as PD",
    "where the derivation has a progression by new lesion, the reported response is PD",
    "RS",
)

_SPELLINGS = {
    "NON-CR/NON-PD": "NON-CR/NON-PD",
    "NON CR/NON PD": "NON-CR/NON-PD",
    "NON-CR / NON-PD": "NON-CR/NON-PD",
    "NN": "NON-CR/NON-PD",
}


def response_discordance(responses: pd.DataFrame, reported_responses: pd.DataFrame) -> pd.DataFrame:
    """Findings TR23 and TR24.

    The reported response is kept beside the derived one and never overwrites it. A reported
    response other than NE at a visit without lesion rows is TR23 too.

    Parameters
    ----------
    responses
        ``USUBJID, EVALUATOR, CRITERION, VISITNUM, ADT, OVRLRESP, NEWLPROG`` of the table
        ``responses``.
    reported_responses
        Table ``reported_responses``. Of several scans under one number (unscheduled visits) the one
        nearest in time is that of the record; without a date, one that agrees.

    Returns
    -------
    pandas.DataFrame
        ``DataIssues`` frame.
    """
    keys = ["USUBJID", "EVALUATOR", "CRITERION", "VISITNUM"]
    reported = reported_responses[
        (reported_responses["RSTESTCD"] == OVERALL_RESPONSE)
        & reported_responses["RSSTRESC"].notna()
    ]
    reported = reported[[*keys, "RSSTRESC", "RSDT", "SRCROW"]].assign(
        word=lambda f: f["RSSTRESC"].str.upper().replace(_SPELLINGS)
    )
    reported = reported[reported["CRITERION"].isin(DERIVED)]
    derived_columns = [*keys, "ADT", "OVRLRESP", "NEWLPROG"]
    joined = reported.merge(responses[derived_columns], how="left", on=keys)
    joined = joined.assign(
        apart=(joined["RSDT"] - joined["ADT"]).abs(), other=joined["word"] != joined["OVRLRESP"]
    )
    joined = joined.sort_values(["SRCROW", "apart", "other"], kind="stable")
    joined = joined.drop_duplicates("SRCROW").reset_index(drop=True)
    readers = set(zip(responses["USUBJID"], responses["EVALUATOR"], strict=True))
    has_reader = pd.Series(
        [pair in readers for pair in zip(joined["USUBJID"], joined["EVALUATOR"], strict=True)],
        index=joined.index,
        dtype=bool,
    )
    log = IssueLog()
    derived = joined["OVRLRESP"].notna()
    differs = joined[derived & (joined["word"] != joined["OVRLRESP"])]
    text = (
        "the reported overall response is not the one that follows from the lesions of this "
        "reader and visit; check the lesions or the response"
    )
    log.add_rows("TR23", "Q", "rs", text, differs)
    no_rows = (
        "a response is reported for a visit without lesion rows of this reader; add the lesions "
        "or correct the visit"
    )
    log.add_rows(
        "TR23", "Q", "rs", no_rows, joined[~derived & has_reader & (joined["word"] != "NE")]
    )
    new = joined[derived & (joined["NEWLPROG"] == "Y") & (joined["word"] != "PD")]
    log.add_rows(
        "TR24",
        "Q",
        "rs",
        "a new lesion is progression at this visit but the reported response is not PD; "
        "correct the response or the lesion",
        new,
    )
    return log.frame()
