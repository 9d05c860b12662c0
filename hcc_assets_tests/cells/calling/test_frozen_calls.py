"""Calls by references that were stored before the code knew of a prior, or of a map of confidence,
are the same to the last byte."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from anndata import AnnData

from hcc_assets.cells.calling.annotation import Annotation, annotate
from hcc_assets.cells.quality.assessment import QcResult, assess
from hcc_assets.cells.reference.model import Reference
from hcc_assets.study.confidence import LEAST, shipped_confidence
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.genes import gene_id_of
from hcc_assets.study.markers import panel_genes

CONFIG = StudyConfig()
CLASSES = ("T", "T", "NK", "monocyte", "dendritic", "tumour")
OWN = 400
"""Genes beside those of the panels."""


def _symbols() -> np.ndarray:
    known = gene_id_of()
    panel = sorted(g for g in panel_genes() if g in known)
    others = [g for g in known if g not in set(panel)][:OWN]
    return np.array([*panel, *others], dtype=object)


def stored(prior: str) -> bytes:
    """A reference as it lies in a store: profiles drawn, everything else written by hand, so that
    no change of how references are built changes it."""
    rng = np.random.default_rng(7)
    symbols = _symbols()
    key = gene_id_of()
    shares = (rng.gamma(0.5, 1.0, len(symbols)) + 0.02) * np.exp(
        rng.normal(0, 0.25, (len(CLASSES), len(symbols)))
    )
    shares = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
    header = {
        "kind": "cohort",
        "owner": list(CLASSES),
        "n_cells": [100, 60, 80, 90, 0, 50],
        "temperature": [2.0, 0.5],
        "limits": [[0.8, -0.05, 0.001, 0.1]] * len(CLASSES),
        "log_size": [None] * 18,
        "seeds": {"T": 50},
        "sample_ids": ["old"],
        **({"prior": prior} if prior else {}),
    }
    columns = {
        "gene": pa.array([key[s] for s in symbols], pa.string()),
        "symbol": pa.array(list(symbols), pa.string()),
        "weight": pa.array(rng.uniform(0.2, 1, len(symbols)).astype(np.float32), pa.float32()),
        **{f"{i:03d} {c}": pa.array(shares[i], pa.float32()) for i, c in enumerate(CLASSES)},
    }
    table = pa.table(columns).replace_schema_metadata(
        {"hcc_reference": json.dumps(header, sort_keys=True)}
    )
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def delivered(reference: Reference) -> AnnData:
    """Cells half way between two profiles in all degrees, so that posteriors are of every size."""
    rng = np.random.default_rng(8)
    n = 120
    a, b = rng.integers(0, len(CLASSES), n), rng.integers(0, len(CLASSES), n)
    part = rng.uniform(0, 1, (n, 1))
    rate = part * reference.shares[a] + (1 - part) * reference.shares[b]
    size = np.exp(rng.uniform(np.log(600), np.log(4000), (n, 1)))
    var = pd.DataFrame({"gene_id": reference.genes, "gene": reference.symbols})
    return AnnData(
        rng.poisson(size * rate).astype(np.int32),
        obs=pd.DataFrame(index=[f"c{i:03d}" for i in range(n)]),
        var=var.set_index("gene_id", drop=False).rename_axis(None),
    )


def judged(counts: AnnData) -> QcResult:
    """Quality of the cells, all of which pass: no rule of quality control changes these calls."""
    qc = assess(counts, CONFIG)
    passing = qc.metrics.assign(qc_status="pass", doublet_score=0.0, lineage_conflict=False)
    return replace(qc, metrics=passing)


def _hash(found: Annotation) -> str:
    table = found.calls.to_csv(index=False, float_format="%.6f")
    shares = np.round(np.stack([found.shares, found.blind_shares]), 5) + 0.0
    return hashlib.sha256(table.encode() + shares.tobytes()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("prior", "expected"), [("", "3cf56e1d917f1124"), ("2", "1808d69c8a0e3957")]
)
def test_a_stored_reference_keeps_its_calls_byte_for_byte(prior: str, expected: str) -> None:
    data = stored(prior)
    reference = Reference.from_parquet_bytes(data)
    counts = delivered(reference)
    found = annotate(counts, judged(counts), reference, CONFIG, sample_id="s")
    assert found.calls["confidence"].between(0.05, 0.999).sum() > 20
    assert found.calls["cell_class"].nunique() > 3
    assert _hash(found) == expected
    assert Reference.from_parquet_bytes(reference.to_parquet_bytes()).version == reference.version


def test_the_map_of_confidence_moves_no_class() -> None:
    plain = Reference.from_parquet_bytes(stored("2"))
    mapped = replace(plain, confidence=shipped_confidence().map)
    counts = delivered(plain)
    qc = assess(counts, CONFIG)
    before = annotate(counts, qc, plain, CONFIG, sample_id="s")
    after = annotate(counts, qc, mapped, CONFIG, sample_id="s")
    same = ["barcode", "qc_status", "cell_class", "second_class", "doublet_score", "n_umi"]
    pd.testing.assert_frame_equal(before.calls[same], after.calls[same])
    np.testing.assert_array_equal(before.shares, after.shares)
    low = before.calls["confidence"] < LEAST
    called = before.calls["cell_class"] != "unassigned"
    assert (before.calls["confidence"][low] == after.calls["confidence"][low]).all()
    assert (after.calls["confidence"][called & ~low] < 0.999).all()
