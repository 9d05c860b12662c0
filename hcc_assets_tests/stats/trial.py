"""A small trial for tests of statistics: class counts and pseudobulks with known effects.

Not the project's simulator.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hcc_assets.study.classes import CELL_CLASSES

CLASSES = [c for c in CELL_CLASSES if c not in ("erythroid", "platelet")]
SHARES = np.array(
    [
        0.28,
        0.08,
        0.05,
        0.09,
        0.01,
        0.13,
        0.04,
        0.03,
        0.04,
        0.06,
        0.02,
        0.04,
        0.08,
        0.015,
        0.01,
        0.02,
    ]
)


def make_samples(n: int, *, unpaired: int = 0) -> pd.DataFrame:
    """One sample per subject and timepoint; the first ``unpaired`` subjects have no second."""
    rows = [
        {
            "sample_id": f"S{i:03d}-{t}",
            "subject_id": f"P{i:03d}",
            "timepoint": t,
            "tissue": "LIVER",
            "collection_date": pd.Timestamp("2024-01-01")
            + pd.Timedelta(days=7 * i + (56 if t == "post" else 0)),
        }
        for i in range(n)
        for t in (("pre", "post") if i >= unpaired else ("pre",))
    ]
    return pd.DataFrame(rows)


def make_counts(
    samples: pd.DataFrame,
    *,
    seed: int = 0,
    effects: dict[str, float] | None = None,
    cells: int = 1500,
    noise: float = 0.4,
) -> pd.DataFrame:
    """Logistic-normal counts with log-scale effects after treatment; 5 % of the cells are doublets,
    5 % high_mt."""
    rng = np.random.default_rng(seed)
    effect = np.array([(effects or {}).get(c, 0.0) for c in CLASSES])
    patients = {s: rng.normal(0, 0.6, len(CLASSES)) for s in sorted(set(samples["subject_id"]))}
    rows = []
    for sample in samples.itertuples():
        log = (
            np.log(SHARES)
            + patients[sample.subject_id]
            + rng.normal(0, noise, len(CLASSES))
            + effect * (sample.timepoint == "post")
        )
        share = np.exp(log) / np.exp(log).sum()
        for status, number in (("pass", cells), ("doublet", cells // 20), ("high_mt", cells // 20)):
            for cell_class, n in zip(CLASSES, rng.multinomial(number, share), strict=True):
                rows.append(
                    {
                        "sample_id": sample.sample_id,
                        "cell_class": cell_class,
                        "qc_status": status,
                        "n_cells": int(n),
                    }
                )
    return pd.DataFrame(rows)


def make_pseudobulks(
    samples: pd.DataFrame,
    counts: pd.DataFrame,
    *,
    genes: pd.DataFrame,
    classes: list[str],
    seed: int = 0,
    umi: int = 2500,
    effects=None,
    patient_sd=0.3,
):
    """Per sample an AnnData of sums.

    ``effects`` maps class to an array of log2 changes, one per gene.
    """
    import anndata as ad
    import scipy.sparse as sp

    rng = np.random.default_rng(seed)
    base = {c: np.exp(rng.normal(0, 1.5, len(genes))) for c in classes}
    patient = {
        (s, c): rng.normal(0, patient_sd, len(genes))
        for s in sorted(set(samples["subject_id"]))
        for c in classes
    }
    passed = counts[counts["qc_status"] == "pass"].set_index(["sample_id", "cell_class"])["n_cells"]
    out = {}
    for sample in samples.itertuples():
        rows, cells = [], []
        for c in classes:
            mean = base[c] * np.exp(patient[sample.subject_id, c] + rng.normal(0, 0.2, len(genes)))
            if sample.timepoint == "post" and effects and c in effects:
                mean = mean * 2.0 ** effects[c]
            n = int(passed[sample.sample_id, c])
            cells.append(n)
            rows.append(rng.poisson(mean / mean.sum() * n * umi))
        obs = pd.DataFrame({"cell_class": classes, "n_cells": cells}, index=classes)
        out[sample.sample_id] = ad.AnnData(
            sp.csr_matrix(np.array(rows)),
            obs=obs,
            var=genes.set_index("gene_id", drop=False).rename_axis(None),
        )
    return out
