"""The list of gene programs, related genes, and scores of programs."""

import numpy as np
import pandas as pd
import pytest

from hcc_assets.stats.differential_expression import deg_tables, fit_classes
from hcc_assets.stats.multiplicity import benjamini_hochberg
from hcc_assets.stats.program_genes import related_genes
from hcc_assets.stats.programs import gene_programs, program_changes, program_scores
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.genes import gene_id_of, gene_table
from hcc_assets.study.programs import programs
from hcc_assets_tests.stats.trial import make_counts, make_pseudobulks, make_samples

CONFIG = StudyConfig()
GENES = sorted({gene for program in programs().values() for gene in program.weights})
CLASSES = ["tumour", "vascular_endothelial", "macrophage", "T"]


def small_genome(n: int = 500) -> pd.DataFrame:
    table = gene_table().drop_duplicates("gene")
    mine = table["gene"].isin(GENES)
    return pd.concat([table[mine], table[~mine].iloc[1000 : 1000 + n]])[
        ["gene_id", "gene"]
    ].reset_index(drop=True)


@pytest.fixture(scope="module")
def trial():
    samples = make_samples(9, unpaired=1)
    counts = make_counts(samples)
    genes = small_genome()
    down = (
        genes["gene"]
        .isin(
            [
                "KDR",
                "FLT1",
                "TEK",
                "TIE1",
                "ESM1",
                "PLVAP",
                "ENG",
                "CD34",
                "MCAM",
                "NRP1",
                "INSR",
                "VEGFA",
            ]
        )
        .to_numpy()
        * -1.5
    )
    bulks = make_pseudobulks(
        samples, counts, genes=genes, classes=CLASSES, effects={"vascular_endothelial": down}
    )
    return samples, bulks, fit_classes(samples, bulks, CONFIG)


def test_the_list_is_what_the_plan_names():
    assert {
        "vegfr_axis",
        "fgfr_axis",
        "csf1r_axis",
        "checkpoint",
        "t_exhaustion",
        "cytotoxicity",
        "mhc_class_1",
        "mhc_class_2",
    } <= set(programs())
    assert {
        "macrophage_m1",
        "macrophage_m2",
        "hypoxia",
        "treg",
        "proliferation",
        "t_inflamed_18",
    } <= set(programs())
    assert len(programs()["t_inflamed_18"].weights) == 18
    assert programs()["vegf_response_endothelial"].weights["LYVE1"] == -1
    assert all(gene in gene_id_of() for gene in GENES)


def test_related_genes_has_every_gene_in_every_class(trial):
    samples, bulks, fits = trial
    table = related_genes(samples, bulks, CONFIG, fits=fits)
    assert len(table) == sum(len(p.weights) for p in programs().values()) * 15
    for _, part in table.groupby("program"):
        assert np.allclose(
            part["p_adjusted"],
            benjamini_hochberg(part["p_value"].where(~part["ambient_flag"])),
            equal_nan=True,
        )
    row = table.set_index(["program", "gene", "cell_class"]).loc[
        ("vegfr_axis", "KDR", "vascular_endothelial")
    ]
    assert row["n_pairs"] == 8
    assert row["log2_fold_change"] == pytest.approx(row["mean_post"] - row["mean_pre"])
    assert table.loc[table["cell_class"] == "plasma", "log2_fold_change"].isna().all()
    assert table.loc[table["cell_class"] == "plasma", "n_pairs"].eq(0).all()


def test_related_genes_are_the_rows_of_deg_tables(trial):
    samples, bulks, fits = trial
    genes = related_genes(samples, bulks, CONFIG, fits=fits).dropna(subset=["p_value"])
    both = genes.merge(deg_tables(samples, bulks, CONFIG, fits=fits), on=["cell_class", "gene"])
    assert len(both) == len(genes)
    assert np.allclose(both["p_value_x"], both["p_value_y"])


def test_the_moved_program_is_found_and_others_are_not(trial):
    samples, bulks, fits = trial
    table = gene_programs(samples, bulks, CONFIG, fits=fits).set_index(["cell_class", "program"])
    assert table.loc[("vascular_endothelial", "vegfr_axis"), "p_adjusted"] < 0.05
    assert table.loc[("vascular_endothelial", "vegfr_axis"), "ci_high"] < 0
    assert (table.drop("vascular_endothelial", level=0)["p_adjusted"].dropna() > 0.05).all()
    assert len(table) == 15 * len(programs())
    assert table.loc["mast", "delta"].isna().all()


def test_scores_agree_with_the_change(trial):
    samples, bulks, fits = trial
    scores = program_scores(samples, bulks, CONFIG, fits=fits)
    assert set(scores["sample_id"]) == set(samples["sample_id"])
    wide = scores.pivot_table(
        index=["subject_id", "cell_class", "program"], columns="timepoint", values="score"
    )
    changes = program_changes(samples, bulks, CONFIG, fits=fits).set_index(
        ["subject_id", "cell_class", "program"]
    )
    assert changes["delta"].dropna().to_numpy() == pytest.approx(
        (wide["post"] - wide["pre"]).reindex(changes["delta"].dropna().index).to_numpy()
    )
    group = gene_programs(samples, bulks, CONFIG, fits=fits).set_index(["cell_class", "program"])
    assert changes["delta"].groupby(["cell_class", "program"]).mean().loc[
        ("T", "hypoxia")
    ] == pytest.approx(group.loc[("T", "hypoxia"), "delta"])


def test_order_of_samples_classes_and_genes_changes_nothing(trial):
    samples, bulks, fits = trial
    shuffled = {k: bulks[k][::-1, ::-1].copy() for k in reversed(list(bulks))}
    again = fit_classes(samples.iloc[::-1], shuffled, CONFIG)
    for function in (gene_programs, program_scores, related_genes):
        pd.testing.assert_frame_equal(
            function(samples, bulks, CONFIG, fits=fits),
            function(samples, shuffled, CONFIG, fits=again),
            rtol=1e-9,
        )


def test_a_home_without_samples_has_tables_without_tests(trial):
    samples = trial[0].iloc[:0]
    fits = fit_classes(samples, {}, CONFIG)
    assert program_scores(samples, {}, CONFIG, fits=fits).empty
    assert program_changes(samples, {}, CONFIG, fits=fits).empty
    assert related_genes(samples, {}, CONFIG, fits=fits)["n_pairs"].eq(0).all()
    assert gene_programs(samples, {}, CONFIG, fits=fits)["p_value"].isna().all()
