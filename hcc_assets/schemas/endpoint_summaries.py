"""Tables of what the endpoints come to: Kaplan-Meier summary, follow-up, two-stage monitoring.

One row model each. The rules are in ``stats.kaplan_meier`` and ``stats.simon``.
"""

from __future__ import annotations

import pandera.pandas as pa

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.endpoints import DAYS, PARAMETERS

MONTHS = {"unit": "months of 30.4375 days"}


class PfsSummary(Table):
    """Kaplan-Meier summary: one row per parameter and landmark, the median repeated.

    Intervals are 95 %, log-log.
    """

    PARAMCD: str = pa.Field(isin=PARAMETERS, description="Parameter")
    n: int = pa.Field(ge=0, description="Subjects")
    events: int = pa.Field(ge=0, description="Events")
    median: float = pa.Field(
        nullable=True,
        description="Median, R survfit convention; null when not estimable",
        metadata=DAYS,
    )
    lcl: float = pa.Field(nullable=True, description="Lower limit of the median", metadata=DAYS)
    ucl: float = pa.Field(nullable=True, description="Upper limit of the median", metadata=DAYS)
    median_months: float = pa.Field(nullable=True, description="Median", metadata=MONTHS)
    lcl_months: float = pa.Field(
        nullable=True, description="Lower limit of the median", metadata=MONTHS
    )
    ucl_months: float = pa.Field(
        nullable=True, description="Upper limit of the median", metadata=MONTHS
    )
    q25: float = pa.Field(
        nullable=True,
        description="First quartile (a quarter of the subjects have had the event)",
        metadata=DAYS,
    )
    q25_lcl: float = pa.Field(
        nullable=True, description="Lower limit of the first quartile", metadata=DAYS
    )
    q25_ucl: float = pa.Field(
        nullable=True, description="Upper limit of the first quartile", metadata=DAYS
    )
    q75: float = pa.Field(nullable=True, description="Third quartile", metadata=DAYS)
    q75_lcl: float = pa.Field(
        nullable=True, description="Lower limit of the third quartile", metadata=DAYS
    )
    q75_ucl: float = pa.Field(
        nullable=True, description="Upper limit of the third quartile", metadata=DAYS
    )
    landmark_months: float = pa.Field(
        nullable=True, description="Landmark as in study.toml", metadata=MONTHS
    )
    landmark_days: float = pa.Field(nullable=True, description="Landmark", metadata=DAYS)
    surv: float = pa.Field(
        nullable=True,
        description="Survival at the landmark, 0 to 1; null beyond the last observed time",
    )
    surv_lcl: float = pa.Field(nullable=True, description="Lower limit of surv")
    surv_ucl: float = pa.Field(nullable=True, description="Upper limit of surv")
    n_risk: int = pa.Field(ge=0, description="Subjects at risk at the landmark")

    class Config(Table.Config):
        name = "pfs_summary"
        unique = ["PARAMCD", "landmark_days"]


class FollowUp(Table):
    """Follow-up by reverse Kaplan-Meier (events and censorings change places)."""

    PARAMCD: str = pa.Field(isin=PARAMETERS, unique=True, description="Parameter")
    n: int = pa.Field(ge=0, description="Subjects")
    censored: int = pa.Field(ge=0, description="Subjects still without an event")
    median: float = pa.Field(
        nullable=True, description="Median follow-up; null when not estimable", metadata=DAYS
    )
    lcl: float = pa.Field(nullable=True, description="Lower limit", metadata=DAYS)
    ucl: float = pa.Field(nullable=True, description="Upper limit", metadata=DAYS)
    median_months: float = pa.Field(nullable=True, description="Median follow-up", metadata=MONTHS)
    lcl_months: float = pa.Field(nullable=True, description="Lower limit", metadata=MONTHS)
    ucl_months: float = pa.Field(nullable=True, description="Upper limit", metadata=MONTHS)

    class Config(Table.Config):
        name = "follow_up"


class SimonMonitoring(Table):
    """A two-stage design against the responses so far: one row, or none where the study has no
    design."""

    source: str = pa.Field(
        isin=["BOR", "CBOR"], description="Best response that counts: the headline of study.toml"
    )
    r1: int = pa.Field(ge=0, description="Stop after stage 1 with this many responses or fewer")
    n1: int = pa.Field(gt=0, description="Subjects of stage 1")
    r: int = pa.Field(
        ge=0, description="The treatment is not promising with this many responses or fewer"
    )
    n: int = pa.Field(gt=0, description="Subjects of both stages")
    p0: float = pa.Field(nullable=True, description="Response rate that is not of interest")
    p1: float = pa.Field(nullable=True, description="Response rate that is of interest")
    pet0: float = pa.Field(nullable=True, description="Probability of early termination under p0")
    en0: float = pa.Field(nullable=True, description="Expected number of subjects under p0")
    alpha: float = pa.Field(
        nullable=True, description="Probability of calling the treatment promising under p0"
    )
    power: float = pa.Field(
        nullable=True, description="Probability of calling the treatment promising under p1"
    )
    n_enrolled: int = pa.Field(
        ge=0, description="Treated subjects, at most n, in order of first dose"
    )
    n_known: int = pa.Field(ge=0, description="Of them, subjects whose response is final")
    responses: int = pa.Field(ge=0, description="Responders among n_enrolled")
    stage: int = pa.Field(isin=[1, 2], description="Stage that the study is in")
    decision: str = pa.Field(
        isin=["STOP", "CONTINUE", "PROMISING", "NOT PROMISING", "PENDING"],
        description="What the design says now",
    )
    p_continue: float = pa.Field(
        nullable=True,
        description="Stage 1 under p1: probability of passing it, given the responses so far",
    )
    p_promising: float = pa.Field(
        nullable=True,
        description="Probability under p1 of ending as promising, given the responses so far",
    )
    estimate: float = pa.Field(
        nullable=True,
        description="Design-adjusted response rate (UMVUE, Jung and Kim 2004), 0 to 1",
    )
    lcl: float = pa.Field(
        nullable=True, description="Design-adjusted 95 % lower limit (ordering by the UMVUE)"
    )
    ucl: float = pa.Field(
        nullable=True, description="Design-adjusted 95 % upper limit (ordering by the UMVUE)"
    )
    p_value: float = pa.Field(
        nullable=True, description="One-sided p-value against p0 in the same ordering"
    )
    crude: float = pa.Field(
        nullable=True, description="Responses / subjects, biased after a two-stage design"
    )
    cp_lcl: float = pa.Field(
        nullable=True, description="Clopper-Pearson 95 % lower limit, not adjusted for the design"
    )
    cp_ucl: float = pa.Field(
        nullable=True, description="Clopper-Pearson 95 % upper limit, not adjusted for the design"
    )
    note: str = pa.Field(description="What the decision rests on, in words")

    class Config(Table.Config):
        name = "simon_monitoring"
