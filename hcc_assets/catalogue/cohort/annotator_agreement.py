"""How often other annotators say what we say."""

from __future__ import annotations

from typing import Annotated, Any

import pandas as pd

from hcc_assets.assets.definition import Verdict, asset
from hcc_assets.assets.inputs import BySample
from hcc_assets.catalogue._told import told
from hcc_assets.catalogue.annotations import EveryOtherCalls, LabelMapFile
from hcc_assets.schemas.cells import AnnotatorAgreement


@asset(model=AnnotatorAgreement, owners=("team:bioinformatics",))
def annotator_agreement(
    annotated_cells: BySample, others: Annotated[Any, EveryOtherCalls()]
) -> pd.DataFrame:
    """How often other annotators say what we say. Of passing cells that both call, whichever is
    chosen; empty while ours is the only one."""
    from hcc_assets.cells.given.tool_agreement import annotator_agreement as agreement

    own = {
        sample: version.frame("own" if version.has("own") else "calls")
        for sample, version in annotated_cells.items()
    }
    calls, _ = others
    return agreement(own, calls)


@annotator_agreement.check(severity="WARN", todo="Correct the file, or map its labels.")
def other_calls_read(others: Annotated[Any, EveryOtherCalls()]) -> Verdict:
    """Every file of calls and every row of it is read"""
    calls, refused = others
    rows = [f"{s}, {t.annotator}: {p}" for s in calls for t in calls[s] for p in t.problems]
    return told([*refused, *rows], "nothing was left out")


@annotator_agreement.check(severity="WARN", todo="Correct the line in label_map.csv.")
def label_map_read(label_map: Annotated[Any, LabelMapFile()]) -> Verdict:
    """Every line of label_map.csv names a label and a class of ours"""
    return told(label_map.problems, "every line is used")
