"""ADaM-style tables that a statistician takes away, one row model each.

Names have at most 8 and labels (``title``) at most 40 characters, so that they fit SAS transport
files. How a value is derived is in its description; the derivations are in ``clinical``.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pandera.pandas as pa

from hcc_assets.schemas.base import Table

Timestamp = pd.Timestamp
YN = ["Y", "N"]


def _f(
    label: str, description: str = "", *, nullable: bool = True, unit: str = "", **checks: Any
) -> Any:
    return pa.Field(
        title=label,
        description=description or label,
        nullable=nullable,
        metadata={"unit": unit} if unit else None,
        **checks,
    )


class _Subject(Table):
    STUDYID: str = _f("Study Identifier", "study.id of study.toml", nullable=False)
    USUBJID: str = _f("Unique Subject Identifier", nullable=False)


class _Treated(_Subject):
    TRT01A: str = _f(
        "Actual Treatment for Period 01", "treatment.name of study.toml; null when never dosed"
    )
    SAFFL: str = _f(
        "Safety Population Flag",
        "Y: at least one dose above 0 on or before the cutoff",
        nullable=False,
        isin=YN,
    )
    TRTSDT: Timestamp = _f("Date of First Exposure to Treatment", "First EX record with EXDOSE > 0")


class Adsl(_Subject):
    """ADSL: one row per subject."""

    SITEID: str = _f("Study Site Identifier")
    AGE: float = _f("Age", unit="years")
    AGEU: str = _f("Age Units", "YEARS where AGE is there")
    SEX: str = _f("Sex")
    ARM: str = _f("Description of Planned Arm")
    TRT01P: str = _f(
        "Planned Treatment for Period 01", "ARM, or treatment.name where ARM is missing"
    )
    TRT01A: str = _f(
        "Actual Treatment for Period 01", "treatment.name of study.toml; null when never dosed"
    )
    SAFFL: str = _f(
        "Safety Population Flag",
        "Y: at least one dose above 0 on or before the cutoff",
        nullable=False,
        isin=YN,
    )
    EVALFL: str = _f(
        "Response Evaluable Population Flag", "EVALUABLE of best_responses", nullable=False, isin=YN
    )
    BLOCKFL: str = _f(
        "Tumour Data Blocked Flag",
        "Y: an E finding blocks the tumour data; counted as NE",
        nullable=False,
        isin=YN,
    )
    RFICDT: Timestamp = _f("Date of Informed Consent")
    TRTSDT: Timestamp = _f("Date of First Exposure to Treatment", "First EX record with EXDOSE > 0")
    TRTEDT: Timestamp = _f(
        "Date of Last Exposure to Treatment",
        "Last day with EXDOSE > 0 on or before the cutoff; the cutoff when ongoing",
    )
    TRTDURD: float = _f("Total Treatment Duration (Days)", "TRTEDT - TRTSDT + 1", unit="days")
    EOTSTT: str = _f(
        "End of Treatment Status", "ONGOING or DISCONTINUED at the cutoff; null when never dosed"
    )
    CUMDOSE: float = _f("Cumulative Dose (mg)", "Sum of daily doses", unit="mg")
    DOSEINT: float = _f("Dose Intensity (mg/day)", "CUMDOSE / TRTDURD", unit="mg/day")
    RDI: float = _f(
        "Relative Dose Intensity (%)", "DOSEINT in percent of the highest planned dose", unit="%"
    )
    NREDUC: float = _f("Number of Dose Reductions")
    NINTER: float = _f("Number of Dose Interruptions")
    DTHDT: Timestamp = _f("Date of Death", "On or before the cutoff; partial dates imputed")
    DTHDTF: str = _f("Date of Death Imputation Flag")
    DTHFL: str = _f("Subject Death Flag", "Y: died on or before the cutoff")
    DTHCAUS: str = _f("Cause of Death")
    LSTALVDT: Timestamp = _f("Date Last Known Alive", "Censoring date of OS; null after death")
    NACTDT: Timestamp = _f(
        "Date of First New Anticancer Therapy",
        "First CM record of a new anticancer therapy, on or before the cutoff",
    )
    BOR: str = _f("Best Overall Response, Unconfirmed", "best_responses, endpoint reader")
    CBOR: str = _f("Best Overall Response, Confirmed", "best_responses, endpoint reader")
    BESTPCHG: float = _f(
        "Best Percent Change from Baseline", "BEST_PCHG of best_responses", unit="%"
    )
    DCUTDT: Timestamp = _f("Data Cutoff Date", nullable=False)

    class Config(Table.Config):
        name = "adsl"
        unique = ["USUBJID"]


class Adtr(_Treated):
    """ADTR: diameters of target lesions and their sum, by reader and visit."""

    PARAMCD: str = _f(
        "Parameter Code",
        "SDIAM, or LDIAMn for the n-th target lesion of the subject by its id",
        nullable=False,
    )
    PARAM: str = _f("Parameter", nullable=False)
    EVAL: str = _f("Evaluator", "Reader of the assessment", nullable=False)
    TRLNKID: str = _f("Lesion Link ID", "Target lesion; null for the sum")
    AVISIT: str = _f("Analysis Visit")
    AVISITN: float = _f("Analysis Visit (N)", "0 at baseline, VISITNUM after it")
    ADT: Timestamp = _f("Analysis Date", "Last scan of the record")
    ADY: float = _f(
        "Analysis Relative Day", "Study day; first dose is day 1, no day 0", unit="days"
    )
    AVAL: float = _f(
        "Analysis Value",
        "Millimetres; nodes by short axis; null when not measured or incomplete",
        unit="mm",
    )
    ABLFL: str = _f("Baseline Record Flag")
    BASE: float = _f("Baseline Value", unit="mm")
    CHG: float = _f("Change from Baseline", unit="mm")
    PCHG: float = _f("Percent Change from Baseline", unit="%")
    NADIR: float = _f(
        "Nadir up to the Visit Before",
        "Smallest of baseline and earlier complete sums; SDIAM only",
        unit="mm",
    )
    CHGNAD: float = _f("Change from Nadir", unit="mm")
    PCHGNAD: float = _f("Percent Change from Nadir", unit="%")
    ANL01FL: str = _f(
        "Analysis Flag 01",
        "Y: AVAL is there (all targets measured for SDIAM)",
        nullable=False,
        isin=YN,
    )

    class Config(Table.Config):
        name = "adtr"
        unique = ["USUBJID", "PARAMCD", "EVAL", "ABLFL", "AVISITN", "ADT"]


class Adrs(_Treated):
    """ADRS: response per visit and reader, and the response endpoints of each treated subject."""

    PARAMCD: str = _f(
        "Parameter Code",
        nullable=False,
        isin=[
            "OVR",
            "PD",
            "RSP",
            "CRSP",
            "DCR",
            "CDCR",
            "CB",
            "CCB",
            "BOR",
            "CBOR",
            "LSTA",
            "MDIS",
        ],
    )
    PARAM: str = _f("Parameter", nullable=False)
    EVAL: str = _f(
        "Evaluator", "Reader; the endpoint reader in all parameters but OVR", nullable=False
    )
    AVISIT: str = _f("Analysis Visit", "OVR and LSTA")
    AVISITN: float = _f("Analysis Visit (N)", "OVR and LSTA")
    ADT: Timestamp = _f(
        "Analysis Date", "Date of the assessment that decides; null where none does"
    )
    ADY: float = _f("Analysis Relative Day", unit="days")
    AVAL: float = _f("Analysis Value", "CR 1, PR 2, SD 3, NON-CR/NON-PD 4, PD 5, NE 6; Y 1, N 0")
    AVALC: str = _f("Analysis Value (C)", nullable=False)
    ANL01FL: str = _f(
        "Analysis Flag 01",
        "OVR: endpoint reader, from first dose to first PD; Y in all other parameters",
        nullable=False,
        isin=YN,
    )
    REASON: str = _f("Reason for the Value", "REASON of responses or best_responses")

    class Config(Table.Config):
        name = "adrs"
        unique = ["USUBJID", "PARAMCD", "EVAL", "AVISITN", "ADT"]


class Adtte(_Treated):
    """ADTTE: time-to-event parameters of the treated set."""

    PARAMCD: str = _f("Parameter Code", nullable=False)
    PARAM: str = _f("Parameter", nullable=False)
    STARTDT: Timestamp = _f("Time-to-Event Origin Date", nullable=False)
    ADT: Timestamp = _f("Analysis Date", nullable=False)
    AVAL: float = _f("Analysis Value", "ADT - STARTDT + 1", nullable=False, unit="days")
    AVALU: str = _f("Analysis Value Unit", nullable=False)
    AVALMON: float = _f("Analysis Value (Months)", "AVAL / 30.4375", nullable=False, unit="months")
    CNSR: float = _f("Censor", "0 event, 1 censored", nullable=False, isin=[0, 1])
    EVNTDESC: str = _f("Event or Censoring Description")
    CNSDTDSC: str = _f("Censor Date Description")
    SRCDOM: str = _f("Source Data")
    SRCVAR: str = _f("Source Variable")
    SRCSEQ: float = _f("Source Sequence Number")

    class Config(Table.Config):
        name = "adtte"
        unique = ["USUBJID", "PARAMCD"]


class Adae(_Treated):
    """ADAE: adverse events up to the cutoff. The verbatim term is left out (privacy)."""

    AESEQ: float = _f("Sequence Number")
    SRCROW: float = _f("Row in the Delivered AE File", nullable=False)
    AEDECOD: str = _f("Dictionary-Derived Term", "NOT CODED where none was given", nullable=False)
    AEBODSYS: str = _f(
        "Body System or Organ Class", "NOT CODED where none was given", nullable=False
    )
    AESTDTC: str = _f("Start Date/Time of Adverse Event")
    ASTDT: Timestamp = _f(
        "Analysis Start Date",
        "Partial: first of the month or year, not before first dose in the same period",
    )
    ASTDTF: str = _f("Analysis Start Date Imputation Flag")
    ASTDY: float = _f("Analysis Start Relative Day", unit="days")
    AEENDTC: str = _f("End Date/Time of Adverse Event")
    AENDT: Timestamp = _f(
        "Analysis End Date", "Partial: last of the month or year; null after the cutoff"
    )
    AENDTF: str = _f("Analysis End Date Imputation Flag")
    AENDY: float = _f("Analysis End Relative Day", unit="days")
    ADURN: float = _f("AE Duration (Days)", "AENDT - ASTDT + 1", unit="days")
    TRTEMFL: str = _f("Treatment Emergent Analysis Flag", nullable=False, isin=YN)
    TRTEMDSC: str = _f("Reason for TRTEMFL", nullable=False)
    AETOXGR: str = _f("Standard Toxicity Grade", "As collected")
    ATOXGRN: float = _f("Analysis Toxicity Grade (N)", "1 to 5; null when missing")
    AEREL: str = _f("Causality", "As collected")
    AREL: str = _f(
        "Analysis Causality",
        "Y or N by [safety.relatedness]; missing or unmapped is Y",
        nullable=False,
        isin=YN,
    )
    AESER: str = _f("Serious Event", "As collected")
    ASER: str = _f(
        "Analysis Serious Event",
        "AESER; where neither Y nor N, any seriousness criterion",
        nullable=False,
        isin=YN,
    )
    AESDTH: str = _f("Results in Death")
    AESLIFE: str = _f("Is Life Threatening")
    AESHOSP: str = _f("Requires or Prolongs Hospitalization")
    AESDISAB: str = _f("Persist or Signif Disability/Incapacity")
    AESCONG: str = _f("Congenital Anomaly or Birth Defect")
    AESMIE: str = _f("Other Medically Important Serious Event")
    AEOUT: str = _f("Outcome of Adverse Event", "As collected")
    AEACN: str = _f("Action Taken with Study Treatment", "As collected")
    AFATAL: str = _f("Fatal Event Flag", "Grade 5 or outcome FATAL", nullable=False, isin=YN)
    AESINAM: str = _f("AE of Special Interest", "Names in study.toml, separated by semicolons")
    AOCCIFL: str = _f("1st Max Sev./Int. Occurrence Flag")
    AOCCSIFL: str = _f("1st Max Sev./Int. Occur Within SOC Flag")
    AOCCPIFL: str = _f("1st Max Sev./Int. Occur Within PT Flag")
    ANL01FL: str = _f(
        "Analysis Flag 01",
        "Y: treatment-emergent and not left out by an E finding: the rows that ae_summary counts",
        nullable=False,
        isin=YN,
    )

    class Config(Table.Config):
        name = "adae"
        unique = ["USUBJID", "SRCROW"]


class Adex(_Treated):
    """ADEX: exposure parameters, one row per treated subject and parameter."""

    PARAMCD: str = _f("Parameter Code", nullable=False)
    PARAM: str = _f("Parameter", nullable=False)
    AVAL: float = _f("Analysis Value")

    class Config(Table.Config):
        name = "adex"
        unique = ["USUBJID", "PARAMCD"]


ADAM_MODELS: dict[str, type[Table]] = {
    "ADSL": Adsl,
    "ADTR": Adtr,
    "ADRS": Adrs,
    "ADTTE": Adtte,
    "ADAE": Adae,
    "ADEX": Adex,
}


def labels(model: type[Table]) -> dict[str, str]:
    """Label of each column, at most 40 characters."""
    return {name: str(column.title or "") for name, column in model.to_schema().columns.items()}
