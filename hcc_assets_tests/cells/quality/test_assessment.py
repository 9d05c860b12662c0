"""Quality control: metrics against scanpy, the floor, limits by lineage, the summary; order never
matters.
"""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse

from hcc_assets.cells.quality.adaptive import adaptive_status
from hcc_assets.cells.quality.assessment import (
    QcResult,
    assess,
    qc_summary,
    refused_row,
    summary_row,
)
from hcc_assets.cells.quality.metrics import barcode_metrics, floor_status
from hcc_assets.cells.reading.tenx import find_matrix, read_counts
from hcc_assets.simulate.cells import SimulationSettings, make_world, simulate_sample
from hcc_assets.simulate.real_cells import simulate_real_sample
from hcc_assets.simulate.real_settings import RealSettings
from hcc_assets.simulate.real_world import make_real_world
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.genes import gene_id_of, is_haemoglobin, is_mitochondrial, is_ribosomal
from hcc_assets_tests.cells.matrices import shared, toy

CONFIG = StudyConfig()


def by_symbol(rows: list[dict[str, int]]) -> AnnData:
    """Counts given as symbol -> count, one dict per cell."""
    symbols = sorted({s for row in rows for s in row})
    counts = sparse.csr_matrix(
        np.array([[row.get(s, 0) for s in symbols] for row in rows], dtype=np.int32)
    )
    ids = [gene_id_of().get(s, s) for s in symbols]
    var = pd.DataFrame({"gene_id": ids, "gene": symbols}, index=pd.Index(ids, dtype=object))
    return AnnData(counts, obs=pd.DataFrame(index=[f"c{k:03d}" for k in range(len(rows))]), var=var)


@pytest.fixture(scope="module")
def biopsy():
    sample = simulate_sample(
        make_world(1, SimulationSettings.easy()), 0, "pre", 900, 1, empty_droplets=3000
    )
    var = sample.genes[["gene_id", "gene"]].set_index(
        pd.Index(sample.genes["gene_id"], dtype=object, name=None)
    )
    counts = AnnData(sample.counts, obs=pd.DataFrame(index=sample.barcodes), var=var)
    raw = AnnData(
        sparse.vstack([sample.counts, sample.empty]).tocsr(),
        obs=pd.DataFrame(index=np.concatenate([sample.barcodes, sample.empty_barcodes])),
        var=var,
    )
    return counts, raw, sample.truth


def test_metrics_agree_with_scanpy():
    import scanpy as sc

    counts = read_counts(find_matrix(shared("landing_real", "matrices", "1015-pre")))
    symbols = counts.var["gene"]
    counts.var["mt"], counts.var["ribo"], counts.var["hb"] = (
        is_mitochondrial(symbols),
        is_ribosomal(symbols),
        is_haemoglobin(symbols),
    )
    ours = barcode_metrics(counts)
    theirs = sc.pp.calculate_qc_metrics(counts, qc_vars=["mt", "ribo", "hb"], percent_top=None)[0]
    for mine, name in {
        "n_umi": "total_counts",
        "n_genes": "n_genes_by_counts",
        "log1p_umi": "log1p_total_counts",
        "log1p_genes": "log1p_n_genes_by_counts",
        "pct_mt": "pct_counts_mt",
        "pct_ribo": "pct_counts_ribo",
        "pct_hb": "pct_counts_hb",
    }.items():
        np.testing.assert_allclose(ours[mine], theirs[name], rtol=1e-5, atol=1e-5)
    dense = np.sort(counts.X.toarray(), axis=1)[:, ::-1]
    np.testing.assert_allclose(
        ours["pct_top20"], 100 * dense[:, :20].sum(axis=1) / dense.sum(axis=1)
    )


@pytest.mark.slow
def test_top_share_agrees_with_scanpy():
    import scanpy as sc

    counts = toy(40, 80)
    theirs = sc.pp.calculate_qc_metrics(counts, percent_top=[20])[0]
    np.testing.assert_allclose(
        barcode_metrics(counts)["pct_top20"], theirs["pct_counts_in_top_20_genes"]
    )


