"""Tables of what open errors can still change: bounds of each subject's endpoints, and the envelope
of the trial's figures over them.

One row model each. The rules are in ``clinical.endpoints.bounds`` and
``clinical.endpoints.envelope``.
"""

from __future__ import annotations

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.endpoints import DAYS, OVERALL_WORDS, PARAMETERS
from hcc_assets.schemas.fields import column, maybe
from hcc_assets.study.criteria import DERIVED

SOURCES = ["BOR", "CBOR", *PARAMETERS]


class ResponsesBounds(Table):
    """Best response and PFS of each treated subject over every resolution of its open errors.

    Responses are in the order CR, PR, SD, NON-CR/NON-PD, NE, PD. The published value is always
    inside; without an open error it is both bounds.
    """

    USUBJID: str = column("Unique subject identifier")
    CRITERION: str = column("Response criterion", isin=list(DERIVED))
    EVALUATOR: str = column("Reader whose responses make the endpoints")
    N_OPEN: int = column("Open findings that can matter to response or PFS", ge=0)
    BOR: str = column("Best overall response as published", isin=OVERALL_WORDS)
    BOR_BEST: str = column("Best BOR of any resolution", isin=OVERALL_WORDS)
    BOR_WORST: str = column("Worst BOR of any resolution", isin=OVERALL_WORDS)
    CBOR: str = column("Confirmed best response as published", isin=OVERALL_WORDS)
    CBOR_BEST: str = column("Best CBOR of any resolution", isin=OVERALL_WORDS)
    CBOR_WORST: str = column("Worst CBOR of any resolution", isin=OVERALL_WORDS)
    PARAMCD: str = column("The PFS that is bounded: pfs.primary", isin=PARAMETERS)
    PFS_DAYS: float = column("PFS as published", ge=1, unit=DAYS)
    PFS_CNSR: int = column("0 event, 1 censored, as published", isin=[0, 1])
    PFS_DAYS_MIN: float = column("Shortest PFS of any resolution", ge=1, unit=DAYS)
    PFS_CNSR_MIN: int = column("0 where an event can stand at PFS_DAYS_MIN", isin=[0, 1])
    PFS_DAYS_MAX: float = column("Longest PFS of any resolution", ge=1, unit=DAYS)
    PFS_CNSR_MAX: int = column("1 where PFS_DAYS_MAX can be censored", isin=[0, 1])
    PFS_EVENT_MIN: float = maybe(
        "Shortest PFS that ends with an event; null where no resolution has one", unit=DAYS
    )
    N_RESOLUTIONS: int = column("Resolutions that were derived; 1 as published alone", ge=1)
    WIDEST: bool = column("True where the errors leave everything open: the bounds are the widest")
    REASON: str = maybe("Checks with open findings; null without any")

    class Config(Table.Config):
        name = "responses_bounds"
        unique = ["USUBJID", "CRITERION"]


class EndpointBounds(Table):
    """Rates and median PFS of the treated, as published and with the extremes of
    ``responses_bounds``."""

    CRITERION: str = column("Response criterion", isin=list(DERIVED))
    measure: str = column("Figure", isin=["ORR", "DCR", "MEDIAN_PFS"])
    source: str = column("BOR or CBOR; parameter of time to event", isin=SOURCES)
    n: int = column("Treated subjects", ge=1)
    n_open: int = column("Of them, subjects with open errors that can matter", ge=0)
    x: float = maybe("Subjects with it, as published; null for the median")
    x_min: float = maybe("With every subject at its worst; null for the median")
    x_max: float = maybe("With every subject at its best; null for the median")
    value: float = maybe(
        "100 x / n; median as published, null when not estimable", unit="% or days"
    )
    value_min: float = maybe("Smallest of the extremes", unit="% or days")
    value_max: float = maybe(
        "Largest of the extremes; a median that is not estimable is the largest",
        unit="% or days",
    )
    moves: bool = column("True where open errors can move the figure")

    class Config(Table.Config):
        name = "endpoint_bounds"
        unique = ["CRITERION", "measure", "source"]
