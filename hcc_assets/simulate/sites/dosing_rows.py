"""EX rows as they were entered by a day: at once, or late and one row a dispensing."""

from __future__ import annotations

import datetime as dt
from typing import Final

from hcc_assets.simulate.events import Dosing
from hcc_assets.simulate.sdtm import Rows, SubjectStory, known_by

DISPENSED_DAYS: Final = 28
"""From one dispensing to the next: a cycle, as of the laboratory panels; our choice."""


def dosing_rows(rows: Rows, story: SubjectStory, until: dt.date) -> None:
    """Add the EX rows known by the day; a record that ends later has no end.

    Where entry lags, the row of the first dispensing stands without an end until it is counted, and
    the later ones come after the lag: each dispensing is a row that is closed.
    """
    records = [r for r in story.dosing if r.start <= until]
    late = story.manner.late
    if late and records:
        entered = until - dt.timedelta(days=late)
        pieces = [piece for r in story.dosing for piece in _dispensed(r, story.dosing[0].start)]
        counted = [p for p in pieces if p.end is not None and p.end <= entered]
        records = counted or [Dosing(pieces[0].mg, pieces[0].start, None, pieces[0].reason)]
    for record in records:
        start = record.start.isoformat()
        end = known_by(record.end, until)
        rows["ex"].append(
            {
                "USUBJID": story.course.usubjid,
                "EXTRT": "SURUFATINIB",
                "EXDOSE": str(record.mg),
                "EXDOSU": "mg",
                "EXDOSFRQ": "QD",
                "EXROUTE": "ORAL",
                "EXSTDTC": start[: story.manner.first_dose] if record is records[0] else start,
                "EXENDTC": None if end is None else end.isoformat(),
                "EXADJ": record.reason,
            }
        )


def _dispensed(record: Dosing, first: dt.date) -> list[Dosing]:
    """The record cut at every dispensing; the reason stands in its first part."""
    assert record.end is not None
    out, start, reason = [], record.start, record.reason
    while start <= record.end:
        days = DISPENSED_DAYS - (start - first).days % DISPENSED_DAYS
        end = min(record.end, start + dt.timedelta(days=days - 1))
        out.append(Dosing(record.mg, start, end, reason))
        start, reason = end + dt.timedelta(days=1), None
    return out
