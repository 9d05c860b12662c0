"""Tables of the efficacy endpoints: response per visit, best response, rates, times to event,
differences; their summaries are in ``endpoint_summaries``.

One row model per published table. No derivation here: the rules are in ``clinical.recist`` and
``clinical.endpoints``.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from hcc_assets.schemas.base import Table

Timestamp = pd.Timestamp

TARGET_WORDS = ["CR", "PR", "SD", "PD", "NE", "NA"]
NON_TARGET_WORDS = ["CR", "NON-CR/NON-PD", "PD", "NE", "NA"]
OVERALL_WORDS = ["CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE"]
PARAMETERS = ["PFS_TP", "PFS_FDA", "OS", "DOR", "TTR"]

_MM = {"unit": "mm"}
_PCT = {"unit": "%"}
DAYS = {"unit": "days"}


class Responses(Table):
    """RECIST 1.1 response per subject, reader and post-baseline visit, derived from lesions, with
    the reason for it."""

    USUBJID: str = pa.Field(description="Unique subject identifier")
    EVALUATOR: str = pa.Field(description="Reader: TREVALID, else TREVAL, else INVESTIGATOR")
    VISITNUM: float = pa.Field(nullable=True, description="Visit number")
    VISIT: str = pa.Field(nullable=True, description="Visit name")
    ADT: Timestamp = pa.Field(
        nullable=True,
        description="Date: earliest component that shows PD, otherwise the last scan of the visit",
    )
    BASE: float = pa.Field(
        nullable=True,
        description="Sum of target diameters at baseline; null when incomplete or without targets",
        metadata=_MM,
    )
    SUMDIAM: float = pa.Field(
        nullable=True,
        description="Sum of target diameters at this visit; null when a target is missing",
        metadata=_MM,
    )
    NADIR_PRIOR: float = pa.Field(
        nullable=True,
        description="Smallest of the baseline sum and the earlier complete sums",
        metadata=_MM,
    )
    PCHG_BASE: float = pa.Field(
        nullable=True, description="Change of the sum from baseline", metadata=_PCT
    )
    PCHG_NADIR: float = pa.Field(
        nullable=True, description="Change of the sum from NADIR_PRIOR", metadata=_PCT
    )
    CHG_NADIR: float = pa.Field(
        nullable=True, description="Change of the sum from NADIR_PRIOR", metadata=_MM
    )
    TRGRESP: str = pa.Field(
        isin=TARGET_WORDS,
        description="Response of the target lesions; NA without targets at baseline",
    )
    NTRGRESP: str = pa.Field(
        isin=NON_TARGET_WORDS,
        description="Response of the non-target lesions; NA without non-targets at baseline",
    )
    NEWLPROG: str = pa.Field(
        isin=["Y", "N"],
        description=(
            "New lesion that is progression (unequivocal, or equivocal and confirmed later)"
        ),
    )
    OVRLRESP: str = pa.Field(
        isin=OVERALL_WORDS, description="Overall response, RECIST 1.1 tables 1 and 2"
    )
    N_EXPECTED: int = pa.Field(ge=0, description="Target and non-target lesions of the baseline")
    N_ASSESSED: int = pa.Field(ge=0, description="Those of them that were assessed at this visit")
    REASON: str = pa.Field(description="Why, in words")

    class Config(Table.Config):
        name = "responses"
        unique = ["USUBJID", "EVALUATOR", "VISITNUM", "ADT"]


class BestResponses(Table):
    """Best overall response of each treated subject by the endpoint reader, unconfirmed and
    confirmed."""

    USUBJID: str = pa.Field(unique=True, description="Unique subject identifier")
    EVALUATOR: str = pa.Field(description="Endpoint reader of the subject")
    BOR: str = pa.Field(isin=OVERALL_WORDS, description="Best overall response, unconfirmed")
    CBOR: str = pa.Field(isin=OVERALL_WORDS, description="Best overall response, confirmed")
    BOR_SHORT_SD: str = pa.Field(
        isin=OVERALL_WORDS,
        description="BOR had the SD minimum been shorter by the visit window (42 - 7 = 35 days)",
    )
    CBOR_SHORT_SD: str = pa.Field(
        isin=OVERALL_WORDS,
        description="CBOR had the SD minimum been shorter by the visit window (42 - 7 = 35 days)",
    )
    BEST_PCHG: float = pa.Field(
        nullable=True,
        description=(
            "Smallest PCHG_BASE from first dose up to first PD, new anticancer therapy or cut-off"
        ),
        metadata=_PCT,
    )
    RESPDT: Timestamp = pa.Field(
        nullable=True,
        description=(
            "First response that counts for the headline source (CBOR: the first of a "
            "confirmed pair)"
        ),
    )
    TTR_DAYS: float = pa.Field(
        nullable=True,
        description="Time to response: RESPDT - first dose + 1; responders only",
        metadata=DAYS,
    )
    DOR_DAYS: float = pa.Field(
        nullable=True,
        description=(
            "Duration of response so far: end of the primary PFS - RESPDT + 1; responders only"
        ),
        metadata=DAYS,
    )
    DOR_CNSR: float = pa.Field(
        nullable=True,
        description="0 the response has ended with PD or death, 1 censored; responders only",
    )
    CB24: bool = pa.Field(
        description=(
            "Assessed as CR, PR, SD or NON-CR/NON-PD on or after day 168 from first dose, "
            "before progression"
        )
    )
    EVALUABLE: bool = pa.Field(
        description="At least one evaluable post-baseline assessment, or early death"
    )
    N_ASSESSMENTS: int = pa.Field(ge=0, description="Assessments that count for BOR")
    BLOCKED: bool = pa.Field(
        description="Tumour data blocked by an E finding; the subject counts as NE"
    )
    REASON: str = pa.Field(description="Why, in words")

    class Config(Table.Config):
        name = "best_responses"


class ResponseRates(Table):
    """Response, disease control and clinical benefit rates with exact intervals (Clopper-Pearson,
    not adjusted for the design)."""

    measure: str = pa.Field(
        isin=["ORR", "DCR", "CBR"],
        description="ORR: CR, PR. DCR: also SD, NON-CR/NON-PD. CBR: CR, PR or stable for 24 weeks",
    )
    source: str = pa.Field(
        isin=["BOR", "CBOR"], description="Unconfirmed or confirmed best overall response"
    )
    population: str = pa.Field(
        isin=["TREATED", "EVALUABLE"],
        description="All treated subjects, or those of them that are evaluable",
    )
    x: int = pa.Field(ge=0, description="Subjects with the measure")
    n: int = pa.Field(ge=0, description="Subjects of the population")
    pct: float = pa.Field(nullable=True, description="100 x / n; null when n = 0", metadata=_PCT)
    lcl: float = pa.Field(
        nullable=True, description="Clopper-Pearson 95 % lower limit", metadata=_PCT
    )
    ucl: float = pa.Field(
        nullable=True, description="Clopper-Pearson 95 % upper limit", metadata=_PCT
    )
    n_blocked: int = pa.Field(
        ge=0,
        description="Subjects of the treated set whose tumour data are blocked (they count as NE)",
    )
    n_short_sd: int = pa.Field(
        ge=0,
        description=(
            "Subjects of the population whose best response would change with the shorter SD "
            "minimum"
        ),
    )

    class Config(Table.Config):
        name = "response_rates"
        unique = ["measure", "source", "population"]


class TimeToEvent(Table):
    """Time-to-event parameters of the treated set, ADTTE names.

    DOR and TTR exist for responders only.
    """

    USUBJID: str = pa.Field(description="Unique subject identifier")
    PARAMCD: str = pa.Field(isin=PARAMETERS, description="Parameter")
    STARTDT: Timestamp = pa.Field(description="Start: first dose; DOR: first response")
    ADT: Timestamp = pa.Field(description="Date of event or censoring; never before STARTDT")
    AVAL: float = pa.Field(ge=1, description="ADT - STARTDT + 1", metadata=DAYS)
    CNSR: int = pa.Field(isin=[0, 1], description="0 event, 1 censored")
    EVNTDESC: str = pa.Field(description="What ended the follow-up")
    CNSDTDSC: str = pa.Field(
        nullable=True, description="Which date the subject is censored at; null for an event"
    )
    SRCDOM: str = pa.Field(description="Table that ADT comes from")
    SRCVAR: str = pa.Field(description="Column that ADT comes from")
    SRCSEQ: float = pa.Field(
        nullable=True,
        description=(
            "Record that ADT comes from: VISITNUM of a response; null where a subject has "
            "one record"
        ),
    )

    class Config(Table.Config):
        name = "time_to_event"
        unique = ["USUBJID", "PARAMCD"]


class EndpointChanges(Table):
    """What changed in the endpoint tables against their last published version, and why."""

    asset: str = pa.Field(description="Table that changed")
    subject_id: str = pa.Field(
        nullable=True, description="Subject; null for a table of the whole study"
    )
    key: str = pa.Field(
        description="Row: names and values of its key columns other than the subject"
    )
    field: str = pa.Field(
        description="Column that changed; for a row that came or went the first column of interest"
    )
    from_: str = pa.Field(
        alias="from", nullable=True, description="Value before; null when there was none"
    )
    to: str = pa.Field(nullable=True, description="Value now; null when there is none")
    why: str = pa.Field(
        isin=["new data", "corrected data", "re-derivation"],
        description="New records; changed or removed records; same records, other rule",
    )

    class Config(Table.Config):
        name = "endpoint_changes"
