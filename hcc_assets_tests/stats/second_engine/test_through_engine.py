"""A planted fault in a published table is a failed ERROR check of the asset, and the table
stands."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from hcc_assets.assets.computing import computed, judged
from hcc_assets.assets.telling import check_told
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.stats import kaplan_meier
from hcc_assets.stats.composition import compositions
from hcc_assets.stats.composition_changes import composition_changes
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.stats.second_engine import frames

PEOPLE: Any = SimpleNamespace(in_keys=lambda text: text)


def test_a_fault_of_the_first_engine_is_a_failed_check(monkeypatch: pytest.MonkeyPatch) -> None:
    asset = all_assets()["pfs_summary"]
    values = {"time_to_event": frames.time_to_event("plain"), "config": StudyConfig()}
    right = kaplan_meier.fit

    def without_ties(time: Any, event: Any, **more: Any) -> Any:
        return right(time, pd.Series(event).where(pd.Series(time) != max(time), 0), **more)

    records = judged(asset, computed(asset, values), values, PEOPLE)
    assert [r.passed for r in records] == [True, True]
    monkeypatch.setattr(kaplan_meier, "fit", without_ties)
    (_, record) = judged(asset, computed(asset, values), values, PEOPLE)
    assert (record.name, record.passed, record.severity) == ("second_engine_agrees", False, "ERROR")
    assert "PARAMCD" in record.description
    told = check_told(asset, record, None)
    assert told.metadata["what to do"].startswith("Do not report")


def test_what_is_not_made_again_is_metadata_of_the_check() -> None:
    asset = all_assets()["composition_changes"]
    made = frames.compositions()
    table = composition_changes(made["samples"], made["counts"], frames.CONFIG)
    shares = compositions(made["samples"], made["counts"], frames.CONFIG)
    (check,) = [c for c in asset.checks if c.name == "second_engine_agrees"]
    assert check.judge is not None
    verdict = check.judge(table=table, compositions=shares, config=frames.CONFIG)
    record = SimpleNamespace(**vars(verdict), name=check.name, severity=check.severity)
    told = check_told(asset, record, None)  # type: ignore[arg-type]
    assert "log2_ratio and its interval" in told.metadata["not made again"]
