"""Promise G5: the trail names every line that was changed, removed, added or moved, and no
subject."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc_assets.audit.log import HEAD_LOST, TORN_LINE, AuditTrail
from hcc_assets.home.people import subject_keys
from hcc_assets_tests.processes import together

KEY = b"k" * 32


def trail_of(folder: Path, n: int = 5) -> AuditTrail:
    trail = AuditTrail(folder / "audit.jsonl", KEY)
    for i in range(n):
        trail.append(
            "publish",
            why=f"step {i}",
            from_hash="a" * 64,
            to_hash="b" * 64,
            details={"asset": "subjects", "n": i},
        )
    return trail


def kinds(trail: AuditTrail) -> set[str]:
    return {p.kind for p in trail.verify()}


def test_a_whole_trail_has_no_problem(tmp_path: Path) -> None:
    trail = trail_of(tmp_path)
    assert trail.verify() == []
    assert [e.seq for e in trail.entries()] == [1, 2, 3, 4, 5]
    assert all(e.at.endswith("+00:00") for e in trail.entries())


def test_an_empty_home_has_no_problem(tmp_path: Path) -> None:
    assert AuditTrail(tmp_path / "audit.jsonl", KEY).verify() == []


@pytest.mark.parametrize("line", [0, 2, 4])
def test_a_changed_line_is_named(tmp_path: Path, line: int) -> None:
    trail = trail_of(tmp_path)
    lines = trail.path.read_text().splitlines()
    entry = json.loads(lines[line])
    entry["why"] = "another reason"
    lines[line] = json.dumps(entry, sort_keys=True, separators=(",", ":"))
    trail.path.write_text("\n".join(lines) + "\n")
    problems = trail.verify()
    assert [(p.line, p.kind) for p in problems] == [(line + 1, "changed")]
    assert f"line {line + 1} (entry {line + 1})" in problems[0].message


@pytest.mark.parametrize("line", [0, 2, 4])
def test_a_deleted_line_is_named_also_the_last(tmp_path: Path, line: int) -> None:
    trail = trail_of(tmp_path)
    lines = trail.path.read_text().splitlines()
    del lines[line]
    trail.path.write_text("\n".join(lines) + "\n")
    problems = trail.verify()
    assert [p.kind for p in problems] == ["missing"]
    assert f"entry {line + 1} is missing" in problems[0].message
    trail.append("later")  # and stays named after the trail has gone on
    assert f"entry {line + 1} is missing" in trail.verify()[0].message


def test_swapped_lines_are_named(tmp_path: Path) -> None:
    trail = trail_of(tmp_path)
    lines = trail.path.read_text().splitlines()
    lines[1], lines[3] = lines[3], lines[1]
    trail.path.write_text("\n".join(lines) + "\n")
    assert [p.line for p in trail.verify() if p.kind == "order"] == [3, 4]


def test_repeated_and_foreign_lines_are_named(tmp_path: Path) -> None:
    trail = trail_of(tmp_path)
    text = trail.path.read_text()
    trail.path.write_text(text + text.splitlines()[1] + "\nnot json\n")
    assert [(p.line, p.kind) for p in trail.verify()] == [(6, "duplicate"), (7, "unreadable")]


def test_all_lines_gone_is_noticed(tmp_path: Path) -> None:
    trail = trail_of(tmp_path)
    trail.path.write_text("")
    assert len([p for p in trail.verify() if p.kind == "missing"]) == 5


def test_head_deleted_with_the_last_line_is_noticed_for_ever(tmp_path: Path) -> None:
    trail = trail_of(tmp_path)
    trail.path.write_text("\n".join(trail.path.read_text().splitlines()[:-1]) + "\n")
    (tmp_path / "audit.jsonl.head").unlink()
    assert kinds(trail) == {"head"}
    trail.append("later")
    assert HEAD_LOST in [e.action for e in trail.entries()]
    assert kinds(trail) == {"head"}


def test_head_put_back_to_an_earlier_state_is_noticed(tmp_path: Path) -> None:
    trail = trail_of(tmp_path, 2)
    early = (tmp_path / "audit.jsonl.head").read_bytes()
    trail.append("a")
    trail.append("b")
    (tmp_path / "audit.jsonl.head").write_bytes(early)
    assert kinds(trail) == {"head"}


def test_another_key_believes_nothing(tmp_path: Path) -> None:
    trail_of(tmp_path)
    assert "changed" in kinds(AuditTrail(tmp_path / "audit.jsonl", b"x" * 32))


def test_a_process_that_dies_between_line_and_head_leaves_a_whole_trail(tmp_path: Path) -> None:
    trail = trail_of(tmp_path, 3)
    head = (tmp_path / "audit.jsonl.head").read_bytes()
    trail.append("last words")
    (tmp_path / "audit.jsonl.head").write_bytes(head)
    assert trail.verify() == []
    trail.append("next")
    assert trail.verify() == []
    assert [e.seq for e in trail.entries()] == [1, 2, 3, 4, 5]


def test_a_torn_line_is_set_aside_and_recorded(tmp_path: Path) -> None:
    trail = trail_of(tmp_path, 2)
    with trail.path.open("ab") as handle:
        handle.write(b'{"action":"publ')
    assert kinds(trail) == {"unreadable"}
    trail.append("next")
    assert trail.verify() == []
    assert [e.action for e in trail.entries()] == ["publish", "publish", TORN_LINE, "next"]


def test_subjects_are_named_by_digest_only(tmp_path: Path) -> None:
    trail = AuditTrail(tmp_path / "audit.jsonl", KEY)
    entry = trail.append(
        "erase",
        subject_id="SURU-017",
        why="letter about suru-017",
        who="dm",
        details={
            "SURU-017-pre": ["store/SURU-017-pre/raw.h5ad", Path("x/SURU-017"), {"SURU-017"}],
            "n": 3,
            "ok": True,
        },
        redact=["SURU-017-pre"],
        at=dt.datetime(2026, 11, 22, 8, tzinfo=dt.timezone(dt.timedelta(hours=8))),
    )
    content = trail.path.read_text()
    assert "suru-017" not in content.lower()
    assert entry.subject == subject_keys.subject_digest(KEY, "SURU-017")
    assert entry.at == "2026-11-22T00:00:00.000000+00:00"
    assert trail.verify() == []


@pytest.mark.parametrize("name", ["A", "1", "23", "at", "details", "e", "subject"])
def test_a_name_that_is_also_a_word_or_a_number_changes_nothing_else(
    tmp_path: Path, name: str
) -> None:
    trail = AuditTrail(tmp_path / "audit.jsonl", KEY)
    entry = trail.append(
        "materialize",
        why="inputs, settings or code changed",
        details={"sample": name, "fingerprint": f"0{name}0"},
        redact=[name],
    )
    assert entry.details["sample"] == subject_keys.subject_digest(KEY, name)
    assert entry.details["fingerprint"] == f"0{name}0" and entry.action == "materialize"
    assert trail.verify() == []


def _write(path: str, n: int) -> None:
    trail = AuditTrail(Path(path), KEY)
    for _ in range(n):
        trail.append("tick")


def test_several_writers_make_one_chain(tmp_path: Path) -> None:
    together(_write, [(str(tmp_path / "audit.jsonl"), 10)] * 3)
    trail = AuditTrail(tmp_path / "audit.jsonl", KEY)
    assert trail.verify() == []
    assert len(list(trail.entries())) == 30


@settings(max_examples=30, deadline=None)
@given(position=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, position: float, bit: int
) -> None:
    trail = trail_of(tmp_path_factory.mktemp("audit"), 3)
    content = bytearray(trail.path.read_bytes())
    content[int(position * len(content))] ^= 1 << bit
    trail.path.write_bytes(bytes(content))
    assert trail.verify() != []


def test_kill_at_random_points_leaves_a_chain_that_goes_on(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from hcc_assets.audit.log import AuditTrail\n"
        "t = AuditTrail(Path(sys.argv[1]), b'k' * 32)\nprint('go', flush=True)\n"
        "while True: print(t.append('tick', details={'x': 'y' * 5000}).seq, flush=True)"
    )
    acknowledged = 0
    for delay in (0.003, 0.011, 0.02, 0.031):
        writer = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "audit.jsonl")],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None and writer.stdout.readline() == "go\n"
        time.sleep(delay)
        writer.kill()
        told = [int(line) for line in writer.stdout.read().split()]
        writer.wait()
        trail = AuditTrail(tmp_path / "audit.jsonl", KEY)
        entry = trail.append("after the kill")
        assert trail.verify() == []
        assert not told or told[-1] > acknowledged
        assert entry.seq > max([acknowledged, *told])
        acknowledged = entry.seq


@pytest.mark.skipif(
    not Path("/dev/full").exists() or os.geteuid() != 0 or shutil.which("mount") is None,
    reason="a full disk is made with a tmpfs, as root",
)
def test_a_full_disk_loses_no_entry_and_breaks_no_chain(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("this machine does not let tests mount a tmpfs: the full disk was not tried")
    try:
        trail = AuditTrail(tmp_path / "audit.jsonl", KEY)
        written = 0
        with pytest.raises(OSError, match=r"space|part"):
            for _ in range(100):
                trail.append("tick", details={"x": "y" * 3000})
                written += 1
        assert trail.verify() == [] and written > 5
        with trail.path.open("rb") as handle:
            assert len(handle.readlines()) - written in (
                0,
                1,
            )  # the line may be there while its head record found no room
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=False)


def _key(folder: str) -> str:
    return subject_keys.key_for_home(Path(folder)).hex()


def test_the_key_is_made_once_by_whoever_comes_first(tmp_path: Path) -> None:
    assert len(set(together(_key, [(str(tmp_path / "keys"),)] * 8))) == 1
    assert (tmp_path / "keys" / "subject.key").stat().st_mode & 0o777 == 0o600
    assert [p.name for p in (tmp_path / "keys").iterdir()] == ["subject.key"]


def test_a_damaged_key_is_an_error_and_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "subject.key").write_text("half a k")
    with pytest.raises(subject_keys.KeyDamaged):
        subject_keys.key_for_home(tmp_path)
    assert (tmp_path / "subject.key").read_text() == "half a k"


def test_spellings_of_one_id_have_one_digest() -> None:
    digests = {subject_keys.subject_digest(KEY, s) for s in ("S01", "s01", " S01 ", "S01")}
    assert len(digests) == 1
    assert subject_keys.subject_digest(KEY, "S010") not in digests
    assert subject_keys.subject_digest(b"x" * 32, "S01") not in digests
