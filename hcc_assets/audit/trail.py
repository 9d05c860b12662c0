"""Where the audit trail and the key of a home lie. What is written into it is decided by the
callers."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from hcc_assets.audit.log import AuditTrail
from hcc_assets.home.paths import Home
from hcc_assets.home.people.subject_keys import key_for_home, keys_folder


def audit_path(home: Home) -> Path:
    return home.records / "audit" / "audit.jsonl"


@lru_cache(maxsize=16)
def _trail(path: Path, keys: Path) -> AuditTrail:
    return AuditTrail(path, key_for_home(keys))


def trail_of(home: Home) -> AuditTrail:
    """The audit trail of ``home``; makes its key when there is none."""
    return _trail(audit_path(home), keys_folder(home))
