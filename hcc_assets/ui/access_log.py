"""Who asked for what in the web UI: a log of its own, a file a month, without tokens, queries or
addresses of pages beyond their path. What people changed is in the audit trail."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

from hcc_assets.ui.asked import Scope

QUIET_PATHS = ("/graphql", "/assets/", "/static/", "/favicon", "/vendor/", "/server_info")
"""Asked for many times a second by an open page; told only when they are refused."""


class AccessLog:
    """``access/ui-2026-11.jsonl`` below a folder: time, name, method, path, status, note."""

    def __init__(self, folder: Path):
        self._folder = folder / "access"

    def asked(self, name: str, scope: Scope, status: int, note: str = "") -> None:
        """Write a line.

        Parameters
        ----------
        name
            Of the user; "" for nobody.
        note
            ``log-in``, why it was refused, or what was changed.
        """
        path = str(scope.get("path", ""))[:200]
        if not note and path.startswith(QUIET_PATHS):
            return
        now = dt.datetime.now(dt.UTC)
        line = {
            "at": now.isoformat(timespec="seconds"),
            "who": name,
            "from": (scope.get("client") or ("",))[0],
            "method": str(scope.get("method", scope["type"])),
            "path": path,
            "status": status,
            "note": note,
        }
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        descriptor = os.open(self._folder / f"ui-{now:%Y-%m}.jsonl", flags, 0o600)
        with os.fdopen(descriptor, "ab") as handle:
            handle.write(json.dumps(line, ensure_ascii=True).encode() + b"\n")
