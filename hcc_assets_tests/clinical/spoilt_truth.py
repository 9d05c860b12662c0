"""Random trials with spoilt cells against their truth: what is published, its bounds, and whether
anybody was asked. No assertions here."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hcc_assets.clinical.checks.run import unusable_rows
from hcc_assets.clinical.endpoints.bounds import Given, derive_bounds
from hcc_assets.clinical.endpoints.worlds import ORDER
from hcc_assets.study.config import Pfs, StudyConfig
from hcc_assets_tests.clinical.delivered_trial import Derived
from hcc_assets_tests.clinical.spoilt_cells import (
    CUTOFF,
    KINDS,
    Kinds,
    clean_delivery,
    spoilt,
    write,
)


@dataclass(frozen=True)
class Judged:
    """One random trial of one subject.

    Attributes
    ----------
    kinds
        What was spoilt.
    true, published
        BOR, CBOR and days of the primary PFS; published is null where the subject is no longer
        treated.
    outside
        The truth is outside the published bounds, or there are none for the subject.
    wrong
        An endpoint differs from the truth: a best response or a parameter of time to event.
    silent
        ``wrong``, and no finding of the subject that bounds rest on, or none but those that its
        clean delivery has too.
    widest
        The bounds are the widest.
    """

    subject: str
    kinds: tuple[str, ...]
    true: tuple[str, str, float]
    published: tuple[str, str, float] | None
    outside: bool
    wrong: bool
    silent: bool
    widest: bool
    reason: str | None


def bounds_of(seen: Derived, config: StudyConfig, cutoff: dt.date) -> pd.DataFrame:
    """``responses_bounds`` of a delivery."""
    tables, issues = seen.tables, seen.issues.reset_index(drop=True)
    given = Given(
        subjects=tables["subjects"],
        tumour_assessments=tables["tumour_assessments"],
        exposure=tables["exposure"],
        disposition=tables["disposition"],
        issues=issues,
        best=seen.best,
        times=seen.times,
        unusable=unusable_rows(issues, tables["tumour_assessments"]),
    )
    return derive_bounds(given, config, cutoff=cutoff)


def _endpoints(derived: Derived) -> dict[str, dict[str, Any]]:
    """Every published endpoint of each subject."""
    found: dict[str, dict[str, Any]] = {}
    for row in derived.best.to_dict("records"):
        found[row["USUBJID"]] = {"BOR": row["BOR"], "CBOR": row["CBOR"]}
    for row in derived.times.to_dict("records"):
        found[row["USUBJID"]][row["PARAMCD"]] = (row["AVAL"], row["CNSR"])
    return found


def _inside(true: tuple[str, str, float], row: pd.Series) -> bool:
    *words, days = true
    within = bool(row["PFS_DAYS_MIN"] <= days <= row["PFS_DAYS_MAX"])
    for source, word in zip(("BOR", "CBOR"), words, strict=True):
        best, worst = (ORDER.index(row[f"{source}_{end}"]) for end in ("BEST", "WORST"))
        within &= best <= ORDER.index(str(word)) <= worst
    return within


def judge(folder: Path, seed: int, n: int, spoilers: Kinds = KINDS) -> list[Judged]:
    """Spoil ``n`` random trials of one subject; odd seeds by PFS_TP, even ones by PFS_FDA."""
    config = StudyConfig(pfs=Pfs(primary="PFS_TP" if seed % 2 else "PFS_FDA"))
    files = clean_delivery(seed, n)
    dirty, kinds = spoilt(files, seed, spoilers)
    clean = Derived(write(files, folder / "clean"), config, CUTOFF)
    seen = Derived(write(dirty, folder / "spoilt"), config, CUTOFF)
    bounds = bounds_of(seen, config, CUTOFF).set_index("USUBJID")
    truth, told = _endpoints(clean), _endpoints(seen)

    def three(found: dict[str, Any]) -> tuple[str, str, float]:
        return found["BOR"], found["CBOR"], float(found[config.pfs.primary][0])

    judged = []
    for subject, endpoints in truth.items():
        mine = told.get(subject)
        asked = bool(seen.asked(subject) - clean.asked(subject))
        row = bounds.loc[subject] if mine else None
        wrong = mine != endpoints
        answered = asked and (row is None or row["N_OPEN"] > 0)
        judged.append(
            Judged(
                subject=subject,
                kinds=tuple(kinds[subject]),
                true=three(endpoints),
                published=three(mine) if mine else None,
                outside=row is None or not _inside(three(endpoints), row),
                wrong=wrong,
                silent=wrong and not answered,
                widest=row is not None and bool(row["WIDEST"]),
                reason=None if row is None else row["REASON"],
            )
        )
    return judged
