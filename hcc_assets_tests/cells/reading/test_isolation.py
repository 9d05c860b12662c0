"""Hostile files: refused by name before anything is allocated, or ended in the child."""

from __future__ import annotations

import gzip

import h5py
import numpy as np
import pytest

from hcc_assets.cells.reading.isolation import read_counts_isolated
from hcc_assets.cells.reading.tenx import MatrixRefused, find_matrix, read_counts
from hcc_assets_tests.cells.matrices import mtx_text, toy, write_h5, write_mex


def refused(path, **limits) -> str:
    with pytest.raises(MatrixRefused) as caught:
        read_counts_isolated(find_matrix(path), **limits)
    return caught.value.code


def test_external_links_and_foreign_storage(tmp_path):
    a = toy()
    secret = write_h5(tmp_path / "secret.h5", a)
    path = write_h5(tmp_path / "link.h5", a)
    with h5py.File(path, "a") as file:
        del file["matrix/data"]
        file["matrix/data"] = h5py.ExternalLink(str(secret), "matrix/data")
    assert refused(path) == "external_link"
    path = write_h5(tmp_path / "soft.h5", a)
    with h5py.File(path, "a") as file:
        file["matrix/again"] = h5py.SoftLink("/matrix/data")
    assert refused(path) == "soft_link"
    path = write_h5(tmp_path / "virtual.h5", a)
    with h5py.File(path, "a") as file:
        n = len(file["matrix/data"])
        del file["matrix/data"]
        layout = h5py.VirtualLayout(shape=(n,), dtype="i4")
        layout[:] = h5py.VirtualSource(str(secret), "matrix/data", shape=(n,))
        file["matrix"].create_virtual_dataset("data", layout)
    assert refused(path) == "virtual_dataset"
    path = write_h5(tmp_path / "external.h5", a)
    with h5py.File(path, "a") as file:
        del file["matrix/data"]
        file["matrix"].create_dataset(
            "data",
            shape=(n,),
            dtype="i4",
            external=[(str(tmp_path / "other"), 0, h5py.h5f.UNLIMITED)],
        )
    assert refused(path) == "external_link"


def test_h5ad_is_walked_too(tmp_path):
    a = toy()
    a.write_h5ad(tmp_path / "m.h5ad")
    with h5py.File(tmp_path / "m.h5ad", "a") as file:
        file["uns"]["notes"] = h5py.ExternalLink("/etc/hostname", "/")
    assert refused(tmp_path / "m.h5ad") == "external_link"


def test_unknown_filter(tmp_path):
    path = write_h5(tmp_path / "m.h5", toy())
    with h5py.File(path, "a") as file:
        space = h5py.h5s.create_simple((100,))
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((10,))
        plist.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (3,))
        h5py.h5d.create(file["matrix"].id, b"packed", h5py.h5t.NATIVE_INT32, space, plist)
    assert refused(path) == "unknown_filter"


def test_headers_that_lie(tmp_path):
    a = toy()
    head = "%%MatrixMarket matrix coordinate integer general\n%\n"
    assert (
        refused(
            write_mex(tmp_path / "a", a, matrix=head + f"{a.n_vars} {a.n_obs} 4000000000\n1 1 1\n")
        )
        == "lying_header"
    )
    assert (
        refused(write_mex(tmp_path / "b", a, matrix=head + "400000 9000000 1400000000\n1 1 1\n"))
        == "lying_header"
    )
    assert (
        refused(write_mex(tmp_path / "c", a, matrix=head + "99999999999 99999999999 5\n1 1 1\n"))
        == "lying_header"
    )
    path = write_h5(tmp_path / "m.h5", a)
    with h5py.File(path, "a") as file:
        del file["matrix/data"]
        file["matrix"].create_dataset(
            "data", shape=(4_000_000_000,), dtype="i4", chunks=(1_000_000,), compression="gzip"
        )
    assert refused(path) == "lying_header"


def test_gzip_bomb(tmp_path):
    a = toy()
    bomb = gzip.compress(mtx_text(a.X).encode() + b"\n" * 48_000_000, 9)
    folder = write_mex(tmp_path / "a", a)
    (folder / "matrix.mtx.gz").write_bytes(bomb)
    assert refused(folder, memory_mb=600) in ("bomb", "dimensions", "damaged")
    folder = write_mex(tmp_path / "b", a)
    (folder / "barcodes.tsv.gz").write_bytes(gzip.compress(b"A" * 48_000_000, 9))
    assert refused(folder, memory_mb=600) == "bomb"


def test_limits_end_the_child(tmp_path):
    a = toy()
    a.X = a.X.astype(np.int32)
    files = write_mex(tmp_path / "m", a)
    assert refused(files, timeout_s=0.05) == "timeout"
    big = toy(2, 3)
    counts = np.ones((1500, 20000), dtype=np.int32)
    with h5py.File(tmp_path / "dense.h5ad", "w") as file:
        file.create_dataset("X", data=counts, compression="gzip", chunks=(100, 20000))
        for name, n in (("obs", 1500), ("var", 20000)):
            group = file.create_group(name)
            group.attrs["_index"] = "_index"
            group["_index"] = np.array([f"x{k}" for k in range(n)], dtype="S")
    assert big.n_obs == 2
    assert refused(tmp_path / "dense.h5ad", memory_mb=150) == "too_large"


def test_links_that_leave_the_delivery(tmp_path):
    a = toy()
    outside = write_mex(tmp_path / "outside", a)
    folder = write_mex(tmp_path / "in" / "m", a)
    (folder / "matrix.mtx.gz").unlink()
    (folder / "matrix.mtx.gz").symlink_to(outside / "matrix.mtx.gz")
    assert refused(folder) == "symlink"
    (tmp_path / "in" / "linked").symlink_to(outside)
    with pytest.raises(MatrixRefused) as caught:
        find_matrix(tmp_path / "in" / "linked", root=tmp_path / "in")
    assert caught.value.code == "symlink"
    (tmp_path / "in" / "loop").symlink_to("loop")
    with pytest.raises(MatrixRefused):
        find_matrix(tmp_path / "in" / "loop")
    (tmp_path / "in" / "inside").symlink_to("m")
    with pytest.raises(MatrixRefused):
        find_matrix(tmp_path / "in" / ".." / "outside", root=tmp_path / "in")


def test_texts_of_refusals_hold_no_barcode(tmp_path):
    a = toy()
    b = a.copy()
    b.obs_names = ["SECRET-CANARY-1"] * a.n_obs
    for reader in (read_counts, read_counts_isolated):
        with pytest.raises(MatrixRefused) as caught:
            reader(find_matrix(write_mex(tmp_path / reader.__name__, b)))
        assert "CANARY" not in str(caught.value)
