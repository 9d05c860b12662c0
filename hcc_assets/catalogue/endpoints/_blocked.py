"""What the check on blocked subjects says, the same in all assets that rest on tumour data."""

from __future__ import annotations

from collections.abc import Set

from hcc_assets.assets.definition import Verdict

WHAT_TO_DO = "See data_issues; send the query letters."


def none_blocked(subjects: Set[str]) -> Verdict:
    """The verdict over subjects that are held back."""
    text = "no subject is blocked by a data issue"
    if subjects:
        text = f"{len(subjects)} subjects are blocked by data issues and count as not evaluable"
    return Verdict(not subjects, text, len(subjects))
