"""Paired differential expression: truth, conservation, symmetry, filters, ambient RNA, differing
gene lists, and PyDESeq2 beside it."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hcc_assets.stats.biopsies import group_biopsies
from hcc_assets.stats.deseq import deg_confirmatory
from hcc_assets.stats.differential_expression import deg_tables, excluded_genes, fit_classes
from hcc_assets.stats.expression_units import Ambient, class_units, log_cpm, stack_pseudobulks
from hcc_assets.stats.multiplicity import benjamini_hochberg
from hcc_assets.study.config import StudyConfig, parse_config
from hcc_assets_tests.stats.trial import make_counts, make_pseudobulks, make_samples

CONFIG = StudyConfig()
SWAPPED = parse_config('[samples]\ntimepoints = ["post", "pre"]')
CLASSES = ["tumour", "T", "macrophage", "mast"]
GENES = pd.DataFrame(
    {"gene_id": [f"ENSG{i:011d}" for i in range(900)], "gene": [f"GENE{i}" for i in range(900)]}
)
TRUTH = np.where(np.arange(900) < 60, 1.2, 0.0) * np.where(np.arange(900) % 2, 1, -1)


@pytest.fixture(scope="module")
def trial():
    samples = make_samples(11, unpaired=2)
    counts = make_counts(samples)
    bulks = make_pseudobulks(samples, counts, genes=GENES, classes=CLASSES, effects={"T": TRUTH})
    return samples, bulks


@pytest.fixture(scope="module")
def table(trial):
    return deg_tables(*trial, CONFIG)


def test_the_truth_is_found_with_its_size_and_sign(table):
    part = table[table["cell_class"] == "T"].set_index("gene_id")
    truth = pd.Series(TRUTH, index=GENES["gene_id"]).reindex(part.index)
    called = part["p_adjusted"] < 0.05
    assert (called & (truth != 0)).sum() / (truth != 0).sum() > 0.9
    assert (called & (truth == 0)).sum() <= max(0.1 * called.sum(), 3)
    assert (
        np.sign(part.loc[called & (truth != 0), "log2_fold_change"])
        .eq(np.sign(truth[called & (truth != 0)]))
        .all()
    )
    covered = (part["ci_low"] <= truth) & (truth <= part["ci_high"])
    assert 0.92 < covered[truth == 0].mean() < 0.98
    assert abs((part["log2_fold_change"] - truth)[truth != 0].mean()) < 0.1
    other = table[table["cell_class"] == "tumour"]
    assert (other["p_adjusted"] < 0.05).sum() <= 2


def test_p_values_of_null_genes_are_uniform(table):
    null = table.loc[table["cell_class"] == "tumour", "p_value"].dropna()
    assert stats.kstest(null, "uniform").pvalue > 1e-3
    assert 0.03 < (null < 0.05).mean() < 0.075


def test_untestable_classes_have_their_row(table):
    assert len(set(table["cell_class"])) == 15
    rows = table[table["gene_id"].isna()]
    assert set(rows["cell_class"]) >= {"plasma", "neutrophil"}
    assert rows[["log2_fold_change", "p_value", "p_adjusted"]].isna().all().all()
    assert rows.groupby("cell_class").size().eq(1).all()


def test_adjusted_within_the_class_and_over_all(table):
    for _, part in table.groupby("cell_class"):
        assert np.allclose(part["p_adjusted"], benjamini_hochberg(part["p_value"]), equal_nan=True)
    assert np.allclose(
        table["p_adjusted_global"], benjamini_hochberg(table["p_value"]), equal_nan=True
    )


def test_swapping_pre_and_post_turns_every_sign(trial, table):
    back = deg_tables(*trial, SWAPPED)
    assert np.allclose(table["log2_fold_change"], -back["log2_fold_change"], equal_nan=True)
    assert np.allclose(table["ci_low"], -back["ci_high"], equal_nan=True)
    assert np.allclose(table["p_value"], back["p_value"], equal_nan=True)


def test_order_of_samples_classes_and_genes_changes_nothing(trial, table):
    samples, bulks = trial
    shuffled = {
        k: bulks[k][::-1, np.random.default_rng(0).permutation(900)].copy()
        for k in reversed(list(bulks))
    }
    pd.testing.assert_frame_equal(
        table, deg_tables(samples.sample(frac=1, random_state=0), shuffled, CONFIG), rtol=1e-9
    )


def test_sums_are_conserved_and_a_split_sample_is_the_sample(trial, table):
    samples, bulks = trial
    stack = stack_pseudobulks(bulks)
    assert stack.matrix.sum() == sum(b.X.sum() for b in bulks.values())
    whole = bulks["S003-pre"]
    half = whole.copy()
    half.X = whole.X.copy()
    half.X.data //= 2
    rest = whole.copy()
    rest.X = whole.X - half.X
    rest.obs["n_cells"] = whole.obs["n_cells"] - whole.obs["n_cells"] // 2
    half.obs["n_cells"] = whole.obs["n_cells"] // 2
    more = pd.concat(
        [samples, samples[samples["sample_id"] == "S003-pre"].assign(sample_id="S003-pre-b")]
    )
    split = {**bulks, "S003-pre": half, "S003-pre-b": rest}
    pd.testing.assert_frame_equal(table, deg_tables(more, split, CONFIG), rtol=1e-9)


def test_double_depth_changes_little(trial):
    samples, bulks = trial
    deep = {k: ad.AnnData(b.X * 2, obs=b.obs, var=b.var) for k, b in bulks.items()}
    one, two = (
        deg_tables(samples, b, CONFIG)
        .dropna(subset=["gene_id"])
        .set_index(["cell_class", "gene_id"])
        for b in (bulks, deep)
    )
    both = one.index.intersection(two.index)
    assert np.allclose(
        one.loc[both, "log2_fold_change"], two.loc[both, "log2_fold_change"], atol=0.35
    )
    assert (
        np.corrcoef(one.loc[both, "log2_fold_change"], two.loc[both, "log2_fold_change"])[0, 1]
        > 0.99
    )


def test_genes_are_aligned_by_id_and_a_gene_that_a_delivery_lacks_is_no_zero(trial):
    samples, bulks = trial
    lacking = {k: (b[:, 1:].copy() if k == "S004-post" else b) for k, b in bulks.items()}
    part = deg_tables(samples, lacking, CONFIG).set_index(["cell_class", "gene_id"]).loc["T"]
    full = deg_tables(samples, bulks, CONFIG).set_index(["cell_class", "gene_id"]).loc["T"]
    assert part.loc[GENES["gene_id"][0], "n_pairs"] == full.loc[GENES["gene_id"][0], "n_pairs"] - 1
    assert part.loc[GENES["gene_id"][0], "log2_fold_change"] == pytest.approx(-1.2, abs=0.5)


def test_symbols_join_their_ensembl_id(trial):
    _, bulks = trial
    renamed = dict(bulks)
    renamed["S005-pre"] = ad.AnnData(
        bulks["S005-pre"].X,
        obs=bulks["S005-pre"].obs,
        var=GENES.assign(gene_id=GENES["gene"]).set_index("gene", drop=False).rename_axis(None),
    )
    stack = stack_pseudobulks(renamed)
    assert len(stack.genes) == 900
    assert stack.measured is None


def test_few_cells_or_counts_make_no_pseudobulk():
    samples = make_samples(6)
    counts = make_counts(samples)
    bulks = make_pseudobulks(samples, counts, genes=GENES, classes=["T", "mast"])
    for data in bulks.values():
        data.obs["n_cells"] = [19, 10]
    biopsies = group_biopsies(samples, CONFIG)
    stack = stack_pseudobulks(bulks)
    assert class_units(stack, biopsies, "T", CONFIG).rows.size == 0
    assert class_units(stack, biopsies, "mast", CONFIG).rows.size > 0, (
        "a rare class is accepted with half the cells"
    )
    for data in bulks.values():
        data.obs["n_cells"] = [20, 9]
    stack = stack_pseudobulks(bulks)
    assert class_units(stack, biopsies, "T", CONFIG).rows.size == 12
    assert class_units(stack, biopsies, "mast", CONFIG).rows.size == 0
    thin = {k: ad.AnnData(b.X.toarray() // 200, obs=b.obs, var=b.var) for k, b in bulks.items()}
    assert class_units(stack_pseudobulks(thin), biopsies, "T", CONFIG).rows.size == 0


def test_ambient_genes_are_flagged_and_leave_the_family():
    samples = make_samples(8)
    counts = make_counts(samples)
    effect = np.zeros(900)
    bulks = make_pseudobulks(
        samples, counts, genes=GENES, classes=["tumour", "T"], effects={"tumour": effect}
    )
    rng = np.random.default_rng(1)
    ambient = {}
    for k, data in bulks.items():
        dense = data.X.toarray()
        profile = np.zeros(900)
        profile[:5] = 0.2  # five genes of the soup
        n = data.obs["n_cells"].to_numpy()
        soup = rng.poisson(n[:, None] * 250 * profile)
        dense[1, :5] = 0  # T cells do not express them
        bulks[k] = ad.AnnData(dense + soup, obs=data.obs, var=data.var)
        ambient[k] = Ambient(pd.Series(profile, index=GENES["gene_id"]), 0.1)
    table = deg_tables(samples, bulks, CONFIG, ambient=ambient)
    part = table[table["cell_class"] == "T"].set_index("gene_id")
    soup_genes = GENES["gene_id"][:5]
    assert part.loc[soup_genes, "ambient_flag"].all()
    assert part.loc[soup_genes, "p_adjusted"].isna().all()
    assert part.loc[soup_genes, "p_value"].notna().all()
    assert part["ambient_flag"].sum() == 5
    assert (
        not table.loc[table["cell_class"] == "tumour", "ambient_flag"].any()
        or table["ambient_share"].between(0, 1).any()
    )


def test_genes_of_the_machinery_are_left_out():
    symbols = pd.Series(
        ["MT-CO1", "RPL13", "HBB", "IGHG1", "TRAC", "KDR", "RPS6KA1", "HBEGF", "IGF1"]
    )
    assert excluded_genes(symbols, "T").tolist() == [
        True,
        True,
        True,
        True,
        True,
        False,
        False,
        False,
        False,
    ]
    assert excluded_genes(symbols, "plasma").tolist() == [
        True,
        True,
        True,
        False,
        True,
        False,
        False,
        False,
        False,
    ]


def test_normalisation_takes_depth_out():
    rng = np.random.default_rng(2)
    mean = np.exp(rng.normal(4, 1, 2000))
    counts = np.array([rng.poisson(mean), rng.poisson(8 * mean)]).astype(float)
    values, reference = log_cpm(counts)
    assert abs(np.median(values[0] - values[1])) < 0.05
    again, _ = log_cpm(counts, reference=reference)
    assert np.allclose(values, again, atol=1e-6)


def test_pydeseq2_agrees(trial):
    samples, bulks = trial
    chosen = {k: b[:, :250].copy() for k, b in bulks.items()}
    fits = fit_classes(samples, chosen, CONFIG)
    table = deg_confirmatory(samples, chosen, CONFIG, fits=fits, classes=["T", "plasma"])
    part = table[table["cell_class"] == "T"]
    assert part["class_rank_correlation"].iloc[0] > 0.9
    assert part["agrees"].mean() > 0.9
    called = part["p_adjusted"] < 0.05
    assert (
        np.sign(part.loc[called, "log2_fold_change"])
        .eq(np.sign(part.loc[called, "fast_log2_fold_change"]))
        .mean()
        == 1
    )
    assert np.corrcoef(part["log2_fold_change"], part["fast_log2_fold_change"])[0, 1] > 0.97
    assert table.loc[table["cell_class"] == "plasma", "p_value"].isna().all()
