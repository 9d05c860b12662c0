"""The usual scanpy recipe for one sample as a plain script, as people write it: what the per-sample
work is compared with.

``python -m benchmarks.performance.scanpy_recipe FOLDER`` (a folder with ``matrix.mtx.gz``). Nothing
here is tuned, for or against.
"""

from __future__ import annotations

import sys

import scanpy as sc


def main() -> None:
    """Read, QC, Scrublet, normalise, HVG, PCA, neighbours, UMAP, Leiden, markers."""
    adata = sc.read_10x_mtx(sys.argv[1])
    adata.var_names_make_unique()
    adata.var["mt"] = adata.var_names.str.startswith("MT-")
    sc.pp.calculate_qc_metrics(adata, qc_vars=["mt"], inplace=True)
    sc.pp.filter_cells(adata, min_genes=100)
    sc.pp.filter_genes(adata, min_cells=3)
    adata = adata[adata.obs["pct_counts_mt"] < 20].copy()
    sc.pp.scrublet(
        adata, threshold=0.25
    )  # a given threshold: finding one needs scikit-image, which is not installed here
    adata.layers["counts"] = adata.X.copy()
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    sc.pp.highly_variable_genes(adata, n_top_genes=2000)
    sc.pp.pca(adata, n_comps=min(50, adata.n_obs - 1))
    sc.pp.neighbors(adata)
    sc.tl.umap(adata)
    sc.tl.leiden(adata, flavor="igraph", n_iterations=2, directed=False)
    sc.tl.rank_genes_groups(adata, "leiden", method="wilcoxon")
    sc.get.rank_genes_groups_df(adata, None)


if __name__ == "__main__":
    main()
