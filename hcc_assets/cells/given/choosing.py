"""Our own calls of a sample, those of another tool, or what most annotators say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from hcc_assets.cells.given.tool_calls import ToolCalls
from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED

OWN: Final = "own"
CONSENSUS: Final = "consensus"
EXTERNAL: Final = "external"


def chosen_calls(
    own: pd.DataFrame, others: Sequence[ToolCalls], annotator: str
) -> tuple[pd.DataFrame, list[str]]:
    """The calls of a sample by the annotator that the study chose.

    Parameters
    ----------
    own
        ``Annotation.calls``.
    others
        Calls of other tools, of this sample.
    annotator
        ``own``, ``consensus``, or the name of one of ``others``.

    Returns
    -------
    tuple
        ``own`` with column ``call_source``; where a tool decides, its class, its probability as
        ``confidence``, and our class as ``second_class`` where it is another one. A cell that the
        tool does not know keeps our call. Status and counts stay: a class name is no evidence
        for quality control. And what could not be used, in sentences.
    """
    calls = own.assign(call_source=OWN)
    problems = [f"{t.annotator}: {p}" for t in others for p in t.problems]
    for tool in others:
        strange = int((~tool.calls["barcode"].isin(own["barcode"])).sum())
        if strange:
            problems.append(f"{tool.annotator}: {strange} barcodes are not of the sample")
    if annotator == OWN:
        return calls, problems
    if annotator == CONSENSUS:
        return _consensus(calls, others), problems
    chosen = next((t for t in others if t.annotator == annotator), None)
    if chosen is None:
        return calls, [*problems, f"{annotator} has no calls of this sample; ours stand"]
    said = chosen.calls.set_index("barcode").reindex(own["barcode"])
    known = said["cell_class"].notna().to_numpy()
    silent = int((~known & (own["qc_status"] == "pass")).sum())
    if silent:
        problems.append(f"{annotator} does not know {silent} cells that pass; ours stand")
    return _replaced(
        calls, known, said["cell_class"].to_numpy(object), said["probability"].to_numpy(float)
    ), problems


def _replaced(
    calls: pd.DataFrame, where: np.ndarray, classes: np.ndarray, confidence: np.ndarray
) -> pd.DataFrame:
    before = calls["cell_class"].to_numpy(object)
    second = np.where(before != classes, before, calls["second_class"].to_numpy(object))
    return calls.assign(
        cell_class=np.where(where, classes, before),
        confidence=np.where(where, confidence, calls["confidence"].to_numpy(float)),
        second_class=np.where(where, second, calls["second_class"].to_numpy(object)),
        call_source=np.where(where, EXTERNAL, calls["call_source"].to_numpy(object)),
    )


def _consensus(calls: pd.DataFrame, others: Sequence[ToolCalls]) -> pd.DataFrame:
    """Each annotator that names a class has one vote; the class with most votes is taken, and
    where two have as many the cell is unassigned. Confidence is the share of votes times the mean
    probability of those who gave them (own choice: a vote needs no scale that is the same for all
    tools). A cell that no other tool names keeps our call."""
    n, number = len(calls), len(CELL_CLASSES) - 1
    place = {name: i for i, name in enumerate(CELL_CLASSES) if name != UNASSIGNED}
    votes, sums = np.zeros((n, number)), np.zeros((n, number))

    def count(classes: pd.Series, probability: pd.Series) -> np.ndarray:
        column = classes.map(place).to_numpy(float)
        rows = np.flatnonzero(~np.isnan(column))
        at = column[rows].astype(int)
        votes[rows, at] += 1
        sums[rows, at] += probability.fillna(1.0).to_numpy(float)[rows]
        return rows

    count(calls["cell_class"], calls["confidence"])
    named = np.zeros(n, dtype=bool)
    for tool in others:
        said = tool.calls.set_index("barcode").reindex(calls["barcode"])
        named[count(said["cell_class"], said["probability"])] = True
    most = votes.max(axis=1)
    tied = (votes == most[:, None]).sum(axis=1) > 1
    best = votes.argmax(axis=1)
    rows = np.arange(n)
    names = np.array(CELL_CLASSES, dtype=object)[best]
    share = np.divide(sums[rows, best], votes.sum(axis=1), out=np.zeros(n), where=most > 0)
    return _replaced(calls, named, np.where(tied, UNASSIGNED, names), share)
