"""Log-ins of the web UI: random, expiring, kept on this side as hashes. A cookie is never a token,
and its name is of this installation, since cookies of one host are shared by its ports."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from upath import UPath

from hcc_assets.home import files
from hcc_assets.ui.users import TOKEN_BYTES, token_hash

SESSIONS_FILE = "ui_sessions.json"
SESSION_SECONDS = 12 * 3600
"""A working day: own choice; who comes back the next morning logs in again."""
MOST = 1000
"""Log-ins at a time, the oldest go: own choice, more than a trial has people with browsers."""


class Sessions:
    """Log-ins in a file of `folder`, so that a UI that is started again asks nobody anew."""

    def __init__(self, folder: Path, token: str, now: Callable[[], float] = time.time):
        self.cookie = f"hcc_ui_{token_hash('cookie ' + token)[:12]}"
        self._path, self._now = UPath(folder / SESSIONS_FILE), now
        self._known = self._read()

    def _read(self) -> dict[str, tuple[str, float]]:
        try:
            found = json.loads(self._path.read_bytes())
            return {key: (str(name), float(until)) for key, (name, until) in found.items()}
        except (FileNotFoundError, ValueError, TypeError, AttributeError):
            return {}  # everybody logs in again

    def begin(self, name: str) -> str:
        """A log-in of a user; returns the value of its cookie."""
        value = secrets.token_urlsafe(TOKEN_BYTES)
        now = self._now()
        kept = sorted(
            ((k, v) for k, v in self._known.items() if v[1] > now), key=lambda item: item[1][1]
        )
        self._known = dict(kept[-(MOST - 1) :])
        self._known[token_hash(value)] = (name, now + SESSION_SECONDS)
        self._write()
        return value

    def user(self, value: str) -> str | None:
        """Whose log-in it is; None when there is none, or it has expired."""
        found = self._known.get(token_hash(value))
        return found[0] if found is not None and found[1] > self._now() else None

    def end(self, value: str) -> None:
        """Log out."""
        if self._known.pop(token_hash(value), None) is not None:
            self._write()

    def _write(self) -> None:
        files.write_bytes(self._path, json.dumps(self._known).encode())
