"""Validated clinical tables, one row model each, SDTM names.

What a site may send is judged in ``clinical.exports``; derived tables live elsewhere.

Conventions of all clinical tables: ``--DTC`` columns keep the text as delivered (partial dates
included); the ``--DT`` column beside it is the date, imputed where the text is partial, and
``--DTF`` says which part was imputed (``D``, ``M``, ``Y``; ADaM date imputation flag). ``SRCROW``
is the row number in the delivered file (1 = first data row), so that a message can point at it.
"""

from __future__ import annotations

import pandas as pd

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.fields import column, maybe

Timestamp = pd.Timestamp


class Subjects(Table):
    """One row per subject of DM, with the treatment dates that EX and DS give."""

    USUBJID: str = column("Unique subject identifier")
    RFICDTC: str = maybe("Informed consent, as delivered")
    RFICDT: Timestamp = maybe("Informed consent, date")
    RFICDTF: str = maybe("Informed consent date imputation flag")
    AGE: float = maybe("Age", unit="years")
    SEX: str = maybe("Sex: M, F or U")
    ARM: str = maybe("Planned arm")
    DTHDTC: str = maybe("Death, as delivered")
    DTHDT: Timestamp = maybe("Death, date (partial: imputed)")
    DTHDTF: str = maybe("Death date imputation flag")
    DTHFL: str = maybe("Death flag")
    DTHCAUS: str = maybe("Cause of death as collected, where the delivery has it")
    SITEID: str = maybe("Study site, where the delivery has it")
    TRTSDT: Timestamp = maybe("First dose: first EX row with EXDOSE > 0; null when never dosed")
    WTHDT: Timestamp = maybe(
        "First day whose data are not used: withdrawal recorded with hcc withdraw"
    )
    TRTEDT: Timestamp = maybe(
        "Last dose: latest end (or start where no end) of an EX row with EXDOSE > 0"
    )
    ONGOING: bool = column("True when the last dosing record has no end date")
    SRCROW: int = column("Row in the delivered dm file", ge=1)

    class Config(Table.Config):
        name = "subjects"
        unique = ["USUBJID"]


class Exposure(Table):
    """EX: one row per dosing record; EXDOSE = 0 is an interruption."""

    USUBJID: str = column("Unique subject identifier")
    EXSEQ: float = maybe("Sequence number")
    EXTRT: str = maybe("Treatment")
    EXDOSE: float = maybe("Dose per administration", unit="mg")
    EXDOSU: str = maybe("Dose unit")
    EXDOSFRQ: str = maybe("Dosing frequency")
    EXSTDTC: str = maybe("Start, as delivered")
    EXSTDT: Timestamp = maybe("Start, date")
    EXSTDTF: str = maybe("Start date imputation flag")
    EXENDTC: str = maybe("End, as delivered")
    EXENDT: Timestamp = maybe("End, date")
    EXENDTF: str = maybe("End date imputation flag")
    EXADJ: str = maybe("Reason for dose adjustment")
    SRCROW: int = column("Row in the delivered ex file", ge=1)

    class Config(Table.Config):
        name = "exposure"


class TumourAssessments(Table):
    """TR with locations of TR or TU: one row per reader, lesion, visit and test, as delivered."""

    USUBJID: str = column("Unique subject identifier")
    EVALUATOR: str = column("Reader: TREVALID, else TREVAL, else INVESTIGATOR")
    CRITERION: str = column("Response criterion of TRCAT; RECIST 1.1 where it is blank")
    VISITNUM: float = maybe("Visit number")
    VISIT: str = maybe("Visit name")
    TRDTC: str = maybe("Assessment, as delivered")
    TRDT: Timestamp = maybe("Assessment, date")
    TRDTF: str = maybe("Assessment date imputation flag")
    TRLNKID: str = maybe("Lesion link identifier")
    TRGRPID: str = maybe("TARGET, NON-TARGET or NEW")
    TULOC: str = maybe("Location of the lesion, upper case")
    TRTESTCD: str = maybe("LDIAM, SAXIS, LPERP, TUMSTATE, …")
    TRORRES: str = maybe("Result as delivered (text; the source of exact arithmetic)")
    TRORRESU: str = maybe("Unit as delivered")
    TRSTRESN: float = maybe("Numeric result in standard unit as delivered")
    TRSTRESU: str = maybe("Standard unit as delivered")
    TRSTAT: str = maybe("NOT DONE or null")
    TRREASND: str = maybe("Reason not done")
    TRMETHOD: str = maybe("Method of assessment")
    TREVAL: str = maybe("Evaluator role as delivered")
    TREVALID: str = maybe("Evaluator identifier as delivered")
    TRACPTFL: str = maybe("Accepted record flag")
    BASELINE: bool = column(
        "True for rows of the baseline assessment: the visit named SCREENING or "
        "BASELINE, otherwise the last assessment on or before first dose"
    )
    SRCROW: int = column("Row in the delivered tr file", ge=1)

    class Config(Table.Config):
        name = "tumour_assessments"


class ReportedResponses(Table):
    """RS: the response that a reader reported; kept beside the derived one and never used in its
    place."""

    USUBJID: str = column("Unique subject identifier")
    EVALUATOR: str = column("Reader: RSEVALID, else RSEVAL, else INVESTIGATOR")
    CRITERION: str = column("Response criterion of RSCAT; RECIST 1.1 where it is blank")
    VISITNUM: float = maybe("Visit number")
    RSTESTCD: str = maybe("Test: OVRLRESP, TRGRESP, NTRGRESP, …")
    RSSTRESC: str = maybe("Reported result")
    RSDTC: str = maybe("Assessment, as delivered")
    RSDT: Timestamp = maybe("Assessment, date")
    RSDTF: str = maybe("Assessment date imputation flag")
    SRCROW: int = column("Row in the delivered rs file", ge=1)

    class Config(Table.Config):
        name = "reported_responses"


