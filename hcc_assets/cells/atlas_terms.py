"""What the exported atlas says in the words of the CELLxGENE schema, as far as a trial can. The
file is written in ``atlas_export``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import pandas as pd

from hcc_assets.study.genes import symbol_of

CELL_TYPES: Final[dict[str, str]] = {
    "tumour": "CL:0001064",
    "vascular_endothelial": "CL:0002139",
    "monocyte": "CL:0000576",
    "macrophage": "CL:0000235",
    "mast": "CL:0000097",
    "T": "CL:0000084",
    "B": "CL:0000236",
    "dendritic": "CL:0000451",
    "neutrophil": "CL:0000775",
    "NK": "CL:0000623",
    "plasma": "CL:0000786",
    "fibroblast": "CL:0000057",
    "hepatocyte": "CL:0000182",
    "cholangiocyte": "CL:1000488",
    "lymphatic_endothelial": "CL:0002138",
    "erythroid": "CL:0000764",
    "platelet": "CL:0000233",
    "unassigned": "unknown",
}
"""Cell Ontology term of each class."""

ASSAYS: Final[dict[str, str]] = {
    "3' v2": "EFO:0009899",
    "3' v3": "EFO:0009922",
    "5' v1": "EFO:0011025",
    "5' v2": "EFO:0009900",
}
_ANY_10X: Final = "EFO:0008995"
_SEX: Final = {"F": "PATO:0000383", "M": "PATO:0000384"}
_TISSUE: Final = {
    "LIVER": "UBERON:0002107",
    "LUNG": "UBERON:0002048",
    "LYMPH NODE": "UBERON:0000029",
    "BLOOD": "UBERON:0000178",
}
_LIVER: Final = _TISSUE["LIVER"]
_HCC: Final = "MONDO:0007256"
NOT_KNOWN: Final = (
    "self_reported_ethnicity_ontology_term_id and development_stage_ontology_term_id are unknown: "
    "the trial data do not carry them in these terms.",
    "tissue_ontology_term_id is liver where the sample sheet names no tissue, or one without a "
    "term here.",
    "assay_ontology_term_id is 10x technology in general where the sample sheet names no "
    "chemistry.",
)
"""What the export cannot say; it is written into the file too."""


def schema_obs(
    sample: Mapping[str, Any], cell_class: pd.Series, *, sex: str | None = None
) -> pd.DataFrame:
    """Columns of the CELLxGENE schema for the cells of one sample.

    Parameters
    ----------
    sample
        Row of the sample sheet: ``subject_id`` and, where known, ``tissue, chemistry``.
    cell_class
        Class of each cell; its index becomes the index.
    sex
        ``F`` or ``M`` of the subject in DM, where known.
    """
    tissue = str(sample.get("tissue") or "").strip().upper()
    chemistry = str(sample.get("chemistry") or "").lower().replace("prime ", "' ").replace("’", "'")
    assay = next(
        (term for name, term in ASSAYS.items() if all(part in chemistry for part in name.split())),
        _ANY_10X,
    )
    constant = {
        "assay_ontology_term_id": assay,
        "development_stage_ontology_term_id": "unknown",
        "disease_ontology_term_id": _HCC,
        "donor_id": str(sample["subject_id"]),
        "self_reported_ethnicity_ontology_term_id": "unknown",
        "sex_ontology_term_id": _SEX.get(str(sex), "unknown"),
        "suspension_type": "cell",
        "tissue_ontology_term_id": _TISSUE.get(tissue, _LIVER),
        "tissue_type": "tissue",
    }
    out = pd.DataFrame(
        {
            name: pd.Series([value] * len(cell_class), index=cell_class.index, dtype=object)
            for name, value in constant.items()
        }
    )
    out["cell_type_ontology_term_id"] = cell_class.map(CELL_TYPES).astype(object)
    out["is_primary_data"] = True
    return out


def union_genes(variables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Genes of all samples that the schema can name, sorted: ``gene_id, gene``.

    Genes that have only a symbol, ids that Ensembl 110 does not have (older annotations), and those
    withdrawn since are left out; ``left_out`` in ``attrs`` of the result is their number. CELLxGENE
    refuses a file with such an id.
    """
    symbol: dict[str, str] = {}
    known = set(symbol_of()) - retired_genes()
    seen: set[str] = set()
    for var in variables:
        for gene_id, gene in zip(var["gene_id"].astype(str), var["gene"].astype(str), strict=True):
            seen.add(gene_id)
            if gene_id in known:
                symbol.setdefault(gene_id, gene)
    ids = sorted(symbol)
    out = pd.DataFrame({"gene_id": ids, "gene": [symbol[g] for g in ids]})
    out.attrs["left_out"] = len(seen) - len(ids)
    return out


@lru_cache(maxsize=1)
def retired_genes() -> frozenset[str]:
    """Ensembl 110 ids that the GENCODE release behind the CELLxGENE schema (48) no longer has."""
    return frozenset(
        files("hcc_assets.study")
        .joinpath("data", "retired_genes.txt")
        .read_text(encoding="utf-8")
        .split()
    )
