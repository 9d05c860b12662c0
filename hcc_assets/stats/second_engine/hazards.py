"""Exploratory associations once more, of the features that are published for each subject: hazard
ratios by statsmodels, rank tests by counting, adjustment by statsmodels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from hcc_assets.stats.second_engine.comparison import TOLERANCE, Again, compare
from hcc_assets.stats.second_engine.rank_tests import MOST, rank_sum

NAN = float("nan")
KEYS = ["feature", "outcome"]
_NORMAL = 0.975  # two-sided 95 %
_STEPS = 50  # Newton's method doubles its digits with each; a wrong figure is far away at first
_GIVEN = {"CR": True, "PR": True, "SD": False, "NON-CR/NON-PD": False, "PD": False}

NOT_MADE = (
    "features of composition (log-ratios of one subject are in no published table)",
    "intervals of the Hodges-Lehmann differences",
)


def associations_again(
    published: pd.DataFrame,
    samples: pd.DataFrame,
    program_scores: pd.DataFrame,
    program_changes: pd.DataFrame,
    best_responses: pd.DataFrame,
    time_to_event: pd.DataFrame,
    *,
    timepoints: Sequence[str],
    headline: str,
    primary: str,
) -> Again:
    """Make tests of programs, and adjusted p-values of all features, again.

    Parameters
    ----------
    published
        ``schemas.associations.Associations``. Rows without a statistic (too few subjects or events)
        have their counts compared.
    samples
        ``subject_id, timepoint, collection_date``.
    program_scores, program_changes
        Published tables; changes of the contrast alone.
    best_responses, time_to_event
        Published tables, rows of the endpoint's criterion.
    timepoints, headline, primary
        The two timepoints, ``[recist] headline`` and ``[pfs] primary``.

    Notes
    -----
    statsmodels' partial likelihood (Efron) is asked at the published hazard ratio: the Newton step
    there is the distance to its own estimate. Where that is more than the tolerance it is
    maximised.
    """
    features = _features(program_scores, program_changes, timepoints[0])
    answer = {
        str(s): _GIVEN[w]
        for s, w in zip(best_responses["USUBJID"], best_responses[headline], strict=True)
        if w in _GIVEN
    }
    times = time_to_event[time_to_event["PARAMCD"] == primary]
    clocks = {
        "baseline": _clock(times, _latest(samples, timepoints[0]), needed=False),
        "change": _clock(times, _latest(samples, timepoints[1]), needed=True),
    }
    rows: list[dict[str, object]] = []
    for row in published.to_dict("records"):
        values = features.get(row["feature"])
        if values is None:
            continue
        made = (
            _response(row, values, answer)
            if row["outcome"] == "RESPONSE"
            else _hazard(row, values, clocks[str(row["feature"]).rsplit(":", 1)[-1]])
        )
        rows.append({**{k: row[k] for k in KEYS}, **made})
    found = Again(0, (), NOT_MADE)
    by_figures: dict[tuple[str, ...], list[dict[str, object]]] = {}
    for made in rows:
        by_figures.setdefault(tuple(made), []).append(made)
    for alike in by_figures.values():
        found += compare(published, pd.DataFrame(alike), KEYS)
    return found + adjusted_again(published, KEYS, ["outcome", "family"])


def _features(
    scores: pd.DataFrame, changes: pd.DataFrame, first: str
) -> dict[str, dict[str, float]]:
    """Values of each subject by feature: baseline scores (mean over biopsies) and changes."""
    found: dict[str, dict[str, list[float]]] = {}
    baseline = scores[scores["timepoint"] == first] if len(scores) else scores
    for frame, column, when in ((baseline, "score", "baseline"), (changes, "delta", "change")):
        for row in frame.to_dict("records"):
            if not math.isnan(row[column]):
                name = f"program:{row['program']}:{row['cell_class']}:{when}"
                of = found.setdefault(name, {}).setdefault(str(row["subject_id"]), [])
                of.append(row[column])
    return {n: {s: sum(v) / len(v) for s, v in by.items()} for n, by in found.items()}


def _latest(samples: pd.DataFrame, timepoint: str) -> dict[str, pd.Timestamp]:
    """Last biopsy of each subject at a timepoint; NaT where one of them has no date."""
    found: dict[str, list[pd.Timestamp]] = {}
    for row in samples[samples["timepoint"] == timepoint].to_dict("records"):
        date: Any = row.get("collection_date")
        found.setdefault(str(row["subject_id"]), []).append(pd.to_datetime(date))
    unknown: Any = pd.NaT
    return {s: unknown if any(pd.isna(d) for d in v) else max(v) for s, v in found.items()}


def _clock(
    times: pd.DataFrame, biopsy: Mapping[str, pd.Timestamp], *, needed: bool
) -> dict[str, tuple[int, bool]]:
    """Days after the landmark and whether the event came, of who is still at risk there."""
    found: dict[str, tuple[int, bool]] = {}
    for row in times.to_dict("records"):
        subject = str(row["USUBJID"])
        seen = biopsy.get(subject)
        if seen is None or (needed and pd.isna(seen)):
            continue
        start = row["STARTDT"] if pd.isna(seen) else max(row["STARTDT"], seen)
        days = (row["ADT"] - start).days
        if days > 0:
            found[subject] = (days, row["CNSR"] == 0)
    return found


def _nothing(row: Mapping[Any, Any], n: int, events: int) -> dict[str, object] | None:
    if not pd.isna(row["p_value"]):
        return None
    return {"n": n, "n_events": events} | dict.fromkeys(
        ("effect", "ci_low", "ci_high", "p_value"), NAN
    )


def _response(
    row: Mapping[Any, Any], values: Mapping[str, float], answer: Mapping[str, bool]
) -> dict[str, object]:
    x = [v for s, v in values.items() if answer.get(s) is True]
    y = [v for s, v in values.items() if answer.get(s) is False]
    empty = _nothing(row, len(x) + len(y), len(x))
    if empty is not None or not x or not y or len(x) + len(y) > MOST:
        return empty or {"n": len(x) + len(y), "n_events": len(x)}
    return {
        "n": len(x) + len(y),
        "n_events": len(x),
        "effect": median(a - b for a in x for b in y),
        "p_value": rank_sum(x, y),
    }


def _hazard(
    row: Mapping[Any, Any],
    values: Mapping[str, float],
    clock: Mapping[str, tuple[int, bool]],
) -> dict[str, object]:
    subjects = [s for s in values if s in clock]
    days = np.array([clock[s][0] for s in subjects], dtype=float)
    event = np.array([clock[s][1] for s in subjects], dtype=int)
    n, events = len(subjects), int(event.sum())
    empty = _nothing(row, n, events)
    if empty is not None or events == 0:
        return empty or {"n": n, "n_events": events}
    x = np.array([values[s] for s in subjects])
    slope, error = _cox(days, event, x / x.std(ddof=1), math.log(row["effect"]))
    from scipy.stats import norm

    half = float(norm.ppf(_NORMAL)) * error
    return {
        "n": n,
        "n_events": events,
        "effect": math.exp(slope),
        "ci_low": math.exp(slope - half),
        "ci_high": math.exp(slope + half),
        "p_value": 2 * float(norm.sf(abs(slope) / error)),
    }


def _cox(days: np.ndarray, event: np.ndarray, x: np.ndarray, guess: float) -> tuple[float, float]:
    """Log hazard ratio and its standard error by statsmodels, from a guess."""
    from statsmodels.duration.hazard_regression import PHReg

    model = PHReg(days, (x - x.mean())[:, None], status=event, ties="efron")
    slope, information = np.array([guess]), NAN
    for _ in range(_STEPS):
        information = -np.asarray(model.efron_hessian(slope))[0, 0]
        step = float(np.asarray(model.efron_gradient(slope))[0] / information)
        slope = slope + np.clip(step, -1, 1)
        if abs(step) <= TOLERANCE / 100:  # too small to change the information
            break
    return float(slope[0]), float(1 / math.sqrt(information))


def adjusted_again(published: pd.DataFrame, keys: Sequence[str], families: Sequence[str]) -> Again:
    """Adjust the published p-values again, Benjamini-Hochberg by statsmodels within each family.

    Parameters
    ----------
    published
        ``keys, families, p_value, p_adjusted``; rows without a p-value are in no family.
    """
    from statsmodels.stats.multitest import multipletests

    parts = []
    for _, family in published.groupby(list(families), sort=False):
        made = family[list(keys)].assign(p_adjusted=NAN)
        there = family["p_value"].notna().to_numpy()
        if there.any():
            p = family.loc[there, "p_value"].to_numpy(dtype=float)
            made.loc[there, "p_adjusted"] = multipletests(p, method="fdr_bh")[1]
        parts.append(made)
    return compare(published, pd.concat(parts), keys) if parts else Again(0, ())
