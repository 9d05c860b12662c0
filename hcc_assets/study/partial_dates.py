"""What day a partial date stands for, column by column. Reading dates from text is in ``clinical``.

Sources: a start is the first possible day and an end the last (ADaMIG 1.3, section 3.1.3, leaves
the rule to the study); not before the first dose, consent and baseline [CLINICAL.md 11.8];
therapies [CLINICAL.md 11.15]; onset of adverse events (CTCAE reporting).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal


@dataclass(frozen=True)
class PartialDate:
    """Rule of one column.

    Attributes
    ----------
    table, date
        Published table and column of the day; its flag (``D``, ``M``, ``Y``: what was imputed) is
        in the column with an ``F`` behind.
    side
        Day of the period that is taken.
    not_before
        Day up to which an imputed first day is moved where it lies in the same period.
    unless
        When it is not moved.
    """

    table: str
    date: str
    side: Literal["first", "last"]
    not_before: str = ""
    unless: str = ""


PARTIAL_DATES: Final = MappingProxyType(
    {
        "RFICDTC": PartialDate("subjects", "RFICDT", "first"),
        "DTHDTC": PartialDate("subjects", "DTHDT", "first", "the last dose"),
        "EXSTDTC": PartialDate("exposure", "EXSTDT", "first", "consent and the baseline scan"),
        "EXENDTC": PartialDate("exposure", "EXENDT", "last"),
        "TRDTC": PartialDate("tumour_assessments", "TRDT", "first"),
        "RSDTC": PartialDate("reported_responses", "RSDT", "first"),
        "AESTDTC": PartialDate(
            "adverse_events", "AESTDT", "first", "the first dose", "the event was over by then"
        ),
        "AEENDTC": PartialDate("adverse_events", "AEENDT", "last"),
        "DSSTDTC": PartialDate("disposition", "DSSTDT", "first"),
        "CMSTDTC": PartialDate("disposition", "DSSTDT", "last"),
        "PRSTDTC": PartialDate("disposition", "DSSTDT", "last"),
        "SSDTC": PartialDate("disposition", "DSSTDT", "first"),
        "LBDTC": PartialDate("lab_results", "LBDT", "first"),
        "VSDTC": PartialDate("vital_signs", "VSDT", "first"),
        "SCDTC": PartialDate("subject_characteristics", "DT", "first"),
        "QSDTC": PartialDate("subject_characteristics", "DT", "first"),
    }
)
"""Rule by delivered column."""
