"""The atlas as one ``.h5ad``, written sample by sample, with the fields of the CELLxGENE schema
that a trial can fill. The embedding is made in ``embedding``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import scipy.sparse as sp

from hcc_assets.cells.quality.metrics import as_csr
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets.study.genes import symbol_of

if TYPE_CHECKING:
    from anndata import AnnData

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
_TARGET: Final = 1e4
"""Counts per cell before the logarithm: CP10k, as CellTypist and most atlases have it."""
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


class _Rows:
    """A CSR matrix of an h5ad that grows by blocks of rows."""

    def __init__(self, file: Any, name: str):
        self.group = file.create_group(name)
        self.starts = [np.zeros(1, dtype=np.int64)]
        for part, dtype in (("data", "float32"), ("indices", "int32")):
            self.group.create_dataset(
                part,
                (0,),
                maxshape=(None,),
                dtype=dtype,
                chunks=(65536,),
                compression="gzip",
                compression_opts=1,
            )

    def append(self, block: sp.csr_matrix) -> None:
        for name in ("data", "indices"):
            dataset, values = self.group[name], getattr(block, name)
            dataset.resize(dataset.shape[0] + values.size, axis=0)
            if values.size:
                dataset[-values.size :] = values
        self.starts.append(self.starts[-1][-1] + block.indptr[1:].astype(np.int64))

    def close(self, n_columns: int) -> None:
        starts = np.concatenate(self.starts)
        self.group.create_dataset("indptr", data=starts)
        self.group.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0"})
        self.group.attrs["shape"] = np.array([len(starts) - 1, n_columns], dtype=np.int64)


def export_h5ad(
    path: Path, samples: Iterable[tuple[AnnData, pd.DataFrame]], genes: pd.DataFrame, *, title: str
) -> int:
    """Write cells of many samples into one file, one sample in memory at a time.

    Parameters
    ----------
    path
        New file; the caller puts it in place.
    samples
        Per sample its counts and the cells to write: indexed by barcode, with ``cell_id, x, y`` and
        any columns for ``obs``.
    genes
        ``gene_id, gene`` of the file (``union_genes``).
    title
        Title of the data set.

    Returns
    -------
    int
        Number of cells written.

    Notes
    -----
    ``X`` holds raw counts (float32), ``layers["log1p"]`` their ``scanpy.pp.log1p`` at 10,000 counts
    per cell, ``obsm["X_umap"]`` the display embedding; ``cell_class`` has the order of the contract
    and a colour for each class, the same in every export. So ``sc.pl.umap(atlas,
    color=["cell_class", "GPC3"], gene_symbols="gene_symbol", layer="log1p")`` draws at once.
    """
    import anndata
    import h5py
    import scanpy as sc

    target = pd.Index(genes["gene_id"].astype(str))
    frames: list[pd.DataFrame] = []
    with h5py.File(path, "w") as file:
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        write = anndata.io.write_elem
        for name in ("varm", "obsp", "varp", "layers"):
            write(file, name, {})
        raw, logs = _Rows(file, "X"), _Rows(file["layers"], "log1p")
        for counts, cells in samples:
            block = anndata.AnnData(_aligned(counts, cells, target))
            raw.append(block.X)
            sc.pp.normalize_total(block, target_sum=_TARGET)
            sc.pp.log1p(block)
            logs.append(block.X)
            frames.append(cells.reset_index(names="barcode"))
        raw.close(len(target))
        logs.close(len(target))
        obs = (
            pd.concat(frames, ignore_index=True).set_index("cell_id")
            if frames
            else pd.DataFrame({"x": [], "y": []})
        )
        xy = obs[["x", "y"]].to_numpy(dtype=np.float32)
        var = pd.DataFrame(
            {"gene_symbol": genes["gene"].astype(object).to_numpy(), "feature_is_filtered": False},
            index=target.rename(None),
        )
        left_out = (
            f"{genes.attrs.get('left_out', 0)} genes of the deliveries have no current Ensembl id "
            "and are left out."
        )
        uns = {
            "title": title,
            "default_embedding": "X_umap",
            "organism_ontology_term_id": "NCBITaxon:9606",
            "not_known": np.array([*NOT_KNOWN, left_out], dtype=object),
        }
        stored = _storable(obs.drop(columns=["x", "y"]).rename_axis(None))
        if "cell_class" in stored:
            colours = dict(zip(CELL_CLASSES, sc.pl.palettes.default_20, strict=False))
            named = [colours[c] for c in stored["cell_class"].cat.categories]
            uns["cell_class_colors"] = np.array(named, dtype=object)
        write(file, "obs", stored)
        write(file, "var", var)
        write(file, "obsm", {"X_umap": xy})
        write(file, "uns", uns)
    return len(obs)


def _aligned(counts: AnnData, cells: pd.DataFrame, target: pd.Index) -> sp.csr_matrix:
    """Rows of the cells on the columns of the file, indices sorted."""
    rows = counts.obs_names.get_indexer(cells.index)
    column = target.get_indexer(pd.Index(counts.var["gene_id"].astype(str)))
    block = sp.coo_matrix(as_csr(counts)[rows])
    keep = column[block.col] >= 0
    out = sp.csr_matrix(
        (block.data[keep].astype(np.float32), (block.row[keep], column[block.col[keep]])),
        shape=(len(cells), len(target)),
    )
    out.sum_duplicates()
    out.sort_indices()
    return out


def _storable(obs: pd.DataFrame) -> pd.DataFrame:
    """Text as categories, which every reader of ``.h5ad`` knows; a missing text stays missing."""
    out = obs.copy()
    for name in out.columns:
        if out[name].dtype == object:
            out[name] = pd.Categorical(
                out[name].map(lambda v: None if v is None or v != v else str(v))
            )
    if "cell_class" in out:
        present = set(out["cell_class"].cat.categories)
        out["cell_class"] = out["cell_class"].cat.set_categories(
            [c for c in CELL_CLASSES if c in present]
        )
    return out
