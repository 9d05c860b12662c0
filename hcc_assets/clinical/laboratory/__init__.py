"""Laboratory values and vital signs: what a delivered result is, its CTCAE grade, the safety of the
liver, and values against reported events.

Here belongs what is told of measured values. The rules and units are data of ``study``; reported
events are in ``safety``.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "lab_findings": "findings",
        "grades": "grading",
        "albi": "liver",
        "liver_safety": "liver",
        "raised_afp": "liver",
        "derive_labs": "records",
        "lab_shifts": "shifts",
    },
)
