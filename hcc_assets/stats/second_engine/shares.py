"""Rates and counts of best responses once more, one subject at a time."""

from __future__ import annotations

import pandas as pd

from hcc_assets.stats.second_engine.comparison import Again, compare

NAN = float("nan")
_FLOORS = {"lcl": 1e-8, "ucl": 1e-8}
"""In percent: the first engine finds its limits by a root with a tolerance of 2e-12 (scipy,
``binomtest``), which near 0 is more than 1e-8 of the limit."""

_RESPONDED = {"CR", "PR"}
_CONTROLLED = _RESPONDED | {"SD", "NON-CR/NON-PD"}


def interval(x: int, n: int) -> dict[str, float]:
    """Percentage and Clopper-Pearson limits of statsmodels (beta quantiles)."""
    from statsmodels.stats.proportion import proportion_confint

    if n == 0:
        return {"pct": NAN, "lcl": NAN, "ucl": NAN}
    low, high = proportion_confint(x, n, alpha=0.05, method="beta")
    return {"pct": x / n * 100, "lcl": float(low) * 100, "ucl": float(high) * 100}


def _people(best: pd.DataFrame) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = {}
    for row in best.to_dict("records"):
        found.setdefault(str(row["CRITERION"]), []).append({str(k): v for k, v in row.items()})
    return found


def _has(row: dict[str, object], measure: str, source: str) -> bool:
    if measure == "DCR":
        return row[source] in _CONTROLLED
    return row[source] in _RESPONDED or (measure == "CBR" and bool(row["CB24"]))


def response_rates_again(published: pd.DataFrame, best: pd.DataFrame) -> Again:
    """Make every figure of ``response_rates`` again.

    Parameters
    ----------
    published, best
        ``schemas.endpoints``: ``ResponseRates`` and ``BestResponses``.
    """
    rows: list[dict[str, object]] = []
    keys = ["CRITERION", "measure", "source", "population"]
    for criterion, people in _people(best).items():
        for measure in ("ORR", "DCR", "CBR"):
            for source in ("BOR", "CBOR"):
                for population in ("TREATED", "EVALUABLE"):
                    there = [p for p in people if population == "TREATED" or p["EVALUABLE"]]
                    x = sum(_has(p, measure, source) for p in there)
                    named = zip(keys, (criterion, measure, source, population), strict=True)
                    rows.append(
                        {
                            **dict(named),
                            "x": x,
                            "n": len(there),
                            **interval(x, len(there)),
                            "n_blocked": sum(bool(p["BLOCKED"]) for p in people),
                            "n_short_cb": sum(
                                measure == "CBR"
                                and bool(p["CB24_WINDOW"])
                                and not _has(p, measure, source)
                                for p in there
                            ),
                            "n_short_sd": sum(p[source] != p[f"{source}_SHORT_SD"] for p in there),
                        }
                    )
    return compare(
        published, pd.DataFrame(rows, columns=None if rows else keys), keys, floors=_FLOORS
    )


def best_response_counts_again(published: pd.DataFrame, best: pd.DataFrame) -> Again:
    """Make every figure of ``best_response_counts`` again.

    Parameters
    ----------
    published, best
        ``schemas.endpoint_summaries.BestResponseCounts``, ``schemas.endpoints.BestResponses``.
    """
    rows: list[dict[str, object]] = []
    keys = ["CRITERION", "source", "response"]
    for criterion, people in _people(best).items():
        for source in ("BOR", "CBOR"):
            for word in ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE"):
                x = [p[source] for p in people].count(word)
                named = zip(keys, (criterion, source, word), strict=True)
                rows.append({**dict(named), "x": x, "n": len(people), **interval(x, len(people))})
    return compare(
        published, pd.DataFrame(rows, columns=None if rows else keys), keys, floors=_FLOORS
    )
