"""The samples that comparisons across samples are about, and their cells by class."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.inputs import BySample


def standing_samples(samples: pd.DataFrame, annotated_cells: BySample) -> pd.DataFrame:
    """Rows of ``samples`` whose calls stand."""
    return samples[samples["sample_id"].isin(list(annotated_cells))].reset_index(drop=True)


def class_counts(annotated_cells: BySample) -> pd.DataFrame:
    """Cells per sample, class and QC status, of all samples that stand."""
    parts = [v.frame("counts").assign(sample_id=s) for s, v in annotated_cells.items()]
    if not parts:
        return pd.DataFrame(columns=["sample_id", "cell_class", "qc_status", "n_cells"])
    return pd.concat(parts, ignore_index=True)
