"""Matrices that must not be read: each with its rule, and no value of the data in the text."""

from __future__ import annotations

import contextlib
import gzip

import h5py
import numpy as np
import pytest

from hcc_assets.cells.reading.tenx import MatrixRefused, find_matrix, read_counts
from hcc_assets_tests.cells.matrices import mtx_text, toy, write_h5, write_mex


def code(path, genome=None) -> str:
    with pytest.raises(MatrixRefused) as caught:
        read_counts(find_matrix(path, genome), genome)
    assert "ACGT" not in str(caught.value) and len(str(caught.value)) < 300
    return caught.value.code


def altered(text: str, old: str, new: str) -> str:
    lines = text.split("\n")
    lines[5] = lines[5].rsplit(" ", 1)[0] + " " + new if old == "value" else lines[5]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("value", "field", "expected"),
    [
        ("-3", "integer", "negative"),
        ("nan", "real", "nan"),
        ("inf", "real", "nan"),
        ("0.6931", "real", "looks_log_normalised"),
        ("9999999999", "integer", "overflow"),
        ("99999999999999999999999", "integer", "overflow"),
        ("abc", "integer", "damaged"),
    ],
)
def test_values_that_are_no_counts(tmp_path, value, field, expected):
    a = toy()
    assert (
        code(
            write_mex(tmp_path / "m", a, matrix=altered(mtx_text(a.X, field=field), "value", value))
        )
        == expected
    )


def test_large_fractions_are_not_called_log(tmp_path):
    a = toy()
    text = altered(altered(mtx_text(a.X, field="real"), "value", "1.5"), "value", "812.25")
    assert code(write_mex(tmp_path / "m", a, matrix=text)) == "not_counts"


def test_sizes_that_disagree(tmp_path):
    a = toy()
    names = "".join(b + "\n" for b in a.obs_names)
    assert code(write_mex(tmp_path / "a", a, barcodes=names + "AAAA-1\n")) == "dimensions"
    table = "".join(
        f"{i}\t{g}\tGene Expression\n" for i, g in zip(a.var["gene_id"], a.var["gene"], strict=True)
    )
    assert code(write_mex(tmp_path / "b", a, features=table.split("\n", 1)[1])) == "dimensions"
    assert code(write_mex(tmp_path / "c", a, matrix=mtx_text(a.X) + "1 1 1\n")) in (
        "damaged",
        "dimensions",
    )
    assert code(write_mex(tmp_path / "d", a, matrix=mtx_text(a.X).rsplit("\n", 3)[0] + "\n")) in (
        "truncated",
        "damaged",
    )
    assert (
        code(
            write_mex(
                tmp_path / "e",
                a,
                matrix=altered(mtx_text(a.X), "", ""),
                barcodes=names.replace("\n", "\nX\n", 1),
            )
        )
        == "dimensions"
    )


def test_transposed(tmp_path):
    a = toy()
    assert code(write_mex(tmp_path / "a", a, matrix=mtx_text(a.X.T.tocsr()))) == "transposed"
    square = toy(40, 40)
    b = square.T.copy()
    b.var["gene_id"], b.var["gene"] = list(square.obs_names), list(square.obs_names)
    with pytest.raises(MatrixRefused) as caught:
        read_counts(find_matrix(write_mex(tmp_path / "b", b)))
    assert caught.value.code == "transposed"
    write_h5(tmp_path / "m.h5", a)
    with h5py.File(tmp_path / "m.h5", "a") as file:
        file["matrix/shape"][:] = file["matrix/shape"][()][::-1]
    assert code(tmp_path / "m.h5") == "transposed"
    a.T.copy().write_h5ad(tmp_path / "m.h5ad")
    assert code(tmp_path / "m.h5ad") == "transposed"


def test_versions_mixed(tmp_path):
    a = toy()
    folder = write_mex(tmp_path / "a", a)
    (folder / "genes.tsv").write_text("x\ty\n")
    assert code(folder) == "mixed_versions"
    folder = write_mex(tmp_path / "b", a, version=2, packed=False)
    (folder / "matrix.mtx").rename(folder / "keep")
    (folder / "matrix.mtx.gz").write_bytes(gzip.compress((folder / "keep").read_bytes()))
    (folder / "keep").unlink()
    assert code(folder) == "mixed_versions"
    two = "".join(f"{i}\t{g}\n" for i, g in zip(a.var["gene_id"], a.var["gene"], strict=True))
    assert code(write_mex(tmp_path / "c", a, features=two)) == "mixed_versions"


