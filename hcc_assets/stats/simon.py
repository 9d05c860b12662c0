"""Simon's two-stage design: its exact probabilities, monitoring of the responses so far, and
inference that respects the design.

After a two-stage design the crude proportion and its Clopper-Pearson interval are biased. The
estimate here is the uniformly minimum-variance unbiased one (Jung and Kim, Stat Med 2004;23:881);
interval and p-value order the outcomes by it. Who responded is decided in
``clinical.best_response``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import comb

import numpy as np
import pandas as pd

from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.endpoint_summaries import SimonMonitoring
from hcc_assets.stats.proportions import clopper_pearson
from hcc_assets.study.config import Simon, StudyConfig

NAN = float("nan")


def binomial(k: int, n: int, p: float) -> float:
    """Probability of k successes in n trials; 0 outside 0..n."""
    return comb(n, k) * p**k * (1 - p) ** (n - k) if 0 <= k <= n else 0.0


def at_least(k: int, n: int, p: float) -> float:
    """Probability of k or more successes in n trials."""
    return sum(binomial(i, n, p) for i in range(max(k, 0), n + 1))


@dataclass(frozen=True)
class Properties:
    """Exact operating characteristics of a design at one response rate: early termination, expected
    size, probability of a promising result."""

    early_termination: float
    expected_n: float
    promising: float


def check(design: Simon) -> None:
    """Refuse a design that cannot be one.

    Raises
    ------
    ValueError
        Not r1 < n1 < n, r1 <= r < n, or p0 >= p1 where both are given.
    """
    if not (design.r1 < design.n1 < design.n and design.r1 <= design.r < design.n):
        raise ValueError("a two-stage design needs r1 < n1 < n and r1 <= r < n")
    if design.p0 is not None and design.p1 is not None and design.p0 >= design.p1:
        raise ValueError("a two-stage design needs p0 < p1")


def properties(design: Simon, p: float) -> Properties:
    """Operating characteristics at response rate ``p`` (at p0 ``promising`` is alpha, at p1 the
    power)."""
    n2 = design.n - design.n1
    stop = sum(binomial(x, design.n1, p) for x in range(design.r1 + 1))
    promising = sum(
        binomial(x, design.n1, p) * at_least(design.r + 1 - x, n2, p)
        for x in range(design.r1 + 1, design.n1 + 1)
    )
    return Properties(stop, design.n1 + (1 - stop) * n2, promising)


def outcomes(r1: int, n1: int, n2: int) -> dict[tuple[int, int], tuple[int, float]]:
    """Every possible end of the study: ``(stage, responses)`` to ``(number of paths, UMVUE of the
    response rate)``."""
    ends = {(1, s): (comb(n1, s), s / n1) for s in range(r1 + 1)}
    for s in range(r1 + 1, n1 + n2 + 1):
        first = range(max(r1 + 1, s - n2), min(n1, s) + 1)
        paths = sum(comb(n1, x) * comb(n2, s - x) for x in first)
        if paths:
            ends[2, s] = (
                paths,
                sum(comb(n1 - 1, x - 1) * comb(n2, s - x) for x in first if x >= 1) / paths,
            )
    return ends


@dataclass(frozen=True)
class Inference:
    """Design-adjusted estimate, two-sided limits and one-sided p-value (NaN without p0)."""

    estimate: float
    lower: float
    upper: float
    p_value: float


def _solve(function: Callable[[float], float], target: float) -> float:
    """Root of an increasing function of the response rate, by bisection to the last bit that
    matters."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if function(middle) < target:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def infer(
    r1: int,
    n1: int,
    n2: int,
    stage: int,
    responses: int,
    *,
    p0: float | None = None,
    level: float = 0.95,
) -> Inference:
    """Estimate and interval for a study that ended in ``stage`` with ``responses`` in all.

    Parameters
    ----------
    r1, n1
        Stage 1 of the design.
    n2
        Subjects that stage 2 has really had.
    stage, responses
        Where the study ended.
    p0
        Null rate of the one-sided p-value.
    level
        Confidence level; each tail has half of the rest.

    Raises
    ------
    ValueError
        The outcome is impossible under the design.
    """
    ends = outcomes(r1, n1, n2)
    if (stage, responses) not in ends:
        raise ValueError("the outcome is impossible under the design")
    estimate = ends[stage, responses][1]
    tail = (1 - level) / 2

    def beyond(p: float, above: bool) -> float:
        total = 0.0
        for (end, s), (paths, value) in ends.items():
            if (value >= estimate - 1e-12) if above else (value <= estimate + 1e-12):
                total += paths * p**s * (1 - p) ** (n1 + (n2 if end == 2 else 0) - s)
        return total

    values = [value for _, value in ends.values()]
    lower = 0.0 if estimate <= min(values) else _solve(lambda p: beyond(p, True), tail)
    upper = 1.0 if estimate >= max(values) else _solve(lambda p: -beyond(p, False), -tail)
    return Inference(estimate, lower, upper, NAN if p0 is None else beyond(p0, True))


def _chances(
    design: Simon, first: int, open_first: int, total: int, open_total: int
) -> tuple[float, float]:
    """Probability under p1 of passing stage 1 and of ending as promising, given the responses so
    far and the subjects still open."""
    p = design.p1
    if p is None:
        return NAN, NAN
    go = at_least(design.r1 + 1 - first, open_first, p)
    later = total - first
    promising = sum(
        binomial(x, open_first, p)
        * at_least(design.r + 1 - first - later - x, open_total - open_first, p)
        for x in range(open_first + 1)
        if first + x > design.r1
    )
    return go, promising


