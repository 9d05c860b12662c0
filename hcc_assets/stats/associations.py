"""Exploratory associations of composition and programs with response and PFS.

Which features exist is decided in ``association_features``; no claim is made.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.schemas.associations import Associations
from hcc_assets.schemas.base import conform, empty
from hcc_assets.stats.association_features import composition_features, program_features
from hcc_assets.stats.cox import cox_single
from hcc_assets.stats.multiplicity import within
from hcc_assets.stats.paired import hodges_lehmann_two_sample, mann_whitney_p
from hcc_assets.study.config import StudyConfig

Array = npt.NDArray[np.float64]

RESPONDERS: Final = ("CR", "PR")
OTHERS: Final = ("SD", "NON-CR/NON-PD", "PD")
MIN_EVENTS: Final = 5
MIN_GROUP: Final = 2
"""Fewest events of a Cox model, and fewest patients of either response group, for a statistic to be
given. Our choice: with fewer, no interval says anything; all of it is exploratory anyway."""

LABEL: Final = "exploratory"
BASELINE_LANDMARK: Final = "treatment start, or the first biopsy if later"
CHANGE_LANDMARK: Final = (
    "second biopsy; patients with an event or end of follow-up before it are left out"
)


def _biopsy_dates(samples: pd.DataFrame, timepoint: str) -> dict[str, pd.Timestamp]:
    """Latest collection of each subject at a timepoint: from then on the value is known."""
    here = samples[samples["timepoint"].astype(str) == timepoint]
    dates = (
        pd.to_datetime(here["collection_date"])
        if "collection_date" in here
        else pd.Series(pd.NaT, index=here.index)
    )
    latest = dates.groupby(here["subject_id"].astype(str)).agg(lambda d: d.max(skipna=False))
    return {str(s): d for s, d in latest.items()}


def associations(
    samples: pd.DataFrame,
    counts: pd.DataFrame,
    config: StudyConfig,
    *,
    program_scores: pd.DataFrame | None = None,
    program_changes: pd.DataFrame | None = None,
    best_responses: pd.DataFrame | None = None,
    time_to_event: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Baseline and change of composition and programs against response and PFS.

    Parameters
    ----------
    samples
        ``sample_id, subject_id, timepoint, tissue, collection_date``.
    counts
        As for ``compositions``.
    program_scores, program_changes
        Tables of ``stats.programs``; None leaves programs out.
    best_responses
        ``USUBJID`` and the headline column (``CBOR`` or ``BOR``).
    time_to_event
        ``USUBJID, PARAMCD, STARTDT, ADT, CNSR``; ``pfs.primary`` is used.

    Returns
    -------
    pandas.DataFrame
        ``Associations``. A statistic is null beside its n with fewer than ``min_pairs`` patients,
        ``MIN_GROUP`` in a group or ``MIN_EVENTS`` events. PFS of a change is counted from the
        second biopsy, so that nobody is credited with the time that was needed to have one.
    """
    if samples.empty or (best_responses is None and time_to_event is None):
        return empty(Associations)
    compositions = composition_features(samples, counts, config)
    features = [compositions, program_features(program_scores, program_changes, config)]
    long = (
        pd.concat([f for f in features if len(f)], ignore_index=True)
        if any(len(f) for f in features)
        else compositions
    )
    rows: list[dict[str, object]] = []
    response = _responses(best_responses, config)
    follow_up = _follow_up(samples, time_to_event, config)
    for (feature, family, cell_class, unit), group in long.groupby(
        ["feature", "family", "cell_class", "unit"], sort=True
    ):
        values = pd.Series(
            group["value"].to_numpy(dtype=float), index=group["subject_id"].astype(str)
        )
        head = {"feature": feature, "family": family, "cell_class": cell_class, "label": LABEL}
        if best_responses is not None:
            rows.append(
                head | _against_response(values, response, str(unit), config.single_cell.min_pairs)
            )
        if time_to_event is not None:
            when = "change" if str(feature).endswith(":change") else "baseline"
            rows.append(
                head
                | _against_pfs(
                    values, follow_up[when], str(unit), when, config.single_cell.min_pairs
                )
            )
    if not rows:
        return empty(Associations)
    frame = pd.DataFrame(rows)
    frame["p_adjusted"] = within(frame["p_value"], frame["outcome"] + "|" + frame["family"])
    return conform(
        Associations,
        frame.sort_values(
            ["outcome", "family", "feature"], ascending=[False, True, True], kind="stable"
        ),
    )