def test_other_species_and_unknown_genes(tmp_path):
    a = toy()
    mouse = a.copy()
    mouse.var["gene_id"] = [g.replace("ENSG", "ENSMUSG") for g in a.var["gene_id"]]
    assert code(write_mex(tmp_path / "a", mouse)) == "other_species"
    named = a.copy()
    named.var["gene"] = named.var["gene_id"] = [f"Gene{k}a" for k in range(a.n_vars)]
    assert code(write_mex(tmp_path / "b", named)) == "other_species"
    none = a.copy()
    none.var["gene"] = none.var["gene_id"] = [f"PEAK_{k}" for k in range(a.n_vars)]
    assert code(write_mex(tmp_path / "c", none)) == "few_shared_genes"
    assert code(write_h5(tmp_path / "m.h5", a, genome="mm10")) == "wrong_genome"
    assert code(write_h5(tmp_path / "n.h5", a), "GRCh37") == "wrong_genome"


def test_duplicates(tmp_path):
    a = toy()
    b = a.copy()
    b.obs_names = [*a.obs_names[:-1], a.obs_names[0]]
    assert code(write_mex(tmp_path / "a", b)) == "duplicate_barcodes"
    lines = mtx_text(a.X).split("\n")
    lines[4] = lines[3].rsplit(" ", 1)[0] + " 7"
    assert code(write_mex(tmp_path / "b", a, matrix="\n".join(lines))) == "duplicate_entries"


def test_empty_and_raw(tmp_path):
    a = toy()
    assert (
        code(
            write_mex(
                tmp_path / "a",
                a,
                matrix="%%MatrixMarket matrix coordinate integer general\n%\n"
                f"{a.n_vars} {a.n_obs} 0\n",
            )
        )
        == "empty"
    )
    assert (
        code(
            write_mex(
                tmp_path / "b",
                a,
                matrix="%%MatrixMarket matrix coordinate integer general\n%\n0 0 0\n",
                barcodes="",
                features="",
            )
        )
        == "empty"
    )
    folder = write_mex(tmp_path / "c", a)
    (folder / "matrix.mtx.gz").write_bytes(b"")
    assert code(folder) == "empty_file"
    wide = toy(80, 3000)
    wide.X.data[:] = 1
    few = wide.copy()
    few.X = (
        few.X.multiply(np.random.default_rng(0).random(few.shape) < 0.02).tocsr().astype(np.int32)
    )
    assert code(write_mex(tmp_path / "d", few)) == "raw_matrix"
    assert (
        read_counts(find_matrix(write_mex(tmp_path / "raw_feature_bc_matrix", few)), raw=True).n_obs
        == 80
    )


def test_truncated_and_damaged(tmp_path):
    a = toy()
    for name in ("matrix.mtx.gz", "barcodes.tsv.gz", "features.tsv.gz"):
        folder = write_mex(tmp_path / name, a)
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: len(data) * 2 // 3])
        assert code(folder) == "truncated"
    write_h5(tmp_path / "m.h5", a)
    data = (tmp_path / "m.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(data[: len(data) // 2])
    assert code(tmp_path / "cut.h5") in ("truncated", "damaged")
    (tmp_path / "text.h5").write_text("no hdf5")
    assert code(tmp_path / "text.h5") == "truncated"
    flipped = bytearray(data)
    flipped[len(flipped) // 2] ^= 0xFF
    (tmp_path / "flip.h5").write_bytes(bytes(flipped))
    with contextlib.suppress(MatrixRefused):
        read_counts(find_matrix(tmp_path / "flip.h5"))


def test_incomplete_and_ambiguous(tmp_path):
    a = toy()
    folder = write_mex(tmp_path / "a", a)
    (folder / "features.tsv.gz").unlink()
    with pytest.raises(MatrixRefused, match=r"lacks features\.tsv") as caught:
        find_matrix(folder)
    assert caught.value.code == "incomplete"
    folder = write_mex(tmp_path / "b", a)
    (folder / "matrix.mtx").write_text("x")
    assert code(folder) == "ambiguous"
    assert code(tmp_path / "absent") == "not_found"
    (tmp_path / "notes.txt").write_text("x")
    assert code(tmp_path / "notes.txt") == "not_a_matrix"
