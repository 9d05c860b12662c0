"""An export after another: an older one, one with rows lost, one corrected, the same again, one
that is gone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hcc_assets_tests.faults.homes import (
    FIRST,
    SECOND,
    SETTINGS,
    THIRD,
    attempt_all,
    clinical,
    deliver,
    hashes,
    quarantined,
    refresh,
)
from hcc_assets_tests.faults.spoilt_exports import (
    as_bytes,
    edit,
    extra_delimiter,
    fewer_subjects,
)


def test_fault_05_an_older_export_is_taken_where_the_newest_is_refused(place: Path) -> None:
    root = place / "home"
    root.mkdir()
    (root / "study.toml").write_text(SETTINGS)
    deliver(root, clinical(FIRST), FIRST.isoformat())
    fewer_subjects(deliver(root, clinical(SECOND), SECOND.isoformat()))
    seen = refresh(root)
    assert seen.status["export"] == FIRST.isoformat()
    assert "subjects are gone" in seen.troubled[("clinical_export", None)]
    assert any(q["code"] == "held" for q in quarantined(root))
    assert any(s.check == "newest_export_taken" for s in seen.alert("clinical_export"))


@pytest.mark.faults
def test_fault_05_rows_lost_behind_a_refused_table_are_still_seen(root: Path) -> None:
    as_bytes("ae", extra_delimiter)(deliver(root, clinical(SECOND), SECOND.isoformat()))
    attempt_all(root)
    edit("ae", lambda f: f[f.index % 5 != 3])(deliver(root, clinical(THIRD), THIRD.isoformat()))
    before = hashes(root)
    seen = attempt_all(root)
    assert "rows of AE are gone" in seen.troubled[("clinical_export", None)]
    assert hashes(root) == before


def test_fault_19_corrected_export_under_the_same_id(root: Path) -> None:
    """A correction publishes with its difference and a warning, and what rests on it is renewed."""
    before = hashes(root)
    (root / "study.toml").write_text(SETTINGS + "[holding]\nchanged_rows_percent = 20\n")
    folder = root / "landing" / "clinical" / FIRST.isoformat()
    edit("ae", lambda f: f.assign(AETERM=f["AETERM"].where(f.index != 1, "Headache, severe")))(
        folder
    )
    seen = attempt_all(root)
    assert not seen.troubled
    assert hashes(root)["adverse_events.parquet"] != before["adverse_events.parquet"]
    assert hashes(root)["responses.parquet"] == before["responses.parquet"]
    assert [
        s.severity.value for s in seen.alert("clinical_export") if s.check == "history_unchanged"
    ] == ["WARN"]


@pytest.mark.faults
def test_fault_19_unchanged_export_again_makes_nothing_stale(root: Path) -> None:
    before = hashes(root)
    shutil.copytree(root / "landing" / "clinical" / FIRST.isoformat(), root / "copy")
    shutil.rmtree(root / "landing" / "clinical" / FIRST.isoformat())
    shutil.copytree(root / "copy", root / "landing" / "clinical" / FIRST.isoformat())
    seen = attempt_all(root)
    assert not seen.changed and hashes(root) == before


def test_fault_22_a_settled_export_that_is_gone_leaves_what_stands(root: Path) -> None:
    before = hashes(root)
    deliver(root, clinical(FIRST), "2025-05-01")
    shutil.rmtree(root / "landing" / "clinical" / FIRST.isoformat())
    seen = attempt_all(root)
    assert "no longer in landing" in seen.troubled[("clinical_export", None)]
    after = hashes(root)
    history = {name for name in after if name.startswith("queries.")}
    assert history and {n: h for n, h in after.items() if n not in history} == {
        n: h for n, h in before.items() if n not in history
    }, "queries alone tell of the export that came late"