def test_floor_names_the_first_rule_that_is_broken():
    many = {f"G{k}": 3 for k in range(120)}
    rows = [
        many,
        {f"G{k}": 1 for k in range(120)},
        {"G1": 500},
        many | {"MT-CO1": 400},
        many | {"HBB": 400},
        many | {"HBB": 120, "AHSP": 2, "ALAS2": 1},
        many | {"HBB": 120},
        many | {"HBP1": 400, "HBEGF": 400},
        {},
    ]
    counts = by_symbol(rows)
    status = floor_status(barcode_metrics(counts), counts, CONFIG)
    assert list(status) == [
        "pass",
        "low_umi",
        "low_genes",
        "high_mt",
        "erythroid",
        "erythroid",
        "high_hb",
        "pass",
        "low_umi",
    ]


def test_a_small_cell_in_lysed_blood_is_a_cell():
    """Neutrophils of simulated biopsies with 11 % of haemoglobin in every cell had 20 to 25 % for
    their size, and up to four of ten were lost; a cell that has more than the soup is none."""
    world = make_real_world(31, RealSettings(ambient=0.28, ambient_high=0.32, haemoglobin=0.15))
    drawn = simulate_real_sample(world, 7, "post", 900, 0)
    var = drawn.genes[["gene_id", "gene"]].set_index("gene_id", drop=False).rename_axis(None)
    obs = pd.DataFrame(index=drawn.barcodes.astype(str))
    counts = AnnData(drawn.counts, obs=obs, var=var)
    own = (drawn.truth["cell_class"] == "neutrophil").to_numpy()
    qc = assess(counts, CONFIG)
    metrics = qc.metrics.set_index(counts.obs_names)
    assert (metrics["pct_hb"][own] > 20).mean() > 0.2
    assert (metrics["qc_status"][own] == "pass").mean() > 0.9
    cells = counts.X.tolil()
    red = np.flatnonzero(is_haemoglobin(counts.var["gene"]))[0]
    cell = int(np.flatnonzero(own & (metrics["qc_status"] == "pass").to_numpy())[0])
    cells[cell, red] += int(metrics["n_umi"].iloc[cell])
    more = AnnData(cells.tocsr(), obs=counts.obs, var=counts.var)
    assert assess(more, CONFIG).metrics["qc_status"].iloc[cell] in ("high_hb", "erythroid")


def test_floor_follows_the_study(biopsy):
    counts, _, _ = biopsy
    strict = StudyConfig.model_validate({"single_cell": {"min_umi": 1000, "min_genes": 500}})
    metrics = barcode_metrics(counts)
    status = floor_status(metrics, counts, strict)
    assert ((metrics["n_umi"] >= 1000) == (status != "low_umi")).all()


def limits(rows: list[tuple[str, float, float, float]]) -> list[str]:
    frame = pd.DataFrame(rows, columns=["lineage", "log1p_umi", "log1p_genes", "pct_mt"]).assign(
        qc_status="pass"
    )
    return list(adaptive_status(frame, frame["lineage"]))


def test_limits_are_those_of_sample_and_lineage():
    spread = np.linspace(-1, 1, 101)
    t_cells = [("T", 8 + 0.3 * s, 7 + 0.2 * s, 5 + s) for s in spread]
    hepatocytes = [("hepatocyte", 9.5 + 0.3 * s, 8 + 0.2 * s, 25 + 6 * s) for s in spread]
    extra = [
        ("T", 8, 7, 12),
        ("T", 8, 7, 9.9),
        ("T", 8 - 1.1, 7, 5),
        ("T", 8, 7 - 1.1, 5),
        ("T", 8 - 0.9, 7 - 0.9, 5),
        ("hepatocyte", 13, 9, 30),
        ("hepatocyte", 9.5, 8, 39),
        ("T", 8, 7, 21),
    ]
    out = limits(t_cells + hepatocytes + extra)
    assert set(out[:202]) == {"pass"}
    assert out[202:] == [
        "high_mt",
        "pass",
        "low_umi",
        "low_genes",
        "pass",
        "pass",
        "high_mt",
        "high_mt",
    ]


def test_few_neutrophils_among_large_cells_are_kept():
    spread = np.linspace(-1, 1, 201)
    tumour = [("tumour", 9.5 + 0.1 * s, 8.3 + 0.1 * s, 15 + 2 * s) for s in spread]
    neutrophils = [
        ("neutrophil", 6.2 + 0.3 * s, 5.8 + 0.2 * s, 2.0) for s in np.linspace(-1, 1, 12)
    ]
    assert set(limits(tumour + neutrophils)) == {"pass"}


