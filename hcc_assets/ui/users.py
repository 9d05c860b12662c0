"""Named users of the web UI and what each may do. Their tokens are kept as hashes alone: 256 random
bits need no slow hash. Log-ins are in `sessions`."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from upath import UPath

from hcc_assets.home import files

Role = Literal["reader", "operator", "approver"]
"""A reader looks; an operator also starts and stops; an approver also decides: accept, erase,
withdraw, rebuild."""
ROLES: tuple[Role, ...] = get_args(Role)
USERS_FILE = "ui_users.json"
TOKEN_BYTES = 32
"""256 random bits, as `secrets` advises for tokens."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
PROXY_VARIABLE = "HCC_UI_PROXY"


@dataclass(frozen=True)
class Identity:
    """Who asks, by a name that can be logged, and what they may do."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """True when they may do what ``role`` may."""
        return ROLES.index(self.role) >= ROLES.index(role)


INSTALLATION = Identity("token", "approver")
"""Who holds the token of the installation."""


def token_hash(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


class Users:
    """``keys/ui_users.json``, read anew when it changed: who was removed is refused at once."""

    def __init__(self, folder: Path):
        self.path = folder / USERS_FILE
        self._seen: tuple[int, int] | None = None
        self._known: dict[str, dict[str, str]] = {}

    def all(self) -> dict[str, dict[str, str]]:
        """Name to ``role``, ``token_sha256`` and ``added``."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return {}
        if (found.st_mtime_ns, found.st_ino) != self._seen:
            self._known = json.loads(self.path.read_bytes())
            self._seen = (found.st_mtime_ns, found.st_ino)
        return self._known

    def add(self, name: str, role: Role, at: str) -> str:
        """A new user, or a new token and role of one that is known; returns the token, which is
        kept nowhere.

        Raises
        ------
        ValueError
            The name cannot be one.
        """
        if not NAME.fullmatch(name) or name == INSTALLATION.name:
            raise ValueError(f"{name!r} cannot be a name: letters, digits and . _ @ -, at most 64")
        token = secrets.token_urlsafe(TOKEN_BYTES)
        entry = {"role": role, "token_sha256": token_hash(token), "added": at}
        self._change(lambda known: {**known, name: entry})
        return token

    def remove(self, name: str) -> bool:
        """Forget a user; False when there is none of this name."""
        if name not in self.all():
            return False
        self._change(lambda known: {k: v for k, v in known.items() if k != name})
        return True

    def _change(self, change: Any) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        files.amend(
            UPath(self.path),
            lambda data: json.dumps(change(json.loads(data or b"{}")), indent=1).encode(),
        )

    def named(self, name: str) -> Identity | None:
        entry = self.all().get(name)
        if entry is None or entry["role"] not in ROLES:
            return None
        return Identity(name, entry["role"])  # type: ignore[arg-type]

    def of_token(self, token: str) -> Identity | None:
        """Whose token it is."""
        given, found = token_hash(token), None
        for name, entry in self.all().items():
            if hmac.compare_digest(given, entry["token_sha256"]):
                found = self.named(name)
        return found


@dataclass(frozen=True)
class Proxy:
    """A reverse proxy that has asked who it is already: the header in which it says so, believed
    from its addresses alone. The proxy has to set or empty that header itself."""

    header: str
    addresses: tuple[str, ...]

    @classmethod
    def configured(cls, environ: Mapping[str, str] | None = None) -> Proxy | None:
        """``HCC_UI_PROXY``: the header and the addresses, separated by spaces, as
        ``X-Remote-User 10.0.0.2``; None where it is not set, or names no address."""
        given = (os.environ if environ is None else environ).get(PROXY_VARIABLE, "").split()
        return cls(given[0].lower(), tuple(given[1:])) if len(given) > 1 else None

    def identity(
        self, client: tuple[str, int] | None, headers: Mapping[str, str], users: Users
    ) -> Identity | None:
        """Who the proxy says it is: a user by name; a name that is not known is a reader."""
        name = headers.get(self.header, "")
        if client is None or client[0] not in self.addresses or not NAME.fullmatch(name):
            return None
        return users.named(name) or Identity(name, "reader")
