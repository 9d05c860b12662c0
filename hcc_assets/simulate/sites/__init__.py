"""How sites deliver a simulated trial: late, partial, in their own words, with visits and scans
that no plan foresaw. Every habit has its own seeded stream, so that it moves no value of the trial.

Mistakes that must be found are in ``spoil``; what is true of a subject is drawn elsewhere.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "CLEAN": "habits",
        "USUAL": "habits",
        "Habits": "habits",
        "Manner": "habits",
    },
)
