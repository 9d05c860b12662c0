"""A delivered matrix becomes counts of one sample, or is refused in words.

Files by name, readers of each layout, judgement of genes, the child process that parses, and which
droplets of a raw matrix hold a cell. How good the cells are belongs to ``quality``.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "Decoded": "decoded",
        "MatrixFiles": "matrix_files",
        "MatrixPart": "matrix_files",
        "MatrixRefused": "refused",
        "call_cells": "cell_calling",
        "find_matrix": "matrix_files",
        "read_counts": "tenx",
        "read_counts_isolated": "isolation",
        "read_labelled": "isolation",
        "read_sample": "isolation",
    },
)
