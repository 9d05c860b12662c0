"""Kaplan-Meier curves of lifelines, read by the conventions of R's ``survfit``.

Greenwood error, transformed intervals, midpoint medians, landmarks, follow-up. A statistic that is
not estimable is NaN, never infinite. Deriving times and censoring is clinical work, not done here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.schemas.base import conform
from hcc_assets.schemas.endpoint_summaries import FollowUp, PfsSummary
from hcc_assets.schemas.endpoints import PARAMETERS
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.criteria import rows_of

Floats = npt.NDArray[np.float64]
ConfType = Literal["log-log", "log", "plain"]
MedianRule = Literal["midpoint", "left"]
DAYS_PER_MONTH = 30.4375  # clinical rules, section 5: 365.25 / 12
_TOLERANCE = float(np.sqrt(np.finfo(float).eps))  # R, ``survival:::quantile.survfit``


@dataclass(frozen=True)
class Curve:
    """A Kaplan-Meier curve, one entry per distinct time (events and censorings).

    Attributes
    ----------
    time, n_risk, n_event, n_censor
        Distinct times and the counts there; ``n_risk`` just before the time.
    surv, std_err
        Survival after the time and its Greenwood standard error (NaN once survival is 0).
    lower, upper
        Pointwise limits by ``conf_type``; NaN where not defined.
    """

    time: Floats
    n_risk: npt.NDArray[np.int64]
    n_event: npt.NDArray[np.int64]
    n_censor: npt.NDArray[np.int64]
    surv: Floats
    std_err: Floats
    lower: Floats
    upper: Floats

    @property
    def n(self) -> int:
        return int(self.n_risk[0]) if len(self.n_risk) else 0

    @property
    def events(self) -> int:
        return int(self.n_event.sum())


def _limits(surv: Floats, relative: Floats, z: float, conf_type: ConfType) -> tuple[Floats, Floats]:
    """Pointwise limits; ``relative`` is the Greenwood sum's root, the standard error of log
    survival."""
    with np.errstate(all="ignore"):
        if conf_type == "plain":
            half = z * relative * surv
            lower, upper = surv - half, surv + half
        elif conf_type == "log":
            lower, upper = surv * np.exp(-z * relative), surv * np.exp(z * relative)
        else:
            width = z * relative / np.log(surv)
            lower, upper = surv ** np.exp(-width), surv ** np.exp(width)
    undefined = (surv <= 0) | ~np.isfinite(relative)
    lower, upper = np.where(undefined, np.nan, lower), np.where(undefined, np.nan, upper)
    certain = (surv >= 1) & (relative == 0)
    lower, upper = np.where(certain, 1.0, lower), np.where(certain, 1.0, upper)
    return np.clip(lower, 0, 1), np.clip(upper, 0, 1)


def fit(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    *,
    conf_type: ConfType = "log-log",
    level: float = 0.95,
) -> Curve:
    """Fit a Kaplan-Meier curve.

    Parameters
    ----------
    time
        Times, any unit, without NaN.
    event
        1 (or True) event, 0 censored. At a tie events come before censorings.
    conf_type
        Transformation of the pointwise interval.
    level
        Confidence level, two-sided.

    Returns
    -------
    Curve
        Empty for no subjects.
    """
    from lifelines import KaplanMeierFitter
    from scipy.special import ndtri

    times, happened = np.asarray(time, dtype=float), np.asarray(event).astype(bool)
    if times.shape != happened.shape or times.ndim != 1:
        raise ValueError("time and event must be two lists of the same length")
    if np.isnan(times).any():
        raise ValueError("a time is missing")
    if not len(times):
        nothing, none = np.zeros(0), np.zeros(0, dtype=np.int64)
        return Curve(nothing, none, none, none, nothing, nothing, nothing, nothing)
    with np.errstate(all="ignore"):  # lifelines calls np.seterr; leaving the block undoes it
        fitter = KaplanMeierFitter().fit(times, happened)
        table = fitter.event_table.query("removed > 0")  # without the row of entries at time 0
        surv = fitter.survival_function_["KM_estimate"].loc[table.index].to_numpy()
        at_risk, died, censored = table[["at_risk", "observed", "censored"]].to_numpy().T
        relative = np.sqrt(np.cumsum(died / (at_risk * (at_risk - died).astype(float))))
        std_err = np.where(surv > 0, surv * relative, np.nan)
    lower, upper = _limits(surv, relative, float(ndtri(1 - (1 - level) / 2)), conf_type)
    return Curve(
        table.index.to_numpy(dtype=float),
        at_risk.astype(np.int64),
        died.astype(np.int64),
        censored.astype(np.int64),
        surv,
        std_err,
        lower,
        upper,
    )


def _crossing(time: Floats, level_of: Floats, probability: float, rule: MedianRule) -> float:
    """First time a falling step function is at or below ``1 - probability``; of the stretch where
    it equals it the middle (R's ``quantile``) or the left end."""
    known = ~np.isnan(level_of)
    at, fallen = np.append(0.0, time[known]), 1 - np.append(1.0, level_of[known])
    reached = np.flatnonzero(fallen > probability - _TOLERANCE)
    if not len(reached):
        return float("nan")
    beyond = np.flatnonzero(fallen > probability + _TOLERANCE)
    if rule == "left" or (len(beyond) and beyond[0] == reached[0]):
        return float(at[reached[0]])
    end = at[beyond[0]] if len(beyond) else time[-1] if known[-1] else at[-1]
    return float((at[reached[0]] + end) / 2)


def quantile(
    curve: Curve, probability: float = 0.5, rule: MedianRule = "midpoint"
) -> tuple[float, float, float]:
    """Time by which a fraction of the subjects has had the event, with limits read off the curve's
    interval.

    Where survival equals ``1 - probability`` exactly, the middle of that flat stretch is taken, as
    ``quantile`` of a ``survfit`` does, or its left end (``rule``) [CLINICAL.md 11.11].

    Returns
    -------
    tuple of float
        Estimate, lower and upper limit; NaN where the curve or its limit does not come down that
        far.
    """
    if not len(curve.time):
        return float("nan"), float("nan"), float("nan")
    values = [
        _crossing(curve.time, line, probability, rule)
        for line in (curve.surv, curve.lower, curve.upper)
    ]
    return values[0], values[1], values[2]


def at(curve: Curve, when: float) -> dict[str, Any]:
    """Survival at a landmark: ``surv, std_err, lower, upper, n_risk``; survival NaN beyond the last
    observed time."""
    if not (len(curve.time) and when <= curve.time[-1]):
        return {"surv": np.nan, "std_err": np.nan, "lower": np.nan, "upper": np.nan, "n_risk": 0}
    n_risk = int(curve.n_risk[np.searchsorted(curve.time, when)])
    step = int(np.searchsorted(curve.time, when, side="right")) - 1
    if step < 0:
        return {"surv": 1.0, "std_err": 0.0, "lower": 1.0, "upper": 1.0, "n_risk": n_risk}
    line = (curve.surv, curve.std_err, curve.lower, curve.upper)
    return dict(
        zip(("surv", "std_err", "lower", "upper"), (float(v[step]) for v in line), strict=True)
    ) | {"n_risk": n_risk}


def curve_of(time_to_event: pd.DataFrame, parameter: str, *, reverse: bool = False) -> Curve:
    """Curve of one parameter of ``time_to_event`` in days; ``reverse`` makes censoring the event
    (follow-up)."""
    rows = time_to_event[time_to_event["PARAMCD"] == parameter]
    return fit(
        rows["AVAL"].to_numpy(dtype=float),
        rows["CNSR"].to_numpy() == (1 if reverse else 0),
    )


def _months(names: tuple[str, str, str], values: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip(names, values, strict=True)) | {
        f"{name}_months": value / DAYS_PER_MONTH for name, value in zip(names, values, strict=True)
    }


def summarise(time_to_event: pd.DataFrame, config: StudyConfig) -> pd.DataFrame:
    """Median, quartiles and landmarks of every parameter.

    Parameters
    ----------
    time_to_event
        ``schemas.endpoints.TimeToEvent``; DOR and TTR hold responders only.
    config
        ``[pfs] landmarks_months``, ``[pfs] median_rule`` and ``[recist] criteria``.

    Returns
    -------
    DataFrame
        ``schemas.endpoints.PfsSummary``: one row per criterion, parameter and landmark (one with a
        null landmark where the study has none); a parameter without subjects has n = 0 and nulls.
        Never raises for one subject, all censored or all events.
    """
    rows = []
    for criterion, parameter in _parameters(time_to_event, config.recist.criteria[0]):
        curve = curve_of(rows_of(time_to_event, criterion), parameter)
        shared: dict[str, Any] = {
            "CRITERION": criterion,
            "PARAMCD": parameter,
            "n": curve.n,
            "events": curve.events,
        }
        rule = config.pfs.median_rule
        middle = quantile(curve, rule=rule)
        shared |= _months(("median", "lcl", "ucl"), middle)
        other = quantile(curve, rule="left" if rule == "midpoint" else "midpoint")[0]
        other = np.nan if other == middle[0] else other
        shared |= {"median_other": other, "median_other_months": other / DAYS_PER_MONTH}
        for name, probability in (("q25", 0.25), ("q75", 0.75)):
            shared |= dict(
                zip(
                    (name, f"{name}_lcl", f"{name}_ucl"),
                    quantile(curve, probability, rule),
                    strict=True,
                )
            )
        for months in sorted(set(config.pfs.landmarks_months)) or [np.nan]:
            days = months * DAYS_PER_MONTH
            point = at(curve, days)
            landmark = {
                "landmark_months": months,
                "landmark_days": days,
                "surv": point["surv"],
                "n_risk": point["n_risk"],
                "surv_lcl": point["lower"],
                "surv_ucl": point["upper"],
            }
            rows.append(shared | landmark)
    return conform(PfsSummary, pd.DataFrame(rows))


def _parameters(time_to_event: pd.DataFrame, first: str) -> list[tuple[str, str]]:
    """Criterion and parameter: all of the endpoint's criterion, and of the others those that rest
    on one."""
    others = [c for c in time_to_event["CRITERION"].unique() if c != first]
    return [(c, p) for c in (first, *others) for p in PARAMETERS if c == first or p != "OS"]


def follow_up(time_to_event: pd.DataFrame) -> pd.DataFrame:
    """Median follow-up of each parameter by reverse Kaplan-Meier.

    Returns
    -------
    DataFrame
        ``schemas.endpoints.FollowUp``; without TTR, which has no censoring.
    """
    rows = []
    for parameter in [p for p in PARAMETERS if p != "TTR"]:
        curve = curve_of(time_to_event, parameter, reverse=True)
        rows.append(
            {"PARAMCD": parameter, "n": curve.n, "censored": curve.events}
            | _months(("median", "lcl", "ucl"), quantile(curve))
        )
    return conform(FollowUp, pd.DataFrame(rows))
