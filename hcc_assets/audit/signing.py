"""Signatures of the audit trail by keys that are used once: each line is signed with a key of its
own, names the key of the next line, and its own key is destroyed when it stands. Who takes the home
today can sign what comes, and nothing that was.

The construction is Logcrypt (Holt 2006, "Logcrypt: forward security and public verification for
secure audit logs", with one key a line), the keys made by a one-way ratchet as in Schneier and
Kelsey 1999: seed n + 1 is SHA-256 over seed n, so that a process that dies between line and key
file leaves nothing that the next one could not go on from. Signatures are Ed25519 (RFC 8032).
Verifying needs no secret: the first public key, kept outside the home, is enough.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

VERIFY_KEY_VARIABLE = "HCC_AUDIT_VERIFY_KEY"
"""Path of the file that keeps the first public key outside the home."""
STATE_FILE = "trail.key"
SEED_BYTES = 32
"""RFC 8032, 5.1.5: an Ed25519 private key is 32 bytes."""
FURTHEST = 1_000_000
"""Lines that a key file may be behind the trail (keys from a backup) and still be brought forward:
own choice, a second of hashing and more lines than ten years write."""


@dataclass(frozen=True)
class Signer:
    """The key of line ``seq``, which is not written yet."""

    seq: int
    seed: bytes

    @classmethod
    def fresh(cls, seq: int) -> Signer:
        return cls(seq, secrets.token_bytes(SEED_BYTES))

    @property
    def public(self) -> str:
        """Public key, 64 hexadecimal digits."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw().hex()

    def following(self) -> Signer:
        """The key of the next line; there is no way back from it."""
        return Signer(self.seq + 1, hashlib.sha256(b"hcc trail key\0" + self.seed).digest())

    def at(self, seq: int) -> Signer | None:
        """The key of a later line; None for an earlier one, or one too far away."""
        if not 0 <= seq - self.seq <= FURTHEST:
            return None
        found = self
        while found.seq < seq:
            found = found.following()
        return found

    def sign(self, content: bytes) -> str:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(content).hex()


def is_signed(public: str, signature: str, content: bytes) -> bool:
    """Whether ``signature`` over ``content`` is that of the key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), content)
    except (InvalidSignature, ValueError):
        return False
    return True


class KeyFile:
    """``keys/trail.key``: number and seed of the line that comes next, mode 0600."""

    def __init__(self, path: Path):
        self.path = path

    def read(self) -> Signer | None:
        """None when there is none, or it cannot be read: the trail then tells of a new chain of
        keys."""
        try:
            found = json.loads(self.path.read_bytes())
            signer = Signer(int(found["seq"]), bytes.fromhex(found["seed"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return signer if len(signer.seed) == SEED_BYTES and signer.seq > 0 else None

    def write(self, signer: Signer) -> None:
        """Put the key of the next line in place of the one that was used."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = self.path.with_name(f".{self.path.name}.new")
        content = json.dumps({"seq": signer.seq, "seed": signer.seed.hex()}).encode() + b"\n"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
            # the rename is not synced: after a loss of power the key before stands, and is advanced
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)


def kept_outside() -> str | None:
    """The first public key as it is kept outside the home; "" where the file of
    ``HCC_AUDIT_VERIFY_KEY`` is not there, None where none is configured."""
    place = os.environ.get(VERIFY_KEY_VARIABLE)
    if not place:
        return None
    try:
        return Path(place).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def keep_outside(public: str) -> None:
    """Write the first public key to the file of ``HCC_AUDIT_VERIFY_KEY``; one that is there is
    never replaced."""
    place = os.environ.get(VERIFY_KEY_VARIABLE)
    if not place or Path(place).exists():
        return
    Path(place).parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        handle.write(public + "\n")
        handle.flush()
        os.fsync(handle.fileno())
