"""Whether a new export may replace the one that stands, or a person must accept it first.

Here belongs the comparison of two exports. Which one is published is decided by operations.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "HoldVerdict": "verdict",
        "Reason": "verdict",
        "compare_exports": "verdict",
    },
)
