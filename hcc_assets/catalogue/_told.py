"""A verdict over sentences about what was left out."""

from __future__ import annotations

from collections.abc import Sequence

from hcc_assets.assets.definition import Verdict

SHOWN = 5
"""Sentences that a verdict has room for; the number says how many there are (own choice)."""


def told(problems: Sequence[str], good: str) -> Verdict:
    """Passed when there is nothing to say; else the first sentences and how many more."""
    if not problems:
        return Verdict(True, good)
    more = f" and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    return Verdict(False, "; ".join(problems[:SHOWN]) + more, len(problems))
