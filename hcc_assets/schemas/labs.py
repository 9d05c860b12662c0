"""Graded laboratory values and vital signs, shifts of grades, and the safety of the liver.

How they are derived belongs to ``clinical.laboratory``; results as delivered are in ``clinical``.
"""

from __future__ import annotations

import pandas as pd

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.fields import column, maybe

Timestamp = pd.Timestamp

_GRADES = ["0", "1", "2", "3", "4"]
_SIGNED = ["-4", "-3", "-2", "-1", *_GRADES]
QUADRANTS = ("NORMAL", "TEMPLES COROLLARY", "CHOLESTASIS", "HYS LAW")


class Labs(Table):
    """Laboratory values and vital signs with CTCAE grades: one row per subject, test, specimen,
    visit and day, in the standard unit of the test where the delivered one is known."""

    USUBJID: str = column("Unique subject identifier")
    DOMAIN: str = column("Source domain", isin=["LB", "VS"])
    LBTESTCD: str = maybe(
        "Test, CDISC code; of VS the VSTESTCD. CACR: calcium corrected by albumin"
    )
    LBSPEC: str = maybe("Specimen")
    VISITNUM: float = maybe("Visit number")
    VISIT: str = maybe("Visit name")
    ADT: Timestamp = maybe("Day of the sample (partial: first possible day)")
    ADTF: str = maybe("Date imputation flag: D or M")
    ADY: float = maybe("Study day; first dose is day 1, no day 0", unit="days")
    AVAL: float = maybe("Value; of a result such as <5 the number")
    AVALC: str = maybe("Result as delivered where it is no plain number")
    AVALU: str = maybe("Unit of AVAL, ANRLO, ANRHI and BASE")
    ANRLO: float = maybe("Lower limit of normal")
    ANRHI: float = maybe("Upper limit of normal")
    ABLFL: str = maybe("Y: the baseline value, the last on or before first dose")
    BASE: float = maybe("Baseline value, where it has the unit of AVAL")
    BASEHI: float = maybe("Upper limit of normal of the baseline value")
    PCHG: float = maybe("Change from baseline", unit="%")
    ATOXGR: str = maybe("CTCAE grade, signed: -3 is grade 3 downward", isin=_SIGNED)
    ATOXGRL: str = maybe("CTCAE grade downward; null where it cannot be told", isin=_GRADES)
    ATOXGRH: str = maybe("CTCAE grade upward; null where it cannot be told", isin=_GRADES)
    BTOXGRL: str = maybe("Grade downward at baseline", isin=_GRADES)
    BTOXGRH: str = maybe("Grade upward at baseline, against the limit of normal", isin=_GRADES)
    TERML: str = maybe("CTCAE term of the grade downward")
    TERMH: str = maybe("CTCAE term of the grade upward")
    CONVENTION: str = maybe("Convention that the grade rests on, where a number does not decide")
    ONTRTFL: str = column("Sampled under treatment or in the window after it", isin=["Y", "N"])
    TRTEMFL: str = column("Under treatment and of a higher grade than baseline", isin=["Y", "N"])
    SRCROW: int = column("Row in the delivered file (CACR: of the calcium)", ge=1)

    class Config(Table.Config):
        name = "labs"


class LabShifts(Table):
    """Patients by grade at baseline and worst grade under treatment, of each test and direction."""

    LBTESTCD: str = column("Test, as in labs")
    LBSPEC: str = column("URINE, or BLOOD for any other specimen; VITAL SIGNS for those of VS")
    direction: str = column("L downward, H upward", isin=["L", "H"])
    term: str = column("CTCAE term")
    base_grade: str = column("Grade at baseline", isin=[*_GRADES, "MISSING"])
    worst_grade: str = column("Worst grade under treatment", isin=_GRADES)
    patients: int = column("Patients with this shift", ge=0)
    n: int = column("Patients with a grade of this test under treatment", ge=0)
    pct: float = maybe("Patients in percent of n", ge=0, le=100, unit="%")

    class Config(Table.Config):
        name = "lab_shifts"
        unique = ["LBTESTCD", "LBSPEC", "direction", "base_grade", "worst_grade"]


class LiverSafety(Table):
    """One row per treated subject with a laboratory value: Hy's law, ALBI and the course of AFP."""

    USUBJID: str = column("Unique subject identifier")
    PEAK_ALT_AST: float = maybe(
        "Highest ALT or AST under treatment over its upper limit; over the baseline where that "
        "was above its own limit"
    )
    PEAK_BILI: float = maybe("Highest bilirubin under treatment over its upper limit")
    QUADRANT: str = maybe("Place of the two peaks (3 and 2)", isin=list(QUADRANTS))
    HYS_LAW: str = maybe(
        "Y: ALT or AST above 3 and bilirubin above 2 within labs.hys_law_days, ALP below 2 times "
        "its limit; null without both peaks",
        isin=["Y", "N"],
    )
    HYS_LAW_DT: Timestamp = maybe("First day on which both had been seen")
    ALBI: float = maybe("ALBI score at baseline")
    ALBI_GRADE: str = maybe("ALBI grade at baseline", isin=["1", "2", "3"])
    ALBI_WORST: float = maybe("Highest ALBI score under treatment")
    ALBI_WORST_GRADE: str = maybe("Its grade", isin=["1", "2", "3"])
    ALBI_LAST: float = maybe("Last ALBI score under treatment")
    ALBI_LAST_GRADE: str = maybe("Its grade", isin=["1", "2", "3"])
    AFP_BASE: float = maybe("AFP at baseline", unit="ng/mL")
    AFP_LOWEST: float = maybe("Lowest AFP under treatment", unit="ng/mL")
    AFP_BEST_PCHG: float = maybe("Its change from baseline", unit="%")
    AFP_LAST: float = maybe("Last AFP under treatment", unit="ng/mL")
    AFP_LAST_DT: Timestamp = maybe("Its day")
    AFP_LAST_PCHG: float = maybe("Its change from baseline", unit="%")
    AFP_RESPONSE: str = maybe(
        "Y: a fall by labs.afp_response_percent or more; null where AFP was not raised at "
        "baseline or not measured since",
        isin=["Y", "N"],
    )

    class Config(Table.Config):
        name = "liver_safety"
        unique = ["USUBJID"]
