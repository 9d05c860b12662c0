"""Gene table and marker panels: what every single-cell step takes for granted."""

from __future__ import annotations

import subprocess
import sys

from hcc_assets.study import genes, markers
from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED


def test_gene_table_is_typed_unique_and_in_genomic_order() -> None:
    table = genes.gene_table()
    assert list(table.columns) == ["gene_id", "gene", "chromosome", "start", "length"]
    assert table["gene_id"].is_unique and not table.isna().any().any()
    assert [str(t) for t in table.dtypes] == ["object", "object", "object", "int64", "int64"]
    rank = table["chromosome"].map({c: i for i, c in enumerate(genes.CHROMOSOMES)}).fillna(99)
    assert rank.is_monotonic_increasing
    assert (
        table.groupby("chromosome", sort=False)["start"]
        .apply(lambda s: s.is_monotonic_increasing)
        .all()
    )


def test_a_caller_cannot_spoil_the_table_for_the_next() -> None:
    first = genes.gene_table()
    first.loc[:, "gene"] = "X"
    assert genes.gene_table()["gene"].nunique() > 30_000


def test_positions_by_id_version_and_symbol() -> None:
    found = genes.positions(["ENSG00000136997.21", "MYC", "TP53", "MT-CO1", "no such gene"])
    assert found["arm"].tolist()[:3] == ["8q", "8q", "17p"]
    assert found["arm"].isna().tolist() == [False, False, False, True, True]
    assert found["order"].tolist()[-1] == -1 and found["chromosome"].tolist()[3] == "MT"


def test_gene_families_by_name() -> None:
    assert genes.is_mitochondrial(["MT-CO1", "MTOR"]).tolist() == [True, False]
    names = ["RPL3", "RPS4Y1", "RPLP0", "RPSA", "RPL10A", "RPS27L", "RPS6KA1", "RPN1", "RPL22L1"]
    assert genes.is_ribosomal(names).tolist() == [
        True,
        True,
        True,
        True,
        True,
        True,
        False,
        False,
        True,
    ]
    assert genes.is_haemoglobin(["HBA1", "HBP1", "HBEGF"]).tolist() == [True, False, False]
    assert (
        genes.is_receptor_chain(
            ["IGKC", "IGHG1", "TRAC", "TRBV2", "TRAF1", "IGF1", "IGFBP2"]
        ).tolist()
        == [True] * 4 + [False] * 3
    )


def test_every_class_has_a_panel_of_genes_that_exist() -> None:
    panels = markers.markers()
    assert set(panels) == set(CELL_CLASSES) - {UNASSIGNED}
    known = set(genes.gene_table()["gene"])
    named = markers.panel_genes() | {
        g for p in panels.values() if p.rule for g in p.rule.any_of + p.rule.none_of
    }
    assert named <= known
    assert set(markers.ONCOFETAL + markers.MATURE_HEPATOCYTE) <= known
    for name, panel in panels.items():
        assert panel.positive and not set(panel.positive) & set(panel.negative), name


def test_reading_the_panels_loads_nothing_heavy() -> None:
    code = (
        "import sys, hcc_assets.study.markers as m, hcc_assets.study.genes as g; m.markers(); "
        "g.gene_table();"
        "bad = {'scanpy', 'anndata', 'matplotlib', 'sklearn', 'dagster'} & set(sys.modules); "
        "sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
