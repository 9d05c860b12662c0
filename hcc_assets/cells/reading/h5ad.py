"""Reader of ``.h5ad`` files with raw counts, wherever in the file these are."""

from __future__ import annotations

from typing import Any, Final

import h5py
import numpy as np
from scipy import sparse

from hcc_assets.cells.reading.decoded import (
    Decoded,
    as_counts,
    canonical,
    check_barcodes,
    check_features,
    check_shape,
    choose_features,
)
from hcc_assets.cells.reading.hdf5 import compressed, guarded, texts
from hcc_assets.cells.reading.matrix_files import MatrixPart
from hcc_assets.cells.reading.refused import MatrixRefused

_DENSE_LIMIT: Final = 2_000_000_000
"""Values of a dense matrix, at most: own choice, 8 GB of float32, twice what the child may hold."""
_BLOCK_VALUES: Final = 50_000_000
"""Values of a dense matrix that are decoded at a time: own choice, 200 MB of float32."""


def _index(group: Any, where: str) -> list[str]:
    name = group.attrs.get("_index", "_index")
    name = name.decode() if isinstance(name, bytes) else str(name)
    return _column(group, name, where) or []


def _column(group: Any, name: str, where: str) -> list[str] | None:
    """A text column of obs or var: plain, categorical, or absent (None)."""
    item = group.get(name)
    if (
        isinstance(item, h5py.Group)
        and isinstance(item.get("codes"), h5py.Dataset)
        and isinstance(item.get("categories"), h5py.Dataset)
    ):
        categories, codes = texts(item["categories"], where), item["codes"][()]
        return [categories[c] if 0 <= c < len(categories) else "" for c in codes.tolist()]
    if isinstance(item, h5py.Group) and isinstance(item.get("values"), h5py.Dataset):
        item = item["values"]
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "OSUiu":
        return None
    old = group.get("__categories")
    if isinstance(old, h5py.Group) and isinstance(old.get(name), h5py.Dataset):
        categories = texts(old[name], where)
        return [categories[c] if 0 <= c < len(categories) else "" for c in item[()].tolist()]
    return texts(item, where)


def _counts_of(item: Any, shape: tuple[int, int], where: str) -> sparse.csr_matrix:
    """CSR counts from an anndata matrix: csr, csc or dense."""
    if isinstance(item, h5py.Dataset):
        if item.ndim != 2 or tuple(item.shape) != shape:
            raise MatrixRefused("dimensions", f"{where} does not fit the number of cells and genes")
        check_shape(shape[0], shape[1], shape[0] * shape[1], where)
        if shape[0] * shape[1] > _DENSE_LIMIT:
            raise MatrixRefused(
                "too_large", f"{where} is a dense matrix of too many values; store it sparse"
            )
        blocks = []
        step = max(1, _BLOCK_VALUES // max(1, shape[1]))
        for first in range(0, shape[0], step):
            blocks.append(sparse.csr_matrix(as_counts(item[first : first + step], where)))
        return sparse.vstack(blocks, format="csr")
    encoding = item.attrs.get("encoding-type", item.attrs.get("h5sparse_format", b""))
    encoding = encoding.decode() if isinstance(encoding, bytes) else str(encoding)
    claimed = item.attrs.get("shape", item.attrs.get("h5sparse_shape"))
    if claimed is None or tuple(int(n) for n in np.asarray(claimed).ravel()) != shape:
        raise MatrixRefused("dimensions", f"{where} does not fit the number of cells and genes")
    if not encoding.startswith(("csr", "csc")):
        raise MatrixRefused(
            "not_a_matrix", f"{where} is stored in a way that is not known; store it as csr_matrix"
        )
    return compressed(item, shape, where, by_column=encoding.startswith("csc"))


def _feature_columns(
    var: Any, where: str
) -> tuple[list[str], list[str], list[str] | None, list[str | None]]:
    index = _index(var, where)
    ids, symbols = index, index
    for name in ("gene_ids", "gene_id", "ensembl_id", "feature_id"):
        found = _column(var, name, where)
        if found is not None and len(found) == len(index) and all(found):
            ids = found
            break
    for name in ("gene_symbols", "gene", "gene_name", "gene_names", "feature_name", "symbol"):
        found = _column(var, name, where)
        if found is not None and len(found) == len(index):
            symbols = [f or i for f, i in zip(found, index, strict=True)]
            break
    types = _column(var, "feature_types", where)
    genomes = _column(var, "genome", where)
    return (
        ids,
        symbols,
        types if types and len(types) == len(index) else None,
        list(genomes) if genomes and len(genomes) == len(index) else [None] * len(index),
    )


def _distinct(names: list[str]) -> list[str]:
    """Names made distinct by a running number: a labelled reference may be merged from samples that
    share barcodes.
    """
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return out


def read_h5ad(
    part: MatrixPart, genome: str | None = None, *, columns: tuple[str, ...] = ()
) -> Decoded:
    """Decode the raw counts of an ``.h5ad``: ``layers/counts`` (or ``raw_counts``) where whole
    numbers, else ``X``, else ``raw/X``.

    Parameters
    ----------
    columns
        Text columns of obs to bring along where they are there; with any, cells may share a
        barcode.

    Raises
    ------
    MatrixRefused
        ``looks_log_normalised`` or ``not_counts`` where none of them is counts; the reason is that
        of ``X``.
    """
    where = part.matrix.name

    def reader(file: Any) -> Decoded:
        obs, var = file.get("obs"), file.get("var")
        if not isinstance(obs, h5py.Group) or not isinstance(var, h5py.Group):
            raise MatrixRefused(
                "not_a_matrix",
                f"{where} is no .h5ad: obs or var is missing (or written by an anndata older than "
                "0.7)",
            )
        barcodes = _distinct(_index(obs, where)) if columns else _index(obs, where)
        labels = {
            name: found for name in columns if (found := _column(obs, name, where)) is not None
        }
        if any(len(found) != len(barcodes) for found in labels.values()):
            raise MatrixRefused(
                "dimensions", f"{where}: a column of obs does not fit the number of cells"
            )
        check_barcodes(barcodes, where)
        candidates = [
            ("X", var),
            ("layers/counts", var),
            ("layers/raw_counts", var),
            ("layers/raw", var),
        ]
        if isinstance(file.get("raw"), h5py.Group) and isinstance(
            file["raw"].get("var"), h5py.Group
        ):
            candidates.append(("raw/X", file["raw"]["var"]))
        candidates = [(n, v) for n, v in candidates if n in file]
        if not candidates:
            raise MatrixRefused("not_a_matrix", f"{where} has no X")
        first: MatrixRefused | None = None
        for name, table in candidates:
            ids, symbols, types, genomes = _feature_columns(table, where)
            check_features(ids, symbols, where)
            try:
                matrix = _counts_of(file[name], (len(barcodes), len(ids)), f"{where}, {name},")
            except MatrixRefused as refused:
                if refused.code not in ("looks_log_normalised", "not_counts", "negative", "nan"):
                    raise
                first = first or refused
                continue
            keep, ids, symbols, chosen = choose_features(
                ids, symbols, types, genomes, genome, where
            )
            if not keep.all():
                matrix = matrix[:, np.flatnonzero(keep)]
                ids, symbols = (
                    [t for t, k in zip(names, keep, strict=True) if k] for names in (ids, symbols)
                )
            return canonical(matrix, barcodes, ids, symbols, labels, genome=chosen, source=name)
        if first is None:
            raise MatrixRefused("not_a_matrix", f"{where} has no X")
        raise first

    return guarded(part, reader)
