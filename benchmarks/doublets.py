"""Doublets: own score against scanpy's Scrublet on the same labelled doublets, from the simulator
and from real blood with planted pairs.

Run ``python -m benchmarks.doublets``; ``compare()`` gives the table to other benchmarks.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from anndata import AnnData
from scipy import sparse

from hcc_assets.cells.quality.ambient import estimate_ambient
from hcc_assets.cells.quality.doublets import find_doublets
from hcc_assets.cells.reading.tenx import find_matrix, read_counts
from hcc_assets.simulate.cells import SimulationSettings, make_world, simulate_sample

BLOOD = Path(__file__).resolve().parents[1] / "../shared/data/pbmc4k"
Flags = npt.NDArray[np.bool_]


def planted(
    counts: AnnData, labels: pd.Series, rate: float, seed: int
) -> tuple[AnnData, Flags, Flags]:
    """Cells of which a share ``rate`` are sums of two others: counts, doublet, doublet of two
    labels. Real doublets among the rest are not known."""
    rng = np.random.default_rng(seed)
    n = int(counts.n_obs * rate / (1 + rate))
    order = rng.permutation(counts.n_obs)
    first, second, rest = order[:n], order[n : 2 * n], order[2 * n :]
    matrix = sparse.vstack([counts.X[rest], counts.X[first] + counts.X[second]]).tocsr()
    label = labels.reindex(counts.obs_names).to_numpy()
    doublet = np.arange(matrix.shape[0]) >= len(rest)
    mixed = np.concatenate([np.zeros(len(rest), dtype=bool), label[first] != label[second]])
    names = [f"cell{k:06d}" for k in rng.permutation(matrix.shape[0])]
    return AnnData(matrix, obs=pd.DataFrame(index=names), var=counts.var.copy()), doublet, mixed


def simulated(
    settings: SimulationSettings, seed: int, n_cells: int
) -> tuple[AnnData, Flags, Flags]:
    """Undamaged droplets of at least 200 UMI of one simulated biopsy."""
    sample = simulate_sample(make_world(seed, settings), 0, "pre", n_cells, seed)
    keep = ((sample.truth["n_umi"] >= 200) & ~sample.truth["damaged"]).to_numpy()
    truth = sample.truth[keep]
    var = sample.genes[["gene_id", "gene"]].set_index(
        pd.Index(sample.genes["gene_id"], dtype=object, name=None)
    )
    mixed = truth["doublet"] & (truth["second_class"] != truth["cell_class"])
    return (
        AnnData(sample.counts[keep], obs=pd.DataFrame(index=sample.barcodes[keep]), var=var),
        truth["doublet"].to_numpy(),
        mixed.to_numpy(dtype=bool),
    )


def cases(n_cells: int = 2000, seeds: int = 3) -> Iterator[tuple[str, AnnData, Flags, Flags]]:
    """Named cases; those of real blood only where the shared data are."""
    for seed in range(seeds):
        yield f"easy, 3 %, seed {seed}", *simulated(SimulationSettings.easy(), seed, n_cells)
        yield f"hard, 8 %, seed {seed}", *simulated(SimulationSettings.hard(), seed, n_cells)
        yield (
            f"hard, 2 %, seed {seed}",
            *simulated(replace(SimulationSettings.hard(), doublets=0.02), seed, n_cells),
        )
    if BLOOD.exists():
        counts = read_counts(find_matrix(BLOOD))
        labels = pd.read_csv(BLOOD / "labels.csv", index_col=0)["Annotation"]
        for seed in range(seeds):
            for rate in (0.03, 0.08):
                yield (
                    f"pbmc4k, {rate:.0%} planted, seed {seed}",
                    *planted(counts, labels, rate, seed),
                )


def scrublet(counts: AnnData, rate: float) -> npt.NDArray[np.float64]:
    """scanpy's Scrublet, told the true rate."""
    import scanpy as sc

    copy = counts.copy()
    copy.X = copy.X.astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sc.pp.scrublet(
            copy, expected_doublet_rate=rate, random_state=0, threshold=0.25, verbose=False
        )
    return copy.obs["doublet_score"].to_numpy(dtype=float)


def compare(n_cells: int = 2000, seeds: int = 3) -> pd.DataFrame:
    """One row per case: AUPRC of both scores, of all and of mixed doublets; own calls; CPU seconds
    of this process."""
    from sklearn.metrics import average_precision_score

    rows = []
    for name, counts, doublet, mixed in cases(n_cells, seeds):
        usable = np.ones(counts.n_obs, dtype=bool)
        started = time.process_time()
        own = find_doublets(counts, usable, estimate_ambient(counts, usable))
        middle = time.process_time()
        theirs = scrublet(counts, float(doublet.mean()))
        ended = time.process_time()
        judged = ~doublet | mixed
        rows.append(
            {
                "case": name,
                "cells": counts.n_obs,
                "doublets": int(doublet.sum()),
                "auprc_own": average_precision_score(doublet, own.score),
                "auprc_scrublet": average_precision_score(doublet, theirs),
                "mixed_own": average_precision_score(mixed[judged], own.score[judged]),
                "mixed_scrublet": average_precision_score(mixed[judged], theirs[judged]),
                "called": int(own.called.sum()),
                "precision": float(doublet[own.called].mean())
                if own.called.any()
                else float("nan"),
                "recall": float(own.called[doublet].mean()),
                "cpu_own": middle - started,
                "cpu_scrublet": ended - middle,
            }
        )
    return pd.DataFrame(rows)


def main() -> None:
    """Print the table and its means."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    table = compare()
    print(table.round(3).to_string(index=False))
    print(table.drop(columns="case").mean().round(3).to_string())


if __name__ == "__main__":
    main()
