"""Dosing day by day, the treatment course and deaths: what checks, endpoints and safety rest on.

Here belongs when a subject was treated and lived. How much was given is in ``safety.exposure``.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "treatment_course": "course",
        "known_deaths": "deaths",
        "dose_days": "doses",
    },
)
