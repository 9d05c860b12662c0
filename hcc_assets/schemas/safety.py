"""Safety tables, one row model each.

How the numbers are counted belongs to ``clinical.safety``.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.clinical import AdverseEvents

Timestamp = pd.Timestamp

AE_TABLES = ("OVERVIEW", "SOC_PT", "MAX_GRADE", "OUTCOME", "AESI", "EAIR")
LISTINGS = ("SERIOUS", "FATAL", "WITHDRAWAL")


class AeSummary(Table):
    """Treatment-emergent adverse events in numbers; rows in reading order: table, then SOC and
    preferred term by falling frequency."""

    table: str = pa.Field(
        isin=list(AE_TABLES),
        description="Table: OVERVIEW, SOC_PT, MAX_GRADE, OUTCOME, AESI or EAIR",
    )
    soc: str = pa.Field(
        description="MedDRA system organ class; ALL in overall rows, NOT CODED where none was given"
    )
    term: str = pa.Field(
        description=(
            "Preferred term, or the line of OVERVIEW, or the name of the AESI; ALL in "
            "overall and SOC rows"
        )
    )
    level: str = pa.Field(
        description="Grade group (MAX_GRADE) or AEOUT term (OUTCOME); ANY in the other tables"
    )
    patients: int = pa.Field(
        ge=0,
        description=(
            "Patients, each once: at the maximum grade (MAX_GRADE), at the worst outcome (OUTCOME)"
        ),
    )
    events: int = pa.Field(
        ge=0, description="Rows of the adverse event table; patients in the line DEATHS"
    )
    n: int = pa.Field(
        ge=0, description="Patients of the safety set: at least one dose on or before the cutoff"
    )
    pct: float = pa.Field(
        nullable=True,
        ge=0,
        le=100,
        description="Patients in percent of n; null when n is 0",
        metadata={"unit": "%"},
    )
    patient_years: float = pa.Field(
        nullable=True,
        ge=0,
        description="EAIR: time at risk until the first event",
        metadata={"unit": "years"},
    )
    rate_100py: float = pa.Field(
        nullable=True,
        ge=0,
        description="EAIR: patients with a first event per 100 patient-years at risk",
        metadata={"unit": "1/100 years"},
    )
    lcl: float = pa.Field(
        nullable=True,
        ge=0,
        description="EAIR: lower 95 % limit, exact Poisson",
        metadata={"unit": "1/100 years"},
    )
    ucl: float = pa.Field(
        nullable=True,
        ge=0,
        description="EAIR: upper 95 % limit, exact Poisson",
        metadata={"unit": "1/100 years"},
    )

    class Config(Table.Config):
        name = "ae_summary"
        unique = ["table", "soc", "term", "level"]


class AesiSummary(Table):
    """Adverse events of special interest in detail: what they were, how they ended, what was
    done."""

    aesi: str = pa.Field(description="Name of the AESI in study.toml")
    part: str = pa.Field(
        isin=["OVERVIEW", "ACTION", "TERM"],
        description=(
            "OVERVIEW: lines as in the overview; ACTION: by action taken; TERM: by preferred term"
        ),
    )
    level: str = pa.Field(description="Line within the part")
    patients: int = pa.Field(ge=0, description="Patients with at least one such event")
    events: int = pa.Field(ge=0, description="Rows of the adverse event table")
    n: int = pa.Field(ge=0, description="Patients of the safety set")
    pct: float = pa.Field(
        nullable=True,
        ge=0,
        le=100,
        description="Patients in percent of n; null when n is 0",
        metadata={"unit": "%"},
    )

    class Config(Table.Config):
        name = "aesi_summary"
        unique = ["aesi", "part", "level"]


class TreatmentEmergent(AdverseEvents):
    """AE rows with what counting needs: analysis dates, treatment-emergent flag, grade as a number,
    relatedness and seriousness collapsed."""

    SOC: str = pa.Field(
        description="System organ class for counting: AEBODSYS, NOT CODED where none was given"
    )
    PT: str = pa.Field(
        description=(
            "Preferred term for counting: AEDECOD, one spelling of capitals per term; NOT "
            "CODED where none was given"
        )
    )
    TRTSDT: Timestamp = pa.Field(
        nullable=True, description="First dose; null when never dosed on or before the cutoff"
    )
    TRTEDT: Timestamp = pa.Field(
        nullable=True,
        description="Last dose on or before the cutoff; the cutoff when dosing is ongoing",
    )
    ASTDT: Timestamp = pa.Field(
        nullable=True,
        description=(
            "Analysis start; partial: first of the month or year, not before first dose in "
            "the same period"
        ),
    )
    ASTDTF: str = pa.Field(nullable=True, description="Analysis start imputation flag: D or M")
    AENDT: Timestamp = pa.Field(
        nullable=True,
        description="Analysis end; partial: last of the month or year; null when after the cutoff",
    )
    AENDTF: str = pa.Field(nullable=True, description="Analysis end imputation flag: D or M")
    ASTDY: float = pa.Field(
        nullable=True,
        description="Study day of ASTDT; first dose is day 1, no day 0",
        metadata={"unit": "days"},
    )
    AENDY: float = pa.Field(
        nullable=True, description="Study day of AENDT", metadata={"unit": "days"}
    )
    SAFFL: str = pa.Field(isin=["Y", "N"], description="Subject belongs to the safety set")
    TRTEMFL: str = pa.Field(isin=["Y", "N"], description="Treatment-emergent")
    TRTEMDSC: str = pa.Field(description="Why the event is or is not treatment-emergent")
    ATOXGRN: float = pa.Field(
        nullable=True,
        ge=1,
        le=5,
        description="CTCAE grade as a number; null when missing or not 1 to 5",
    )
    AREL: str = pa.Field(
        isin=["Y", "N"],
        description="Related by [safety.relatedness]; a missing or unmapped word counts as related",
    )
    ARELDSC: str = pa.Field(
        isin=["MAPPED", "UNMAPPED", "MISSING"], description="Where AREL comes from"
    )
    ASER: str = pa.Field(
        isin=["Y", "N"],
        description=(
            "Serious: AESER; where that is neither Y nor N, any seriousness criterion that is Y"
        ),
    )
    AFATAL: str = pa.Field(isin=["Y", "N"], description="Fatal: grade 5 or outcome FATAL")
    AACN: str = pa.Field(nullable=True, description="Action taken, upper case, single spaces")
    AOUT: str = pa.Field(
        description=(
            "Outcome for counting: the AEOUT codelist, UNKNOWN for a word outside it, "
            "MISSING where none was given"
        )
    )
    AOCCIFL: str = pa.Field(
        nullable=True,
        description=(
            "First event of the subject at the subject's maximum grade, treatment-emergent "
            "events only"
        ),
    )
    AOCCSIFL: str = pa.Field(
        nullable=True, description="First event at maximum grade within the SOC"
    )
    AOCCPIFL: str = pa.Field(
        nullable=True, description="First event at maximum grade within the preferred term"
    )

    class Config(Table.Config):
        name = "treatment_emergent"


class AeListings(Table):
    """Serious, fatal and withdrawal events one by one.

    The verbatim term is left out: free text may hold what identifies a person.
    """

    listing: str = pa.Field(isin=list(LISTINGS), description="SERIOUS, FATAL or WITHDRAWAL")
    USUBJID: str = pa.Field(description="Unique subject identifier")
    AESEQ: float = pa.Field(nullable=True, description="Sequence number")
    SRCROW: int = pa.Field(ge=1, description="Row in the delivered ae file")
    AEDECOD: str = pa.Field(description="Preferred term; NOT CODED where none was given")
    AEBODSYS: str = pa.Field(description="System organ class; NOT CODED where none was given")
    ASTDT: Timestamp = pa.Field(nullable=True, description="Start (partial: imputed)")
    ASTDTF: str = pa.Field(nullable=True, description="Start imputation flag")
    ASTDY: float = pa.Field(
        nullable=True, description="Study day of start", metadata={"unit": "days"}
    )
    AENDT: Timestamp = pa.Field(nullable=True, description="End (partial: imputed)")
    AENDTF: str = pa.Field(nullable=True, description="End imputation flag")
    ADURN: float = pa.Field(
        nullable=True, description="Duration, both days counted", metadata={"unit": "days"}
    )
    AETOXGR: float = pa.Field(nullable=True, description="CTCAE grade")
    AREL: str = pa.Field(description="Related Y/N")
    AESER: str = pa.Field(
        description="Serious Y/N as counted; N with a criterion beside it asks for a query"
    )
    criteria: str = pa.Field(
        nullable=True, description="Seriousness criteria that are Y, separated by semicolons"
    )
    AEOUT: str = pa.Field(description="Outcome")
    AEACN: str = pa.Field(nullable=True, description="Action taken with study treatment")
    TRTEMFL: str = pa.Field(isin=["Y", "N"], description="Treatment-emergent")
    days_since_last_dose: float = pa.Field(
        nullable=True,
        description="Start minus last dose on or before the cutoff; negative while dosing",
        metadata={"unit": "days"},
    )
    counted: str = pa.Field(
        isin=["Y", "N"],
        description=(
            "N when an E finding leaves the row out of the counts; it is listed all the same"
        ),
    )

    class Config(Table.Config):
        name = "ae_listings"
        unique = ["listing", "USUBJID", "SRCROW"]
