"""Expression figures name what was called, and say NE where nothing can be."""

import pandas as pd
import pytest

from hcc_assets.figures import style
from hcc_assets.figures.expression import dot_plot, program_heatmap, volcano
from hcc_assets.stats.differential_expression import deg_tables, fit_classes
from hcc_assets.stats.program_genes import related_genes
from hcc_assets.stats.programs import gene_programs
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.figures.test_composition import words
from hcc_assets_tests.stats.test_programs import small_genome
from hcc_assets_tests.stats.trial import make_counts, make_pseudobulks, make_samples

CONFIG = StudyConfig()


@pytest.fixture(scope="module")
def tables():
    samples = make_samples(8)
    counts = make_counts(samples)
    genes = small_genome(150)
    effect = {"T": genes["gene"].eq("PDCD1").to_numpy() * 3.0}
    bulks = make_pseudobulks(samples, counts, genes=genes, classes=["T", "tumour"], effects=effect)
    fits = fit_classes(samples, bulks, CONFIG)
    return tuple(
        f(samples, bulks, CONFIG, fits=fits) for f in (deg_tables, related_genes, gene_programs)
    )


def test_figures_are_drawn_and_name_the_gene(tables):
    deg, related, changes = tables
    figure = volcano(deg, "T")
    assert "PDCD1" in words(figure)
    for drawn in (figure, dot_plot(related, "checkpoint"), program_heatmap(changes)):
        assert style.save_png(drawn, dpi=40).startswith(b"\x89PNG")
    assert style.save_png(volcano(deg.iloc[::-1], "T"), dpi=40) == style.save_png(
        volcano(deg, "T"), dpi=40
    )


def test_nothing_to_show_says_so(tables):
    deg, related, changes = tables
    assert "NE: 0 pairs" in words(volcano(deg, "plasma"))
    assert "NE" in words(dot_plot(related.assign(log2_fold_change=float("nan")), "checkpoint"))
    assert "NE" in words(program_heatmap(changes.assign(delta=float("nan"))))
    assert style.NO_DATA in words(program_heatmap(pd.DataFrame(columns=changes.columns)))
