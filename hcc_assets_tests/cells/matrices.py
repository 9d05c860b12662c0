"""Small matrices on disk in every layout, good and bad, for the tests of the readers."""

from __future__ import annotations

import gzip
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse

from hcc_assets.study.genes import gene_table

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"


def shared(*parts: str) -> Path:
    """A file of the shared data, or a skip with the reason."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"shared data are not beside this checkout: {'/'.join(parts)}")
    return path


def toy(n_cells: int = 30, n_genes: int = 60, seed: int = 0) -> AnnData:
    """Random counts over real genes, in canonical order."""
    rng = np.random.default_rng(seed)
    table = (
        gene_table()
        .query("chromosome in ['1', '2', 'MT']")
        .drop_duplicates("gene")
        .head(n_genes)
        .sort_values("gene_id")
    )
    counts = sparse.csr_matrix(rng.poisson(0.8, (n_cells, n_genes)).astype(np.int32))
    barcodes = sorted("".join(rng.choice(list("ACGT"), 16)) + "-1" for _ in range(n_cells))
    var = pd.DataFrame(
        {"gene_id": table["gene_id"].to_numpy(), "gene": table["gene"].to_numpy()},
        index=pd.Index(table["gene_id"], dtype=object),
    )
    return AnnData(counts, obs=pd.DataFrame(index=pd.Index(barcodes, dtype=object)), var=var)


def _write(path: Path, text: str) -> None:
    if path.suffix == ".gz":
        with path.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as stream:
            stream.write(text.encode())
    else:
        path.write_text(text)


def mtx_text(
    counts: sparse.spmatrix, *, field: str = "integer", order: np.ndarray | None = None
) -> str:
    """Genes x cells in MatrixMarket, cell by cell."""
    coo = sparse.csr_matrix(counts).tocoo()
    lines = [f"{g + 1} {c + 1} {v:g}" for c, g, v in zip(coo.row, coo.col, coo.data, strict=True)]
    if order is not None:
        lines = [lines[i] for i in order]
    size = f"{counts.shape[1]} {counts.shape[0]} {len(lines)}"
    head = f"%%MatrixMarket matrix coordinate {field} general\n%\n{size}\n"
    return head + "".join(line + "\n" for line in lines)


def write_mex(
    folder: Path,
    a: AnnData,
    *,
    version: int = 3,
    packed: bool = True,
    types: list[str] | None = None,
    **more: str,
) -> Path:
    """A Cell Ranger folder. ``more`` replaces the text of ``matrix, barcodes`` or ``features``."""
    folder.mkdir(parents=True, exist_ok=True)
    end = ".gz" if packed else ""
    kinds = types or ["Gene Expression"] * a.n_vars
    rows = zip(a.var["gene_id"], a.var["gene"], kinds, strict=True)
    table = "".join("\t".join(r if version == 3 else r[:2]) + "\n" for r in rows)
    _write(folder / f"matrix.mtx{end}", more.get("matrix", mtx_text(a.X)))
    _write(
        folder / f"barcodes.tsv{end}", more.get("barcodes", "".join(b + "\n" for b in a.obs_names))
    )
    _write(
        folder / f"{'features' if version == 3 else 'genes'}.tsv{end}", more.get("features", table)
    )
    return folder


def write_h5(path: Path, a: AnnData, *, genome: str = "GRCh38", extra: str | None = None) -> Path:
    """A Cell Ranger v3 ``.h5``; ``extra`` makes the second half of the genes those of another
    genome.
    """
    counts = sparse.csr_matrix(a.X)
    genomes = [genome if extra is None or i < a.n_vars // 2 else extra for i in range(a.n_vars)]
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        group["barcodes"] = np.array(list(a.obs_names), dtype="S")
        group.create_dataset("data", data=counts.data.astype(np.int32), compression="gzip")
        group.create_dataset("indices", data=counts.indices.astype(np.int64), compression="gzip")
        group.create_dataset("indptr", data=counts.indptr.astype(np.int64), compression="gzip")
        group["shape"] = np.array([a.n_vars, a.n_obs], dtype=np.int32)
        table = group.create_group("features")
        for name, values in (
            ("id", a.var["gene_id"]),
            ("name", a.var["gene"]),
            ("feature_type", ["Gene Expression"] * a.n_vars),
            ("genome", genomes),
        ):
            table[name] = np.array(list(values), dtype="S")
    return path