class Disposition(Table):
    """DS, new anticancer therapy of CM and PR and survival status of SS, one row per record."""

    USUBJID: str = column("Unique subject identifier")
    DOMAIN: str = column("Source domain", isin=["DS", "CM", "PR", "SS"])
    DSDECOD: str = maybe(
        "DS: disposition term; CM, PR: NEW ANTICANCER THERAPY; SS: survival status (ALIVE, DEAD, …)"
    )
    DSSCAT: str = maybe("DS: subcategory, such as END OF TREATMENT")
    DSSTDTC: str = maybe("Date of the record, as delivered")
    DSSTDT: Timestamp = maybe("Date of the record")
    DSSTDTF: str = maybe("Date imputation flag")
    SRCROW: int = column("Row in the delivered file", ge=1)

    class Config(Table.Config):
        name = "disposition"


class AdverseEvents(Table):
    """AE: one row per reported event; words as collected."""

    USUBJID: str = column("Unique subject identifier")
    AESEQ: float = maybe("Sequence number")
    AETERM: str = maybe("Reported term, verbatim")
    AEDECOD: str = maybe("MedDRA preferred term")
    AEBODSYS: str = maybe("MedDRA system organ class")
    AESTDTC: str = maybe("Start, as delivered")
    AESTDT: Timestamp = maybe("Start, date")
    AESTDTF: str = maybe("Start date imputation flag")
    AEENDTC: str = maybe("End, as delivered")
    AEENDT: Timestamp = maybe("End, date")
    AEENDTF: str = maybe("End date imputation flag")
    AETOXGR: str = maybe("CTCAE grade as collected; 1 to 5 where valid")
    AESEV: str = maybe("Severity as collected")
    AEOUT: str = maybe("Outcome")
    AEREL: str = maybe("Causality as collected")
    AESER: str = maybe("Serious: Y or N")
    AEACN: str = maybe("Action taken with study treatment")
    AESDTH: str = maybe("Results in death")
    AESLIFE: str = maybe("Is life threatening")
    AESHOSP: str = maybe("Requires or prolongs hospitalization")
    AESDISAB: str = maybe("Persistent or significant disability")
    AESCONG: str = maybe("Congenital anomaly or birth defect")
    AESMIE: str = maybe("Other medically important event")
    SRCROW: int = column("Row in the delivered ae file", ge=1)

    class Config(Table.Config):
        name = "adverse_events"


class LabResults(Table):
    """LB: one row per laboratory result, as delivered; a result is a number or a word."""

    USUBJID: str = column("Unique subject identifier")
    LBSEQ: float = maybe("Sequence number")
    LBTESTCD: str = maybe("Test, upper case")
    LBSPEC: str = maybe("Specimen, upper case")
    LBFAST: str = maybe("Fasting status")
    VISITNUM: float = maybe("Visit number")
    VISIT: str = maybe("Visit name")
    LBDTC: str = maybe("Collection, as delivered")
    LBDT: Timestamp = maybe("Collection, date")
    LBDTF: str = maybe("Collection date imputation flag")
    LBORRES: str = maybe("Result as delivered")
    LBORRESU: str = maybe("Unit as delivered")
    LBORNRLO: str = maybe("Lower limit of normal in the unit of the result")
    LBORNRHI: str = maybe("Upper limit of normal in the unit of the result")
    LBSTRESC: str = maybe("Result in standard unit, as text")
    LBSTRESN: float = maybe("Result in standard unit, as a number")
    LBSTRESU: str = maybe("Standard unit as delivered")
    LBSTNRLO: float = maybe("Lower limit of normal in the standard unit")
    LBSTNRHI: float = maybe("Upper limit of normal in the standard unit")
    LBSTAT: str = maybe("NOT DONE or null")
    LBBLFL: str = maybe("Baseline flag as delivered")
    SRCROW: int = column("Row in the delivered lb file", ge=1)

    class Config(Table.Config):
        name = "lab_results"


class VitalSigns(Table):
    """VS: one row per measurement, as delivered."""

    USUBJID: str = column("Unique subject identifier")
    VSSEQ: float = maybe("Sequence number")
    VSTESTCD: str = maybe("Measurement, upper case")
    VISITNUM: float = maybe("Visit number")
    VISIT: str = maybe("Visit name")
    VSDTC: str = maybe("Measurement, as delivered")
    VSDT: Timestamp = maybe("Measurement, date")
    VSDTF: str = maybe("Measurement date imputation flag")
    VSORRES: str = maybe("Result as delivered")
    VSORRESU: str = maybe("Unit as delivered")
    VSSTRESC: str = maybe("Result in standard unit, as text")
    VSSTRESN: float = maybe("Result in standard unit, as a number")
    VSSTRESU: str = maybe("Standard unit as delivered")
    VSSTAT: str = maybe("NOT DONE or null")
    VSBLFL: str = maybe("Baseline flag as delivered")
    SRCROW: int = column("Row in the delivered vs file", ge=1)

    class Config(Table.Config):
        name = "vital_signs"


class DataIssues(Table):
    """What a site should look at: one row per check and finding. Never a raw value."""

    check_id: str = column("Check, e.g. AE05")
    severity: str = column(
        "E blocks, Q is a query to the site, I is information", isin=["E", "Q", "I"]
    )
    domain: str = column("Domain or table, upper case")
    subject_id: str = maybe("Subject, where the finding has one")
    row_key: str = maybe("Where: row number and key names of the record, never a value")
    message: str = column("What is wrong and what to do, one sentence")

    class Config(Table.Config):
        name = "data_issues"
