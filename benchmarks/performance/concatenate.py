"""The plain script for a whole trial: read every sample, concatenate, cluster all cells together,
count cells per cluster and sample.

``python -m benchmarks.performance.concatenate FOLDER…``. Nothing here is tuned, for or against.
"""

from __future__ import annotations

import sys
from pathlib import Path

import anndata as ad
import pandas as pd
import scanpy as sc


def main() -> None:
    """From matrices to a table of clusters by sample and markers of each cluster."""
    samples = {}
    for folder in sys.argv[1:]:
        sample = sc.read_10x_mtx(folder)
        sample.var_names_make_unique()
        samples[Path(folder).name] = sample
    adata = ad.concat(samples, label="sample", index_unique="-")
    adata.var["mt"] = adata.var_names.str.startswith("MT-")
    sc.pp.calculate_qc_metrics(adata, qc_vars=["mt"], inplace=True)
    sc.pp.filter_cells(adata, min_genes=100)
    sc.pp.filter_genes(adata, min_cells=3)
    adata = adata[adata.obs["pct_counts_mt"] < 20].copy()
    sc.pp.scrublet(adata, batch_key="sample", threshold=0.25)
    adata.layers["counts"] = adata.X.copy()
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    sc.pp.highly_variable_genes(adata, n_top_genes=2000, batch_key="sample")
    sc.pp.pca(adata, n_comps=min(50, adata.n_obs - 1))
    sc.pp.neighbors(adata)
    sc.tl.umap(adata)
    sc.tl.leiden(adata, flavor="igraph", n_iterations=2, directed=False)
    sc.tl.rank_genes_groups(adata, "leiden", method="wilcoxon")
    sc.get.rank_genes_groups_df(adata, None)
    pd.crosstab(adata.obs["sample"], adata.obs["leiden"], normalize="index")


if __name__ == "__main__":
    main()
