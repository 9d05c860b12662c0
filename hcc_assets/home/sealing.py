"""A seal at the end of a small JSON file: the hash of every byte before it.

Files of versions are vouched for by their manifest; a manifest, and what says why a version was
refused, has nothing above it and vouches for itself. It shows damage, not a forger: for that the
audit trail is there. A file from before there were seals has none and is taken as it is.
"""

from __future__ import annotations

import hashlib

_MARK = b',\n "seal": "'
_END = b'"\n}'
_CLOSING = b"}"


def sealed(content: bytes) -> bytes:
    """A JSON object with its seal as the last member.

    Parameters
    ----------
    content
        One JSON object that is not empty and has no member ``seal``.
    """
    body = content.rstrip()
    if not body.endswith(_CLOSING):
        raise ValueError("only a JSON object can be sealed")
    body = body[: -len(_CLOSING)].rstrip()
    return body + _MARK + hashlib.sha256(body).hexdigest().encode() + _END


def seal_of(content: bytes) -> str:
    """The seal of a sealed file as it stands there, empty where there is none."""
    _, mark, tail = content.rpartition(_MARK)
    return tail.removesuffix(_END).decode("ascii", "replace") if mark else ""


def whole(content: bytes, *, always: bytes = b'"sealed": true') -> bool:
    """True when the seal is that of the content, or the file is from before there were seals.

    Parameters
    ----------
    always
        What only content holds that was sealed: without a seal it is damaged.
    """
    body, mark, tail = content.rpartition(_MARK)
    if not mark:
        return always not in content
    return tail == hashlib.sha256(body).hexdigest().encode() + _END
