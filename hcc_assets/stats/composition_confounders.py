"""What could fake a change of composition: biopsies that are missing by response, and cells that QC
loses at one timepoint more than at the other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.confounders import BiopsyMissingness, QcKept
from hcc_assets.stats.biopsies import Pairs, group_biopsies
from hcc_assets.stats.composition import biopsy_counts, class_counts
from hcc_assets.stats.multiplicity import benjamini_hochberg
from hcc_assets.stats.paired import hodges_lehmann, signed_rank_p
from hcc_assets.study.classes import CELL_CLASSES, QC_STATUSES
from hcc_assets.study.config import StudyConfig

Array = npt.NDArray[np.float64]

NOT_EVALUATED = "NOT EVALUATED"
EVERYONE = "ALL"
RESPONDERS = ("CR", "PR")
FEWEST_CALLED = 10
"""A kept fraction of fewer cells than this is not given for a biopsy. Our choice: its binomial
error would exceed 0.15."""

_ORDER = ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE", NOT_EVALUATED, EVERYONE)
_BLOOD = ("erythroid", "platelet")


def biopsy_missingness(
    samples: pd.DataFrame,
    counts: pd.DataFrame,
    config: StudyConfig,
    *,
    best_responses: pd.DataFrame | None = None,
    subjects: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Biopsies that each response group has.

    Parameters
    ----------
    samples, counts
        As for ``compositions``; a biopsy is usable when it has ``min_cells_per_sample``.
    best_responses
        ``USUBJID`` and the headline column (``CBOR`` or ``BOR``); None while there are no clinical
        data.
    subjects
        ``USUBJID`` of everyone in the trial, so that patients without any biopsy are counted.

    Returns
    -------
    pandas.DataFrame
        ``BiopsyMissingness``: one row per response that occurs, then ``ALL`` with the test.
    """
    people: set[str] = set(samples["subject_id"].astype(str))
    response: dict[str, str] = {}
    if best_responses is not None:
        column = config.recist.headline
        response = {
            str(s): str(r)
            for s, r in zip(best_responses["USUBJID"], best_responses[column], strict=True)
            if pd.notna(r)
        }
        people |= set(best_responses["USUBJID"].astype(str))
    if subjects is not None:
        people |= set(subjects["USUBJID"].astype(str))
    if not people:
        return empty(BiopsyMissingness)
    has_before: set[str] = set()
    has_after: set[str] = set()
    paired: set[str] = set()
    if len(samples):
        units = biopsy_counts(samples, counts, config)
        usable = units.biopsies.units[units.usable]
        has_before = set(usable.loc[usable["timepoint"] == units.biopsies.before, "subject_id"])
        has_after = set(usable.loc[usable["timepoint"] == units.biopsies.after, "subject_id"])
        paired = set(units.biopsies.pairs(units.usable).subjects.tolist())
    table = pd.DataFrame({"subject": sorted(people)})
    table["response"] = table["subject"].map(response).fillna(NOT_EVALUATED)
    table["before"], table["after"], table["paired"] = (
        table["subject"].isin(s) for s in (has_before, has_after, paired)
    )
    rows = [_missing_row(name, group) for name, group in table.groupby("response", sort=True)]
    rows.append(_missing_row(EVERYONE, table) | {"p_value": _missing_test(table)})
    rank = {name: i for i, name in enumerate(_ORDER)}
    frame = pd.DataFrame(rows)
    order = frame["response"].map(lambda r: (rank.get(r, 5.5), r))
    return conform(BiopsyMissingness, frame.loc[order.sort_values(kind="stable").index])


def _missing_row(name: object, group: pd.DataFrame) -> dict[str, object]:
    paired, before, after = group["paired"], group["before"], group["after"]
    return {
        "response": str(name),
        "n_subjects": len(group),
        "n_before": int(before.sum()),
        "n_after": int(after.sum()),
        "n_paired": int(paired.sum()),
        "n_before_only": int((before & ~paired).sum()),
        "n_after_only": int((after & ~before).sum()),
        "n_none": int((~before & ~after).sum()),
        "pct_paired": 100 * float(paired.mean()),
        "p_value": float("nan"),
    }


