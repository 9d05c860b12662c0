"""Is the comparison of timepoints confounded with how samples were made?"""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import Output, Verdict, asset
from hcc_assets.assets.inputs import BySample
from hcc_assets.catalogue._contrasts import CONTRAST_SETTINGS, each_contrast
from hcc_assets.catalogue.cohort._pseudobulks import pseudobulks
from hcc_assets.catalogue.cohort._samples import standing_samples
from hcc_assets.schemas.confounders import DesignConfounding
from hcc_assets.study.config import StudyConfig


@asset(
    model=DesignConfounding,
    settings=(*CONTRAST_SETTINGS, "single_cell.min_cells_pseudobulk"),
)
def design_confounding(
    samples: pd.DataFrame, annotated_cells: BySample, pseudobulk: BySample, config: StudyConfig
) -> Output:
    """Chemistry, run, genome, tissue and operator against the timepoint, and a change that
    unrelated classes share. A confounded contrast has no verdict on composition."""
    from hcc_assets.stats.design_confounding import design_confounding as confounding

    standing = standing_samples(samples, annotated_cells)
    sums = pseudobulks(pseudobulk, [s for s in standing["sample_id"] if s in pseudobulk])
    table = each_contrast(standing, config, lambda s, c: confounding(s, sums, c))
    return Output(table=table, metadata={"factors": int(table["factor"].nunique())})


@design_confounding.check(
    severity="WARN", todo="Compare only what was made alike, or repeat libraries in one batch."
)
def not_confounded(table: pd.DataFrame) -> Verdict:
    """No factor is confounded with the timepoint"""
    bad = table[table["verdict"].isin(["WARN", "CONFOUNDED"])]
    names = "; ".join(
        f"{r.factor} {r.verdict} ({r.contrast}): {r.statement}" for r in bad.itertuples()
    )
    open_ = ", ".join(sorted(set(table.loc[table["verdict"].isna(), "factor"])))
    clear = "no factor goes with the timepoint" + (f"; not judged: {open_}" if open_ else "")
    return Verdict(bad.empty, names or clear, len(bad))
