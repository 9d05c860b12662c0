"""Readers of 10x ``.h5`` (both versions) and of ``.h5ad`` with raw counts, by h5py alone. Files are
walked by ``hostile`` first.

anndata is not used: it follows external links and decodes far more than counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
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
from hcc_assets.cells.reading.hostile import open_h5
from hcc_assets.cells.reading.matrix_files import MatrixPart
from hcc_assets.cells.reading.refused import MatrixRefused, pick_genome

_DENSE_LIMIT = 2_000_000_000


def _dataset(group: Any, name: str, where: str) -> Any:
    item = group.get(name)
    if not isinstance(item, h5py.Dataset):
        raise MatrixRefused("not_a_matrix", f"{where} lacks the data set {name}")
    return item


def _texts(dataset: Any, where: str) -> list[str]:
    if dataset.ndim != 1:
        raise MatrixRefused("not_a_matrix", f"{where}: a list of names has more than one dimension")
    values = dataset[()]
    if values.dtype.kind in "iu":
        return [str(v) for v in values.tolist()]
    out = []
    for value in values.tolist():
        if isinstance(value, bytes):
            try:
                value = value.decode("utf-8")
            except UnicodeDecodeError:
                raise MatrixRefused("bad_text", f"{where} has a name that is not UTF-8") from None
        if not isinstance(value, str):
            raise MatrixRefused("bad_text", f"{where} has a name that is no text")
        out.append(value.rstrip("\0"))
    return out


def _compressed(
    group: Any, shape: tuple[int, int], where: str, *, by_column: bool = False
) -> sparse.csr_matrix:
    """A CSR matrix of ``shape`` from ``data, indices, indptr``; with ``by_column`` the arrays are
    those of its CSC form.
    """
    data, indices, indptr = (_dataset(group, n, where) for n in ("data", "indices", "indptr"))
    if (
        any(d.ndim != 1 for d in (data, indices, indptr))
        or indices.dtype.kind not in "iu"
        or indptr.dtype.kind not in "iu"
    ):
        raise MatrixRefused(
            "not_a_matrix", f"{where}: data, indices and indptr are not lists of numbers"
        )
    major, minor = (shape[1], shape[0]) if by_column else shape
    if len(indptr) != major + 1 or len(indices) != len(data):
        raise MatrixRefused(
            "dimensions", f"{where}: data, indices and indptr do not fit the claimed size"
        )
    check_shape(shape[0], shape[1], len(data), where)
    pointer = indptr[()].astype(np.int64)
    if pointer[0] != 0 or pointer[-1] != len(data) or (np.diff(pointer) < 0).any():
        raise MatrixRefused("dimensions", f"{where}: indptr does not fit the data")
    index = indices[()]
    if index.size and (index.min() < 0 or index.max() >= minor):
        raise MatrixRefused("dimensions", f"{where} has an entry outside its claimed size")
    values = as_counts(data[()], where)
    width: Any = np.int32 if len(data) < 2**31 else np.int64
    kind = sparse.csc_matrix if by_column else sparse.csr_matrix
    matrix = kind((values, index.astype(np.int32, copy=False), pointer.astype(width)), shape=shape)
    matrix.sort_indices()
    same = np.diff(matrix.indices) == 0
    if same.size:
        ends = matrix.indptr[1:-1]
        ends = ends[(ends > 0) & (ends < matrix.nnz)]
        same[ends - 1] = False
        if same.any():
            raise MatrixRefused(
                "duplicate_entries", f"{where} gives {int(same.sum())} entries twice"
            )
    return matrix.tocsr()


def _guarded(part: MatrixPart, reader: Callable[[Any], Decoded]) -> Decoded:
    file = open_h5(part.matrix)
    try:
        return reader(file)
    except MatrixRefused:
        raise
    except MemoryError:
        raise MatrixRefused(
            "too_large", f"{part.matrix.name} needs more memory than a sample may take"
        ) from None
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, IndexError, OverflowError):
        raise MatrixRefused(
            "damaged", f"{part.matrix.name} is damaged inside or cut off; send it again"
        ) from None
    finally:
        file.close()


def read_10x_h5(part: MatrixPart, genome: str | None = None) -> Decoded:
    """Decode a Cell Ranger ``.h5`` of version 2 (one group per genome) or 3 (group ``matrix``).

    Raises
    ------
    MatrixRefused
        ``several_genomes`` and ``wrong_genome`` list the genomes that are there; else as
        `read_mex`.
    """
    where = part.matrix.name

    def reader(file: Any) -> Decoded:
        if isinstance(file.get("matrix"), h5py.Group):
            group = file["matrix"]
            table = group.get("features")
            if not isinstance(table, h5py.Group):
                raise MatrixRefused("not_a_matrix", f"{where} lacks the group matrix/features")
            names = [
                _texts(_dataset(table, n, where), where) for n in ("id", "name", "feature_type")
            ]
            ids, symbols, types = names[0], names[1], names[2]
            genomes: list[str | None] = (
                list(_texts(table["genome"], where))
                if isinstance(table.get("genome"), h5py.Dataset)
                else [None] * len(ids)
            )
        else:
            groups = sorted(
                k
                for k in file
                if isinstance(file[k], h5py.Group)
                and isinstance(file[k].get("genes"), h5py.Dataset)
            )
            if not groups:
                raise MatrixRefused(
                    "not_a_matrix",
                    f"{where} is no Cell Ranger matrix: it has neither a group matrix nor one per "
                    "genome",
                )
            if genome is None and len(groups) > 1:
                raise MatrixRefused(
                    "several_genomes",
                    f"{where} has several genomes ({', '.join(groups)}): name one in the genome "
                    "column",
                )
            chosen_group = groups[0] if genome is None else pick_genome(genome, groups)
            if chosen_group is None:
                raise MatrixRefused(
                    "wrong_genome",
                    f"{where}: genome {genome} was asked for; the delivery has {', '.join(groups)}",
                )
            group = file[chosen_group]
            ids, symbols = (
                _texts(_dataset(group, "genes", where), where),
                _texts(_dataset(group, "gene_names", where), where),
            )
            types, genomes = ["Gene Expression"] * len(ids), [chosen_group] * len(ids)
        barcodes = _texts(_dataset(group, "barcodes", where), where)
        shape = [int(n) for n in _dataset(group, "shape", where)[()].ravel()]
        if len(shape) != 2:
            raise MatrixRefused("not_a_matrix", f"{where}: shape is not two numbers")
        rows, cols = shape
        if len(ids) == cols and len(barcodes) == rows and rows != cols:
            raise MatrixRefused(
                "transposed",
                f"{where} has a row per barcode and a column per gene; Cell Ranger writes the "
                "reverse",
            )
        if (
            not (len(ids) == len(symbols) == len(types) == len(genomes) == rows)
            or len(barcodes) != cols
        ):
            raise MatrixRefused(
                "dimensions",
                f"{where}: {len(ids)} genes and {len(barcodes)} barcodes do not fit the matrix of "
                f"{rows} x {cols}",
            )
        check_barcodes(barcodes, where)
        check_features(ids, symbols, where)
        keep, ids, symbols, chosen = choose_features(ids, symbols, types, genomes, genome, where)
        matrix = _compressed(group, (cols, rows), where)
        if not keep.all():
            matrix = matrix[:, np.flatnonzero(keep)]
            ids, symbols = (
                [t for t, k in zip(texts, keep, strict=True) if k] for texts in (ids, symbols)
            )
        return canonical(matrix, barcodes, ids, symbols, genome=chosen)

    return _guarded(part, reader)


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
        categories, codes = _texts(item["categories"], where), item["codes"][()]
        return [categories[c] if 0 <= c < len(categories) else "" for c in codes.tolist()]
    if isinstance(item, h5py.Group) and isinstance(item.get("values"), h5py.Dataset):
        item = item["values"]
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "OSUiu":
        return None
    old = group.get("__categories")
    if isinstance(old, h5py.Group) and isinstance(old.get(name), h5py.Dataset):
        categories = _texts(old[name], where)
        return [categories[c] if 0 <= c < len(categories) else "" for c in item[()].tolist()]
    return _texts(item, where)


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
        blocks: list[npt.NDArray[Any] | sparse.csr_matrix] = []
        step = max(1, 50_000_000 // max(1, shape[1]))
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
    return _compressed(item, shape, where, by_column=encoding.startswith("csc"))


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
        texts = {
            name: found for name in columns if (found := _column(obs, name, where)) is not None
        }
        if any(len(found) != len(barcodes) for found in texts.values()):
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
            return canonical(matrix, barcodes, ids, symbols, texts, genome=chosen, source=name)
        if first is None:
            raise MatrixRefused("not_a_matrix", f"{where} has no X")
        raise first

    return _guarded(part, reader)


def decode(
    part: MatrixPart, genome: str | None = None, *, columns: tuple[str, ...] = ()
) -> Decoded:
    """Decode a matrix of any kind; see the readers. ``columns`` of obs need an ``.h5ad``."""
    from hcc_assets.cells.reading.mex import read_mex

    if columns:
        if part.kind != "h5ad":
            raise MatrixRefused(
                "not_a_matrix",
                f"{part.matrix.name} carries no labels; a labelled reference is an .h5ad",
            )
        return read_h5ad(part, genome, columns=columns)
    return {"mex_v3": read_mex, "mex_v2": read_mex, "h5": read_10x_h5, "h5ad": read_h5ad}[
        part.kind
    ](part, genome)
