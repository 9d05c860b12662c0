"""Counts summed per class over the cells of one sample that pass."""

from __future__ import annotations

from hcc_assets.assets.definition import Gate, Output, asset
from hcc_assets.assets.inputs import Version
from hcc_assets.home.manifests import Bundle


@asset(
    per_sample=True,
    gate=Gate("sums_conserved", "Sums were made over the cells that pass"),
    kinds=("python", "anndata"),
    owners=("team:bioinformatics",),
    layer="cells",
    keep=1,
)
def pseudobulk(raw_counts: Version, annotated_cells: Version) -> Output:
    """Counts summed per class over the cells of one sample that pass. What leaves the sample for
    every comparison of expression."""
    from hcc_assets.cells.pseudobulk import pseudobulk as sum_by_class
    from hcc_assets.cells.pseudobulk import to_frames

    sums = sum_by_class(raw_counts.cells("counts"), annotated_cells.frame("calls"))
    return Output(
        bundle=Bundle(frames=to_frames(sums)),
        metadata={
            "classes": sums.n_obs,
            "genes": sums.n_vars,
            "total_umi": int(sums.X.sum()),
        },
    )
