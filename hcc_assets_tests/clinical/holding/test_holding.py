"""Holding: pairs of exports.

Growth and follow-up publish, losses and rewritten history are held.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hcc_assets.clinical.holding.verdict import HoldVerdict, compare_exports
from hcc_assets.clinical.reading.exports import Export, read_export
from hcc_assets.simulate.clinical import export as simulated
from hcc_assets.simulate.clinical import stories
from hcc_assets.study.config import StudyConfig, parse_config
from hcc_assets_tests.clinical.export_files import write_csv

CONFIG = StudyConfig()
UNTIL = dt.date(2026, 3, 1)
Raw = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def raw() -> Raw:
    return simulated(stories(16, 7), until=UNTIL).tables


@pytest.fixture(scope="module")
def standing(raw: Raw, tmp_path_factory: pytest.TempPathFactory) -> Export:
    return read_export(write_csv(tmp_path_factory.mktemp("standing"), raw), CONFIG)


def judge(standing: Export, tables: Raw, folder: Path) -> HoldVerdict:
    return compare_exports(standing, read_export(write_csv(folder, tables), CONFIG), CONFIG)


def rules(verdict: HoldVerdict) -> set[str]:
    return {reason.rule for reason in verdict.reasons}


def test_the_same_export_is_not_held_and_has_no_changes(standing: Export) -> None:
    verdict = compare_exports(standing, standing, CONFIG)
    assert not verdict.held and verdict.reasons == () and verdict.changes.empty


def test_a_growing_trial_is_never_held(tmp_path: Path) -> None:
    told, before = stories(16, 7), None
    for i, until in enumerate(
        [dt.date(2025, 4, 1), dt.date(2025, 9, 1), dt.date(2026, 3, 1), dt.date(2027, 3, 1)]
    ):
        current = read_export(
            write_csv(tmp_path / str(i), simulated(told, until=until).tables), CONFIG
        )
        if before is not None:
            verdict = compare_exports(before, current, CONFIG)
            assert not verdict.held, [str(r) for r in verdict.reasons]
            assert {"new"} <= set(verdict.changes["kind"])
        before = current


def _without(domain: str, keep: Callable[[pd.DataFrame], pd.Series]) -> Callable[[Raw], Raw]:
    return lambda raw: raw | {domain: raw[domain][keep(raw[domain])]}


def _with(
    domain: str, column: str, value: str | None, where: Callable[[pd.DataFrame], pd.Series]
) -> Callable[[Raw], Raw]:
    def change(raw: Raw) -> Raw:
        frame = raw[domain].copy()
        frame.loc[where(frame), column] = value
        return raw | {domain: frame}

    return change


def _last_rows(share: float) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda f: pd.Series(np.arange(len(f)) < len(f) * (1 - share), index=f.index)


HELD: dict[str, tuple[str, Callable[[Raw], Raw]]] = {
    "a subject is gone": (
        "subjects_lost",
        lambda raw: {d: f[f["USUBJID"] != raw["dm"]["USUBJID"].iloc[0]] for d, f in raw.items()},
    ),
    "rows are gone": ("rows_lost", _without("ae", _last_rows(0.1))),
    "rows are gone behind new ones": (
        "rows_lost",
        lambda raw: (
            raw
            | {
                "ae": pd.concat(
                    [
                        raw["ae"].iloc[:-4],
                        raw["ae"].iloc[:8].assign(AEDECOD="Cough", AETERM="c", AESEQ="99"),
                    ]
                )
            }
        ),
    ),
    "a table is empty": (
        "domain_emptied",
        _without("ae", lambda f: pd.Series(False, index=f.index)),
    ),
    "an optional domain is gone": (
        "domain_lost",
        lambda raw: {d: f for d, f in raw.items() if d != "rs"},
    ),
    "a column is gone": ("column_lost", lambda raw: raw | {"ae": raw["ae"].drop(columns="AEREL")}),
    "a column is empty": (
        "column_emptied",
        _with("ae", "AEREL", None, lambda f: pd.Series(True, index=f.index)),
    ),
    "a first dose is gone": (
        "treatment_start_removed",
        _with("ex", "EXDOSE", "0", lambda f: f["USUBJID"] == f["USUBJID"].iloc[0]),
    ),
    "a death is gone": (
        "death_removed",
        _with("dm", "DTHDTC", None, lambda f: f["DTHDTC"] == f["DTHDTC"].dropna().iloc[0]),
    ),
    "a reported progression is gone": (
        "progression_removed",
        lambda raw: _with(
            "rs",
            "RSSTRESC",
            "SD",
            lambda f: f["USUBJID"] == f.loc[f["RSSTRESC"] == "PD", "USUBJID"].iloc[0],
        )(raw),
    ),
    "history is rewritten": (
        "rows_changed",
        _with(
            "ae",
            "AETOXGR",
            "4",
            lambda f: pd.Series(np.arange(len(f)) < len(f) * 0.3, index=f.index),
        ),
    ),
    "measurements are rewritten": (
        "rows_changed",
        _with("tr", "TRORRES", "77", lambda f: f["TRTESTCD"] == "LDIAM"),
    ),
}


@pytest.mark.parametrize("case", HELD)
def test_losses_are_held(raw: Raw, standing: Export, tmp_path: Path, case: str) -> None:
    rule, change = HELD[case]
    verdict = judge(standing, change(raw), tmp_path)
    assert verdict.held and rule in rules(verdict), [str(r) for r in verdict.reasons]
    for reason in verdict.reasons:
        assert reason.as_tuple()[0] in rules(verdict) and str(reason)


def test_a_progression_that_vanishes_by_a_corrected_measurement_is_held(
    raw: Raw, standing: Export, tmp_path: Path
) -> None:
    new = raw["tr"].loc[raw["tr"]["TRGRPID"] == "NEW", "USUBJID"]
    assert len(new)
    tr = raw["tr"].copy()
    tr.loc[(tr["TRGRPID"] == "NEW") & (tr["USUBJID"] == new.iloc[0]), "TRORRES"] = "EQUIVOCAL"
    assert "progression_removed" in rules(judge(standing, raw | {"tr": tr}, tmp_path))


PUBLISHED: dict[str, Callable[[Raw], Raw]] = {
    "one grade corrected": _with(
        "ae", "AETOXGR", "1", lambda f: f.index == f.index[f["AETOXGR"] == "2"][0]
    ),
    "one measurement corrected": _with(
        "tr", "TRORRES", "41.5", lambda f: f.index == f.index[f["TRTESTCD"] == "LDIAM"][0]
    ),
    "sequence numbers renumbered": lambda raw: (
        raw | {"ae": raw["ae"].assign(AESEQ=[str(900 - i) for i in range(len(raw["ae"]))])}
    ),
    "rows in another order": lambda raw: {d: f.iloc[::-1] for d, f in raw.items()},
}


@pytest.mark.parametrize("case", PUBLISHED)
def test_corrections_publish_with_their_difference(
    raw: Raw, standing: Export, tmp_path: Path, case: str
) -> None:
    verdict = judge(standing, PUBLISHED[case](raw), tmp_path)
    assert not verdict.held, [str(r) for r in verdict.reasons]
    changed = verdict.changes[verdict.changes["kind"] == "changed"]
    if "corrected" in case:
        assert changed["n_rows"].sum() == 1
    if "order" in case:
        assert verdict.changes.empty


def test_a_withdrawal_is_no_change_and_a_version_of_fewer_columns_is_compared(
    standing: Export,
) -> None:
    withdrawn = standing.tables["subjects"].assign(WTHDT=pd.Timestamp("2026-02-01"))
    assert compare_exports(
        replace(standing, tables=standing.tables | {"subjects": withdrawn}), standing, CONFIG
    ).changes.empty
    older = standing.tables["disposition"].drop(columns="DSSCAT")
    verdict = compare_exports(
        replace(standing, tables=standing.tables | {"disposition": older}), standing, CONFIG
    )
    assert not verdict.held and verdict.changes.empty


def test_a_refused_domain_is_not_called_lost(standing: Export) -> None:
    current = replace(
        standing,
        tables={k: v for k, v in standing.tables.items() if k != "adverse_events"},
        refused={"ae": "row 2: a phone number"},
        delivered={k: v for k, v in standing.delivered.items() if k != "ae"},
    )
    assert not compare_exports(standing, current, CONFIG).held


def test_limits_come_from_the_study(raw: Raw, standing: Export, tmp_path: Path) -> None:
    current = read_export(write_csv(tmp_path, HELD["rows are gone"][1](raw)), CONFIG)
    generous = parse_config(
        "[holding]\nlost_rows_percent = 50\nchanged_rows_percent = 100\nlost_subjects = 5\n"
    )
    assert "rows_lost" not in rules(compare_exports(standing, current, generous))


def test_changes_carry_counts_and_no_values(raw: Raw, standing: Export, tmp_path: Path) -> None:
    changes = judge(standing, HELD["history is rewritten"][1](raw), tmp_path).changes
    assert list(changes.columns) == ["domain", "subject_id", "kind", "n_rows"]
    assert set(changes["kind"]) <= {"new", "removed", "changed", "completed"}


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 10_000),
    table=st.sampled_from(
        ["adverse_events", "tumour_assessments", "reported_responses", "exposure"]
    ),
    n=st.integers(0, 12),
)
def test_rows_removed_are_counted_exactly_whatever_else_happens(
    standing: Export, seed: int, table: str, n: int
) -> None:
    """Dropping n rows and shuffling the rest: n removed, none changed or new; held exactly when n
    is beyond the limit (or a fact of the trial went)."""
    rng = np.random.default_rng(seed)
    before = standing.tables[table]
    keep = rng.permutation(len(before))[min(n, len(before)) :]
    after = before.iloc[keep].reset_index(drop=True).assign(SRCROW=np.arange(1, len(keep) + 1))
    verdict = compare_exports(
        standing, replace(standing, tables=standing.tables | {table: after}), CONFIG
    )
    lost = len(before) - len(after)
    counted = verdict.changes.groupby("kind")["n_rows"].sum().to_dict()
    assert counted == ({"removed": lost} if lost else {})
    assert ("rows_lost" in rules(verdict)) == (
        lost * 100 > CONFIG.holding.lost_rows_percent * len(before)
    )
    if lost == 0:
        assert not verdict.held
