"""Figures from published tables; the same table gives the same bytes.

One function per figure, which returns a Matplotlib figure; ``style`` turns it into SVG or PNG. No
statistic is computed here, and nothing is read or published. ``embedding.embedding`` is reached
through its module, whose name it shares.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "swimmer": "clinical_course",
        "spider": "clinical_response",
        "waterfall": "clinical_response",
        "ae_bars": "clinical_safety",
        "exposure_bars": "clinical_safety",
        "kaplan_meier": "clinical_survival",
        "composition_forest": "composition_intervals",
        "paired_composition": "composition",
        "stacked_composition": "composition_bars",
        "copy_number_heatmap": "copy_number",
        "dot_plot": "expression",
        "program_heatmap": "expression",
        "volcano": "expression",
        "kept_fractions": "qc",
        "qc_status_bars": "qc",
        "qc_violins": "qc",
        "reliability_curve": "reliability",
        "save_png": "style",
        "save_svg": "style",
    },
)
