"""Checks of the words of AE: causality, CTCAE terms, coding, seriousness.

Dates, grades, outcomes and deaths are in ``ae``.
"""

from __future__ import annotations

import pandas as pd

from hcc_assets.clinical.checks.context import Context
from hcc_assets.clinical.checks.ctcae import match_key
from hcc_assets.clinical.checks.registry import Finding, check, each
from hcc_assets.study.codelists import GRADES
from hcc_assets.study.sdtm_variables import SERIOUSNESS


@check(
    "AE17",
    "Q",
    "Causality words are known",
    "AEREL is in [safety.relatedness]; an unknown word counts as related",
    "adverse_events",
)
def relatedness(c: Context) -> list[Finding]:
    """AEREL that the study has no meaning for."""
    known = {word.strip().upper() for word in c.config.safety.relatedness}
    words = c.ae["AEREL"].str.upper()
    text = (
        "AEREL is no word of [safety.relatedness] and counts as related; correct it, or add the "
        "word in study.toml"
    )
    return each(c.ae[words.notna() & ~words.isin(known)], text)


def _offered(c: Context) -> pd.DataFrame:
    assert c.ctcae is not None
    return c.ctcae.groupby("key")[[f"grade_{g}" for g in GRADES]].any()


@check(
    "AE18",
    "Q",
    "CTCAE offers the grade",
    "AETOXGR is a grade that CTCAE v5.0 offers for the matched term",
    "adverse_events",
)
def grade_not_offered(c: Context) -> list[Finding]:
    """Grade that does not exist for the term."""
    if c.ctcae is None:
        return []
    offered = _offered(c)
    ae = c.ae[c.ae["AEDECOD"].notna() & c.ae["AETOXGR"].isin(GRADES)]
    keys = {term: match_key(term) for term in ae["AEDECOD"].unique()}
    odd = [
        keys[term] in offered.index and not bool(offered.at[keys[term], f"grade_{grade}"])
        for term, grade in zip(ae["AEDECOD"], ae["AETOXGR"], strict=True)
    ]
    return each(
        ae[pd.Series(odd, index=ae.index, dtype=bool)],
        "CTCAE v5.0 does not offer this grade for the term; correct AETOXGR or AEDECOD",
    )


@check(
    "AE19",
    "I",
    "Preferred terms are recognised in CTCAE",
    "count of AEDECOD found among the CTCAE v5.0 terms, in either spelling",
    "adverse_events",
)
def recognised(c: Context) -> list[Finding]:
    """One row: how many terms are known, or that the term checks were not run."""
    if c.ctcae is None:
        return [
            Finding(
                None,
                (),
                "the CTCAE term checks were not run: landing/reference has no ctcae_v5 table",
            )
        ]
    known = set(c.ctcae["key"])
    terms = c.ae["AEDECOD"].dropna()
    matched = {term for term in terms.unique() if match_key(term) in known}
    rows = int(terms.isin(matched).sum())
    return [
        Finding(
            None,
            (),
            f"{len(matched)} of {terms.nunique()} preferred terms ({rows} of {len(c.ae)} "
            "rows) are CTCAE v5.0 terms; for information",
        )
    ]


@check("AE20", "Q", "Events are coded", "AEDECOD is filled", "adverse_events")
def uncoded(c: Context) -> list[Finding]:
    """Event without preferred term."""
    return each(c.ae[c.ae["AEDECOD"].isna()], "AEDECOD is empty; code the event")


@check(
    "AE21",
    "Q",
    "A seriousness criterion makes an event serious",
    f"one of {', '.join(SERIOUSNESS)} = Y implies AESER = Y",
    "adverse_events",
)
def criterion_not_serious(c: Context) -> list[Finding]:
    """Criterion that is Y beside AESER = N; the event counts as AESER says."""
    bad = (c.ae["AESER"] == "N") & (c.ae[list(SERIOUSNESS)] == "Y").any(axis=1)
    return each(
        c.ae[bad], "AESER is N but a seriousness criterion is Y; correct AESER or the criterion"
    )
