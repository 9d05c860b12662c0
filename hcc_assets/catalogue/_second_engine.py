"""The check that a second engine makes the same figures."""

from __future__ import annotations

from collections.abc import Callable

from hcc_assets.assets.definition import Verdict
from hcc_assets.stats.second_engine.comparison import Again

WHAT_TO_DO = (
    "Do not report the figures that are named. One of the two engines has a fault, or the table "
    "was not made of these subjects: send the sentence to who maintains the code."
)

NOT_MADE = "not made again"
"""Name of the metadata that says what the second engine leaves out."""


def second_opinion(ask: Callable[[], Again]) -> Verdict:
    """The verdict of the second engine.

    Parameters
    ----------
    ask
        Makes the figures again. Where it fails, the check fails and says where: a second opinion
        that cannot be had is none, and takes nothing away from the table.
    """
    try:
        found = ask()
    except Exception as error:  # noqa: BLE001 - its text may carry values of the data
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        where = "" if frame is None else f" at {frame.tb_frame.f_code.co_name}, {frame.tb_lineno}"
        return Verdict(False, f"the second engine failed: {type(error).__name__}{where}")
    details = {NOT_MADE: "; ".join(found.not_made)} if found.not_made else {}
    return Verdict(not found.wrong, found.sentence, len(found.wrong), details)
