"""The display atlas: balanced sketch, frozen model, projection that leaves other samples alone,
export without a merged matrix.
"""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
import scipy.sparse as sp

from hcc_assets.cells.atlas_export import export_atlas
from hcc_assets.cells.atlas_terms import CELL_TYPES, retired_genes, schema_obs, union_genes
from hcc_assets.cells.embedding import AtlasModel, fit_atlas, locate, project
from hcc_assets.cells.reference.clustering import nearest_neighbours
from hcc_assets.cells.sketch import take_sketch
from hcc_assets.schemas.atlas import Atlas
from hcc_assets.schemas.base import conform
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets.study.genes import gene_table

CLASSES = ["tumour", "T", "macrophage"]
CLASSES_IN_ORDER = [c for c in CELL_CLASSES if c in CLASSES]
_TABLE = gene_table().drop_duplicates("gene")
GENES = (
    _TABLE[~_TABLE["gene_id"].isin(retired_genes())]
    .iloc[2000:2300][["gene_id", "gene"]]
    .reset_index(drop=True)
)


def make_sample(seed: int, n: int = 150, batch: float = 0.3) -> tuple[ad.AnnData, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    profiles = np.exp(np.random.default_rng(0).normal(0, 1.2, (len(CLASSES), len(GENES))))
    shift = np.exp(rng.normal(0, batch, len(GENES)))
    label = rng.integers(0, len(CLASSES), n)
    mean = profiles[label] * shift
    counts = rng.poisson(mean / mean.sum(axis=1, keepdims=True) * rng.lognormal(7, 0.3, (n, 1)))
    barcodes = [f"C{seed}-{i:04d}" for i in range(n)]
    data = ad.AnnData(
        sp.csr_matrix(counts.astype(np.int32)),
        obs=pd.DataFrame(index=barcodes),
        var=GENES.set_index("gene_id", drop=False).rename_axis(None),
    )
    status = np.where(rng.random(n) < 0.05, "doublet", "pass")
    return data, pd.DataFrame(
        {"barcode": barcodes, "qc_status": status, "cell_class": np.array(CLASSES)[label]}
    )


@pytest.fixture(scope="module")
def cohort():
    return {f"S{i}": make_sample(i) for i in range(1, 4)}


@pytest.fixture(scope="module")
def model(cohort):
    return fit_atlas(
        [take_sketch(*v, sample_id=k, per_class=30) for k, v in cohort.items()], layout="components"
    )


def test_the_sketch_is_balanced_and_blind_to_order(cohort):
    counts, calls = cohort["S1"]
    sketch = take_sketch(counts, calls, sample_id="S1", per_class=20)
    assert sketch.cells["cell_class"].value_counts().to_dict() == dict.fromkeys(CLASSES, 20)
    order = np.random.default_rng(1).permutation(counts.n_obs)
    again = take_sketch(counts[order].copy(), calls.iloc[::-1], sample_id="S1", per_class=20)
    pd.testing.assert_frame_equal(sketch.cells, again.cells)
    assert (sketch.counts != again.counts).nnz == 0
    assert not set(sketch.cells["barcode"]) & set(
        calls.loc[calls["qc_status"] != "pass", "barcode"]
    )


def test_the_same_cells_give_the_same_model_in_any_order(cohort, model):
    sketches = [take_sketch(*v, sample_id=k, per_class=30) for k, v in reversed(cohort.items())]
    again = fit_atlas(sketches, layout="components")
    assert again.version == model.version
    assert again.to_bytes() == model.to_bytes()


def test_the_model_survives_storage(model):
    back = AtlasModel.from_bytes(model.to_bytes())
    assert back.version == model.version
    assert np.array_equal(back.xy, model.xy)
    with pytest.raises(ValueError, match="pickle"):
        buffer = __import__("io").BytesIO()
        np.savez(buffer, **{**vars(model), "gene_id": np.array([object()])})
        AtlasModel.from_bytes(buffer.getvalue())
    with pytest.raises(LookupError, match="earlier version"):
        buffer = __import__("io").BytesIO()
        np.savez(buffer, **{name: v for name, v in vars(model).items() if name != "centres"})
        AtlasModel.from_bytes(buffer.getvalue())


def test_a_projected_sample_lies_with_its_classes_and_moves_nobody(cohort, model):
    new = make_sample(9, batch=0.5)
    before = {k: project(model, *v) for k, v in cohort.items()}
    placed = project(model, *new)
    for k, v in cohort.items():
        pd.testing.assert_frame_equal(before[k], project(model, *v))
    centres = {c: model.xy[model.cell_class == c].mean(axis=0) for c in CLASSES}
    nearest = [
        min(centres, key=lambda c: float(np.hypot(*(centres[c] - p))))
        for p in placed[["x", "y"]].to_numpy()
    ]
    assert (np.array(nearest) == placed["cell_class"].to_numpy()).mean() > 0.95
    assert (
        placed["barcode"].tolist() == new[1].loc[new[1]["qc_status"] == "pass", "barcode"].tolist()
    )


def test_order_of_cells_and_genes_changes_no_place(cohort, model):
    counts, calls = cohort["S2"]
    order, genes = (
        np.random.default_rng(2).permutation(counts.n_obs),
        np.random.default_rng(3).permutation(counts.n_vars),
    )
    one, two = project(model, counts, calls), project(model, counts[order][:, genes].copy(), calls)
    assert np.allclose(one[["x", "y"]], two[["x", "y"]], atol=2e-4)


def test_genes_that_a_sample_lacks_are_no_error(cohort, model):
    counts, calls = cohort["S3"]
    assert np.isfinite(project(model, counts[:, 40:].copy(), calls)[["x", "y"]].to_numpy()).all()


def test_too_little_is_refused_in_words(cohort):
    counts, calls = cohort["S1"]
    with pytest.raises(ValueError, match="ten called cells"):
        fit_atlas([take_sketch(counts, calls.iloc[:4], sample_id="S1")], layout="components")
    with pytest.raises(ValueError, match="share fewer than fifty genes"):
        fit_atlas([take_sketch(counts[:, :20].copy(), calls, sample_id="S1")], layout="components")


def export(cohort, model, path):
    def parts():
        for k, (counts, calls) in cohort.items():
            cells = project(model, counts, calls).set_index("barcode")
            located = locate(model, counts, cells.index)
            obs = cells.join(
                schema_obs(
                    {"subject_id": f"P{k}", "tissue": "LIVER", "chemistry": None},
                    cells["cell_class"],
                    sex="F",
                )
            )
            obs = obs.assign(cell_id=[f"{k}_{b}" for b in cells.index], sample_id=k)
            sure = obs["cell_class"].to_numpy()[:, None] == np.array(CELL_CLASSES)[None, :]
            obsm = {"X_pca": located.components, "X_pca_harmony": located.corrected}
            obs["timepoint"] = "post" if k == "S1" else "pre"
            yield counts, obs, obsm | {"class_posterior": 0.9 * sure + 0.1 / len(CELL_CLASSES)}

    genes = union_genes(v[0].var for v in cohort.values())
    return export_atlas(path, parts(), genes, title="test", timepoints=["pre", "post"])


def test_export_opens_and_holds_the_very_counts(cohort, model, tmp_path):
    n = export(cohort, model, tmp_path / "atlas.h5ad")
    atlas = ad.read_h5ad(tmp_path / "atlas.h5ad")
    assert atlas.n_obs == n == sum((v[1]["qc_status"] == "pass").sum() for v in cohort.values())
    assert atlas.obsm["X_umap"].shape == (n, 2)
    counts, calls = cohort["S2"]
    passing = calls.loc[calls["qc_status"] == "pass", "barcode"]
    mine = atlas[[f"S2_{b}" for b in passing]]
    expected = counts[passing].X[:, counts.var["gene_id"].argsort()]
    assert (expected != mine.X).nnz == 0
    assert atlas.obs["cell_type_ontology_term_id"].isin(set(CELL_TYPES.values())).all()
    assert atlas.obs["donor_id"].nunique() == 3
    assert len(atlas.uns["not_known"]) == 4
    assert atlas.var["feature_is_filtered"].eq(False).all()


def test_a_zarr_store_holds_the_same_as_the_file(cohort, model, tmp_path):
    export(cohort, model, tmp_path / "atlas.h5ad")
    export(cohort, model, tmp_path / "atlas.zarr")
    file, store = ad.read_h5ad(tmp_path / "atlas.h5ad"), ad.read_zarr(tmp_path / "atlas.zarr")
    assert (file.X != store.X).nnz == 0
    assert (file.layers["log1p"] != store.layers["log1p"]).nnz == 0
    pd.testing.assert_frame_equal(file.obs, store.obs)
    pd.testing.assert_frame_equal(file.var, store.var)
    assert set(file.obsm) == {"X_umap", "X_pca", "X_pca_harmony", "class_posterior"}
    for name in file.obsm:
        np.testing.assert_array_equal(file.obsm[name], store.obsm[name])


def test_samples_lie_among_each_other_on_the_corrected_components(cohort, model, tmp_path):
    export(cohort, model, tmp_path / "atlas.h5ad")
    atlas = ad.read_h5ad(tmp_path / "atlas.h5ad")
    kind, sample = (atlas.obs[c].to_numpy() for c in ("cell_class", "sample_id"))
    mixed = {}
    for name in ("X_pca", "X_pca_harmony"):
        near, _ = nearest_neighbours(atlas.obsm[name], 10)
        assert (kind[near] == kind[:, None]).mean() > 0.95
        mixed[name] = (sample[near] != sample[:, None]).mean()
    assert mixed["X_pca_harmony"] > 2 * mixed["X_pca"]


def test_a_wrong_call_is_seen_where_its_counts_lie(cohort, model):
    counts, calls = cohort["S1"]
    wrong = calls.assign(cell_class=np.roll(calls["cell_class"].to_numpy(), 1))
    pd.testing.assert_frame_equal(
        project(model, counts, calls)[["barcode", "x", "y"]],
        project(model, counts, wrong)[["barcode", "x", "y"]],
    )


def test_scanpy_draws_the_export_as_it_is(cohort, model, tmp_path):
    export(cohort, model, tmp_path / "atlas.h5ad")
    atlas = ad.read_h5ad(tmp_path / "atlas.h5ad")
    assert list(atlas.obs["cell_class"].cat.categories) == CLASSES_IN_ORDER
    assert atlas.obs["cell_class"].cat.ordered
    assert list(atlas.obs["timepoint"].cat.categories) == ["pre", "post"]
    posterior = pd.DataFrame(
        atlas.obsm["class_posterior"],
        index=atlas.obs_names,
        columns=atlas.uns["class_posterior_classes"],
    )
    assert posterior.dtypes.eq(np.float32).all()
    np.testing.assert_allclose(posterior.sum(axis=1), 1, rtol=1e-5)
    assert (posterior.idxmax(axis=1) == atlas.obs["cell_class"].astype(str)).all()
    gene = atlas.var["gene_symbol"].iloc[3]
    axes = sc.pl.umap(
        atlas, color=["cell_class", gene], gene_symbols="gene_symbol", layer="log1p", show=False
    )
    assert len(axes) == 2
    assert len(atlas.uns["cell_class_colors"]) == len(CLASSES_IN_ORDER)
    total = np.asarray(atlas.X.sum(axis=1)).ravel()
    expected = np.log1p(atlas.X.toarray() / total[:, None] * 1e4)
    np.testing.assert_allclose(atlas.layers["log1p"].toarray(), expected, rtol=1e-5, atol=1e-6)


def test_ids_that_the_schema_cannot_name_are_left_out_and_counted():
    ids = ["ENSG00000141510", "TP53", min(retired_genes()), "ENSG00000000000"]
    genes = union_genes([pd.DataFrame({"gene_id": ids, "gene": ["TP53", "TP53", "OLD", "NONE"]})])
    assert genes["gene_id"].tolist() == ["ENSG00000141510"]
    assert genes.attrs["left_out"] == 3


def test_schema_terms_follow_what_is_known():
    cells = pd.Series(["T", "unassigned"], index=["a", "b"])
    frame = schema_obs(
        {"subject_id": "P1", "tissue": "lymph node", "chemistry": "10x 3' v3"}, cells, sex=None
    )
    assert frame["assay_ontology_term_id"].eq("EFO:0009922").all()
    assert frame["tissue_ontology_term_id"].eq("UBERON:0000029").all()
    assert frame["sex_ontology_term_id"].eq("unknown").all()
    assert frame["cell_type_ontology_term_id"].tolist() == ["CL:0000084", "unknown"]
    assert set(CELL_TYPES) == set(CELL_CLASSES)


def test_table_of_the_atlas(cohort, model):
    placed = project(model, *cohort["S1"])
    frame = placed.assign(
        cell_id="S1_" + placed["barcode"],
        sample_id="S1",
        subject_id="P1",
        timepoint="pre",
        atlas_version=model.version,
    )
    assert len(conform(Atlas, frame.drop(columns="barcode"))) == len(placed)


@pytest.mark.slow
def test_umap_is_repeatable(cohort):
    sketches = [take_sketch(*v, sample_id=k, per_class=30) for k, v in cohort.items()]
    one, two = fit_atlas(sketches, seed=3), fit_atlas(sketches, seed=3)
    assert one.version == two.version
    spread = [one.xy[one.cell_class == c].mean(axis=0) for c in CLASSES]
    assert min(np.hypot(*(spread[i] - spread[j])) for i in range(3) for j in range(i)) > 1
