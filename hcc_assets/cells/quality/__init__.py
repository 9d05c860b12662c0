"""Quality of the barcodes of one sample: metrics, floor, ambient RNA, doublets, limits by class.

Nothing is deleted and no count is corrected here. Which class a cell is of belongs to ``calling``.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "Ambient": "ambient",
        "Doublets": "doublets",
        "QcResult": "assessment",
        "adaptive_status": "adaptive",
        "assess": "assessment",
        "barcode_metrics": "metrics",
        "estimate_ambient": "ambient",
        "find_doublets": "doublets",
        "floor_status": "metrics",
        "qc_summary": "assessment",
        "refused_row": "assessment",
        "summary_row": "assessment",
    },
)
