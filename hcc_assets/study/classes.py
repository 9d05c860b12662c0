"""Cell classes, denominators and QC states: the vocabulary of the single-cell half.

No thresholds and no methods belong here.
"""

from __future__ import annotations

from typing import Final

PRIMARY_CLASSES: Final = (
    "tumour",
    "vascular_endothelial",
    "monocyte",
    "macrophage",
    "mast",
    "T",
    "B",
    "dendritic",
    "neutrophil",
)
"""The nine classes of the primary endpoint, in reporting order."""

OTHER_CLASSES: Final = (
    "NK",
    "plasma",
    "fibroblast",
    "hepatocyte",
    "cholangiocyte",
    "lymphatic_endothelial",
    "erythroid",
    "platelet",
)
UNASSIGNED: Final = "unassigned"

CELL_CLASSES: Final = (*PRIMARY_CLASSES, *OTHER_CLASSES, UNASSIGNED)

IMMUNE_CLASSES: Final = (
    "monocyte",
    "macrophage",
    "mast",
    "T",
    "B",
    "dendritic",
    "neutrophil",
    "NK",
    "plasma",
)

EPITHELIAL: Final = ("tumour", "hepatocyte", "cholangiocyte")
"""Classes between which copy number decides."""

BLOOD_ELEMENTS: Final = ("erythroid", "platelet")
"""Classes that come with the blood of the biopsy and count in no denominator."""

DENOMINATORS: Final[dict[str, tuple[str, ...]]] = {
    "all": tuple(c for c in CELL_CLASSES if c not in BLOOD_ELEMENTS),
    "immune": IMMUNE_CLASSES,
    "non_parenchymal": tuple(
        c for c in CELL_CLASSES if c not in (*EPITHELIAL, *BLOOD_ELEMENTS, UNASSIGNED)
    ),
}
"""Classes that count in each denominator; ``unassigned`` counts in ``all`` only and is no part of
compositional tests."""

CALL_SOURCES: Final = ("own", "external", "curated")
"""Who decided the class of a cell: our own model, another annotator, a person."""

QC_STATUSES: Final = (
    "pass",
    "low_umi",
    "low_genes",
    "high_mt",
    "high_hb",
    "doublet",
    "erythroid",
    "platelet",
)
