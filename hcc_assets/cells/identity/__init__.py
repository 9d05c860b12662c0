"""Is a sample what its label says: fingerprints, sex, copy number, expression, dates.

Suspicions for people to look at; nothing is corrected here, and no call of a cell is made.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "content_digest": "fingerprint",
        "copy_number_agreement": "agreement",
        "expressed_sex": "fingerprint",
        "expression_agreement": "agreement",
        "overlaps": "fingerprint",
        "sample_identity": "comparison",
        "timing": "biopsy_timing",
    },
)
