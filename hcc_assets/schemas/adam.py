"""ADaM-style tables that a statistician takes away, one row model each.

Names have at most 8 and labels (``title``) at most 40 characters, so that they fit SAS transport
files. How a value is derived is in its description; the derivations are in ``clinical``.
"""

from __future__ import annotations

from hcc_assets.schemas.adam_base import YN, Timestamp, _Subject, _Treated, field
from hcc_assets.schemas.base import Table


class Adsl(_Subject):
    """ADSL: one row per subject."""

    SITEID: str = field("Study Site Identifier")
    AGE: float = field("Age", unit="years")
    AGEU: str = field("Age Units", "YEARS where AGE is there")
    SEX: str = field("Sex")
    ARM: str = field("Description of Planned Arm")
    TRT01P: str = field(
        "Planned Treatment for Period 01", "ARM, or treatment.name where ARM is missing"
    )
    TRT01A: str = field(
        "Actual Treatment for Period 01", "treatment.name of study.toml; null when never dosed"
    )
    SAFFL: str = field(
        "Safety Population Flag",
        "Y: at least one dose above 0 on or before the cutoff",
        nullable=False,
        isin=YN,
    )
    EVALFL: str = field(
        "Response Evaluable Population Flag", "EVALUABLE of best_responses", nullable=False, isin=YN
    )
    BLOCKFL: str = field(
        "Tumour Data Blocked Flag",
        "Y: an E finding blocks the tumour data; counted as NE",
        nullable=False,
        isin=YN,
    )
    RFICDT: Timestamp = field("Date of Informed Consent")
    TRTSDT: Timestamp = field(
        "Date of First Exposure to Treatment", "First EX record with EXDOSE > 0"
    )
    TRTEDT: Timestamp = field(
        "Date of Last Exposure to Treatment",
        "Last day with EXDOSE > 0 on or before the cutoff; the cutoff when ongoing",
    )
    TRTDURD: float = field("Total Treatment Duration (Days)", "TRTEDT - TRTSDT + 1", unit="days")
    EOTSTT: str = field(
        "End of Treatment Status",
        "STATUS of treatment_course: ONGOING or DISCONTINUED; null when unknown",
    )
    CUMDOSE: float = field("Cumulative Dose (mg)", "Sum of daily doses", unit="mg")
    DOSEINT: float = field(
        "Dose Intensity (mg/day)",
        "CUMDOSE per day from TRTSDT to the last dosing record",
        unit="mg/day",
    )
    RDI: float = field(
        "Relative Dose Intensity (%)", "DOSEINT in percent of the highest planned dose", unit="%"
    )
    NREDUC: float = field("Number of Dose Reductions")
    NINTER: float = field("Number of Dose Interruptions")
    DTHDT: Timestamp = field("Date of Death", "On or before the cutoff; partial dates imputed")
    DTHDTF: str = field("Date of Death Imputation Flag")
    DTHFL: str = field("Subject Death Flag", "Y: died on or before the cutoff")
    DTHCAUS: str = field("Cause of Death")
    LSTALVDT: Timestamp = field("Date Last Known Alive", "Censoring date of OS; null after death")
    NACTDT: Timestamp = field(
        "Date of First New Anticancer Therapy",
        "First CM record of a new anticancer therapy, on or before the cutoff",
    )
    BOR: str = field("Best Overall Response, Unconfirmed", "best_responses, endpoint reader")
    CBOR: str = field("Best Overall Response, Confirmed", "best_responses, endpoint reader")
    BESTPCHG: float = field(
        "Best Percent Change from Baseline", "BEST_PCHG of best_responses", unit="%"
    )
    DCUTDT: Timestamp = field("Data Cutoff Date", nullable=False)

    class Config(Table.Config):
        name = "adsl"
        unique = ["USUBJID"]


