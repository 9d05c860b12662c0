"""Writes simulated counts as Cell Ranger v3 folders, byte for byte the same from the same counts.

Reading belongs to ``cells.tenx``.
"""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp


def _write_gz(path: Path, content: bytes) -> None:
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=1, mtime=0) as packed,
    ):
        packed.write(content)


def write_mex(
    folder: Path, counts: sp.csr_matrix, barcodes: npt.NDArray[np.object_], genes: pd.DataFrame
) -> None:
    """Write ``matrix.mtx.gz, barcodes.tsv.gz, features.tsv.gz``.

    Parameters
    ----------
    folder
        Made where it is missing.
    counts
        Cells x genes; written genes x cells, as Cell Ranger does.
    barcodes
        Names of the cells.
    genes
        ``gene_id, gene`` of the columns.
    """
    from scipy.io import mmwrite

    folder.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO()
    mmwrite(stream, sp.csc_matrix(counts.T), field="integer", symmetry="general")
    _write_gz(folder / "matrix.mtx.gz", stream.getvalue())
    _write_gz(folder / "barcodes.tsv.gz", ("\n".join(barcodes) + "\n").encode())
    lines = (
        f"{i}\t{g}\tGene Expression\n" for i, g in zip(genes["gene_id"], genes["gene"], strict=True)
    )
    _write_gz(folder / "features.tsv.gz", "".join(lines).encode())
