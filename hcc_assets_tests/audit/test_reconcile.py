"""Faults 42 and 43: what stands without its line in the trail is named, and what has its line and
is gone."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import pwd
from pathlib import Path

import pytest

from hcc_assets.audit.chain import AuditEntry
from hcc_assets.audit.log import AuditTrail
from hcc_assets.audit.reconcile import Found, StandingVersion, reconciliation
from hcc_assets.audit.who import real_user

KEY = b"k" * 32
NOON = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
VERSION = StandingVersion("subjects", None, "d2", "f2", "run2", NOON)


def lines(tmp_path: Path) -> list[AuditEntry]:
    trail = AuditTrail(tmp_path / "audit.jsonl", KEY)
    for n in (1, 2):
        trail.append(
            "materialize",
            details={
                "asset": "subjects",
                "sample": None,
                "fingerprint": f"f{n}",
                "run_id": f"run{n}",
            },
            from_hash=f"d{n - 1}",
            to_hash=f"d{n}",
        )
    trail.append("accept", to_hash="c1", details={"export": "2026-05-01"})
    return list(trail.entries())


def test_a_version_without_its_line_and_one_put_back_are_named(tmp_path: Path) -> None:
    entries = lines(tmp_path)
    assert reconciliation(entries, Found((VERSION,))) == []
    forged = dataclasses.replace(VERSION, data_version="d3")
    assert "has no line" in reconciliation(entries, Found((forged,)))[0]
    old = dataclasses.replace(VERSION, data_version="d1", fingerprint="f1", run_id="run1")
    assert "put back" in reconciliation(entries, Found((old,)))[0]
    assert "there is no audit trail" in reconciliation([], Found((VERSION,)))[0]
    decided = dataclasses.replace(VERSION, acts=({"action": "curate", "cells": 3},))
    assert "curate in subjects has no line" in reconciliation(entries, Found((decided,)))[0]


def test_what_people_decided_without_a_line_is_named(tmp_path: Path) -> None:
    entries = lines(tmp_path)
    assert reconciliation(entries, Found(accepted=(("2026-05-01", "c1"),))) == []
    found = Found(
        accepted=(("2026-05-01", "c2"),),
        withdrawn=(("subject:1", "2026-05-01"),),
        erased=("subject:2",),
        confirmed=(("Q-1", "x"),),
    )
    assert len(reconciliation(entries, found)) == 4


def test_a_decision_whose_record_is_gone_is_named(tmp_path: Path) -> None:
    trail = AuditTrail(tmp_path / "audit.jsonl", KEY)
    day = {"from": "2026-05-01"}
    withdrawn = trail.append("withdraw", subject_id="A-001", details=day)
    erased = trail.append("erase", subject_id="A-002")
    assert withdrawn.subject and erased.subject
    told = reconciliation(trail.entries(), Found())
    assert len(told) == 2 and "A-00" not in "".join(told)
    whole = Found(withdrawn=((withdrawn.subject, day["from"]),), erased=(erased.subject,))
    assert reconciliation(trail.entries(), whole) == []


def test_the_user_is_that_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 50."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "dr.wang.pi")
    me = pwd.getpwuid(os.getuid()).pw_name
    assert real_user() == me
    entry = AuditTrail(tmp_path / "audit.jsonl", KEY).append("accept")
    assert entry.who.startswith(f"{me}@")
