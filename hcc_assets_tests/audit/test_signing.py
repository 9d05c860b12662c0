"""Fault 42: what was written cannot be written anew with today's keys; a trail that was deleted,
cut or put back is named, also after it has gone on."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import shutil
from pathlib import Path

import pytest

from hcc_assets.audit.chain import KEY_LOST, SIGNED, Head, anchor_problems, canonical
from hcc_assets.audit.log import AuditTrail
from hcc_assets.audit.signing import KeyFile, Signer

KEY = b"k" * 32


def trail_in(folder: Path, n: int = 4) -> AuditTrail:
    trail = AuditTrail(folder / "audit" / "audit.jsonl", KEY, folder / "keys" / "trail.key")
    for i in range(n):
        trail.append("publish", details={"n": i})
    return trail


def kinds(trail: AuditTrail) -> list[str]:
    return [p.kind for p in trail.verify()]


def resealed(line: str, **changes: object) -> str:
    """A line changed by who has the key of the home, but not the keys that are gone."""
    entry = json.loads(line) | changes
    entry.pop("hash")
    sig = entry.pop("sig")
    mac = hmac.new(KEY, b"audit\0" + canonical(entry), hashlib.sha256).hexdigest()
    return canonical({**entry, "hash": mac, "sig": sig}).decode()


def test_each_line_names_the_key_of_the_next_and_keys_are_gone(tmp_path: Path) -> None:
    trail = trail_in(tmp_path)
    entries = list(trail.entries())
    assert trail.verify() == []
    assert all(a.next == b.key for a, b in itertools.pairwise(entries))
    state = (tmp_path / "keys" / "trail.key").read_text()
    signer = KeyFile(tmp_path / "keys" / "trail.key").read()
    assert signer is not None and signer.seq == 5 and signer.public == entries[-1].next
    assert (tmp_path / "keys" / "trail.key").stat().st_mode & 0o777 == 0o600
    assert "seed" in state and signer.at(4) is None


def test_yesterday_cannot_be_written_anew_with_the_keys_of_today(tmp_path: Path) -> None:
    trail = trail_in(tmp_path)
    lines = trail.path.read_text().splitlines()
    lines[1] = resealed(lines[1], why="another reason")
    trail.path.write_text("\n".join(lines) + "\n")
    assert "changed" in kinds(trail)
    # signed by a key of the forger's own, which the line before does not name
    own = Signer.fresh(2)
    entry = json.loads(lines[1]) | {"key": own.public}
    entry.pop("sig")
    entry.pop("hash")
    entry["hash"] = hmac.new(KEY, b"audit\0" + canonical(entry), hashlib.sha256).hexdigest()
    lines[1] = canonical({**entry, "sig": own.sign(canonical(entry))}).decode()
    trail.path.write_text("\n".join(lines) + "\n")
    assert "key" in kinds(trail)


def test_a_deleted_trail_stays_named(tmp_path: Path) -> None:
    trail = trail_in(tmp_path)
    shutil.rmtree(tmp_path / "audit")
    assert "deleted" in str(trail.verify()[0])
    trail.append("later")
    assert KEY_LOST in [e.action for e in trail.entries()]
    assert "key" in kinds(trail)


def test_a_trail_that_was_put_back_alone_is_named(tmp_path: Path) -> None:
    trail = trail_in(tmp_path)
    shutil.copytree(tmp_path / "audit", tmp_path / "old")
    trail.append("later")
    trail.append("later still")
    shutil.rmtree(tmp_path / "audit")
    (tmp_path / "old").rename(tmp_path / "audit")
    assert "put back" in str(trail.verify()[0])
    trail.append("after it")
    assert "key" in kinds(trail)


def test_keys_from_a_backup_go_on(tmp_path: Path) -> None:
    trail = trail_in(tmp_path)
    old = (tmp_path / "keys" / "trail.key").read_bytes()
    trail.append("later")
    (tmp_path / "keys" / "trail.key").write_bytes(old)
    trail.append("after it")
    assert trail.verify() == []


def test_a_process_that_dies_between_line_and_key_leaves_a_whole_trail(tmp_path: Path) -> None:
    trail = trail_in(tmp_path)
    state = (tmp_path / "keys" / "trail.key").read_bytes()
    trail.append("its writer dies")
    (tmp_path / "keys" / "trail.key").write_bytes(state)
    assert trail.verify() == []
    trail.append("next")
    assert trail.verify() == []


def test_a_trail_without_signatures_goes_on_with_them(tmp_path: Path) -> None:
    path = tmp_path / "audit" / "audit.jsonl"
    AuditTrail(path, KEY).append("old")
    trail = AuditTrail(path, KEY, tmp_path / "keys" / "trail.key")
    trail.append("new")
    assert [e.action for e in trail.entries()] == ["old", SIGNED, "new"]
    assert trail.verify() == []
    AuditTrail(path, KEY).append("without")
    assert "key" in kinds(trail)


def test_the_first_key_outside_the_home_names_a_trail_that_was_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HCC_AUDIT_VERIFY_KEY", str(tmp_path / "outside" / "key.pub"))
    trail = trail_in(tmp_path / "home")
    assert trail.verify() == []
    shutil.rmtree(tmp_path / "home")
    assert trail_in(tmp_path / "home").verify()[0].kind == "key"


def test_an_anchor_names_what_was_cut_or_written_anew(tmp_path: Path) -> None:
    trail = trail_in(tmp_path)
    head = trail.head()
    assert head is not None
    entries = list(trail.entries())
    assert anchor_problems(entries, head) == []
    assert "cut" in str(anchor_problems(entries[:3], head)[0])
    assert "anew" in str(anchor_problems(entries, Head(2, "0" * 64))[0])
