"""Titles and rules of the findings on laboratory values and vital signs (``laboratory.findings``);
no code."""

from __future__ import annotations

from hcc_assets.clinical.checks.registry import reading

reading(
    "LB01",
    "Q",
    "Laboratory units are known",
    "LBSTRESU or LBORRESU is in the table of units of the test; nothing is converted by guess",
    "LB",
)
reading(
    "LB02",
    "Q",
    "Laboratory results can be read",
    "a result of a known test is a number, with < or > before it, or a word of a protein strip",
    "LB",
)
reading(
    "LB03",
    "Q",
    "A severe laboratory value is an adverse event",
    "a treatment-emergent value of grade 3 or 4 by number alone lies within an AE of its term, "
    "a week before and after it included",
    "LB",
)
reading(
    "LB04",
    "Q",
    "Values bear the grade of an event",
    "the highest grade of the values in the time of an AE of a CTCAE laboratory term is its "
    "AETOXGR; events without a value are not judged",
    "AE",
)
reading(
    "LB05",
    "Q",
    "Both forms of a result agree",
    "LBORRES and LBSTRESN are within 15 % of each other after conversion",
    "LB",
)
reading("LB06", "Q", "Laboratory subjects are in DM", "USUBJID of lb is in dm", "LB")
reading("VS01", "Q", "Units of vital signs are known", "VSSTRESU or VSORRESU is known", "VS")
reading("VS02", "Q", "Vital signs can be read", "a result of a known measurement is a number", "VS")
reading("VS06", "Q", "Subjects of vital signs are in DM", "USUBJID of vs is in dm", "VS")
