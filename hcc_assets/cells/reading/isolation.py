"""Parsing of delivered matrices in a child process with limits on memory, time and network
(`confined`). What is parsed belongs to the readers.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse

from hcc_assets.cells.reading.decoded import Decoded
from hcc_assets.cells.reading.matrix_files import MatrixFiles, MatrixPart, find_matrix
from hcc_assets.cells.reading.refused import MatrixRefused
from hcc_assets.cells.reading.tenx import to_anndata
from hcc_assets.confined.child import run, why_ended
from hcc_assets.study.config import StudyConfig

if TYPE_CHECKING:
    from anndata import AnnData


LABEL_COLUMNS: Final = (
    "cell_class",
    "sample_id",
    "sample",
    "batch",
    "orig.ident",
    "subject_id",
    "subject",
    "patient",
    "patient_id",
    "donor",
    "donor_id",
)
"""Columns of obs that training the reference can use."""

_CHILD = "hcc_assets.cells.reading.parse_child"


def _load(folder: Path, files: str) -> Decoded:
    result = json.loads((folder / "result.json").read_text())
    if "refused" in result:
        code, message = result["refused"]
        raise MatrixRefused(str(code), str(message))
    data, indices, indptr = (
        np.load(folder / f"{n}.npy", allow_pickle=False) for n in ("data", "indices", "indptr")
    )
    barcodes, ids, symbols = (
        json.loads((folder / f"{n}.json").read_text()) for n in ("barcodes", "ids", "symbols")
    )
    counts = sparse.csr_matrix(
        (data, indices, indptr), shape=tuple(result["ok"]["shape"]), copy=False
    )
    if counts.shape != (len(barcodes), len(ids)) or len(ids) != len(symbols):
        raise MatrixRefused("reader_crashed", f"the reader of {files} gave an inconsistent result")
    counts.has_sorted_indices = True
    counts.has_canonical_format = True
    return Decoded(
        counts,
        barcodes,
        ids,
        symbols,
        result["ok"]["genome"],
        result["ok"]["source"],
        result["ok"]["obs"],
    )


def _ended(name: str, code: int | None, timeout_s: float) -> MatrixRefused:
    if code is None:
        return MatrixRefused("timeout", f"the matrix was not read within {timeout_s:g} seconds")
    reason = why_ended(code)
    if reason == "timeout":
        return MatrixRefused(
            "timeout", f"{name} was not read within {timeout_s:g} seconds of processor time"
        )
    if reason == "too_large":
        return MatrixRefused(
            "too_large",
            f"the reader of {name} was ended: it needs more memory than one sample may take",
        )
    return MatrixRefused(
        "reader_crashed", f"the reader of {name} ended without a result; the file may be damaged"
    )


def _decode_isolated(
    part: MatrixPart,
    genome: str | None,
    columns: tuple[str, ...],
    memory_mb: int,
    timeout_s: float,
    scratch: Path | None = None,
) -> Decoded:
    name = part.matrix.name
    with tempfile.TemporaryDirectory(prefix="hcc-parse-", dir=scratch) as folder:
        job = {
            "kind": part.kind,
            "matrix": str(part.matrix.resolve()),
            "barcodes": str(part.barcodes.resolve()) if part.barcodes else None,
            "features": str(part.features.resolve()) if part.features else None,
            "part_genome": part.genome,
            "genome": genome,
            "columns": list(columns),
            "out": folder,
            "memory_mb": memory_mb,
            "cpu_s": max(1, int(timeout_s)),
        }
        code = run(_CHILD, job, folder=folder, timeout_s=timeout_s)
        if code != 0 or not (Path(folder) / "result.json").exists():
            raise _ended(name, code, timeout_s)
        return _load(Path(folder), name)


def read_counts_isolated(
    files: MatrixFiles,
    genome: str | None = None,
    *,
    raw: bool = False,
    memory_mb: int = 4096,
    timeout_s: float = 600,
    scratch: Path | None = None,
) -> AnnData:
    """`tenx.read_counts` in a child process that cannot take more than its share.

    Parameters
    ----------
    memory_mb
        Limit on the child's data segment, and on each file it writes.
    timeout_s
        Limit on wall time; processor time is limited to the same.
    scratch
        Folder for the handed-over arrays; the system's temporary folder when not given.

    Raises
    ------
    MatrixRefused
        As `read_counts`, and ``timeout, too_large, reader_crashed`` where the child had to be ended
        or ended itself.
    """
    return to_anndata(
        _decode_isolated(files.part(raw=raw), genome, (), memory_mb, timeout_s, scratch), raw=raw
    )


def read_labelled(
    path: Path | str,
    columns: tuple[str, ...] = LABEL_COLUMNS,
    *,
    root: Path | str | None = None,
    memory_mb: int = 8192,
    timeout_s: float = 1200,
) -> AnnData:
    """A labelled reference (``.h5ad`` of raw counts), parsed in a child process like any delivery.

    Returns
    -------
    anndata.AnnData
        As `read_counts_isolated`, with those of ``columns`` that the file has in ``obs``, as text,
        None where empty; cells that share a name are numbered.

    Raises
    ------
    MatrixRefused
        As `read_counts_isolated`.
    """
    decoded = _decode_isolated(
        find_matrix(path, root=root).part(), None, columns, memory_mb, timeout_s
    )
    counts = to_anndata(decoded, raw=True)
    for name, values in decoded.obs.items():
        counts.obs[name] = np.array([v or None for v in values], dtype=object)
    return counts


def read_sample(
    files: MatrixFiles,
    genome: str | None,
    config: StudyConfig,
    *,
    memory_mb: int = 4096,
    timeout_s: float = 600,
) -> AnnData:
    """The cells of one delivery, whatever it holds: filtered, filtered and raw, or raw alone. All
    parsing is isolated.

    Returns
    -------
    anndata.AnnData
        As `read_counts_isolated`. Where a raw matrix was delivered, ``var["empty_umi"]`` has the
        summed counts of its droplets below 100 UMI (the ambient profile), and ``uns["n_barcodes"]``
        the barcodes that were read. From a raw matrix alone, ``obs["evidence"]`` says why a droplet
        is a cell.

    Raises
    ------
    MatrixRefused
        As `read_counts_isolated`; ``no_cells`` where a raw matrix has none.
    """
    from hcc_assets.cells.reading.cell_calling import ambient_counts, call_cells

    if files.raw is None:
        counts = read_counts_isolated(files, genome, memory_mb=memory_mb, timeout_s=timeout_s)
        counts.uns["n_barcodes"] = counts.n_obs
        return counts
    raw = read_counts_isolated(files, genome, raw=True, memory_mb=memory_mb, timeout_s=timeout_s)
    empty = ambient_counts(raw)
    if files.filtered is not None:
        counts = read_counts_isolated(files, genome, memory_mb=memory_mb, timeout_s=timeout_s)
        counts.uns["n_barcodes"] = counts.n_obs
    else:
        calls = call_cells(raw, config)
        if not calls["is_cell"].any():
            raise MatrixRefused(
                "no_cells", "the raw matrix has no droplet that stands out from the ambient RNA"
            )
        counts = raw[calls["is_cell"].to_numpy()].copy()
        counts.obs["evidence"] = calls.loc[calls["is_cell"], "evidence"].to_numpy()
        counts.uns["n_barcodes"] = raw.n_obs
    by_gene = dict(zip(raw.var_names, empty, strict=True))
    counts.var["empty_umi"] = [int(by_gene.get(g, 0)) for g in counts.var_names]
    return counts
