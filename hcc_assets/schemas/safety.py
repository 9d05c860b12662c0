"""Safety tables, one row model each.

How the numbers are counted belongs to ``clinical.safety``.
"""

from __future__ import annotations

import pandas as pd

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.clinical import AdverseEvents
from hcc_assets.schemas.fields import column, maybe

Timestamp = pd.Timestamp

AE_TABLES = (
    "OVERVIEW",
    "SOC_PT",
    "MAX_GRADE",
    "OUTCOME",
    "AESI",
    "EAIR",
    "RELATED_SOC_PT_GRADE",
    "SERIOUS_SOC_PT",
)
LISTINGS = ("SERIOUS", "FATAL", "WITHDRAWAL")


class AeSummary(Table):
    """Treatment-emergent adverse events in numbers; rows in reading order: table, then SOC and
    preferred term by falling frequency."""

    table: str = column(
        "Table: OVERVIEW, SOC_PT, MAX_GRADE, OUTCOME, AESI, EAIR, RELATED_SOC_PT_GRADE "
        "(treatment-related) or SERIOUS_SOC_PT",
        isin=list(AE_TABLES),
    )
    soc: str = column(
        "MedDRA system organ class; ALL in overall rows, NOT CODED where none was given"
    )
    term: str = column(
        "Preferred term, or the line of OVERVIEW, or the name of the AESI; ALL in "
        "overall and SOC rows"
    )
    level: str = column(
        "Grade group (MAX_GRADE, RELATED_SOC_PT_GRADE) or AEOUT term (OUTCOME); ANY in the "
        "other tables"
    )
    patients: int = column(
        "Patients, each once: at the maximum grade (MAX_GRADE), at the worst outcome (OUTCOME)",
        ge=0,
    )
    events: int = column("Rows of the adverse event table; patients in the line DEATHS", ge=0)
    n: int = column("Patients of the safety set: at least one dose on or before the cutoff", ge=0)
    pct: float = maybe("Patients in percent of n; null when n is 0", ge=0, le=100, unit="%")
    patient_years: float = maybe("EAIR: time at risk until the first event", ge=0, unit="years")
    rate_100py: float = maybe(
        "EAIR: patients with a first event per 100 patient-years at risk", ge=0, unit="1/100 years"
    )
    lcl: float = maybe("EAIR: lower 95 % limit, exact Poisson", ge=0, unit="1/100 years")
    ucl: float = maybe("EAIR: upper 95 % limit, exact Poisson", ge=0, unit="1/100 years")

    class Config(Table.Config):
        name = "ae_summary"
        unique = ["table", "soc", "term", "level"]


class AesiSummary(Table):
    """Adverse events of special interest in detail: what they were, how they ended, what was
    done."""

    aesi: str = column("Name of the AESI in study.toml")
    part: str = column(
        "OVERVIEW: lines as in the overview; ACTION: by action taken; TERM: by preferred term",
        isin=["OVERVIEW", "ACTION", "TERM"],
    )
    level: str = column("Line within the part")
    patients: int = column("Patients with at least one such event", ge=0)
    events: int = column("Rows of the adverse event table", ge=0)
    n: int = column("Patients of the safety set", ge=0)
    pct: float = maybe("Patients in percent of n; null when n is 0", ge=0, le=100, unit="%")

    class Config(Table.Config):
        name = "aesi_summary"
        unique = ["aesi", "part", "level"]


class AeOnset(Table):
    """When treatment-emergent events begin and how long they last."""

    part: str = column("ALL events, an AESI, or a preferred TERM", isin=["ALL", "AESI", "TERM"])
    term: str = column("ALL, the name of the AESI, or the preferred term")
    patients: int = column("Patients with at least one such event", ge=0)
    events: int = column("Such events", ge=0)
    onset_n: int = column("Patients whose first event has a whole date", ge=0)
    onset_median: float = maybe("Median study day of the first event", unit="days")
    onset_q1: float = maybe("First quartile of it", unit="days")
    onset_q3: float = maybe("Third quartile of it", unit="days")
    onset_minimum: float = maybe("Earliest", unit="days")
    onset_maximum: float = maybe("Latest", unit="days")
    duration_n: int = column("Events with whole dates of start and end", ge=0)
    duration_median: float = maybe("Median duration of those, both days counted", unit="days")
    duration_minimum: float = maybe("Shortest", unit="days")
    duration_maximum: float = maybe("Longest", unit="days")

    class Config(Table.Config):
        name = "ae_onset"
        unique = ["part", "term"]


