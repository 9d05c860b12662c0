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
    "RD07",
    "I",
    "Decimal points",
    "a decimal comma is read as a point where it can be nothing else; Q of the subject where other "
    "cells of the column have a point",
)
reading("RD08", "E", "Every row names its subject", "a row without USUBJID is left out")
reading(
    "RD09", "E", "Ids are written one way", "no two USUBJID of dm differ in letter case only", "DM"
)
reading(
    "RD13",
    "Q",
    "Ids are written as in DM",
    "a USUBJID that differs from DM's in letter case alone is read as the same subject",
)
reading("RD11", "I", "Only domains in the folder", "a file that is no domain is left aside")
reading("RD12", "I", "Dates are complete", "a partial date is kept as text, imputed and flagged")
reading(
    "CM01",
    "Q",
    "Therapies are known words",
    "CMCAT, or PRCAT and PRTRT, is in one of the lists of [therapy]",
    "CM",
)
reading(
    "CM02", "Q", "New anticancer therapies have a date", "a new anticancer therapy has a date", "CM"
)
reading(
    "CM03",
    "Q",
    "Dates of new anticancer therapies are complete",
    "a partial one is taken as the latest possible day",
    "CM",
)
reading(
    "CM04",
    "Q",
    "Categories agree with treatments",
    "an anticancer therapy since the first dose is not called concomitant or prior",
    "CM",
)
reading(
    "CM05",
    "Q",
    "New anticancer therapies begin after the first dose",
    "a therapy whose category says NEW or SUBSEQUENT does not begin before the first dose",
    "CM",
)
reading(
    "TR28",
    "I",
    "Criteria are derived",
    "TRCAT is RECIST 1.1 (or blank) or mRECIST; rows of another criterion are kept and not used",
    "TR",
)
