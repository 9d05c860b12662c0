"""The home's secret key and the digests that stand for subjects where an id must not be kept
(tombstones, audit trail). No storage of ids here."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import unicodedata
from pathlib import Path

from hcc_assets.home.paths import Home

KEY_BYTES = 32
"""As long as the output of SHA-256, the least that RFC 2104, 3, does not discourage for HMAC."""

KEY_FILE = "subject.key"
DIGEST_PREFIX = "subject:"

WEAK_LENGTH = 5
"""Own choice: a name of four letters or digits stands in ordinary text by chance."""


class KeyDamaged(ValueError):
    """The key file of the home is not a key; digests of subjects can be neither made nor
    compared."""


def keys_folder(home: Home) -> Path:
    """Folder of the home's key: in the home itself, beside Dagster's state where the home is on
    an object store."""
    return home.records / "keys"


def key_for_home(folder: Path) -> bytes:
    """The home's key, created once.

    The key is written to a temporary file (``O_EXCL``, mode 0600) and linked to its name, so that
    of several first processes exactly one wins and none reads half a key. It is never replaced:
    with another key every digest and the audit chain would mean nothing.

    Parameters
    ----------
    folder
        Folder of the key, created when absent (mode 0700).

    Returns
    -------
    bytes
        32 random bytes.

    Raises
    ------
    KeyDamaged
        The file exists and does not hold 64 hexadecimal digits.
    """
    path = folder / KEY_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = folder / f".{KEY_FILE}.{os.getpid()}.{secrets.token_hex(4)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as handle:
                handle.write(secrets.token_hex(KEY_BYTES) + "\n")
                handle.flush()
                os.fsync(handle.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        raise KeyDamaged(
            f"{path.name} does not hold a key; restore it from the backup of the home"
        ) from None
    if len(key) != KEY_BYTES:
        raise KeyDamaged(
            f"{path.name} holds {len(key)} bytes instead of {KEY_BYTES}; restore it from the "
            "backup of the home"
        )
    return key


def canonical_subject(subject_id: str) -> str:
    """One spelling for what people take for the same id: NFKC, no outer space, no case (``S01``,
    ``s01``, full-width forms)."""
    return unicodedata.normalize("NFKC", subject_id).strip().casefold()


def is_weak(name: str) -> bool:
    """True for a short or purely numeric name, which may as well be a number where it stands in
    running text."""
    return len(name) < WEAK_LENGTH or name.replace(".", "").isdigit()


def subject_digest(key: bytes, subject_id: str) -> str:
    """HMAC-SHA256 of the canonical id, ``subject:`` and 32 hexadecimal digits; without the key it
    can be neither reversed nor guessed through."""
    digest = hmac.new(
        key, b"subject\0" + canonical_subject(subject_id).encode(), hashlib.sha256
    ).hexdigest()
    return DIGEST_PREFIX + digest[:32]
