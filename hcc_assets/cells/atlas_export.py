"""The atlas as one ``.h5ad`` file or ``.zarr`` store, written sample by sample. Its terms are in
``atlas_terms``, the embedding is made in ``embedding``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from hcc_assets.cells.atlas_terms import NOT_KNOWN
from hcc_assets.cells.quality.metrics import as_csr
from hcc_assets.study.classes import CELL_CLASSES

if TYPE_CHECKING:
    from anndata import AnnData

_TARGET: Final = 1e4
"""Counts per cell before the logarithm: CP10k, as CellTypist and most atlases have it."""
POSTERIOR: Final = "class_posterior"
"""Name in ``obsm`` of the posterior of each class; without ``X_``, which would make it an embedding
in the words of the CELLxGENE schema."""
_ORDERS: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {"cell_class": CELL_CLASSES, "second_class": CELL_CLASSES}
)
_CHUNK: Final = 65_536
"""Numbers of a matrix that are written and read at once: own choice, half a megabyte."""


class _Rows:
    """A CSR matrix of an h5ad file or a zarr store that grows by blocks of rows."""

    def __init__(self, store: Any, name: str, make: Callable[..., Any]):
        self.group = store.create_group(name)
        self.parts = {
            "data": make(self.group, "data", "float32"),
            "indices": make(self.group, "indices", "int32"),
        }
        self.starts = [np.zeros(1, dtype=np.int64)]

    def append(self, block: sp.csr_matrix) -> None:
        for name, part in self.parts.items():
            values = getattr(block, name)
            part.resize((part.shape[0] + values.size,))
            if values.size:
                part[-values.size :] = values
        self.starts.append(self.starts[-1][-1] + block.indptr[1:].astype(np.int64))

    def close(self, n_columns: int, write: Callable[..., None]) -> None:
        starts = np.concatenate(self.starts)
        write(self.group, "indptr", starts)
        self.group.attrs.update(
            {
                "encoding-type": "csr_matrix",
                "encoding-version": "0.1.0",
                "shape": [len(starts) - 1, n_columns],
            }
        )


def _growing_h5(group: Any, name: str, dtype: str) -> Any:
    return group.create_dataset(
        name,
        (0,),
        maxshape=(None,),
        dtype=dtype,
        chunks=(_CHUNK,),
        compression="gzip",
        compression_opts=1,
    )


def _growing_zarr(group: Any, name: str, dtype: str) -> Any:
    return group.create_array(name, shape=(0,), dtype=dtype, chunks=(_CHUNK,))


@contextlib.contextmanager
def _new_store(path: Path) -> Iterator[tuple[Any, Callable[..., Any]]]:
    """A new file or store by the suffix of its name, and how an array that grows is made in it."""
    if path.suffix == ".zarr":
        import zarr

        yield zarr.open_group(path, mode="w", zarr_format=2), _growing_zarr
        zarr.consolidate_metadata(path, zarr_format=2)
        return
    import h5py

    with h5py.File(path, "w") as file:
        yield file, _growing_h5


def export_atlas(
    path: Path,
    samples: Iterable[tuple[AnnData, pd.DataFrame, Mapping[str, npt.NDArray[Any]]]],
    genes: pd.DataFrame,
    *,
    title: str,
    timepoints: Sequence[str] = (),
) -> int:
    """Write cells of many samples into one file or store, one sample in memory at a time.

    Parameters
    ----------
    path
        New ``.h5ad`` file or ``.zarr`` store; the caller puts it in place.
    samples
        Per sample its counts; the cells to write, indexed by barcode, with ``cell_id, x, y`` and
        any columns for ``obs``; and arrays with a row for each of these cells for ``obsm``, the
        same names in every sample.
    genes
        ``gene_id, gene`` of the file (``union_genes``).
    title
        Title of the data set.
    timepoints
        Of the study, in their order.

    Returns
    -------
    int
        Number of cells written.

    Notes
    -----
    ``X`` holds raw counts (float32), ``layers["log1p"]`` their ``scanpy.pp.log1p`` at 10,000 counts
    per cell, ``obsm["X_umap"]`` the display embedding; where the samples bring
    ``obsm["class_posterior"]``, its columns are the classes of ``uns["class_posterior_classes"]``,
    in that order. ``cell_class`` and ``timepoint`` are ordered categories (classes as in the
    contract), and each class has a colour, the same in every export. So ``sc.pl.umap(atlas,
    color=["cell_class", "GPC3"], gene_symbols="gene_symbol", layer="log1p")`` draws at once.
    """
    import anndata
    import scanpy as sc

    target = pd.Index(genes["gene_id"].astype(str))
    frames: list[pd.DataFrame] = []
    places: list[Mapping[str, npt.NDArray[Any]]] = []
    with _new_store(path) as (store, make):
        store.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        write = anndata.io.write_elem
        for name in ("varm", "obsp", "varp", "layers"):
            write(store, name, {})
        raw, logs = _Rows(store, "X", make), _Rows(store["layers"], "log1p", make)
        for counts, cells, obsm in samples:
            block = anndata.AnnData(_aligned(counts, cells, target))
            raw.append(block.X)
            sc.pp.normalize_total(block, target_sum=_TARGET)
            sc.pp.log1p(block)
            logs.append(block.X)
            frames.append(cells.reset_index(names="barcode"))
            places.append(obsm)
        raw.close(len(target), write)
        logs.close(len(target), write)
        obs = (
            pd.concat(frames, ignore_index=True).set_index("cell_id")
            if frames
            else pd.DataFrame({"x": [], "y": []})
        )
        obsm = {"X_umap": obs[["x", "y"]].to_numpy(dtype=np.float32)}
        for name in places[0] if places else ():
            obsm[name] = np.vstack([part[name] for part in places]).astype(np.float32)
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
        if POSTERIOR in obsm:
            uns[f"{POSTERIOR}_classes"] = np.array(CELL_CLASSES, dtype=object)
        orders = {**_ORDERS, "timepoint": timepoints}
        stored = _storable(obs.drop(columns=["x", "y"]).rename_axis(None), orders)
        if "cell_class" in stored:
            colours = dict(zip(CELL_CLASSES, sc.pl.palettes.default_20, strict=False))
            named = [colours[c] for c in stored["cell_class"].cat.categories]
            uns["cell_class_colors"] = np.array(named, dtype=object)
        for name, element in (("obs", stored), ("var", var), ("obsm", obsm), ("uns", uns)):
            write(store, name, element)
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


def _storable(obs: pd.DataFrame, orders: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Text as categories, which every reader of ``.h5ad`` knows, ordered where the order of all of
    them is given; a missing text stays missing.
    """
    out = obs.copy()
    for name in out.columns:
        if out[name].dtype == object:
            out[name] = pd.Categorical(
                out[name].map(lambda v: None if v is None or v != v else str(v))
            )
    for name, order in orders.items():
        present = set(out[name].cat.categories) if name in out else set()
        if present and present <= {*order}:
            there = [c for c in order if c in present]
            out[name] = out[name].cat.set_categories(there, ordered=True)
    return out
