"""Deliveries of one sample, each broken in its own way, with the words that the refusal must hold.
No assertions here."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from scipy import sparse

from hcc_assets_tests.cells.matrices import mtx_text, toy, write_h5, write_mex

Break = Callable[[Path], Path]


def _mex(**more: object) -> Break:
    return lambda folder: write_mex(folder, toy(120), **more)  # type: ignore[arg-type]


def _truncated(folder: Path) -> Path:
    write_mex(folder, toy(120))
    path = folder / "matrix.mtx.gz"
    path.write_bytes(path.read_bytes()[:-400])
    return folder


def _truncated_h5(folder: Path) -> Path:
    folder.mkdir(parents=True)
    path = write_h5(folder / "counts.h5", toy(120))
    path.write_bytes(path.read_bytes()[:-2000])
    return folder


def _values(change: Callable[[np.ndarray], np.ndarray], field: str = "real") -> Break:
    def make(folder: Path) -> Path:
        counts = sparse.csr_matrix(toy(120).X).astype(float)
        counts.data = change(counts.data)
        return write_mex(folder, toy(120), matrix=mtx_text(counts, field=field))

    return make


def _mouse(folder: Path) -> Path:
    a = toy(120)
    a.var["gene_id"] = [f"ENSMUSG{i:011d}" for i in range(a.n_vars)]
    a.var["gene"] = [g.capitalize() for g in a.var["gene"]]
    return write_mex(folder, a)


def _external_link(folder: Path) -> Path:
    folder.mkdir(parents=True)
    path = write_h5(folder / "counts.h5", toy(120))
    with h5py.File(path, "a") as file:
        del file["matrix/data"]
        file["matrix/data"] = h5py.ExternalLink("/etc/hostname", "/x")
    return folder


def _bomb(folder: Path) -> Path:
    write_mex(folder, toy(120))
    with gzip.open(folder / "barcodes.tsv.gz", "wb") as stream:
        for _ in range(300):
            stream.write(b"A" * 1_000_000)
    return folder


def _lying_header(folder: Path) -> Path:
    text = mtx_text(toy(120).X).split("\n")
    text[2] = "60 120 4000000000"
    return write_mex(folder, toy(120), matrix="\n".join(text))


def _mixed_versions(folder: Path) -> Path:
    write_mex(folder, toy(120))
    (folder / "genes.tsv").write_text("ENSG00000000003\tTSPAN6\n")
    return folder


def _fewer_barcodes(folder: Path) -> Path:
    a = toy(120)
    return write_mex(folder, a, barcodes="".join(b + "\n" for b in a.obs_names[:-3]))


def _link_out(folder: Path) -> Path:
    write_mex(folder, toy(120))
    (folder / "readme.txt").symlink_to("/etc/hostname")
    return folder


def _pipe(folder: Path) -> Path:
    write_mex(folder, toy(120))
    os.mkfifo(folder / "extra")
    return folder


def _wrong_manifest(folder: Path) -> Path:
    write_mex(folder, toy(120))
    (folder / "manifest.sha256").write_text(f"{hashlib.sha256(b'').hexdigest()}  matrix.mtx.gz\n")
    return folder


BROKEN: dict[str, tuple[Break, str]] = {
    "f06-manifest": (_wrong_manifest, "line 1"),
    "f07-gz": (_truncated, "matrix.mtx.gz"),
    "f07-h5": (_truncated_h5, "counts.h5"),
    "f30-log": (_values(np.log1p), ""),
    "f30-negative": (_values(lambda v: -v), ""),
    "f30-nan": (_values(lambda v: np.where(np.arange(len(v)) == 5, np.nan, v)), ""),
    "f31-barcodes": (_fewer_barcodes, ""),
    "f31-mixed": (_mixed_versions, ""),
    "f32-mouse": (_mouse, ""),
    "f33-empty": (lambda folder: write_mex(folder, toy(120)[:0]), ""),
    "f35-link": (_external_link, ""),
    "f35-bomb": (_bomb, ""),
    "f35-header": (_lying_header, ""),
    "f36-symlink": (_link_out, "link"),
    "f36-pipe": (_pipe, "no file"),
}
