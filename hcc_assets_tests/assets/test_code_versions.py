"""Code versions: what is remembered between processes is what would be found anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hcc_assets.assets import code_versions
from hcc_assets.defs.catalogue import all_recipes


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(code_versions, "user_cache_path", lambda _: tmp_path / "cache")
    code_versions._remembered.cache_clear()
    yield tmp_path / "cache"
    code_versions._remembered.cache_clear()


def _versions() -> dict[str, str]:
    code_versions._remembered.cache_clear()
    return {n: code_versions.code_version(r.compute) for n, r in all_recipes().items()}


def test_remembered_versions_are_those_found_anew(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anew = _versions()
    monkeypatch.setattr(
        code_versions, "_found", lambda *_: pytest.fail("walked the syntax trees again")
    )
    assert _versions() == anew
    assert len(set(anew.values())) > len(anew) / 2


def test_another_source_text_is_never_answered_from_the_cache(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _versions()
    monkeypatch.setattr(code_versions, "_data_files", lambda: (("markers.csv", "another content"),))
    asked: list[object] = []
    monkeypatch.setattr(
        code_versions, "_found", lambda function, _: asked.append(function) or "anew"
    )
    assert set(_versions().values()) == {"anew"}
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe"])
def test_a_damaged_cache_is_found_anew(cache: Path, damage: bytes) -> None:
    anew = _versions()
    (file,) = cache.iterdir()
    file.write_bytes(damage)
    assert _versions() == anew


def test_no_cache_folder_is_only_slower(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    assert len(set(_versions().values())) > 1
