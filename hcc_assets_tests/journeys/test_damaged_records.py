"""Records that a person edits or restores: what cannot be read is one sentence with the place,
never a stack of code."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from hcc_assets.commands import hcc


@pytest.mark.parametrize(
    ("file", "content", "words", "said"),
    [
        (
            "withdrawals.csv",
            "subject_id,from_date,reason\nHCC-001,1 May 2026,asked\n",
            ["status"],
            "withdrawals.csv, line 2: from_date cannot be read",
        ),
        ("keys/subject.key", "not a key", ["audit", "verify"], "restore it from the backup"),
    ],
)
def test_a_damaged_record_is_one_sentence(
    place: Path, file: str, content: str, words: list[str], said: str
) -> None:
    (place / "landing").mkdir()
    (place / "landing" / "samples.csv").write_text(
        "sample_id,subject_id,timepoint,collection_date,path,tissue\n"
        "S1,HCC-001,pre,2025-07-01,m,LIVER\n"
    )
    (place / file).parent.mkdir(exist_ok=True)
    (place / file).write_text(content)
    answer = CliRunner().invoke(hcc, [*words, "--home", str(place)])
    assert answer.exit_code == 3 and said in answer.output
    assert "Traceback" not in answer.output and "HCC-001" not in answer.output
