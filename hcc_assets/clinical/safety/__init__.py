"""Adverse events and exposure of the safety set: flags, counts, listings, dosing.

Here belongs what is told of toxicity and dose. Checks of the same records are in ``checks``,
figures are in their own room.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "treatment_emergent": "events",
        "exposure_summary": "exposure",
        "ae_onset": "onset",
        "ae_listings": "summaries",
        "ae_summary": "summaries",
        "aesi_summary": "summaries",
    },
)
