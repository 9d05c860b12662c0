"""Small files of the store that hold what people decided: entries, or one of them. One that cannot
be read counts as absent: what it released is held again, which `hcc verify` tells."""

from __future__ import annotations

import json
from typing import Any

from upath import UPath

DECISIONS = ("acceptances.json", "query_confirmations.json", "reference_rebuild.json")
"""Names of these files below the store."""


def read_entries(path: UPath) -> list[dict[str, Any]]:
    """The entries of a file, oldest first; none where it is absent or cannot be read."""
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return []
    entries = found if isinstance(found, list) else [found]
    return [entry for entry in entries if isinstance(entry, dict)]


def is_readable(path: UPath) -> bool:
    """True when every entry of the file can be read."""
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    entries = found if isinstance(found, list) else [found]
    return all(isinstance(entry, dict) for entry in entries)