def status_of_subjects(
    best: pd.DataFrame, time_to_event: pd.DataFrame, config: StudyConfig
) -> pd.DataFrame:
    """Treated subjects in order of first dose with ``responder`` and ``known``.

    The response of a subject is final when it is a response by the headline source, or when
    progression, death, new therapy, withdrawal or loss to follow-up has ended the chance of one, or
    when its data are blocked (not a responder).
    """
    pfs = time_to_event[time_to_event["PARAMCD"].isin(["PFS_TP", "PFS_FDA"])]
    over = (pfs["CNSR"] == 0) | ~pfs["EVNTDESC"].isin(["NO PROGRESSION OR DEATH"])
    closed = set(pfs.loc[over, "USUBJID"])
    starts = pfs.drop_duplicates("USUBJID").set_index("USUBJID")["STARTDT"]
    frame = pd.DataFrame(
        {"USUBJID": best["USUBJID"], "responder": best[config.recist.headline].isin(["CR", "PR"])}
    )
    frame["known"] = frame["responder"] | frame["USUBJID"].isin(closed)
    frame["start"] = frame["USUBJID"].map(starts)
    return frame.sort_values(["start", "USUBJID"]).reset_index(drop=True)


def _decide(
    design: Simon, enrolled: int, first: int, open_first: int, total: int, open_total: int
) -> tuple[int, str, str]:
    if first <= design.r1:
        if first + open_first <= design.r1:
            extra = "; subjects were enrolled beyond stage 1" if enrolled > design.n1 else ""
            return 1, "STOP", f"stage 1 cannot exceed {design.r1} responses in {design.n1}{extra}"
        if enrolled >= design.n1:
            return 1, "PENDING", f"stage 1 is enrolled; {open_first} responses are still open"
        return 1, "CONTINUE", f"stage 1: {enrolled} of {design.n1} enrolled"
    stage = 2 if enrolled > design.n1 else 1
    if total > design.r:
        return stage, "PROMISING", f"more than {design.r} responses"
    if total + open_total <= design.r:
        return stage, "NOT PROMISING", f"{design.r} responses cannot be exceeded in {design.n}"
    if enrolled >= design.n:
        return stage, "PENDING", f"both stages are enrolled; {open_total} responses are still open"
    return (
        stage,
        "CONTINUE",
        f"stage 1 passed with more than {design.r1} responses; {enrolled} of {design.n} enrolled",
    )


def monitor(best: pd.DataFrame, time_to_event: pd.DataFrame, config: StudyConfig) -> pd.DataFrame:
    """The design of ``study.toml`` against the responses so far.

    Only the first ``n`` subjects by first dose count. The adjusted estimate appears when every
    stage 1 response is final: at once when the study stops there, otherwise with the final
    responses of stage 2 so far as its size.

    Parameters
    ----------
    best, time_to_event
        ``schemas.endpoints.BestResponses`` and ``TimeToEvent`` of the same cut-off.
    config
        ``[simon]`` and the headline source.

    Returns
    -------
    DataFrame
        ``schemas.endpoints.SimonMonitoring``: one row, none where the study has no design.
    """
    design = config.simon
    if design is None:
        return empty(SimonMonitoring)
    check(design)
    order = status_of_subjects(best, time_to_event, config).head(design.n)
    stage1, stage2 = order.head(design.n1), order.iloc[design.n1 :]
    first, total = int(stage1["responder"].sum()), int(order["responder"].sum())
    open_first = design.n1 - int(stage1["known"].sum())
    open_total = design.n - int(order["known"].sum())
    stage, decision, note = _decide(design, len(order), first, open_first, total, open_total)
    adjusted = Inference(NAN, NAN, NAN, NAN)
    known2 = int(stage2["known"].sum())
    if open_first == 0 and decision == "STOP":
        adjusted = infer(design.r1, design.n1, design.n - design.n1, 1, first, p0=design.p0)
    elif open_first == 0 and known2 > 0:
        adjusted = infer(design.r1, design.n1, known2, 2, total, p0=design.p0)
    counted = order["known"] if decision != "STOP" else stage1["known"]
    x, n = (first if decision == "STOP" else total), int(counted.sum())
    low, high = clopper_pearson(x, n)
    null = properties(design, design.p0) if design.p0 is not None else Properties(NAN, NAN, NAN)
    go, promising = _chances(design, first, open_first, total, open_total)
    if decision == "STOP":
        go, promising = (0.0, 0.0) if design.p1 is not None else (NAN, NAN)
    row = {
        "source": config.recist.headline,
        **{name: getattr(design, name) for name in ("r1", "n1", "r", "n")},
        "p0": NAN if design.p0 is None else design.p0,
        "p1": NAN if design.p1 is None else design.p1,
        "pet0": null.early_termination,
        "en0": null.expected_n,
        "alpha": null.promising,
        "power": properties(design, design.p1).promising if design.p1 is not None else NAN,
        "n_enrolled": len(order),
        "n_known": int(order["known"].sum()),
        "responses": total,
        "stage": stage,
        "decision": decision,
        "p_continue": go,
        "p_promising": promising,
        "estimate": adjusted.estimate,
        "lcl": adjusted.lower,
        "ucl": adjusted.upper,
        "p_value": adjusted.p_value,
        "crude": x / n if n else np.nan,
        "cp_lcl": low,
        "cp_ucl": high,
        "note": note,
    }
    return conform(SimonMonitoring, pd.DataFrame([row]))
