"""The envelope of the trial's figures over the bounds of its subjects: rates and median PFS."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hcc_assets.clinical.endpoints.best_response import CONTROLLED, RESPONSES
from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.endpoint_bounds import EndpointBounds
from hcc_assets.stats.kaplan_meier import fit, quantile

_MEASURES = {"ORR": RESPONSES, "DCR": CONTROLLED}


def endpoint_bounds(bounds: pd.DataFrame) -> pd.DataFrame:
    """Rates and median PFS of the treated, with every subject at an extreme.

    ORR and DCR are monotone in each subject's response, so all at their best and all at their worst
    are the extremes. A median is that of each set of extremes (shortest, shortest to an event,
    longest); between them it is not searched.

    Parameters
    ----------
    bounds
        ``schemas.endpoint_bounds.ResponsesBounds``.

    Returns
    -------
    pandas.DataFrame
        ``schemas.endpoint_bounds.EndpointBounds``; percent, and days for the median.
    """
    rows: list[dict[str, Any]] = []
    for criterion, mine in bounds.groupby("CRITERION", sort=False):
        n = len(mine)
        common = {"CRITERION": criterion, "n": n, "n_open": int((mine["N_OPEN"] > 0).sum())}
        for measure, words in _MEASURES.items():
            for source in ("BOR", "CBOR"):
                columns = (source, f"{source}_WORST", f"{source}_BEST")
                x, low, high = (float(mine[c].isin(words).sum()) for c in columns)
                shares = {"value": 100 * x / n, "value_min": 100 * low / n}
                rows.append(
                    {
                        **common,
                        "measure": measure,
                        "source": source,
                        "x": x,
                        "x_min": low,
                        "x_max": high,
                        **shares,
                        "value_max": 100 * high / n,
                        "moves": low != high,
                    }
                )
        rows.append({**common, "measure": "MEDIAN_PFS", **_median(mine)})
    return conform(EndpointBounds, pd.DataFrame(rows)) if rows else empty(EndpointBounds)


def _median(mine: pd.DataFrame) -> dict[str, Any]:
    event = mine["PFS_EVENT_MIN"]
    sets = {
        "published": (mine["PFS_DAYS"], mine["PFS_CNSR"]),
        "shortest": (mine["PFS_DAYS_MIN"], mine["PFS_CNSR_MIN"]),
        "events": (event.fillna(mine["PFS_DAYS_MIN"]), event.isna().astype(int)),
        "longest": (mine["PFS_DAYS_MAX"], mine["PFS_CNSR_MAX"]),
    }
    medians = {name: _one(days, censored) for name, (days, censored) in sets.items()}
    known = [m for m in medians.values() if not np.isnan(m)]
    # not estimable: the curve stays above one half, which is later than any median
    open_end = len(known) < len(medians)
    low, high = min(known, default=np.nan), np.nan if open_end else max(known)
    alike = [repr(m) for m in medians.values()]
    return {
        "source": str(mine["PARAMCD"].iloc[0]),
        "x": np.nan,
        "x_min": np.nan,
        "x_max": np.nan,
        "value": medians["published"],
        "value_min": low,
        "value_max": high,
        "moves": len(set(alike)) > 1,
    }


def _one(days: pd.Series, censored: pd.Series) -> float:
    return quantile(fit(days.to_numpy(float), censored.to_numpy(int) == 0))[0]
