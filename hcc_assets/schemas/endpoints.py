"""Tables of the efficacy endpoints: response per visit, best response, rates, times to event,
differences; their summaries are in ``endpoint_summaries``.

One row model per published table. No derivation here: the rules are in ``clinical.recist`` and
``clinical.endpoints``.
"""

from __future__ import annotations

import pandas as pd

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.fields import column, maybe
from hcc_assets.study.criteria import DERIVED

Timestamp = pd.Timestamp

TARGET_WORDS = ["CR", "PR", "SD", "PD", "NE", "NA"]
NON_TARGET_WORDS = ["CR", "NON-CR/NON-PD", "PD", "NE", "NA"]
OVERALL_WORDS = ["CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE"]
PARAMETERS = ["PFS_TP", "PFS_FDA", "TTP", "OS", "DOR", "TTR"]

_MM = "mm"
_PCT = "%"
DAYS = "days"


class Responses(Table):
    """Response per subject, reader, criterion and post-baseline visit, derived from lesions, with
    the reason for it."""

    USUBJID: str = column("Unique subject identifier")
    EVALUATOR: str = column("Reader: TREVALID, else TREVAL, else INVESTIGATOR")
    CRITERION: str = column("Response criterion", isin=list(DERIVED))
    VISITNUM: float = maybe("Visit number")
    VISIT: str = maybe("Visit name")
    ADT: Timestamp = maybe(
        "Date: earliest component that shows PD, otherwise the last scan of the visit"
    )
    BASE: float = maybe(
        "Sum of target diameters at baseline; null when incomplete or without targets", unit=_MM
    )
    SUMDIAM: float = maybe(
        "Sum of target diameters at this visit; null when a target is missing", unit=_MM
    )
    NADIR_PRIOR: float = maybe(
        "Smallest of the baseline sum and the earlier complete sums", unit=_MM
    )
    PCHG_BASE: float = maybe("Change of the sum from baseline", unit=_PCT)
    PCHG_NADIR: float = maybe("Change of the sum from NADIR_PRIOR", unit=_PCT)
    CHG_NADIR: float = maybe("Change of the sum from NADIR_PRIOR", unit=_MM)
    TRGRESP: str = column(
        "Response of the target lesions; NA without targets at baseline", isin=TARGET_WORDS
    )
    NTRGRESP: str = column(
        "Response of the non-target lesions; NA without non-targets at baseline",
        isin=NON_TARGET_WORDS,
    )
    NEWLPROG: str = column(
        "New lesion that is progression (unequivocal, or equivocal and confirmed later)",
        isin=["Y", "N"],
    )
    OVRLRESP: str = column("Overall response, RECIST 1.1 tables 1 and 2", isin=OVERALL_WORDS)
    N_EXPECTED: int = column("Target and non-target lesions of the baseline", ge=0)
    N_ASSESSED: int = column("Those of them that were assessed at this visit", ge=0)
    REASON: str = column("Why, in words")

    class Config(Table.Config):
        name = "responses"
        unique = ["USUBJID", "EVALUATOR", "CRITERION", "VISITNUM", "ADT"]


class BestResponses(Table):
    """Best overall response of each treated subject by the endpoint reader, for each criterion that
    is delivered, unconfirmed and confirmed."""

    USUBJID: str = column("Unique subject identifier")
    CRITERION: str = column("Response criterion", isin=list(DERIVED))
    EVALUATOR: str = column("Endpoint reader of the subject")
    BOR: str = column("Best overall response, unconfirmed", isin=OVERALL_WORDS)
    CBOR: str = column("Best overall response, confirmed", isin=OVERALL_WORDS)
    BOR_SHORT_SD: str = column(
        "BOR had the SD minimum been shorter by the visit window (42 - 7 = 35 days)",
        isin=OVERALL_WORDS,
    )
    CBOR_SHORT_SD: str = column(
        "CBOR had the SD minimum been shorter by the visit window (42 - 7 = 35 days)",
        isin=OVERALL_WORDS,
    )
    BEST_PCHG: float = maybe(
        "Smallest PCHG_BASE from first dose up to first PD, new anticancer therapy or cut-off",
        unit=_PCT,
    )
    RESPDT: Timestamp = maybe(
        "First response that counts for the headline source (CBOR: the first of a confirmed pair)"
    )
    TTR_DAYS: float = maybe("Time to response: RESPDT - first dose + 1; responders only", unit=DAYS)
    DOR_DAYS: float = maybe(
        "Duration of response so far: end of the primary PFS - RESPDT + 1; responders only",
        unit=DAYS,
    )
    DOR_CNSR: float = maybe(
        "0 the response has ended with PD or death, 1 censored; responders only"
    )
    CB24: bool = column(
        "Assessed as CR, PR, SD or NON-CR/NON-PD on or after day 168 from first dose, "
        "before progression"
    )
    CB24_WINDOW: bool = column(
        "The same by the visit window earlier (168 - 7 = 161 days); CB24 is what counts"
    )
    EVALUABLE: bool = column("At least one evaluable post-baseline assessment, or early death")
    N_ASSESSMENTS: int = column("Assessments that count for BOR", ge=0)
    BLOCKED: bool = column("Tumour data blocked by an E finding; the subject counts as NE")
    REASON: str = column("Why, in words")

    class Config(Table.Config):
        name = "best_responses"
        unique = ["USUBJID", "CRITERION"]


