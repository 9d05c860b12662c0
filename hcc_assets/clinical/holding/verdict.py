"""Whether a new clinical export may replace the one that stands: what was lost, emptied or
rewritten since. Nothing is repaired or merged here.

An export is held (promise G11) when subjects or rows are lost beyond the limits of ``[holding]``, a
column or domain is lost or emptied, a treatment start, a death or a progression is removed, or too
many earlier rows say something else. Completing a record is no change of history: an empty cell
that is filled, an outcome that was open (not recovered, recovering, unknown) and is now known, a
later day on which a subject was alive. Renumbered sequence numbers are no change at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from hcc_assets.clinical.holding.history import DEAD_WORDS, progressions, removed_history
from hcc_assets.clinical.holding.row_matching import KEYS, SEQUENCES, match_rows
from hcc_assets.clinical.reading.exports import Export
from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.schemas.base import columns
from hcc_assets.schemas.baseline import SubjectCharacteristics
from hcc_assets.schemas.clinical import (
    AdverseEvents,
    Disposition,
    Exposure,
    LabResults,
    ReportedResponses,
    Subjects,
    TumourAssessments,
    VitalSigns,
)
from hcc_assets.study.codelists import AEOUT_OPEN
from hcc_assets.study.config import Holding, StudyConfig

TABLES = {
    "subjects": ("DM", Subjects),
    "exposure": ("EX", Exposure),
    "tumour_assessments": ("TR", TumourAssessments),
    "reported_responses": ("RS", ReportedResponses),
    "disposition": ("DS", Disposition),
    "adverse_events": ("AE", AdverseEvents),
    "lab_results": ("LB", LabResults),
    "vital_signs": ("VS", VitalSigns),
    "subject_characteristics": ("SC", SubjectCharacteristics),
}
_DERIVED = frozenset(
    {
        "SRCROW",
        "TRTSDT",
        "TRTEDT",
        "ONGOING",
        "WTHDT",
        "BASELINE",
        "RFICDT",
        "DTHDT",
        "EXSTDT",
        "EXENDT",
        "TRDT",
        "RSDT",
        "DSSTDT",
        "AESTDT",
        "AEENDT",
        "LBDT",
        "VSDT",
    }
)
CHANGE_COLUMNS = ["domain", "subject_id", "kind", "n_rows"]


@dataclass(frozen=True)
class Reason:
    """One rule that holds an export. ``str`` gives the sentence for a person."""

    rule: str
    domain: str
    count: int
    limit: float

    def __str__(self) -> str:
        """Sentence with domain, count and limit; no value from the data."""
        text = {
            "subjects_lost": f"{self.count} subjects are gone (limit {self.limit:g})",
            "rows_lost": f"{self.count} rows of {self.domain} are gone (limit {self.limit:g})",
            "rows_changed": f"{self.count} earlier rows of {self.domain} "
            f"changed (limit {self.limit:g})",
            "domain_lost": f"the domain {self.domain} is gone",
            "domain_emptied": f"{self.domain} had rows and has none now",
            "column_lost": f"{self.count} columns of {self.domain} are gone",
            "column_emptied": f"{self.count} columns of {self.domain} had values and have none now",
            "treatment_start_removed": f"the treatment start of {self.count} subjects is gone",
            "death_removed": f"the death of {self.count} subjects is gone from {self.domain}",
            "progression_removed": f"the progression of {self.count} subjects or "
            f"readers is gone from {self.domain}",
        }
        return text[self.rule]

    def as_tuple(self) -> tuple[str, str, int, float]:
        """``(rule, domain, count, limit)``."""
        return self.rule, self.domain, self.count, self.limit


@dataclass(frozen=True)
class HoldVerdict:
    """Judgement on a new export.

    Attributes
    ----------
    held
        True when a person must accept the export.
    reasons
        Rules that hold it.
    changes
        ``domain, subject_id, kind (new, removed, changed, completed), n_rows``: the difference,
        without values.
    """

    held: bool
    reasons: tuple[Reason, ...]
    changes: pd.DataFrame


def compare_exports(previous: Export, current: Export, config: StudyConfig) -> HoldVerdict:
    """Judge a new export against the one that stands.

    Responses are derived from both, so that a progression that vanishes by a corrected measurement
    is seen.

    Parameters
    ----------
    previous, current
        Exports as read. A domain that was refused in ``current`` is not compared: its table does
        not replace anything.
    config
        ``[holding]`` has the limits: percentages of the rows of the previous export, by domain.
    """
    reasons: list[Reason] = []
    changes: list[pd.DataFrame] = []
    limits = config.holding
    for name, (domain, model) in TABLES.items():
        if name not in previous.tables or name not in current.tables:
            if (
                name in previous.tables
                and len(previous.tables[name])
                and current.reason(name) == "not delivered"
            ):
                reasons.append(Reason("domain_lost", domain, 1, 0))
            continue
        known = previous.tables[name].columns  # an earlier version of the program had fewer
        compared = [
            c for c in columns(model) if c in known and c not in _DERIVED and not c.endswith("DTF")
        ]
        for part, keys, before, after in _parts(
            name, domain, previous.tables[name][compared], current.tables[name][compared]
        ):
            kinds = _difference(before, after, keys)
            changes.append(_summary(kinds, part))
            reasons += _lost_and_changed(kinds, len(before), len(after), part, limits)
            emptied = (
                [c for c in compared if before[c].notna().any() and not after[c].notna().any()]
                if len(after)
                else []
            )
            if emptied:
                reasons.append(Reason("column_emptied", part, len(emptied), 0))
    reasons += _lost_structure(previous, current)
    reasons += _lost_subjects(previous, current, limits.lost_subjects)
    reasons += [
        Reason(rule, domain, count, 0)
        for rule, domain, count in removed_history(previous.tables, current.tables)
    ]
    gone = _lost_progressions(previous, current, config)
    if gone:
        reasons.append(Reason("progression_removed", "responses", gone, 0))
    table = pd.concat(
        [c for c in changes if len(c)] or [pd.DataFrame(columns=CHANGE_COLUMNS)], ignore_index=True
    )
    table = table.sort_values(CHANGE_COLUMNS[:3], kind="stable", ignore_index=True)
    unique = sorted(set(reasons), key=lambda r: (r.rule, r.domain))
    return HoldVerdict(bool(unique), tuple(unique), table)


def _parts(
    name: str, domain: str, before: pd.DataFrame, after: pd.DataFrame
) -> Iterator[tuple[str, str, pd.DataFrame, pd.DataFrame]]:
    """Domain, name of the keys and both versions; ``disposition`` holds three domains."""
    if name != "disposition":
        yield domain, name, before, after
        return
    for part in ("DS", "CM", "PR", "SS"):
        keys = "survival_status" if part == "SS" else name
        yield part, keys, before[before["DOMAIN"] == part], after[after["DOMAIN"] == part]


def _difference(before: pd.DataFrame, after: pd.DataFrame, name: str) -> pd.DataFrame:
    """``USUBJID, kind`` per row of the union; kinds new, removed, changed, completed (unchanged
    rows are left out)."""
    pairs, removed, added = match_rows(before, after, KEYS[name])
    parts = [
        before.loc[removed, ["USUBJID"]].assign(kind="removed"),
        after.loc[added, ["USUBJID"]].assign(kind="new"),
    ]
    old, new = (
        before.loc[pairs["before"]].reset_index(drop=True),
        after.loc[pairs["after"]].reset_index(drop=True),
    )
    completed_only = pd.Series(True, index=old.index)
    differs = pd.Series(False, index=old.index)
    for column in before.columns.difference(sorted(SEQUENCES)):
        other = ~((old[column] == new[column]) | (old[column].isna() & new[column].isna()))
        differs |= other
        completed_only &= ~other | _is_follow_up(old, new, column, name)
    kind = pd.Series("changed", index=old.index).where(~completed_only, "completed")
    parts.append(new.loc[differs, ["USUBJID"]].assign(kind=kind[differs]))
    return pd.concat(parts, ignore_index=True)


def _is_follow_up(old: pd.DataFrame, new: pd.DataFrame, column: str, name: str) -> pd.Series:
    """Changes that the passing of time explains: a cell filled in, an open outcome that became
    known, a subject known alive later, or dead since."""
    follow_up = old[column].isna()
    if column == "AEOUT":
        follow_up |= old[column].isin(AEOUT_OPEN)
    if column == "DTHFL":
        follow_up |= old[column].eq("N") & old["DTHDTC"].isna()
    if name == "survival_status" and column in ("DSSTDTC", "DSDECOD"):
        follow_up |= ~old["DSDECOD"].isin(DEAD_WORDS) & (
            new["DSSTDTC"].fillna("") >= old["DSSTDTC"].fillna("")
        )
    return follow_up


def _summary(kinds: pd.DataFrame, domain: str) -> pd.DataFrame:
    counted = kinds.groupby(["USUBJID", "kind"]).size().rename("n_rows").reset_index()
    return counted.rename(columns={"USUBJID": "subject_id"}).assign(domain=domain)[CHANGE_COLUMNS]


def _lost_and_changed(
    kinds: pd.DataFrame, total: int, now: int, domain: str, limits: Holding
) -> list[Reason]:
    if not total:
        return []
    lost, changed = int((kinds["kind"] == "removed").sum()), int((kinds["kind"] == "changed").sum())
    out = [Reason("domain_emptied", domain, total, 0)] if not now else []
    if lost * 100 > limits.lost_rows_percent * total:
        out.append(Reason("rows_lost", domain, lost, limits.lost_rows_percent * total / 100))
    if changed * 100 > limits.changed_rows_percent * total:
        out.append(
            Reason("rows_changed", domain, changed, limits.changed_rows_percent * total / 100)
        )
    return out


def _lost_structure(previous: Export, current: Export) -> list[Reason]:
    out = []
    for domain, before in previous.delivered.items():
        if domain in current.refused:
            continue
        if domain not in current.delivered:
            out.append(Reason("domain_lost", domain.upper(), 1, 0))
            continue
        lost = set(before) - set(current.delivered[domain])
        if lost:
            out.append(Reason("column_lost", domain.upper(), len(lost), 0))
    return out


def _lost_subjects(previous: Export, current: Export, limit: int) -> list[Reason]:
    if "subjects" not in previous.tables or "subjects" not in current.tables:
        return []
    lost = len(
        set(previous.tables["subjects"]["USUBJID"]) - set(current.tables["subjects"]["USUBJID"])
    )
    return [Reason("subjects_lost", "DM", lost, limit)] if lost > limit else []


def _lost_progressions(previous: Export, current: Export, config: StudyConfig) -> int:
    needed = ("subjects", "tumour_assessments")
    if any(name not in export.tables for export in (previous, current) for name in needed):
        return 0
    return len(_progressions(previous, config) - _progressions(current, config))


def _progressions(export: Export, config: StudyConfig) -> frozenset[object]:
    tables = export.tables
    return progressions(derive_responses(tables["subjects"], tables["tumour_assessments"], config))
