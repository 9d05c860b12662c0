"""How many subjects have which best response, and how two criteria agree about it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Final

import pandas as pd

from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.endpoint_summaries import BestResponseCounts, ResponseConcordance
from hcc_assets.schemas.endpoints import OVERALL_WORDS
from hcc_assets.stats.proportions import clopper_pearson
from hcc_assets.study.criteria import rows_of

_SOURCES: Final = ("BOR", "CBOR")


def best_response_counts(best: pd.DataFrame) -> pd.DataFrame:
    """Treated subjects by best overall response.

    Parameters
    ----------
    best
        ``schemas.endpoints.BestResponses``.

    Returns
    -------
    pandas.DataFrame
        ``schemas.endpoint_summaries.BestResponseCounts``: every word of each criterion and source,
        at 0 too, with the exact interval of its share (Clopper-Pearson, not adjusted for the
        design).
    """
    rows = []
    for criterion, mine in best.groupby("CRITERION", sort=False):
        n = len(mine)
        for source, word in product(_SOURCES, OVERALL_WORDS):
            x = int((mine[source] == word).sum())
            low, high = clopper_pearson(x, n)
            rows.append(
                {
                    "CRITERION": criterion,
                    "source": source,
                    "response": word,
                    "x": x,
                    "n": n,
                    "pct": 100 * x / n,
                    "lcl": 100 * low,
                    "ucl": 100 * high,
                }
            )
    return conform(BestResponseCounts, pd.DataFrame(rows)) if rows else empty(BestResponseCounts)


def response_concordance(best: pd.DataFrame, criteria: Sequence[str]) -> pd.DataFrame:
    """Best response by the endpoint's criterion against each other one.

    Parameters
    ----------
    best
        ``schemas.endpoints.BestResponses``.
    criteria
        ``[recist] criteria``; the first is the endpoint's.

    Returns
    -------
    pandas.DataFrame
        ``schemas.endpoint_summaries.ResponseConcordance``: one row per pair of words, of the
        subjects that both criteria judge; empty where one criterion alone was delivered.
    """
    rows = []
    first = rows_of(best, criteria[0]).set_index("USUBJID")
    for other in criteria[1:]:
        both = first.join(rows_of(best, other).set_index("USUBJID"), how="inner", rsuffix="_other")
        if both.empty:
            continue
        for source in _SOURCES:
            found = both.groupby([source, f"{source}_other"]).size()
            for word, against in product(OVERALL_WORDS, repeat=2):
                subjects = int(found.get((word, against), 0))
                rows.append(
                    {
                        "criterion": criteria[0],
                        "other_criterion": other,
                        "source": source,
                        "response": word,
                        "other_response": against,
                        "subjects": subjects,
                        "n": len(both),
                        "pct": 100 * subjects / len(both),
                    }
                )
    return conform(ResponseConcordance, pd.DataFrame(rows)) if rows else empty(ResponseConcordance)
