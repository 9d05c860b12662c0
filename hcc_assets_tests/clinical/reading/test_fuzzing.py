"""Promise G17: mutated files of every format are read or refused, and nothing else happens."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hcc_assets.clinical.reading.files.apart import MEMORY_MB
from hcc_assets_tests.clinical.reading.fuzzing import BATCH, Told, rounds

SECONDS = 20
"""A few hundred files on an idle machine; `make fuzz` runs for an hour."""


@pytest.mark.parametrize("seed", [17])
def test_17_mutated_files_are_read_or_refused(tmp_path: Path, seed: int) -> None:
    told, end = Told(), time.monotonic() + SECONDS
    for _ in rounds(seed, tmp_path, told):
        if time.monotonic() > end:
            break
    assert not told.problems, "\n".join(told.problems)
    assert told.files.total() >= BATCH and told.mb <= MEMORY_MB
    assert told.codes["read"] and set(told.codes) - {"read"}
