"""What the platform remembers of consent: tombstones that refuse an erased subject, withdrawals
recorded once."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from hcc_assets.home.people.consent import (
    RecordDamaged,
    Tombstones,
    read_withdrawals,
    record_withdrawal,
)
from hcc_assets_tests.privacy.erasure_cases import KEY, NOW, OTHER, SAMPLE, SUBJECT


def test_tombstones_hold_digests_and_refuse_every_spelling(tmp_path: Path) -> None:
    path = tmp_path / "tombstones.json"
    stones = Tombstones(path, KEY)
    assert not stones.names(SUBJECT)
    stones.add(SUBJECT, [SAMPLE], f"letter 5 about {SUBJECT}", NOW)
    stones.add(SUBJECT, ["SURU-017-post"], "again", NOW)
    assert "suru" not in path.read_text().lower() and len(stones.all()) == 1
    for name in (SUBJECT, "suru-017", " SURU-017 ", "SURU-017", SAMPLE, "SURU-017-post"):
        assert stones.names(name)
    assert stones.refused([SUBJECT, OTHER, SAMPLE]) == {SUBJECT, SAMPLE}
    assert not Tombstones(path, b"x" * 32).names(SUBJECT) and not stones.names(OTHER)
    path.write_text("{")
    with pytest.raises(RecordDamaged):
        stones.names(OTHER)


def test_withdrawals_are_recorded_once_and_read_with_care(tmp_path: Path) -> None:
    path = tmp_path / "withdrawals.csv"
    day = dt.date(2026, 11, 1)
    assert read_withdrawals(path) == []
    assert record_withdrawal(path, SUBJECT, day, "asked,\nby letter", NOW)
    assert not record_withdrawal(path, "suru-017", day, "twice", NOW)
    assert record_withdrawal(path, OTHER, day, "asked", NOW)
    assert [(w.subject_id, w.from_date, w.reason) for w in read_withdrawals(path)] == [
        (SUBJECT, day, "asked, by letter"),
        (OTHER, day, "asked"),
    ]
    path.write_text("subject_id,from_date,reason\nS1,2026-11,x\n")
    with pytest.raises(RecordDamaged, match="line 2: from_date") as caught:
        read_withdrawals(path)
    assert "2026-11," not in str(caught.value)
    path.write_text("subject,from_date,reason\n")
    with pytest.raises(RecordDamaged, match="no column subject_id"):
        read_withdrawals(path)
