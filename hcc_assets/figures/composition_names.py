"""Words of the composition figures: denominators, classes, p-values."""

from __future__ import annotations

import numpy as np

NAMES = {"all": "all cells", "immune": "immune cells", "non_parenchymal": "non-parenchymal cells"}


def class_name(cell_class: str) -> str:
    """Class as words."""
    return cell_class.replace("_", " ")


def p_text(p: float) -> str:
    """A p-value as people read it; NE where there is none."""
    if not np.isfinite(p):
        return "NE"
    return "< 0.001" if p < 0.001 else f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"
