"""Matrices that must be read: every layout, real and small, one content."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse

from hcc_assets.cells.quality.assessment import assess
from hcc_assets.cells.reading.features import name_features
from hcc_assets.cells.reading.isolation import read_counts_isolated, read_labelled, read_sample
from hcc_assets.cells.reading.portable_names import check_name
from hcc_assets.cells.reading.tenx import MatrixRefused, find_matrix, read_counts
from hcc_assets.simulate.cells import SimulationSettings, make_world, simulate_sample
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.cells.matrices import mtx_text, shared, toy, write_h5, write_mex

REAL = [
    (("tenx_formats", "cellranger", "int-ids"), None, (5, 6), 8),
    (("tenx_formats", "cellranger", "1.2.0", "filtered_gene_bc_matrices"), None, (12, 343), 12),
    (
        ("tenx_formats", "cellranger", "1.2.0", "filtered_gene_bc_matrices", "hg19_chr21"),
        None,
        (12, 343),
        12,
    ),
    (
        ("tenx_formats", "cellranger", "1.2.0", "filtered_gene_bc_matrices_h5.h5"),
        None,
        (12, 343),
        12,
    ),
    (("tenx_formats", "cellranger", "1.2.0", "multiple_genomes.h5"), "hg19_chr21", (12, 343), 12),
    (
        ("tenx_formats", "cellranger", "3.0.0", "filtered_feature_bc_matrix"),
        None,
        (1107, 507),
        41549,
    ),
    (
        ("tenx_formats", "cellranger", "3.0.0", "filtered_feature_bc_matrix.h5"),
        None,
        (1107, 507),
        41549,
    ),
    (("tenx_formats", "v2_raw_and_filtered"), None, (62, 226), 18209),
    (("landing_real", "matrices", "1015-pre"), None, (519, 33694), 2270118),
    (("landing_real", "matrices", "1028-pre"), "GRCh38", (513, 33694), 2158154),
]


@pytest.mark.parametrize(
    ("parts", "genome", "shape", "total"), REAL, ids=["/".join(r[0][-2:]) for r in REAL]
)
def test_real_deliveries_are_read(parts, genome, shape, total):
    counts = read_counts(find_matrix(shared(*parts), genome), genome)
    assert counts.shape == shape
    assert int(counts.X.sum()) == total
    assert (
        isinstance(counts.X, sparse.csr_matrix)
        and counts.X.dtype == np.int32
        and counts.X.has_sorted_indices
    )
    assert list(counts.obs_names) == sorted(counts.obs_names) and list(counts.var_names) == sorted(
        counts.var_names
    )


def test_v3_folder_and_h5_of_one_run_are_one_content():
    base = shared("tenx_formats", "cellranger", "3.0.0")
    a, b = (
        read_counts(find_matrix(base / "filtered_feature_bc_matrix")),
        read_counts(find_matrix(base / "filtered_feature_bc_matrix.h5")),
    )
    assert a.uns["content_hash"] == b.uns["content_hash"]
    assert (a.X != b.X).nnz == 0


def test_agrees_with_scanpy():
    import scanpy as sc

    folder = shared("tenx_formats", "cellranger", "3.0.0", "filtered_feature_bc_matrix")
    theirs = sc.read_10x_mtx(folder, var_names="gene_ids")
    ours = read_counts(find_matrix(folder))
    assert (sparse.csr_matrix(theirs[ours.obs_names, ours.var_names].X) != ours.X).nnz == 0


def test_several_genomes_are_listed():
    files = find_matrix(shared("tenx_formats", "cellranger", "1.2.0", "multiple_genomes.h5"))
    with pytest.raises(MatrixRefused, match="another_genome, hg19_chr21") as caught:
        read_counts(files)
    assert caught.value.code == "several_genomes"
    with pytest.raises(MatrixRefused, match="another_genome, hg19_chr21"):
        read_counts(files, "mm10")


def test_log_values_are_refused_as_counts():
    with pytest.raises(MatrixRefused, match="looks log-normalised") as caught:
        read_counts(find_matrix(shared("melanoma_lognorm_only")))
    assert caught.value.code == "looks_log_normalised"
    with pytest.raises(MatrixRefused) as caught:
        read_counts(find_matrix(shared("oligodendroglioma", "oligodendroglioma.h5ad")))
    assert caught.value.code == "not_counts"


def test_raw_and_filtered_are_told_apart():
    files = find_matrix(shared("tenx_formats", "v2_raw_and_filtered"))
    assert files.kind == "mex_v2" and files.filtered is not None and files.raw is not None
    assert read_counts(files, raw=True).n_obs == 1289
    alone = find_matrix(shared("tenx_formats", "v2_raw_and_filtered", "raw_gene_bc_matrices"))
    assert alone.filtered is None
    with pytest.raises(MatrixRefused, match="raw matrix only"):
        read_counts(alone)


def test_every_layout_and_order_gives_one_content(tmp_path):
    a = toy()
    rng = np.random.default_rng(1)
    shuffled = a[rng.permutation(a.n_obs)][:, rng.permutation(a.n_vars)].copy()
    order = rng.permutation(sparse.csr_matrix(a.X).nnz)
    h5ad = tmp_path / "m.h5ad"
    a.write_h5ad(h5ad)
    dense = a.copy()
    dense.X = a.X.toarray().astype(np.float64)
    dense.write_h5ad(tmp_path / "dense.h5ad", compression="gzip")
    csc = shuffled.copy()
    csc.X = sparse.csc_matrix(csc.X)
    csc.write_h5ad(tmp_path / "csc.h5ad")
    paths = [
        write_mex(tmp_path / "v3", a),
        write_mex(tmp_path / "plain", a, packed=False),
        write_mex(tmp_path / "v2" / "GRCh38", a, version=2, packed=False).parent,
        write_mex(tmp_path / "shuffled", shuffled),
        write_mex(tmp_path / "lines", a, matrix=mtx_text(a.X, order=order)),
        write_mex(tmp_path / "real", a, matrix=mtx_text(a.X, field="real")),
        write_mex(tmp_path / "parent" / "filtered_feature_bc_matrix", a).parent,
        write_h5(tmp_path / "m.h5", shuffled),
        h5ad,
        tmp_path / "dense.h5ad",
        tmp_path / "csc.h5ad",
    ]
    read = [read_counts(find_matrix(p)) for p in paths]
    assert {r.uns["content_hash"] for r in read} == {read[0].uns["content_hash"]}
    for r in read:
        assert (r.X != a.X).nnz == 0
        assert (
            list(r.obs_names) == list(a.obs_names)
            and list(r.var_names) == list(a.var_names)
            and list(r.var["gene"]) == list(a.var["gene"])
        )


def test_counts_are_found_in_a_layer_or_in_raw(tmp_path):
    a = toy()
    for place in ("layer", "raw"):
        b = a.copy()
        if place == "layer":
            b.layers["counts"] = a.X.copy()
        else:
            b.raw = a.copy()
        b.X = b.X.astype(np.float64).log1p()
        b.write_h5ad(tmp_path / f"{place}.h5ad")
        read = read_counts(find_matrix(tmp_path / f"{place}.h5ad"))
        assert (read.X != a.X).nnz == 0 and read.uns["source"] == {
            "layer": "layers/counts",
            "raw": "raw/X",
        }[place]


def test_only_gene_expression_features_remain(tmp_path):
    a = toy()
    types = ["Gene Expression"] * 50 + ["Antibody Capture"] * 10
    read = read_counts(find_matrix(write_mex(tmp_path / "m", a, types=types)))
    assert read.n_vars == 50 and int(read.X.sum()) == int(a[:, :50].X.sum())
    with pytest.raises(MatrixRefused, match="no features of type Gene Expression"):
        read_counts(find_matrix(write_mex(tmp_path / "n", a, types=["Antibody Capture"] * 60)))


def test_versions_are_cut_and_features_of_one_id_summed(tmp_path):
    a = toy()
    b = a.copy()
    b.var["gene_id"] = [f"{g}.{k % 3 + 1}" for k, g in enumerate(a.var["gene_id"])]
    b.var.iloc[1, 0] = b.var.iloc[0, 0].split(".")[0] + ".9_PAR_Y"
    read = read_counts(find_matrix(write_mex(tmp_path / "m", b)))
    assert read.n_vars == a.n_vars - 1 and read.uns["merged_features"] == 1
    first = a.var["gene_id"].iloc[0]
    np.testing.assert_array_equal(
        read[:, first].X.toarray().ravel(), a.X[:, :2].toarray().sum(axis=1)
    )
    assert int(read.X.sum()) == int(a.X.sum())


def test_symbols_get_ids_where_they_are_unambiguous(tmp_path):
    ids, symbols = name_features(
        ["ALB", "CD3E", "NOT-A-GENE", "ENSG00000163631.17"], ["ALB", "CD3E", "NOT-A-GENE", "ALB"]
    )
    assert ids == ["ALB", "ENSG00000198851", "NOT-A-GENE", "ENSG00000163631"]
    assert symbols == ["ALB", "CD3E", "NOT-A-GENE", "ALB"]
    ids, symbols = name_features(["ENSG00000163631"], ["OLDNAME-OF-ALB"])
    assert symbols == ["ALB"]


def test_one_genome_of_two_is_taken(tmp_path):
    a = toy()
    files = find_matrix(write_h5(tmp_path / "m.h5", a, extra="mm10"))
    with pytest.raises(MatrixRefused, match="GRCh38, mm10"):
        read_counts(files)
    assert read_counts(files, "GRCh38").n_vars == 30
    assert read_counts(files, "hg38").n_vars == 30
    b = a.copy()
    b.var["gene_id"] = [
        ("GRCh38_" if i < 40 else "mm10___") + g for i, g in enumerate(a.var["gene_id"])
    ]
    read = read_counts(find_matrix(write_mex(tmp_path / "barnyard", b)), "GRCh38")
    assert read.n_vars == 40 and list(read.var_names) == list(a.var_names[:40])
    for name in ("GRCh38", "mm10"):
        write_mex(tmp_path / "two" / name, a, version=2, packed=False)
    with pytest.raises(MatrixRefused, match="GRCh38, mm10"):
        find_matrix(tmp_path / "two")
    assert find_matrix(tmp_path / "two", "GRCh38").filtered.genome == "GRCh38"


def test_isolated_reading_gives_the_same(tmp_path):
    files = find_matrix(write_mex(tmp_path / "m", toy()))
    a, b = read_counts(files), read_counts_isolated(files)
    assert (a.X != b.X).nnz == 0 and dict(a.uns) == dict(b.uns) and a.var.equals(b.var)


def test_a_sample_with_raw_brings_its_ambient_counts():
    counts = read_sample(
        find_matrix(shared("tenx_formats", "v2_raw_and_filtered")), None, StudyConfig()
    )
    assert counts.n_obs == 62 and counts.uns["n_barcodes"] == 62
    assert counts.var["empty_umi"].sum() > 0


def test_cells_are_called_from_raw_alone(tmp_path):
    settings = replace(SimulationSettings.easy(), n_genes=3000)
    sample = simulate_sample(make_world(3, settings), 0, "pre", 200, 3, empty_droplets=1500)
    var = sample.genes[["gene_id", "gene"]].set_index(
        pd.Index(sample.genes["gene_id"], dtype=object, name=None)
    )
    names = np.concatenate([sample.barcodes, sample.empty_barcodes])
    raw = AnnData(
        sparse.vstack([sample.counts, sample.empty]).tocsr(), obs=pd.DataFrame(index=names), var=var
    )
    files = find_matrix(write_mex(tmp_path / "S1" / "raw_feature_bc_matrix", raw).parent)
    assert files.filtered is None
    counts = read_sample(files, None, StudyConfig())
    assert counts.uns["n_barcodes"] == 1700
    assert 180 <= counts.n_obs <= 200 and set(counts.obs_names) <= set(sample.barcodes)
    assert counts.var["empty_umi"].sum() > 20_000
    qc = assess(counts, StudyConfig())
    assert qc.n_barcodes == 1700 and qc.ambient.source == "raw"


def test_a_labelled_reference_brings_its_labels(tmp_path):
    a = toy()
    a.obs["cell_class"] = pd.Categorical(["T", "B", None] * 10, categories=["T", "B"])
    a.obs["patient"] = np.arange(30) // 10
    a.obs["age"] = np.linspace(40, 60, 30)
    order = np.random.default_rng(0).permutation(30)
    b = a[order].copy()
    b.write_h5ad(tmp_path / "r.h5ad")
    read = read_labelled(tmp_path / "r.h5ad")
    assert list(read.obs["cell_class"]) == ["T", "B", None] * 10
    assert list(read.obs["patient"]) == [str(k // 10) for k in range(30)] and "age" not in read.obs
    assert (read.X != a.X).nnz == 0
    b.obs_names = ["same"] * 30
    b.write_h5ad(tmp_path / "s.h5ad")
    again = read_labelled(tmp_path / "s.h5ad")
    assert again.n_obs == 30 and again.obs_names.is_unique
    np.testing.assert_array_equal(np.sort(again.X.sum(axis=1).A1), np.sort(a.X.sum(axis=1).A1))


@pytest.mark.parametrize(
    "name", ["..", "/etc", "a/b", "a\\b", "C:x", "CON", "nul.txt", "a ", "x\x00y", "dir.", ""]
)
def test_names_that_leave_or_mislead_are_refused(name):
    with pytest.raises(MatrixRefused):
        check_name(name)


def test_good_names_pass():
    check_name("filtered_feature_bc_matrix")
