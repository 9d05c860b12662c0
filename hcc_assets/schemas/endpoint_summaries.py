"""Tables of what the endpoints come to: counts of responses, Kaplan-Meier summary, follow-up,
two-stage monitoring.

One row model each. The rules are in ``stats.kaplan_meier`` and ``stats.simon``.
"""

from __future__ import annotations

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.endpoints import DAYS, OVERALL_WORDS, PARAMETERS
from hcc_assets.schemas.fields import column, maybe
from hcc_assets.study.criteria import DERIVED

MONTHS = "months of 30.4375 days"


class PfsSummary(Table):
    """Kaplan-Meier summary: one row per criterion, parameter and landmark, the median repeated.

    Intervals are 95 %, log-log.
    """

    CRITERION: str = column("Response criterion", isin=list(DERIVED))
    PARAMCD: str = column("Parameter", isin=PARAMETERS)
    n: int = column("Subjects", ge=0)
    events: int = column("Events", ge=0)
    median: float = maybe(
        "Median; of a flat stretch at one half its middle or its left end, by pfs.median_rule; "
        "null when not estimable",
        unit=DAYS,
    )
    median_other: float = maybe(
        "Median by the other rule for a flat stretch, where it differs", unit=DAYS
    )
    median_other_months: float = maybe("The same", unit=MONTHS)
    lcl: float = maybe("Lower limit of the median", unit=DAYS)
    ucl: float = maybe("Upper limit of the median", unit=DAYS)
    median_months: float = maybe("Median", unit=MONTHS)
    lcl_months: float = maybe("Lower limit of the median", unit=MONTHS)
    ucl_months: float = maybe("Upper limit of the median", unit=MONTHS)
    q25: float = maybe("First quartile (a quarter of the subjects have had the event)", unit=DAYS)
    q25_lcl: float = maybe("Lower limit of the first quartile", unit=DAYS)
    q25_ucl: float = maybe("Upper limit of the first quartile", unit=DAYS)
    q75: float = maybe("Third quartile", unit=DAYS)
    q75_lcl: float = maybe("Lower limit of the third quartile", unit=DAYS)
    q75_ucl: float = maybe("Upper limit of the third quartile", unit=DAYS)
    landmark_months: float = maybe("Landmark as in study.toml", unit=MONTHS)
    landmark_days: float = maybe("Landmark", unit=DAYS)
    surv: float = maybe("Survival at the landmark, 0 to 1; null beyond the last observed time")
    surv_lcl: float = maybe("Lower limit of surv")
    surv_ucl: float = maybe("Upper limit of surv")
    n_risk: int = column("Subjects at risk at the landmark", ge=0)

    class Config(Table.Config):
        name = "pfs_summary"
        unique = ["CRITERION", "PARAMCD", "landmark_days"]


class BestResponseCounts(Table):
    """Treated subjects by best overall response, every word at 0 too."""

    CRITERION: str = column("Response criterion", isin=list(DERIVED))
    source: str = column("Unconfirmed or confirmed best overall response", isin=["BOR", "CBOR"])
    response: str = column("Best overall response", isin=OVERALL_WORDS)
    x: int = column("Subjects with it", ge=0)
    n: int = column("Treated subjects", ge=1)
    pct: float = column("100 x / n", ge=0, le=100, unit="%")
    lcl: float = column("Clopper-Pearson 95 % lower limit", unit="%")
    ucl: float = column("Clopper-Pearson 95 % upper limit", unit="%")

    class Config(Table.Config):
        name = "best_response_counts"
        unique = ["CRITERION", "source", "response"]


class ResponseConcordance(Table):
    """Best response by the endpoint's criterion against another one, in the same subjects."""

    criterion: str = column("Criterion of the endpoint", isin=list(DERIVED))
    other_criterion: str = column("The other criterion", isin=list(DERIVED))
    source: str = column("Unconfirmed or confirmed best overall response", isin=["BOR", "CBOR"])
    response: str = column("Best response by the endpoint's criterion", isin=OVERALL_WORDS)
    other_response: str = column("Best response by the other one", isin=OVERALL_WORDS)
    subjects: int = column("Subjects with this pair", ge=0)
    n: int = column("Subjects that both criteria judge", ge=1)
    pct: float = column("100 subjects / n", ge=0, le=100, unit="%")

    class Config(Table.Config):
        name = "response_concordance"
        unique = ["other_criterion", "source", "response", "other_response"]


class FollowUp(Table):
    """Follow-up by reverse Kaplan-Meier (events and censorings change places)."""

    PARAMCD: str = column("Parameter", isin=PARAMETERS, unique=True)
    n: int = column("Subjects", ge=0)
    censored: int = column("Subjects still without an event", ge=0)
    median: float = maybe("Median follow-up; null when not estimable", unit=DAYS)
    lcl: float = maybe("Lower limit", unit=DAYS)
    ucl: float = maybe("Upper limit", unit=DAYS)
    median_months: float = maybe("Median follow-up", unit=MONTHS)
    lcl_months: float = maybe("Lower limit", unit=MONTHS)
    ucl_months: float = maybe("Upper limit", unit=MONTHS)

    class Config(Table.Config):
        name = "follow_up"


class SimonMonitoring(Table):
    """A two-stage design against the responses so far: one row, or none where the study has no
    design."""

    source: str = column(
        "Best response that counts: the headline of study.toml", isin=["BOR", "CBOR"]
    )
    r1: int = column("Stop after stage 1 with this many responses or fewer", ge=0)
    n1: int = column("Subjects of stage 1", gt=0)
    r: int = column("The treatment is not promising with this many responses or fewer", ge=0)
    n: int = column("Subjects of both stages", gt=0)
    p0: float = maybe("Response rate that is not of interest")
    p1: float = maybe("Response rate that is of interest")
    pet0: float = maybe("Probability of early termination under p0")
    en0: float = maybe("Expected number of subjects under p0")
    alpha: float = maybe("Probability of calling the treatment promising under p0")
    power: float = maybe("Probability of calling the treatment promising under p1")
    n_enrolled: int = column("Treated subjects, at most n, in order of first dose", ge=0)
    n_known: int = column("Of them, subjects whose response is final", ge=0)
    responses: int = column("Responders among n_enrolled", ge=0)
    stage: int = column("Stage that the study is in", isin=[1, 2])
    decision: str = column(
        "What the design says now",
        isin=["STOP", "CONTINUE", "PROMISING", "NOT PROMISING", "PENDING"],
    )
    p_continue: float = maybe(
        "Stage 1 under p1: probability of passing it, given the responses so far"
    )
    p_promising: float = maybe(
        "Probability under p1 of ending as promising, given the responses so far"
    )
    estimate: float = maybe("Design-adjusted response rate (UMVUE, Jung and Kim 2004), 0 to 1")
    lcl: float = maybe("Design-adjusted 95 % lower limit (ordering by the UMVUE)")
    ucl: float = maybe("Design-adjusted 95 % upper limit (ordering by the UMVUE)")
    p_value: float = maybe("One-sided p-value against p0 in the same ordering")
    crude: float = maybe("Responses / subjects, biased after a two-stage design")
    cp_lcl: float = maybe("Clopper-Pearson 95 % lower limit, not adjusted for the design")
    cp_ucl: float = maybe("Clopper-Pearson 95 % upper limit, not adjusted for the design")
    note: str = column("What the decision rests on, in words")

    class Config(Table.Config):
        name = "simon_monitoring"