def _responses(best: pd.DataFrame | None, config: StudyConfig) -> pd.Series:
    if best is None:
        return pd.Series(dtype=bool)
    value = best[config.recist.headline]
    known = value.isin([*RESPONDERS, *OTHERS]).to_numpy()
    return pd.Series(
        value.isin(RESPONDERS).to_numpy()[known],
        index=best["USUBJID"].astype(str).to_numpy()[known],
    )


def _against_response(
    values: pd.Series, response: pd.Series, unit: str, min_patients: int
) -> dict[str, object]:
    both = values.index.intersection(response.index)
    responder = response[both].to_numpy(dtype=bool)
    x, y = values[both].to_numpy()[responder], values[both].to_numpy()[~responder]
    out: dict[str, object] = {
        "outcome": "RESPONSE",
        "n": len(both),
        "n_events": x.size,
        "landmark": None,
    }
    out |= {
        "measure": f"difference ({unit}), responders - others",
        "effect": np.nan,
        "ci_low": np.nan,
        "ci_high": np.nan,
        "p_value": np.nan,
    }
    if len(both) >= min_patients and min(x.size, y.size) >= MIN_GROUP:
        where = hodges_lehmann_two_sample(x, y)
        out |= {
            "effect": where.estimate,
            "ci_low": where.low,
            "ci_high": where.high,
            "p_value": mann_whitney_p(x, y),
        }
    return out


def _follow_up(
    samples: pd.DataFrame, tte: pd.DataFrame | None, config: StudyConfig
) -> dict[str, pd.DataFrame]:
    """Days from the landmark and event, per subject still at risk there: for baseline features and
    for changes."""
    if tte is None:
        return {}
    pfs = tte[(tte["PARAMCD"] == config.pfs.primary)].drop_duplicates("USUBJID")
    start, end = pd.to_datetime(pfs["STARTDT"]).to_numpy(), pd.to_datetime(pfs["ADT"]).to_numpy()
    event = pd.to_numeric(pfs["CNSR"]).to_numpy() == 0
    subjects = pfs["USUBJID"].astype(str).to_numpy()
    out = {}
    for when, timepoint in zip(("baseline", "change"), config.samples.timepoints[:2], strict=True):
        dates = _biopsy_dates(samples, timepoint)
        biopsy = pd.to_datetime(pd.Series(subjects, dtype=object).map(dates)).to_numpy(
            dtype="datetime64[ns]"
        )
        missing = np.isnat(biopsy)
        landmark = np.maximum(start, np.where(missing, start, biopsy))
        days = pd.Series(end - landmark).dt.days.to_numpy(dtype=float)
        # a first biopsy without a date is taken to be before treatment, as its timepoint says; a
        # second one without a date has no landmark
        keep = (
            np.isfinite(days)
            & (days > 0)
            & (
                ~missing
                if when == "change"
                else np.array([s in dates for s in subjects], dtype=bool)
            )
        )
        out[when] = pd.DataFrame({"days": days[keep], "event": event[keep]}, index=subjects[keep])
    return out


def _against_pfs(
    values: pd.Series, follow_up: pd.DataFrame, unit: str, when: str, min_patients: int
) -> dict[str, object]:
    both = values.index.intersection(follow_up.index)
    mine = follow_up.loc[both]
    x = values[both].to_numpy()
    events = int(mine["event"].sum())
    spread = float(x.std(ddof=1)) if x.size > 1 else 0.0
    landmark = CHANGE_LANDMARK if when == "change" else BASELINE_LANDMARK
    out: dict[str, object] = {
        "outcome": "PFS",
        "n": len(both),
        "n_events": events,
        "landmark": landmark,
    }
    out |= {
        "measure": "hazard ratio per SD of the feature",
        "effect": np.nan,
        "ci_low": np.nan,
        "ci_high": np.nan,
        "p_value": np.nan,
    }
    if len(both) >= min_patients and events >= MIN_EVENTS and spread > 0:
        fit = cox_single(mine["days"], mine["event"], x / spread)
        if np.isfinite(fit.p_value):
            out |= {
                "effect": np.exp(fit.coefficient),
                "ci_low": np.exp(fit.ci_low),
                "ci_high": np.exp(fit.ci_high),
                "p_value": fit.p_value,
            }
    return out
