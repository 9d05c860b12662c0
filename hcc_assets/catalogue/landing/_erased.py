"""What is said when somebody who was erased is delivered again: on every asset that reads
landing."""

from __future__ import annotations

from hcc_assets.assets.definition import Verdict

NO_ERASED_TODO = (
    "Tell who sent it, and take the subject out of the delivery; hcc erase does so once more."
)


def erased_verdict(affected: int, where: str) -> Verdict:
    """A line or a file may be named, the subject may not."""
    refused = f"an erased subject was delivered again and is not taken: {where}"
    good = "no erased subject was delivered again"
    return Verdict(not affected, refused if affected else good, affected)