class Adtr(_Treated):
    """ADTR: diameters of target lesions and their sum, by reader and visit."""

    PARAMCD: str = field(
        "Parameter Code",
        "SDIAM, or LDIAMn for the n-th target lesion of the subject by its id",
        nullable=False,
    )
    PARAM: str = field("Parameter", nullable=False)
    EVAL: str = field("Evaluator", "Reader of the assessment", nullable=False)
    TRLNKID: str = field("Lesion Link ID", "Target lesion; null for the sum")
    AVISIT: str = field("Analysis Visit")
    AVISITN: float = field("Analysis Visit (N)", "0 at baseline, VISITNUM after it")
    ADT: Timestamp = field("Analysis Date", "Last scan of the record")
    ADY: float = field(
        "Analysis Relative Day", "Study day; first dose is day 1, no day 0", unit="days"
    )
    AVAL: float = field(
        "Analysis Value",
        "Millimetres; nodes by short axis; null when not measured or incomplete",
        unit="mm",
    )
    ABLFL: str = field("Baseline Record Flag")
    BASE: float = field("Baseline Value", unit="mm")
    CHG: float = field("Change from Baseline", unit="mm")
    PCHG: float = field("Percent Change from Baseline", unit="%")
    NADIR: float = field(
        "Nadir up to the Visit Before",
        "Smallest of baseline and earlier complete sums; SDIAM only",
        unit="mm",
    )
    CHGNAD: float = field("Change from Nadir", unit="mm")
    PCHGNAD: float = field("Percent Change from Nadir", unit="%")
    ANL01FL: str = field(
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

    PARAMCD: str = field(
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
    PARAM: str = field("Parameter", nullable=False)
    EVAL: str = field(
        "Evaluator", "Reader; the endpoint reader in all parameters but OVR", nullable=False
    )
    AVISIT: str = field("Analysis Visit", "OVR and LSTA")
    AVISITN: float = field("Analysis Visit (N)", "OVR and LSTA")
    ADT: Timestamp = field(
        "Analysis Date", "Date of the assessment that decides; null where none does"
    )
    ADY: float = field("Analysis Relative Day", unit="days")
    AVAL: float = field("Analysis Value", "CR 1, PR 2, SD 3, NON-CR/NON-PD 4, PD 5, NE 6; Y 1, N 0")
    AVALC: str = field("Analysis Value (C)", nullable=False)
    ANL01FL: str = field(
        "Analysis Flag 01",
        "OVR: endpoint reader, from first dose to first PD; Y in all other parameters",
        nullable=False,
        isin=YN,
    )
    REASON: str = field("Reason for the Value", "REASON of responses or best_responses")

    class Config(Table.Config):
        name = "adrs"
        unique = ["USUBJID", "PARAMCD", "EVAL", "AVISITN", "ADT"]


class Adtte(_Treated):
    """ADTTE: time-to-event parameters of the treated set."""

    PARAMCD: str = field("Parameter Code", nullable=False)
    PARAM: str = field("Parameter", nullable=False)
    STARTDT: Timestamp = field("Time-to-Event Origin Date", nullable=False)
    ADT: Timestamp = field("Analysis Date", nullable=False)
    AVAL: float = field("Analysis Value", "ADT - STARTDT + 1", nullable=False, unit="days")
    AVALU: str = field("Analysis Value Unit", nullable=False)
    AVALMON: float = field(
        "Analysis Value (Months)", "AVAL / 30.4375", nullable=False, unit="months"
    )
    CNSR: float = field("Censor", "0 event, 1 censored", nullable=False, isin=[0, 1])
    EVNTDESC: str = field("Event or Censoring Description")
    CNSDTDSC: str = field("Censor Date Description")
    SRCDOM: str = field("Source Data", "Delivered domain that ADT stands in")
    SRCVAR: str = field("Source Variable")
    SRCSEQ: float = field(
        "Source Sequence Number",
        "Row of the delivered file of SRCDOM; null for DM, for ADSL (cut-off) and where no row has "
        "the date",
    )

    class Config(Table.Config):
        name = "adtte"
        unique = ["USUBJID", "PARAMCD"]


class Adae(_Treated):
    """ADAE: adverse events up to the cutoff. The verbatim term is left out (privacy)."""

    AESEQ: float = field("Sequence Number")
    SRCROW: float = field("Row in the Delivered AE File", nullable=False)
    AEDECOD: str = field(
        "Dictionary-Derived Term", "NOT CODED where none was given", nullable=False
    )
    AEBODSYS: str = field(
        "Body System or Organ Class", "NOT CODED where none was given", nullable=False
    )
    AESTDTC: str = field("Start Date/Time of Adverse Event")
    ASTDT: Timestamp = field(
        "Analysis Start Date",
        "Partial: first of the month or year, not before first dose in the same period",
    )
    ASTDTF: str = field("Analysis Start Date Imputation Flag")
    ASTDY: float = field("Analysis Start Relative Day", unit="days")
    AEENDTC: str = field("End Date/Time of Adverse Event")
    AENDT: Timestamp = field(
        "Analysis End Date", "Partial: last of the month or year; null after the cutoff"
    )
    AENDTF: str = field("Analysis End Date Imputation Flag")
    AENDY: float = field("Analysis End Relative Day", unit="days")
    ADURN: float = field("AE Duration (Days)", "AENDT - ASTDT + 1", unit="days")
    TRTEMFL: str = field("Treatment Emergent Analysis Flag", nullable=False, isin=YN)
    TRTEMDSC: str = field("Reason for TRTEMFL", nullable=False)
    AETOXGR: str = field("Standard Toxicity Grade", "As collected")
    ATOXGRN: float = field("Analysis Toxicity Grade (N)", "1 to 5; null when missing")
    AEREL: str = field("Causality", "As collected")
    AREL: str = field(
        "Analysis Causality",
        "Y or N by [safety.relatedness]; missing or unmapped is Y",
        nullable=False,
        isin=YN,
    )
    AESER: str = field("Serious Event", "As collected")
    ASER: str = field(
        "Analysis Serious Event",
        "AESER; where neither Y nor N, any seriousness criterion",
        nullable=False,
        isin=YN,
    )
    AESDTH: str = field("Results in Death")
    AESLIFE: str = field("Is Life Threatening")
    AESHOSP: str = field("Requires or Prolongs Hospitalization")
    AESDISAB: str = field("Persist or Signif Disability/Incapacity")
    AESCONG: str = field("Congenital Anomaly or Birth Defect")
    AESMIE: str = field("Other Medically Important Serious Event")
    AEOUT: str = field("Outcome of Adverse Event", "As collected")
    AEACN: str = field("Action Taken with Study Treatment", "As collected")
    AFATAL: str = field("Fatal Event Flag", "Grade 5 or outcome FATAL", nullable=False, isin=YN)
    AESINAM: str = field("AE of Special Interest", "Names in study.toml, separated by semicolons")
    AOCCIFL: str = field("1st Max Sev./Int. Occurrence Flag")
    AOCCSIFL: str = field("1st Max Sev./Int. Occur Within SOC Flag")
    AOCCPIFL: str = field("1st Max Sev./Int. Occur Within PT Flag")
    ANL01FL: str = field(
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

    PARAMCD: str = field("Parameter Code", nullable=False)
    PARAM: str = field("Parameter", nullable=False)
    AVAL: float = field("Analysis Value")

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
