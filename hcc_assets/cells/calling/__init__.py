"""Class, confidence and final status of every barcode of one sample from a reference.

How the reference comes about belongs to ``reference``; counts per class to ``cells.pseudobulk``.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "Annotation": "annotation",
        "ClassPosterior": "class_posterior",
        "EpithelialCalls": "epithelial",
        "MarkerEvidence": "marker_evidence",
        "annotate": "annotation",
        "label_changes": "changed_calls",
        "resolve_epithelial": "epithelial",
    },
)
