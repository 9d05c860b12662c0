"""Features of the biopsies that associations are looked for with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.stats.composition import biopsy_counts, class_columns
from hcc_assets.stats.composition_changes import compositional_classes
from hcc_assets.stats.composition_logratio import clr, posterior_log, thinned_log
from hcc_assets.stats.paired_changes import LOG2, log_ratios
from hcc_assets.study.classes import DENOMINATORS
from hcc_assets.study.config import StudyConfig

Array = npt.NDArray[np.float64]


def composition_features(
    samples: pd.DataFrame, counts: pd.DataFrame, config: StudyConfig
) -> pd.DataFrame:
    """Log-ratios of composition per patient.

    Returns
    -------
    pandas.DataFrame
        ``subject_id, feature, family, cell_class, unit, value``. Baseline: posterior-expected CLR
        of the first biopsy. Change: depth-matched log change against the reference of the published
        test (CLR while there is none). Both in log2, averaged over tissues.
    """
    units = biopsy_counts(samples, counts, config)
    frame = units.biopsies.units
    parts = []
    for denominator in DENOMINATORS:
        classes = compositional_classes(denominator)
        n = units.counts[:, class_columns(classes)]
        usable = units.usable_in(denominator)
        first = np.flatnonzero(usable & (frame["timepoint"] == units.biopsies.before).to_numpy())
        baseline = pd.DataFrame(clr(posterior_log(n[first])[0]) / LOG2, columns=list(classes))
        baseline = baseline.groupby(frame["subject_id"].to_numpy()[first], sort=True).mean()
        parts.append(_long(baseline, "composition", denominator, "baseline"))
        pairs = units.biopsies.pairs(usable)
        if not len(pairs):
            continue
        log_before, log_after = thinned_log(n[pairs.before], n[pairs.after])
        change = pairs.by_subject(log_after - log_before)
        weights = log_ratios(n, pairs, config.single_cell.min_pairs).weights
        equal = np.full(len(classes), 1 / len(classes))
        centre = change @ (weights if np.isfinite(weights).all() else equal)
        wide = pd.DataFrame(
            (change - centre[:, None]) / LOG2,
            columns=list(classes),
            index=pairs.subjects.astype(object),
        )
        parts.append(_long(wide, "composition", denominator, "change"))
    return pd.concat(parts, ignore_index=True)


def _long(wide: pd.DataFrame, kind: str, context: str, when: str) -> pd.DataFrame:
    long = (
        wide.rename_axis(index="subject_id")
        .reset_index()
        .melt(id_vars="subject_id", var_name="cell_class", value_name="value")
    )
    long["feature"] = [f"{kind}:{context}:{c}:{when}" for c in long["cell_class"]]
    return long.assign(family=f"{kind} {when}", unit="log2")


def program_features(
    program_scores: pd.DataFrame | None, program_changes: pd.DataFrame | None, config: StudyConfig
) -> pd.DataFrame:
    """Program scores at the first timepoint and their changes, per patient; columns as in
    ``composition_features``."""
    parts = []
    if program_scores is not None and len(program_scores):
        first = program_scores[program_scores["timepoint"] == config.samples.timepoints[0]]
        mean = (
            first.groupby(["subject_id", "cell_class", "program"], sort=True)["score"]
            .mean()
            .rename("value")
            .reset_index()
        )
        parts.append(mean.assign(when="baseline"))
    if program_changes is not None and len(program_changes):
        columns = ["subject_id", "cell_class", "program", "delta"]
        parts.append(
            program_changes[columns].rename(columns={"delta": "value"}).assign(when="change")
        )
    if not parts:
        return pd.DataFrame(
            columns=["subject_id", "feature", "family", "cell_class", "unit", "value"]
        )
    long = pd.concat(parts, ignore_index=True).dropna(subset=["value"])
    long["feature"] = (
        "program:"
        + long["program"].astype(str)
        + ":"
        + long["cell_class"].astype(str)
        + ":"
        + long["when"]
    )
    long["family"] = "program " + long["when"]
    return long.assign(unit="SD")[
        ["subject_id", "feature", "family", "cell_class", "unit", "value"]
    ]
