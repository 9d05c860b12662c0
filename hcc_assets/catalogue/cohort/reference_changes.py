"""Calls that the newest reference changed."""

from __future__ import annotations

from typing import Annotated

import pandas as pd

from hcc_assets.assets.definition import Output, asset
from hcc_assets.assets.inputs import BySample, Previous
from hcc_assets.schemas.reference import LabelChanges


@asset(model=LabelChanges, owners=("team:bioinformatics",))
def reference_changes(
    annotated_cells: Annotated[BySample, Previous("annotated_cells")],
) -> Output:
    """Every call that the newest reference changed, against the version before. Empty when the
    reference is frozen and stays."""
    from hcc_assets.cells.calling.changed_calls import label_changes

    old: dict[str, pd.DataFrame] = {}
    new: dict[str, pd.DataFrame] = {}
    for sample, version in annotated_cells.items():
        earlier = version.previous
        if earlier is None:
            continue
        before, now = earlier.frame("calls"), version.frame("calls")
        if _references(before) != _references(now):
            old[sample], new[sample] = before, now
    return Output(table=label_changes(old, new), metadata={"samples_relabelled": len(new)})


def _references(calls: pd.DataFrame) -> set[str]:
    return set(calls["reference_version"].unique())