def _missing_test(table: pd.DataFrame) -> float:
    from scipy.stats import fisher_exact

    known = table[table["response"] != NOT_EVALUATED]
    responder = known["response"].isin(RESPONDERS)
    if responder.nunique() < 2 or known["paired"].nunique() < 2:
        return float("nan")
    cells = [
        [int((responder & known["paired"]).sum()), int((responder & ~known["paired"]).sum())],
        [int((~responder & known["paired"]).sum()), int((~responder & ~known["paired"]).sum())],
    ]
    return float(fisher_exact(cells).pvalue)


def qc_kept(samples: pd.DataFrame, counts: pd.DataFrame, config: StudyConfig) -> pd.DataFrame:
    """Fraction of the called cells of each class that QC keeps, per timepoint, with the paired
    change.

    Parameters
    ----------
    samples, counts
        As for ``compositions``; ``counts`` names a class for cells that do not pass too,
        ``unassigned`` where it cannot.

    Returns
    -------
    pandas.DataFrame
        ``QcKept``: every class but erythroid and platelet (QC removes those by design), then
        ``ALL``; two timepoints each.
    """
    if samples.empty:
        return empty(QcKept)
    biopsies = group_biopsies(samples, config)
    ids = samples["sample_id"].astype(str).to_numpy()
    kept = biopsies.sum_rows(ids, class_counts(ids, counts))
    called = biopsies.sum_rows(ids, class_counts(ids, counts, QC_STATUSES))
    chosen = [i for i, c in enumerate(CELL_CLASSES) if c not in _BLOOD]
    kept = np.column_stack([kept[:, chosen], kept[:, chosen].sum(axis=1)])
    called = np.column_stack([called[:, chosen], called.sum(axis=1)])
    names = [*(CELL_CLASSES[i] for i in chosen), EVERYONE]
    enough = called >= FEWEST_CALLED
    fraction = np.where(enough, kept / np.maximum(called, 1), np.nan)
    changes = [
        _kept_change(biopsies.pairs(enough[:, j]), fraction[:, j], config.single_cell.min_pairs)
        for j in range(len(names))
    ]
    adjusted = benjamini_hochberg([*(c["p_value"] for c in changes[:-1]), np.nan])
    rows = []
    for j, name in enumerate(names):
        for timepoint in config.samples.timepoints[:2]:
            here = (biopsies.units["timepoint"] == timepoint).to_numpy()
            values = fraction[here & enough[:, j], j]
            q1, median, q3 = (
                np.quantile(values, [0.25, 0.5, 0.75]) if values.size else (np.nan,) * 3
            )
            rows.append(
                {
                    "cell_class": name,
                    "timepoint": timepoint,
                    "n_samples": values.size,
                    "n_called": int(called[here, j].sum()),
                    "n_kept": int(kept[here, j].sum()),
                    "kept_median": median,
                    "kept_q1": q1,
                    "kept_q3": q3,
                    **changes[j],
                    "p_adjusted": adjusted[j],
                }
            )
    return conform(QcKept, pd.DataFrame(rows))


def _kept_change(pairs: Pairs, fraction: Array, min_pairs: int) -> dict[str, float]:
    nan = float("nan")
    out = {
        "n_pairs": pairs.n_subjects,
        "delta_median": nan,
        "delta_ci_low": nan,
        "delta_ci_high": nan,
        "p_value": nan,
    }
    if pairs.n_subjects >= min_pairs:
        delta = pairs.by_subject(fraction[pairs.after] - fraction[pairs.before])
        where = hodges_lehmann(delta)
        out |= {
            "delta_median": float(np.median(delta)),
            "delta_ci_low": where.low,
            "delta_ci_high": where.high,
            "p_value": signed_rank_p(delta),
        }
    return out
