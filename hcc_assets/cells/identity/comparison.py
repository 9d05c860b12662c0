"""Is a sample what its label says: subject, timepoint, tissue, person. Suspicions for people to
look at; nothing is corrected here.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from hcc_assets.cells.identity.agreement import copy_number_agreement, expression_agreement
from hcc_assets.cells.identity.biopsy_timing import timing
from hcc_assets.cells.identity.fingerprint import content_digest, expressed_sex, overlaps
from hcc_assets.schemas.base import conform
from hcc_assets.schemas.identity import IdentitySuspicions, SampleIdentity

if TYPE_CHECKING:
    from anndata import AnnData

MAX_OVERLAP: Final = 0.05
"""Share of barcodes or cells in common: own choice; two libraries of 10,000 out of 3.7 million
barcodes (10x v3) share 0.3 % by chance.
"""
_COPY_NUMBER_LOW: Final = 0.3
"""Own choice, checked on simulated biopsies of one and of two patients
(hcc_assets_tests/cells/identity).
"""
_COPY_NUMBER_MARGIN: Final = 0.2
"""By how much another subject must fit better: own choice, as above."""
_EXPRESSION_MARGIN: Final = 0.1
"""By how much another subject must fit better: own choice; expression says less of the person than
copy number, so suspicion only.
"""
_EXPRESSION_OTHER: Final = 0.2
"""Least agreement with the other subject: own choice, as above."""
_MIN_SUBJECTS: Final = 3
"""Subjects for a comparison: own choice, the fewest with a subject that is neither of the two."""

Findings = list[dict[str, str | None]]


def _other(
    table: pd.DataFrame, sample: str, subject_of: Mapping[str, str]
) -> tuple[float, float, str | None]:
    """Lowest agreement with the subject's other samples, highest with another subject's, and which
    that is.
    """
    if sample not in table.index:
        return float("nan"), float("nan"), None
    row = table.loc[sample].drop(sample).dropna()
    same = np.array([subject_of.get(s) == subject_of.get(sample) for s in row.index], dtype=bool)
    own, others = row[same], row[~same]
    best = str(others.idxmax()) if len(others) else None
    return (
        (float(own.min()) if len(own) else float("nan")),
        (float(others.max()) if len(others) else float("nan")),
        best,
    )


def _agreements(frame: pd.DataFrame, table: pd.DataFrame, column: str, found: Findings) -> None:
    """Fill ``<column>_r`` and ``<column>_other_r`` and note samples that fit another subject better
    than their own.
    """
    subject_of = dict(zip(frame["sample_id"], frame["subject_id"], strict=True))
    enough = len({subject_of[s] for s in table.index if s in subject_of}) >= _MIN_SUBJECTS
    for at, sample in zip(frame.index, frame["sample_id"], strict=True):
        own, other, best = _other(table, sample, subject_of)
        frame.loc[at, [f"{column}_r", f"{column}_other_r"]] = [own, other]
        if np.isnan(own):
            continue
        if column == "copy_number":
            bad = own < _COPY_NUMBER_LOW or (enough and other > own + _COPY_NUMBER_MARGIN)
            seen = "copy-number profile of the tumour"
        else:
            bad = enough and other > max(own + _EXPRESSION_MARGIN, _EXPRESSION_OTHER)
            seen = "subject-specific expression"
        if bad:
            named = best if other > own else None
            _note(
                found,
                column,
                frame.loc[at],
                f"the {seen} does not fit the subject's other samples: suspected swap, check "
                "the labels",
                named,
            )


def _note(
    found: Findings, check: str, row: pd.Series, message: str, other: str | None = None
) -> None:
    named = {"sample_id": row["sample_id"], "subject_id": row["subject_id"]}
    found.append({"check": check, **named, "other_sample_id": other, "message": message})


def _single(frame: pd.DataFrame, timepoints: tuple[str, ...], found: Findings) -> None:
    """Checks that need one row: subject in DM, dates, sex."""
    baseline = timepoints[0]
    for _, row in frame.iterrows():
        if row["in_dm"] == "N":
            _note(
                found,
                "not_in_dm",
                row,
                "the sample's subject is not in DM: check the subject id in samples.csv",
            )
        days = row["days_from_first_dose"]
        if not np.isnan(days) and (days > 0) == (row["timepoint"] == baseline):
            where = "after" if days > 0 else "on or before"
            _note(
                found,
                "timing",
                row,
                f"labelled {row['timepoint']} but taken {where} the day of the first dose: "
                "check label and dates",
            )
        sex, clinical = row["expressed_sex"], row["clinical_sex"]
        if sex == "mixed":
            _note(
                found,
                "sex",
                row,
                "XIST and Y-linked genes are both present: cells of two people, or a swap of "
                "barcodes",
            )
        elif sex in ("M", "F") and clinical in ("M", "F") and sex != clinical:
            _note(
                found,
                "sex",
                row,
                "sex by XIST and Y-linked genes is not the clinical sex: suspected swap, "
                "check the labels",
            )


def _pairs(frame: pd.DataFrame, fingerprints: Mapping[str, pd.DataFrame], found: Findings) -> None:
    """Checks between samples: one content under two names, barcodes in common, tissues mixed within
    a subject.
    """
    rows = {r["sample_id"]: r for _, r in frame.iterrows()}
    known = {s: fingerprints[s] for s in rows if s in fingerprints}
    shared, equal = overlaps(known, "barcode"), overlaps(known, "cell_hash")
    frame["barcode_overlap"] = [
        float(shared.loc[s].drop(s).max()) if s in shared.index and len(shared) > 1 else np.nan
        for s in frame["sample_id"]
    ]
    for one, other in combinations(shared.index, 2):
        if rows[one]["content_digest"] == rows[other]["content_digest"]:
            _note(
                found,
                "same_content",
                rows[one],
                "the same counts were delivered under two sample ids: one of them is wrong",
                other,
            )
        elif equal.loc[one, other] > MAX_OVERLAP:
            text = (
                "more than 5 % of the cells have the counts of cells of another sample: "
                "a delivery was merged or split"
            )
            _note(found, "same_content", rows[one], text, other)
        elif shared.loc[one, other] > MAX_OVERLAP:
            text = (
                "more than 5 % of the barcodes are those of another sample: "
                "cells delivered twice, or libraries mixed"
            )
            _note(found, "barcode_overlap", rows[one], text, other)
    for _, group in frame.sort_values("sample_id").groupby("subject_id", sort=True):
        if group["tissue"].nunique() > 1 and group["timepoint"].nunique() > 1:
            shared_tissue = group.groupby("tissue")["timepoint"].nunique().max() > 1
            for _, row in group.iterrows():
                partners = group[
                    (group["tissue"] == row["tissue"]) & (group["timepoint"] != row["timepoint"])
                ]
                if partners.empty:
                    one, none = (
                        "no biopsy of the other timepoint has this tissue: it enters no pair",
                        "the subject's biopsies differ in tissue: no pair",
                    )
                    text = one if shared_tissue else none
                    _note(found, "tissue", row, text)


def sample_identity(
    samples: pd.DataFrame,
    fingerprints: Mapping[str, pd.DataFrame],
    *,
    subjects: pd.DataFrame | None = None,
    exposure: pd.DataFrame | None = None,
    profiles: Mapping[str, pd.Series | None] | None = None,
    pseudobulks: Mapping[str, AnnData] | None = None,
    timepoints: tuple[str, ...] = ("pre", "post"),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All identity checks over the samples there are.

    Parameters
    ----------
    samples
        Table ``samples``.
    fingerprints
        ``fingerprint.fingerprint`` of each sample that has been read.
    subjects, exposure
        Clinical tables, where there are any.
    profiles, pseudobulks
        Copy-number profile and class sums of each sample.
    timepoints
        Of the study, the first one being before treatment.

    Returns
    -------
    identity, suspicions
        Tables ``sample_identity`` and ``identity_suspicions``.
    """
    frame = (
        samples[["sample_id", "subject_id", "timepoint", "tissue", "collection_date"]]
        .sort_values("sample_id")
        .reset_index(drop=True)
    )
    frame = frame.join(timing(frame, subjects, exposure))
    found: Findings = []
    sexes = [
        expressed_sex(fingerprints[s]) if s in fingerprints else ("undetermined", np.nan, np.nan)
        for s in frame["sample_id"]
    ]
    frame[["expressed_sex", "xist_cp10k", "y_cp10k"]] = pd.DataFrame(
        sexes, index=frame.index, columns=["s", "x", "y"]
    )
    frame["content_digest"] = [
        content_digest(fingerprints[s]) if s in fingerprints else None for s in frame["sample_id"]
    ]
    for column in ("copy_number_r", "copy_number_other_r", "expression_r", "expression_other_r"):
        frame[column] = np.nan
    _single(frame, timepoints, found)
    _pairs(frame, fingerprints, found)
    if profiles:
        _agreements(frame, copy_number_agreement(profiles), "copy_number", found)
    if pseudobulks:
        labels = dict(zip(frame["sample_id"], frame["timepoint"], strict=True))
        _agreements(
            frame,
            expression_agreement({s: pseudobulks[s] for s in pseudobulks if s in labels}, labels),
            "expression",
            found,
        )
    by_sample: dict[str, set[str]] = {}
    for finding in found:
        for sample in (
            finding["sample_id"],
            finding["other_sample_id"]
            if finding["check"] in ("same_content", "barcode_overlap")
            else None,
        ):
            if sample is not None:
                by_sample.setdefault(sample, set()).add(str(finding["check"]))
    frame["suspicions"] = [
        " ".join(sorted(by_sample[s])) if s in by_sample else None for s in frame["sample_id"]
    ]
    suspicions = pd.DataFrame(
        found,
        columns=["check", "sample_id", "subject_id", "other_sample_id", "message"],
        dtype=object,
    )
    suspicions = suspicions.sort_values(
        ["check", "sample_id", "other_sample_id"], na_position="first"
    ).reset_index(drop=True)
    return conform(SampleIdentity, frame), conform(IdentitySuspicions, suspicions)