class ResponseRates(Table):
    """Response, disease control and clinical benefit rates with exact intervals (Clopper-Pearson,
    not adjusted for the design)."""

    CRITERION: str = column("Response criterion", isin=list(DERIVED))
    measure: str = column(
        "ORR: CR, PR. DCR: also SD, NON-CR/NON-PD. CBR: CR, PR or stable for 24 weeks",
        isin=["ORR", "DCR", "CBR"],
    )
    source: str = column("Unconfirmed or confirmed best overall response", isin=["BOR", "CBOR"])
    population: str = column(
        "All treated subjects, or those of them that are evaluable", isin=["TREATED", "EVALUABLE"]
    )
    x: int = column("Subjects with the measure", ge=0)
    n: int = column("Subjects of the population", ge=0)
    pct: float = maybe("100 x / n; null when n = 0", unit=_PCT)
    lcl: float = maybe("Clopper-Pearson 95 % lower limit", unit=_PCT)
    ucl: float = maybe("Clopper-Pearson 95 % upper limit", unit=_PCT)
    n_blocked: int = column(
        "Subjects of the treated set whose tumour data are blocked (they count as NE)", ge=0
    )
    n_short_cb: int = column(
        "CBR: subjects of the population who would have it with 24 weeks shortened by the visit "
        "window (day 161 instead of 168); 0 in the other measures",
        ge=0,
    )
    n_short_sd: int = column(
        "Subjects of the population whose best response would change with the shorter SD minimum",
        ge=0,
    )

    class Config(Table.Config):
        name = "response_rates"
        unique = ["CRITERION", "measure", "source", "population"]


class TimeToEvent(Table):
    """Time-to-event parameters of the treated set, ADTTE names.

    DOR and TTR exist for responders only.
    """

    USUBJID: str = column("Unique subject identifier")
    CRITERION: str = column(
        "Response criterion; OS, which rests on none, stands under that of the endpoint",
        isin=list(DERIVED),
    )
    PARAMCD: str = column("Parameter", isin=PARAMETERS)
    STARTDT: Timestamp = column("Start: first dose; DOR: first response")
    ADT: Timestamp = column("Date of event or censoring; never before STARTDT")
    AVAL: float = column("ADT - STARTDT + 1", ge=1, unit=DAYS)
    CNSR: int = column("0 event, 1 censored", isin=[0, 1])
    EVNTDESC: str = column("What ended the follow-up")
    CNSDTDSC: str = maybe("Which date the subject is censored at; null for an event")
    SRCDOM: str = column("Table that ADT comes from")
    SRCVAR: str = column("Column that ADT comes from")
    SRCSEQ: float = maybe(
        "Record that ADT comes from: VISITNUM of a response; null where a subject has one record"
    )

    class Config(Table.Config):
        name = "time_to_event"
        unique = ["USUBJID", "CRITERION", "PARAMCD"]


class EndpointChanges(Table):
    """What changed in the endpoint tables against their last published version, and why."""

    asset: str = column("Table that changed")
    subject_id: str = maybe("Subject; null for a table of the whole study")
    key: str = column("Row: names and values of its key columns other than the subject")
    field: str = column(
        "Column that changed; for a row that came or went the first column of interest"
    )
    from_: str = maybe("Value before; null when there was none", alias="from")
    to: str = maybe("Value now; null when there is none")
    why: str = column(
        "New records; changed or removed records; same records, other rule",
        isin=["new data", "corrected data", "re-derivation"],
    )

    class Config(Table.Config):
        name = "endpoint_changes"
