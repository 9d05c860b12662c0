"""How often other annotators say what we say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from hcc_assets.cells.given.tool_calls import ToolCalls
from hcc_assets.schemas.base import columns, conform
from hcc_assets.schemas.cells import AnnotatorAgreement
from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED


def annotator_agreement(
    own: Mapping[str, pd.DataFrame], others: Mapping[str, Sequence[ToolCalls]]
) -> pd.DataFrame:
    """Published table ``annotator_agreement``.

    Parameters
    ----------
    own
        Our own calls by sample, before any tool or person: ``barcode, qc_status, cell_class``.
    others
        Calls of other annotators by sample.

    Returns
    -------
    pandas.DataFrame
        For each annotator a row ALL and one for each class of our own calls, over passing cells
        that both call, unassigned left out; ``agreement`` is null where there is no such cell.
    """
    parts = [pd.DataFrame({"annotator": [], "cell_class": [], "same": []}, dtype=object)]
    names: set[str] = set()
    for sample, tools in others.items():
        if sample not in own:
            continue
        mine = own[sample]
        mine = mine[(mine["qc_status"] == "pass") & (mine["cell_class"] != UNASSIGNED)]
        for tool in tools:
            names.add(tool.annotator)
            theirs = tool.calls[tool.calls["cell_class"] != UNASSIGNED]
            both = mine.merge(theirs, on="barcode", suffixes=("", "_theirs"))
            same = both["cell_class"] == both["cell_class_theirs"]
            part = {"annotator": tool.annotator, "cell_class": both["cell_class"], "same": same}
            parts.append(pd.DataFrame(part))
    found = pd.concat(parts, ignore_index=True)
    rows = []
    for name in sorted(names):
        cells = found[found["annotator"] == name]
        rows.append((name, "ALL", *_counted(cells)))
        for cell_class in CELL_CLASSES:
            of_class = cells[cells["cell_class"] == cell_class]
            if len(of_class):
                rows.append((name, cell_class, *_counted(of_class)))
    table = pd.DataFrame(rows, columns=list(columns(AnnotatorAgreement)))
    return conform(AnnotatorAgreement, table)


def _counted(cells: pd.DataFrame) -> tuple[int, float]:
    n = len(cells)
    return n, float(cells["same"].astype(bool).mean()) if n else float("nan")
