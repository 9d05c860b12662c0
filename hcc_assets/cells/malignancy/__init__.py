"""Malignant or normal epithelial cells of one sample, by copy number and onco-fetal genes.

Which cells are epithelial is not decided here but in ``calling``.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "MalignancyResult": "decision",
        "call_malignancy": "decision",
        "oncofetal_score": "decision",
        "profiles": "copy_number",
        "split_normal_from_malignant": "mixture",
        "windows": "copy_number",
    },
)
