"""Kaplan-Meier figures once more: the curve by statsmodels, read by R's rules in plain Python."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from hcc_assets.stats.second_engine.comparison import Again, compare

NAN = float("nan")
DAYS_IN_MONTH = 30.4375  # clinical rules, section 5
_CLOSE = 1.4901161193847656e-08  # R's tolerance of quantiles: root of the machine's precision
_HALF = 0.5  # survival at the median
_NORMAL = 0.975  # two-sided 95 %

KEYS = ["CRITERION", "PARAMCD", "landmark_days"]


def survival_again(
    published: pd.DataFrame, time_to_event: pd.DataFrame, *, median_rule: str
) -> Again:
    """Make every figure of ``pfs_summary`` again.

    Parameters
    ----------
    published
        ``schemas.endpoint_summaries.PfsSummary``.
    time_to_event
        ``schemas.endpoints.TimeToEvent``.
    median_rule
        ``[pfs] median_rule``.

    Notes
    -----
    Matched by option: log-log limits from Greenwood's error (``surv_prob_se`` of statsmodels), a
    flat stretch by ``median_rule``, tolerance of R's ``quantile.survfit``.
    """
    rows: list[dict[str, object]] = []
    for (criterion, parameter), group in published.groupby(["CRITERION", "PARAMCD"], sort=False):
        own = time_to_event[
            (time_to_event["CRITERION"] == criterion) & (time_to_event["PARAMCD"] == parameter)
        ]
        line = Line(own["AVAL"].tolist(), [c == 0 for c in own["CNSR"].tolist()])
        shared: dict[str, object] = {"n": line.n, "events": line.events}
        for name, low, high, p in (
            ("median", "lcl", "ucl", 0.5),
            ("q25", "q25_lcl", "q25_ucl", 0.25),
            ("q75", "q75_lcl", "q75_ucl", 0.75),
        ):
            found = [line.read(c, 1 - p, median_rule) for c in ("surv", "lower", "upper")]
            shared |= dict(zip((name, low, high), found, strict=True))
            if name == "median":
                other = line.read("surv", _HALF, "left" if median_rule != "left" else "midpoint")
                other = NAN if other == found[0] else other
                shared |= {"median_other": other, "median_other_months": other / DAYS_IN_MONTH}
                shared |= {
                    f"{k}_months": v / DAYS_IN_MONTH
                    for k, v in zip(("median", "lcl", "ucl"), found, strict=True)
                }
        rows += [
            {"CRITERION": criterion, "PARAMCD": parameter, "landmark_days": day}
            | shared
            | line.at(day)
            for day in group["landmark_days"].tolist()
        ]
    again = pd.DataFrame(rows, columns=None if rows else KEYS)
    return compare(published, again, KEYS)


class Line:
    """A curve at every distinct time of a group, with its log-log limits."""

    def __init__(self, times: Sequence[float], happened: Sequence[bool]):
        from scipy.stats import norm
        from statsmodels.duration.survfunc import SurvfuncRight

        self.n, self.events = len(times), sum(happened)
        self.all = list(times)
        self.times = sorted(set(times))
        steps = [(0.0, 1.0, 0.0)]  # from which time, survival, error of its logarithm
        if self.events:
            fitted = SurvfuncRight(np.asarray(times), np.asarray(happened, dtype=int))
            steps += [
                (float(t), float(s), float(e / s) if s > 0 else NAN)
                for t, s, e in zip(
                    fitted.surv_times, fitted.surv_prob, fitted.surv_prob_se, strict=True
                )
            ]
        z = float(norm.ppf(_NORMAL))
        self.rows = {}
        for when in [0.0, *self.times]:
            _, surv, error = [s for s in steps if s[0] <= when][-1]
            self.rows[when] = (surv, *_limits(surv, error, z))

    def read(self, which: str, level: float, rule: str) -> float:
        """First time at which a line is down to ``level``; of a flat stretch there its left end or
        its middle."""
        column = ("surv", "lower", "upper").index(which)
        known = [(t, self.rows[t][column]) for t in self.times]
        known = [(t, v) for t, v in known if not math.isnan(v)]
        there = [(t, v) for t, v in known if v < level + _CLOSE]
        if not there:
            return NAN
        first, value = there[0]
        if rule == "left" or value < level - _CLOSE:
            return first
        lower = [t for t, v in there if v < level - _CLOSE]
        return (first + (lower[0] if lower else known[-1][0])) / 2

    def at(self, day: float) -> dict[str, object]:
        """Survival, limits and number at risk on a day."""
        if not self.n or math.isnan(day) or day > self.times[-1]:
            return {"surv": NAN, "surv_lcl": NAN, "surv_ucl": NAN, "n_risk": 0}
        surv, lower, upper = self.rows[max(t for t in self.rows if t <= day)]
        at_risk = sum(t >= day for t in self.all)
        return {"surv": surv, "surv_lcl": lower, "surv_ucl": upper, "n_risk": at_risk}


def _limits(surv: float, error: float, z: float) -> tuple[float, float]:
    if surv >= 1:
        return 1.0, 1.0
    if surv <= 0:
        return NAN, NAN
    middle, half = math.log(-math.log(surv)), z * error / -math.log(surv)
    return math.exp(-math.exp(middle + half)), math.exp(-math.exp(middle - half))
