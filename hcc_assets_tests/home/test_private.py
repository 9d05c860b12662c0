"""Fault 49: what is written under umask 022 is for its own user alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hcc_assets.home.private import close_to_others, private_process


def test_files_and_folders_are_private_unless_said_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = os.umask(0o022)
    try:
        for given, want in (("", 0o600), ("027", 0o640), ("no number", 0o600)):
            monkeypatch.setenv("HCC_UMASK", given)
            private_process()
            path = tmp_path / f"file{given}"
            path.write_text("")
            assert path.stat().st_mode & 0o777 == want
    finally:
        os.umask(before)


def test_a_folder_of_before_is_closed_to_others_and_not_to_its_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HCC_UMASK", raising=False)
    folder = tmp_path / "published"
    folder.mkdir()
    folder.chmod(0o755)
    close_to_others(folder, tmp_path / "absent")
    assert folder.stat().st_mode & 0o777 == 0o750
    folder.chmod(0o755)
    monkeypatch.setenv("HCC_UMASK", "022")
    close_to_others(folder)
    assert folder.stat().st_mode & 0o777 == 0o755
