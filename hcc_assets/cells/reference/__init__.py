"""The reference that labels cells: how it is taught, frozen, stored, and what its likelihoods are.

No call is made here; that belongs to ``calling``.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "LabelsRefused": "labels",
        "Reference": "model",
        "ReferenceOutdated": "model",
        "SampleInput": "teaching",
        "build_reference": "building",
        "freezing_prefix": "freezing",
        "log_likelihood": "likelihood",
        "reference_summary": "model",
        "seed_classes": "seeds",
        "seed_counts": "teaching",
    },
)
