"""Text that Dagster keeps packed in its databases: the cursor of the automation sensor, which names partitions. Used by the search and by erasure."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable, Iterator

MARKS = ("0eJ", "1eJ")
"""Version of the cursor, then the first two letters of base64 of what zlib packed."""

_PACKED = re.compile(r"(?<![A-Za-z0-9+/])([01])(eJ[A-Za-z0-9+/]{16,}={0,2})")


def _unpacked(match: re.Match[str]) -> str | None:
    try:
        return zlib.decompress(base64.b64decode(match[2], validate=True)).decode()
    except (ValueError, zlib.error):
        return None  # only looks like it


def unpacked(value: str) -> Iterator[str]:
    """The packed texts within a text, as they read."""
    if any(mark in value for mark in MARKS):
        yield from (
            text for match in _PACKED.finditer(value) if (text := _unpacked(match)) is not None
        )


def change_packed(value: str, change: Callable[[str], str]) -> str:
    """The text with ``change`` applied within what is packed in it; nothing is packed anew that stays as it is."""

    def packed_anew(match: re.Match[str]) -> str:
        before = _unpacked(match)
        after = before if before is None else change(before)
        return (
            match.group()
            if after is None or after == before
            else match[1] + base64.b64encode(zlib.compress(after.encode())).decode()
        )

    return _PACKED.sub(packed_anew, value) if any(mark in value for mark in MARKS) else value
