"""Two people for a decision: one person is one, at whatever machine."""

from __future__ import annotations

from pathlib import Path

from hcc_assets.audit.trail import decided, trail_of
from hcc_assets.home.paths import Home
from hcc_assets.operate.four_eyes import seconded


def test_the_second_word_is_that_of_somebody_else(tmp_path: Path) -> None:
    home = Home.at(tmp_path)

    def asked(who: str, content: str = "c1") -> str | None:
        return seconded(home, "accept", why="right", who=who, content=content)

    assert asked("a.wang@one") is None and asked("a.wang@two") is None
    assert len(decided(home, "accept asked")) == 1 and decided(home, "accept") == []
    assert asked("b.li@one") == "a.wang@one"
    assert asked("b.li@one", "c2") is None


def test_a_subject_is_asked_for_by_digest(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    for who, want in (("a.wang", None), ("b.li", "a.wang")):
        found = seconded(
            home, "erase", why="request of A-001", who=who, subject_id="A-001", redact=["A-001-1"]
        )
        assert found == want
    assert "A-001" not in trail_of(home).path.read_text()
