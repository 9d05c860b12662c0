"""Titles and rules of the findings that are made while a delivery is read (``columns``, ``typed``,
``tables``, ``exports``); no code."""

from __future__ import annotations

from hcc_assets.clinical.checks.registry import reading

reading(
    "RD01",
    "I",
    "Optional columns are delivered",
    "an absent optional column becomes null, told once per table",
)
reading(
    "RD02",
    "Q",
    "Columns are known",
    "a column that is neither read nor an SDTM variable of the domain is left out",
)
reading(
    "RD03",
    "I",
    "Ids and codes are plain characters",
    "full-width, non-breaking and invisible characters and outer blanks of ids are normalised",
)
reading("RD04", "I", "No birth dates and initials", "BRTHDTC and initials are dropped on reading")
reading(
    "RD05",
    "Q",
    "Numbers can be read",
    "a number column holds numbers; E for EXDOSE and VISITNUM of tr",
)
reading(
    "RD06",
    "Q",
    "Dates exist in the calendar",
    "dates are ISO 8601, whole or partial, and nothing else is guessed; E in ex and tr (dm: DM02)",
)
reading(
    "RD07", "I", "Decimal points", "a decimal comma is read as a point where it can be nothing else"
)
reading("RD08", "E", "Every row names its subject", "a row without USUBJID is left out")
reading(
    "RD09", "E", "Ids are written one way", "no two USUBJID of dm differ in letter case only", "DM"
)
reading("RD11", "I", "Only domains in the folder", "a file that is no domain is left aside")
reading("RD12", "I", "Dates are complete", "a partial date is kept as text, imputed and flagged")