def test_caps_hold_whatever_the_spread():
    wide = np.linspace(0, 60, 101)
    out = limits([("T", 8, 7, m) for m in wide] + [("hepatocyte", 8, 7, m) for m in wide])
    assert all((s == "pass") == (m <= 20) for s, m in zip(out[:101], wide, strict=True))
    assert all((s == "pass") == (m <= 40) for s, m in zip(out[101:], wide, strict=True))


def test_only_passing_cells_are_judged_again():
    frame = pd.DataFrame(
        {
            "log1p_umi": [0.0, 8.0],
            "log1p_genes": [0.0, 7.0],
            "pct_mt": [90.0, 5.0],
            "qc_status": ["doublet", "pass"],
        },
        index=[7, 3],
    )
    out = adaptive_status(frame, pd.Series([None, "T"]))
    assert list(out) == ["doublet", "pass"] and list(out.index) == [7, 3]


def test_bars_on_the_simulated_biopsy(biopsy):
    counts, _, truth = biopsy
    qc = assess(counts, CONFIG)
    status = adaptive_status(qc.metrics, truth["cell_class"]).to_numpy()
    damaged, kept = truth["damaged"].to_numpy(), np.isin(status, ["pass", "doublet"])
    neutrophil = (truth["cell_class"] == "neutrophil").to_numpy() & ~damaged
    assert np.mean(~kept[damaged]) >= 0.9
    assert np.mean(kept[neutrophil]) >= 0.98


def test_order_of_cells_and_genes_changes_nothing(biopsy):
    counts, _, _ = biopsy
    rng = np.random.default_rng(3)
    shuffled = counts[rng.permutation(counts.n_obs)][:, rng.permutation(counts.n_vars)].copy()
    first, second = assess(counts, CONFIG).metrics, assess(shuffled, CONFIG).metrics
    pd.testing.assert_frame_equal(
        first.sort_values("barcode", ignore_index=True),
        second.sort_values("barcode", ignore_index=True),
        rtol=1e-9,
    )
    assert first.set_index("barcode")["qc_status"].equals(
        second.set_index("barcode")["qc_status"].loc[first["barcode"]]
    )


def test_result_survives_parquet(biopsy):
    counts, raw, _ = biopsy
    qc = assess(counts, CONFIG, raw=raw)
    stored = {k: pd.read_parquet(io.BytesIO(v.to_parquet())) for k, v in qc.to_tables().items()}
    back = QcResult.from_tables(stored)
    pd.testing.assert_frame_equal(back.metrics, qc.metrics)
    np.testing.assert_array_equal(back.ambient.profile, qc.ambient.profile)
    assert back.ambient.source == qc.ambient.source == "raw"
    assert summary_row("S1", back, CONFIG) == summary_row("S1", qc, CONFIG)


def test_summary_counts_every_barcode_once(biopsy):
    counts, _, _ = biopsy
    row = summary_row("S2", assess(counts, CONFIG), CONFIG, subject_id="P1", timepoint="pre")
    table = qc_summary([row, refused_row("S1", "not counts")])
    assert list(table["sample_id"]) == ["S1", "S2"]
    second = table.iloc[1]
    assert (
        second["n_pass"]
        + sum(
            second[c]
            for c in table.columns
            if c.startswith("n_") and c not in ("n_barcodes", "n_cells", "n_pass")
        )
        == 900
    )
    assert second["enough_cells"] and second["reason"] is None
    assert table.iloc[0]["reason"] == "not counts" and np.isnan(table.iloc[0]["median_umi"])
    assert qc_summary([]).empty


def test_samples_without_cells_have_a_row():
    qc = assess(by_symbol([{"ALB": 3, "CD3E": 1}, {"ALB": 1}]), CONFIG)
    row = summary_row("S", qc, CONFIG)
    assert row["n_cells"] == 0 and np.isnan(row["doublet_rate"]) and not row["enough_cells"]
    assert len(qc_summary([row])) == 1


def test_real_blood_keeps_its_cells():
    qc = assess(read_counts(find_matrix(shared("pbmc4k"))), CONFIG)
    row = summary_row("S", qc, CONFIG)
    assert row["n_cells"] == 2170 and row["n_pass"] >= 2000
    assert 0.02 < row["ambient_fraction"] < 0.12
