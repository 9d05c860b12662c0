"""A folder that cannot be written is red, however much is free."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from hcc_assets.operate.watch.health import check_health

NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)


def test_a_disk_that_is_mounted_read_only_is_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check_health(NOW, folders=[tmp_path], min_free_bytes=1).healthy
    monkeypatch.setattr(
        os, "access", lambda _, mode: mode != os.W_OK
    )  # the tests may run as root, who may write everywhere but there
    (probe,) = check_health(NOW, folders=[tmp_path], min_free_bytes=1).probes
    assert not probe.ok and "cannot be written" in probe.sentence and "writable" in probe.what_to_do