class TreatmentEmergent(AdverseEvents):
    """AE rows with what counting needs: analysis dates, treatment-emergent flag, grade as a number,
    relatedness and seriousness collapsed."""

    SOC: str = column("System organ class for counting: AEBODSYS, NOT CODED where none was given")
    PT: str = column(
        "Preferred term for counting: AEDECOD, one spelling of capitals per term; NOT "
        "CODED where none was given"
    )
    TRTSDT: Timestamp = maybe("First dose; null when never dosed on or before the cutoff")
    TRTEDT: Timestamp = maybe("Last day of treatment on or before the cutoff (treatment_course)")
    ASTDT: Timestamp = maybe(
        "Analysis start; partial: first of the month or year, not before first dose in "
        "the same period"
    )
    ASTDTF: str = maybe("Analysis start imputation flag: D or M")
    AENDT: Timestamp = maybe(
        "Analysis end; partial: last of the month or year; null when after the cutoff"
    )
    AENDTF: str = maybe("Analysis end imputation flag: D or M")
    ASTDY: float = maybe("Study day of ASTDT; first dose is day 1, no day 0", unit="days")
    AENDY: float = maybe("Study day of AENDT", unit="days")
    SAFFL: str = column("Subject belongs to the safety set", isin=["Y", "N"])
    TRTEMFL: str = column("Treatment-emergent", isin=["Y", "N"])
    TRTEMDSC: str = column("Why the event is or is not treatment-emergent")
    ATOXGRN: float = maybe("CTCAE grade as a number; null when missing or not 1 to 5", ge=1, le=5)
    AREL: str = column(
        "Related by [safety.relatedness]; a missing or unmapped word counts as related",
        isin=["Y", "N"],
    )
    ARELDSC: str = column("Where AREL comes from", isin=["MAPPED", "UNMAPPED", "MISSING"])
    ASER: str = column(
        "Serious: AESER; where that is neither Y nor N, any seriousness criterion that is Y",
        isin=["Y", "N"],
    )
    AFATAL: str = column("Fatal: grade 5 or outcome FATAL", isin=["Y", "N"])
    AACN: str = maybe("Action taken, upper case, single spaces")
    AOUT: str = column(
        "Outcome for counting: the AEOUT codelist, UNKNOWN for a word outside it, "
        "MISSING where none was given"
    )
    AOCCIFL: str = maybe(
        "First event of the subject at the subject's maximum grade, treatment-emergent events only"
    )
    AOCCSIFL: str = maybe("First event at maximum grade within the SOC")
    AOCCPIFL: str = maybe("First event at maximum grade within the preferred term")

    class Config(Table.Config):
        name = "treatment_emergent"


class AeListings(Table):
    """Serious, fatal and withdrawal events one by one.

    The verbatim term is left out: free text may hold what identifies a person.
    """

    listing: str = column("SERIOUS, FATAL or WITHDRAWAL", isin=list(LISTINGS))
    USUBJID: str = column("Unique subject identifier")
    AESEQ: float = maybe("Sequence number")
    SRCROW: int = column("Row in the delivered ae file", ge=1)
    AEDECOD: str = column("Preferred term; NOT CODED where none was given")
    AEBODSYS: str = column("System organ class; NOT CODED where none was given")
    ASTDT: Timestamp = maybe("Start (partial: imputed)")
    ASTDTF: str = maybe("Start imputation flag")
    ASTDY: float = maybe("Study day of start", unit="days")
    AENDT: Timestamp = maybe("End (partial: imputed)")
    AENDTF: str = maybe("End imputation flag")
    ADURN: float = maybe("Duration, both days counted", unit="days")
    AETOXGR: float = maybe("CTCAE grade")
    AREL: str = column("Related Y/N")
    AESER: str = column("Serious Y/N as counted; N with a criterion beside it asks for a query")
    criteria: str = maybe("Seriousness criteria that are Y, separated by semicolons")
    AEOUT: str = column("Outcome")
    AEACN: str = maybe("Action taken with study treatment")
    TRTEMFL: str = column("Treatment-emergent", isin=["Y", "N"])
    days_since_last_dose: float = maybe(
        "Start minus last day of treatment (treatment_course); negative while treated",
        unit="days",
    )
    counted: str = column(
        "N when the row is an exact copy or of an unknown subject; it is listed all the same",
        isin=["Y", "N"],
    )

    class Config(Table.Config):
        name = "ae_listings"
        unique = ["listing", "USUBJID", "SRCROW"]
