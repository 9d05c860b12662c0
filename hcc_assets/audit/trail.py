"""Where the audit trail and the key of a home lie. What is written into it is decided by the
callers."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from hcc_assets.audit.chain import AuditEntry
from hcc_assets.audit.log import AuditTrail
from hcc_assets.audit.signing import STATE_FILE
from hcc_assets.home.paths import Home
from hcc_assets.home.people.subject_keys import key_for_home, keys_folder


def audit_path(home: Home) -> Path:
    return home.records / "audit" / "audit.jsonl"


REBUILD = "reference rebuild"


@lru_cache(maxsize=16)
def _trail(path: Path, keys: Path) -> AuditTrail:
    return AuditTrail(path, key_for_home(keys), keys / STATE_FILE)


def trail_of(home: Home) -> AuditTrail:
    """The audit trail of ``home``; makes its key when there is none."""
    return _trail(audit_path(home), keys_folder(home))


def head_of(home: Home) -> dict[str, Any] | None:
    """``seq`` and ``hash`` of the head, for whoever keeps it elsewhere; None where there is no
    trail."""
    if not audit_path(home).exists():
        return None
    head = trail_of(home).head()
    return {"seq": head.seq, "hash": head.hash} if head is not None else None


@lru_cache(maxsize=256)
def _decided(path: Path, keys: Path, action: str, _seen: tuple[int, ...]) -> list[AuditEntry]:
    return _trail(path, keys).of_action(action)


def decided(home: Home, action: str) -> list[AuditEntry]:
    """What people decided, from the lines of the trail: the genuine entries of one action, oldest
    first. The trail is the source; there is no other record of them.

    Parameters
    ----------
    action
        ``accept``, ``reference rebuild``, …
    """
    path = audit_path(home)
    try:
        found = path.stat()
    except FileNotFoundError:
        return []
    seen = (found.st_mtime_ns, found.st_size, found.st_ino)
    return _decided(path, keys_folder(home), action, seen)
