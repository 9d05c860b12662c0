"""What a refresh says of tables that it did not come to."""

from __future__ import annotations

from pathlib import Path

import pytest

from hcc_assets.clinical.recist import responses as recist
from hcc_assets_tests.faults.homes import (
    FIRST,
    SETTINGS,
    clinical,
    deliver,
    hashes,
    refresh,
    without_figures,
)


def test_a_table_behind_one_that_failed_waits_and_says_for_what(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = place / "home"
    root.mkdir()
    (root / "study.toml").write_text(SETTINGS)
    deliver(root, clinical(FIRST, subjects=4), FIRST.isoformat())
    with without_figures():
        assert refresh(root).troubled == {}
        before = hashes(root)
        (root / "study.toml").write_text(SETTINGS + "\n[recist]\nconfirmation_days = 35\n")
        with monkeypatch.context() as broken:
            broken.setattr(recist, "derive_responses", lambda *_, **__: 1 / 0)
            seen = refresh(root)
        assert "ZeroDivisionError" in seen.troubled[("responses", None)]
        assert seen.troubled[("best_responses", None)] == "waits for responses"
        assert not any("its run was ended" in reason for reason in seen.troubled.values())
        assert hashes(root)["responses.parquet"] == before["responses.parquet"]
        assert refresh(root).troubled == {}
