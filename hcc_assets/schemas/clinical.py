"""Validated clinical tables, one row model each, SDTM names.

What a site may send is judged in ``clinical.exports``; derived tables live elsewhere.

Conventions of all clinical tables: ``--DTC`` columns keep the text as delivered (partial dates
included); the ``--DT`` column beside it is the date, imputed where the text is partial, and
``--DTF`` says which part was imputed (``D``, ``M``, ``Y``; ADaM date imputation flag). ``SRCROW``
is the row number in the delivered file (1 = first data row), so that a message can point at it.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from hcc_assets.schemas.base import Table

Timestamp = pd.Timestamp


class Subjects(Table):
    """One row per subject of DM, with the treatment dates that EX and DS give."""

    USUBJID: str = pa.Field(description="Unique subject identifier")
    RFICDTC: str = pa.Field(nullable=True, description="Informed consent, as delivered")
    RFICDT: Timestamp = pa.Field(nullable=True, description="Informed consent, date")
    RFICDTF: str = pa.Field(nullable=True, description="Informed consent date imputation flag")
    AGE: float = pa.Field(nullable=True, description="Age", metadata={"unit": "years"})
    SEX: str = pa.Field(nullable=True, description="Sex: M, F or U")
    ARM: str = pa.Field(nullable=True, description="Planned arm")
    DTHDTC: str = pa.Field(nullable=True, description="Death, as delivered")
    DTHDT: Timestamp = pa.Field(nullable=True, description="Death, date (partial: imputed)")
    DTHDTF: str = pa.Field(nullable=True, description="Death date imputation flag")
    DTHFL: str = pa.Field(nullable=True, description="Death flag")
    DTHCAUS: str = pa.Field(
        nullable=True, description="Cause of death as collected, where the delivery has it"
    )
    SITEID: str = pa.Field(nullable=True, description="Study site, where the delivery has it")
    TRTSDT: Timestamp = pa.Field(
        nullable=True, description="First dose: first EX row with EXDOSE > 0; null when never dosed"
    )
    TRTEDT: Timestamp = pa.Field(
        nullable=True,
        description="Last dose: latest end (or start where no end) of an EX row with EXDOSE > 0",
    )
    ONGOING: bool = pa.Field(description="True when the last dosing record has no end date")
    SRCROW: int = pa.Field(ge=1, description="Row in the delivered dm file")

    class Config(Table.Config):
        name = "subjects"
        unique = ["USUBJID"]


class Exposure(Table):
    """EX: one row per dosing record; EXDOSE = 0 is an interruption."""

    USUBJID: str = pa.Field(description="Unique subject identifier")
    EXSEQ: float = pa.Field(nullable=True, description="Sequence number")
    EXTRT: str = pa.Field(nullable=True, description="Treatment")
    EXDOSE: float = pa.Field(
        nullable=True, description="Dose per administration", metadata={"unit": "mg"}
    )
    EXDOSU: str = pa.Field(nullable=True, description="Dose unit")
    EXDOSFRQ: str = pa.Field(nullable=True, description="Dosing frequency")
    EXSTDTC: str = pa.Field(nullable=True, description="Start, as delivered")
    EXSTDT: Timestamp = pa.Field(nullable=True, description="Start, date")
    EXSTDTF: str = pa.Field(nullable=True, description="Start date imputation flag")
    EXENDTC: str = pa.Field(nullable=True, description="End, as delivered")
    EXENDT: Timestamp = pa.Field(nullable=True, description="End, date")
    EXENDTF: str = pa.Field(nullable=True, description="End date imputation flag")
    EXADJ: str = pa.Field(nullable=True, description="Reason for dose adjustment")
    SRCROW: int = pa.Field(ge=1, description="Row in the delivered ex file")

    class Config(Table.Config):
        name = "exposure"


class TumourAssessments(Table):
    """TR with locations of TR or TU: one row per reader, lesion, visit and test, as delivered."""

    USUBJID: str = pa.Field(description="Unique subject identifier")
    EVALUATOR: str = pa.Field(description="Reader: TREVALID, else TREVAL, else INVESTIGATOR")
    VISITNUM: float = pa.Field(nullable=True, description="Visit number")
    VISIT: str = pa.Field(nullable=True, description="Visit name")
    TRDTC: str = pa.Field(nullable=True, description="Assessment, as delivered")
    TRDT: Timestamp = pa.Field(nullable=True, description="Assessment, date")
    TRDTF: str = pa.Field(nullable=True, description="Assessment date imputation flag")
    TRLNKID: str = pa.Field(nullable=True, description="Lesion link identifier")
    TRGRPID: str = pa.Field(nullable=True, description="TARGET, NON-TARGET or NEW")
    TULOC: str = pa.Field(nullable=True, description="Location of the lesion, upper case")
    TRTESTCD: str = pa.Field(nullable=True, description="LDIAM, SAXIS, LPERP, TUMSTATE, …")
    TRORRES: str = pa.Field(
        nullable=True, description="Result as delivered (text; the source of exact arithmetic)"
    )
    TRORRESU: str = pa.Field(nullable=True, description="Unit as delivered")
    TRSTRESN: float = pa.Field(
        nullable=True, description="Numeric result in standard unit as delivered"
    )
    TRSTRESU: str = pa.Field(nullable=True, description="Standard unit as delivered")
    TRSTAT: str = pa.Field(nullable=True, description="NOT DONE or null")
    TRREASND: str = pa.Field(nullable=True, description="Reason not done")
    TRMETHOD: str = pa.Field(nullable=True, description="Method of assessment")
    TREVAL: str = pa.Field(nullable=True, description="Evaluator role as delivered")
    TREVALID: str = pa.Field(nullable=True, description="Evaluator identifier as delivered")
    TRACPTFL: str = pa.Field(nullable=True, description="Accepted record flag")
    BASELINE: bool = pa.Field(
        description=(
            "True for rows of the baseline assessment: the visit named SCREENING or "
            "BASELINE, otherwise the last assessment on or before first dose"
        )
    )
    SRCROW: int = pa.Field(ge=1, description="Row in the delivered tr file")

    class Config(Table.Config):
        name = "tumour_assessments"


class ReportedResponses(Table):
    """RS: the response that a reader reported; kept beside the derived one and never used in its
    place."""

    USUBJID: str = pa.Field(description="Unique subject identifier")
    EVALUATOR: str = pa.Field(description="Reader: RSEVALID, else RSEVAL, else INVESTIGATOR")
    VISITNUM: float = pa.Field(nullable=True, description="Visit number")
    RSTESTCD: str = pa.Field(nullable=True, description="Test: OVRLRESP, TRGRESP, NTRGRESP, …")
    RSSTRESC: str = pa.Field(nullable=True, description="Reported result")
    RSDTC: str = pa.Field(nullable=True, description="Assessment, as delivered")
    RSDT: Timestamp = pa.Field(nullable=True, description="Assessment, date")
    RSDTF: str = pa.Field(nullable=True, description="Assessment date imputation flag")
    SRCROW: int = pa.Field(ge=1, description="Row in the delivered rs file")

    class Config(Table.Config):
        name = "reported_responses"


class Disposition(Table):
    """DS, new anticancer therapy of CM and survival status of SS, one row per record."""

    USUBJID: str = pa.Field(description="Unique subject identifier")
    DOMAIN: str = pa.Field(isin=["DS", "CM", "SS"], description="Source domain")
    DSDECOD: str = pa.Field(
        nullable=True,
        description=(
            "DS: disposition term; CM: NEW ANTICANCER THERAPY; SS: survival status (ALIVE, DEAD, …)"
        ),
    )
    DSSTDTC: str = pa.Field(nullable=True, description="Date of the record, as delivered")
    DSSTDT: Timestamp = pa.Field(nullable=True, description="Date of the record")
    DSSTDTF: str = pa.Field(nullable=True, description="Date imputation flag")
    SRCROW: int = pa.Field(ge=1, description="Row in the delivered file")

    class Config(Table.Config):
        name = "disposition"


class AdverseEvents(Table):
    """AE: one row per reported event; words as collected."""

    USUBJID: str = pa.Field(description="Unique subject identifier")
    AESEQ: float = pa.Field(nullable=True, description="Sequence number")
    AETERM: str = pa.Field(nullable=True, description="Reported term, verbatim")
    AEDECOD: str = pa.Field(nullable=True, description="MedDRA preferred term")
    AEBODSYS: str = pa.Field(nullable=True, description="MedDRA system organ class")
    AESTDTC: str = pa.Field(nullable=True, description="Start, as delivered")
    AESTDT: Timestamp = pa.Field(nullable=True, description="Start, date")
    AESTDTF: str = pa.Field(nullable=True, description="Start date imputation flag")
    AEENDTC: str = pa.Field(nullable=True, description="End, as delivered")
    AEENDT: Timestamp = pa.Field(nullable=True, description="End, date")
    AEENDTF: str = pa.Field(nullable=True, description="End date imputation flag")
    AETOXGR: str = pa.Field(
        nullable=True, description="CTCAE grade as collected; 1 to 5 where valid"
    )
    AESEV: str = pa.Field(nullable=True, description="Severity as collected")
    AEOUT: str = pa.Field(nullable=True, description="Outcome")
    AEREL: str = pa.Field(nullable=True, description="Causality as collected")
    AESER: str = pa.Field(nullable=True, description="Serious: Y or N")
    AEACN: str = pa.Field(nullable=True, description="Action taken with study treatment")
    AESDTH: str = pa.Field(nullable=True, description="Results in death")
    AESLIFE: str = pa.Field(nullable=True, description="Is life threatening")
    AESHOSP: str = pa.Field(nullable=True, description="Requires or prolongs hospitalization")
    AESDISAB: str = pa.Field(nullable=True, description="Persistent or significant disability")
    AESCONG: str = pa.Field(nullable=True, description="Congenital anomaly or birth defect")
    AESMIE: str = pa.Field(nullable=True, description="Other medically important event")
    SRCROW: int = pa.Field(ge=1, description="Row in the delivered ae file")

    class Config(Table.Config):
        name = "adverse_events"


class DataIssues(Table):
    """What a site should look at: one row per check and finding. Never a raw value."""

    check_id: str = pa.Field(description="Check, e.g. AE05")
    severity: str = pa.Field(
        isin=["E", "Q", "I"], description="E blocks, Q is a query to the site, I is information"
    )
    domain: str = pa.Field(description="Domain or table, upper case")
    subject_id: str = pa.Field(nullable=True, description="Subject, where the finding has one")
    row_key: str = pa.Field(
        nullable=True, description="Where: row number and key names of the record, never a value"
    )
    message: str = pa.Field(description="What is wrong and what to do, one sentence")

    class Config(Table.Config):
        name = "data_issues"
