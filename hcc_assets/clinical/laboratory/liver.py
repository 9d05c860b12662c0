"""Safety of the liver: Hy's law and the quadrants of its plot, ALBI, the course of AFP.

Sources: Hy's law as in the FDA's guidance on drug-induced liver injury (2009), with the baseline in
place of the limit where it was abnormal [CLINICAL.md 11.12]; ALBI from Johnson 2015 (J Clin Oncol
33:550).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from hcc_assets.clinical.laboratory.grading import compare
from hcc_assets.schemas.base import columns, conform, empty
from hcc_assets.schemas.labs import QUADRANTS, LiverSafety
from hcc_assets.study.config import Labs as LabSettings

HY_ALT, HY_BILI, HY_ALP = 3.0, 2.0, 2.0
"""Multiples of Hy's law [CLINICAL.md 11.12; FDA 2009, section III]."""

_LOG_BILI, _PER_ALBUMIN = 0.66, -0.085
"""ALBI = 0.66 log10(bilirubin, umol/l) - 0.085 albumin, g/l [Johnson 2015]."""

_ALBI_CUTS: Final = (-2.60, -1.39)
"""ALBI grade 1 up to the first, grade 2 up to the second, grade 3 above [Johnson 2015]."""


def albi(bilirubin: Any, albumin: Any) -> Any:
    """ALBI score.

    Parameters
    ----------
    bilirubin
        In umol/l.
    albumin
        In g/l.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        score = _LOG_BILI * np.log10(bilirubin) + _PER_ALBUMIN * albumin
    return np.where(np.isfinite(score), score, np.nan)


def albi_grade(score: Any) -> Any:
    """ALBI grade ``1``, ``2`` or ``3`` of a score; null where there is none."""
    score = np.asarray(score, dtype=float)
    first, second = _ALBI_CUTS
    words = np.where(score <= first, "1", np.where(score <= second, "2", "3")).astype(object)
    return _where_known(~np.isnan(score), words)


def _where_known(known: Any, values: Any) -> Any:
    """Texts where they are known, null elsewhere."""
    out = np.full(len(values), None, dtype=object)
    out[known] = values[known]
    return out


def liver_safety(labs: pd.DataFrame, settings: LabSettings) -> pd.DataFrame:
    """Hy's law, ALBI and AFP of every subject.

    Parameters
    ----------
    labs
        ``schemas.labs.Labs``; what happens under treatment is of rows with ONTRTFL.
    settings
        ``hys_law_days`` and ``afp_response_percent``.

    Returns
    -------
    pandas.DataFrame
        ``schemas.labs.LiverSafety``, one row per subject with a value under treatment or at
        baseline, sorted.
    """
    own = labs[(labs["DOMAIN"] == "LB") & ((labs["ONTRTFL"] == "Y") | (labs["ABLFL"] == "Y"))]
    own = own[~own["LBSPEC"].fillna("").str.startswith("URINE") & own["AVAL"].notna()]
    if own.empty:
        return empty(LiverSafety)
    under = own[own["ONTRTFL"] == "Y"]
    out = pd.DataFrame(index=pd.Index(sorted(own["USUBJID"].unique()), name="USUBJID"))
    _add_hys_law(out, under, settings.hys_law_days)
    _add_albi(out, own, under)
    _add_afp(out, own, under, settings.afp_response_percent)
    return conform(LiverSafety, out.reset_index()[list(columns(LiverSafety))])


def _ratios(under: pd.DataFrame, tests: tuple[str, ...], *, to_baseline: bool) -> pd.DataFrame:
    """``USUBJID, ADT, ratio``: value over its upper limit, or over an abnormal baseline."""
    rows = under[under["LBTESTCD"].isin(tests) & under["ADT"].notna()]
    reference = rows["ANRHI"]
    if to_baseline:
        raised = compare(rows["BASE"].to_numpy(), rows["BASEHI"].to_numpy(), ">")
        reference = reference.mask(raised, rows["BASE"])
    rows = rows[["USUBJID", "ADT"]].assign(ratio=rows["AVAL"] / reference.where(reference > 0))
    return rows[rows["ratio"].notna()]


def _add_hys_law(out: pd.DataFrame, under: pd.DataFrame, days: int) -> None:
    enzyme = _ratios(under, ("ALT", "AST"), to_baseline=True)
    bilirubin = _ratios(under, ("BILI",), to_baseline=False)
    alkaline = _ratios(under, ("ALP",), to_baseline=False)
    out["PEAK_ALT_AST"] = enzyme.groupby("USUBJID")["ratio"].max()
    out["PEAK_BILI"] = bilirubin.groupby("USUBJID")["ratio"].max()
    both = (out["PEAK_ALT_AST"].notna() & out["PEAK_BILI"].notna()).to_numpy()
    up = compare(out["PEAK_ALT_AST"].to_numpy(), np.full(len(out), HY_ALT), ">")
    yellow = compare(out["PEAK_BILI"].to_numpy(), np.full(len(out), HY_BILI), ">")
    place = np.array(QUADRANTS, dtype=object)[up.astype(int) + 2 * yellow.astype(int)]
    out["QUADRANT"] = _where_known(both, place)
    pairs = _raised(enzyme, HY_ALT).merge(_raised(bilirubin, HY_BILI), on="USUBJID")
    first, last = pairs[["ADT_x", "ADT_y"]].min(axis=1), pairs[["ADT_x", "ADT_y"]].max(axis=1)
    pairs = pairs[["USUBJID"]].assign(first=first, last=last)
    pairs = pairs[(pairs["last"] - pairs["first"]).dt.days <= days].reset_index(drop=True)
    # an ALP that was not measured between the two rules nothing out
    held = pairs.reset_index().merge(_raised(alkaline, HY_ALP, ">="), on="USUBJID")
    held = held[(held["ADT"] >= held["first"]) & (held["ADT"] <= held["last"])]
    cases = pairs[~pairs.index.isin(held["index"])].groupby("USUBJID")["last"].min()
    out["HYS_LAW_DT"] = cases.reindex(out.index).astype("datetime64[ns]")
    found = np.where(out["HYS_LAW_DT"].notna(), "Y", "N").astype(object)
    out["HYS_LAW"] = _where_known(both, found)


def _raised(ratios: pd.DataFrame, multiple: float, how: str = ">") -> pd.DataFrame:
    hit = compare(ratios["ratio"].to_numpy(), np.full(len(ratios), multiple), how)
    return ratios.loc[hit, ["USUBJID", "ADT"]].drop_duplicates()


def _values(rows: pd.DataFrame, test: str, unit: str) -> pd.DataFrame:
    return rows[(rows["LBTESTCD"] == test) & (rows["AVALU"] == unit)]


def _add_albi(out: pd.DataFrame, own: pd.DataFrame, under: pd.DataFrame) -> None:
    start = own[own["ABLFL"] == "Y"]
    first = {
        test: _values(start, test, unit).groupby("USUBJID")["AVAL"].last().reindex(out.index)
        for test, unit in (("BILI", "umol/L"), ("ALB", "g/L"))
    }
    out["ALBI"] = albi(first["BILI"], first["ALB"])
    day = ["USUBJID", "ADT"]
    pairs = _values(under, "BILI", "umol/L").merge(_values(under, "ALB", "g/L"), on=day)
    score = pairs[day].assign(score=albi(pairs["AVAL_x"], pairs["AVAL_y"])).dropna()
    score = score.sort_values([*day, "score"])
    out["ALBI_WORST"] = score.groupby("USUBJID")["score"].max()
    out["ALBI_LAST"] = score.groupby("USUBJID")["score"].last()
    for name in ("ALBI", "ALBI_WORST", "ALBI_LAST"):
        out[f"{name}_GRADE"] = albi_grade(out[name])


def _add_afp(out: pd.DataFrame, own: pd.DataFrame, under: pd.DataFrame, percent: float) -> None:
    afp = _values(own, "AFP", "ng/mL").sort_values(["USUBJID", "ADT", "VISITNUM", "AVAL"])
    start = afp[afp["ABLFL"] == "Y"].groupby("USUBJID").last()
    since = afp[(afp["ONTRTFL"] == "Y") & afp["ADT"].notna()].groupby("USUBJID")
    out["AFP_BASE"] = start["AVAL"]
    out["AFP_LOWEST"] = since["AVAL"].min()
    out["AFP_LAST"] = since["AVAL"].last()
    out["AFP_LAST_DT"] = since["ADT"].last()
    base = out["AFP_BASE"].where(out["AFP_BASE"] > 0)
    out["AFP_BEST_PCHG"] = 100 * (out["AFP_LOWEST"] - base) / base
    out["AFP_LAST_PCHG"] = 100 * (out["AFP_LAST"] - base) / base
    limit = start["ANRHI"].reindex(out.index)
    # without a limit of normal any baseline counts
    raised = base.notna() & ~(base <= limit)
    fell = compare(out["AFP_BEST_PCHG"].to_numpy(), np.full(len(out), -percent), "<=")
    known = (raised & out["AFP_LOWEST"].notna()).to_numpy()
    out["AFP_RESPONSE"] = _where_known(known, np.where(fell, "Y", "N"))


def raised_afp(labs: pd.DataFrame) -> pd.DataFrame:
    """``USUBJID, ADT, raised``: each AFP with a limit of normal, and whether it is above it; for
    complete response [RECIST 1.1, 4.3.3]."""
    rows = labs[(labs["LBTESTCD"] == "AFP") & labs["AVAL"].notna() & labs["ANRHI"].notna()]
    rows = rows[rows["ADT"].notna()].sort_values(["USUBJID", "ADT", "AVAL"])
    raised = compare(rows["AVAL"].to_numpy(), rows["ANRHI"].to_numpy(), ">")
    return rows[["USUBJID", "ADT"]].assign(raised=raised).reset_index(drop=True)
