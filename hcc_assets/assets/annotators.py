"""Annotators that others write: a function from the counts of a sample to a class for each
barcode. Each becomes a per-sample asset. Like a folder of ``landing/annotations/`` it is one of the
annotators that ``[single_cell] annotator`` can choose, and part of ``annotator_agreement``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from hcc_assets.assets.definition import Asset, Gate, Output, Refused, asset
from hcc_assets.assets.inputs import Version
from hcc_assets.home.manifests import Bundle
from hcc_assets.study.classes import CELL_CLASSES

if TYPE_CHECKING:
    from anndata import AnnData

GROUP = "annotators"
"""Group of these assets, by which the kinds of inputs know them."""
COLUMNS = ("barcode", "cell_class", "probability")


def annotator(function: Callable[[AnnData], pd.DataFrame]) -> Asset:
    """Make a per-sample asset of a function that names cells.

    Parameters
    ----------
    function
        Gets the raw counts of one sample (cells x genes; ``var["gene"]`` and
        ``var["gene_id"]``) and returns ``barcode, cell_class, probability``: classes of ours,
        a barcode at most once; one that it leaves out it does not know.

    Returns
    -------
    Asset
        Of the function's name, in the group ``annotators``; its frame ``calls`` is what the
        function returned.
    """

    @functools.wraps(function)
    def annotated(raw_counts: Version) -> Output:
        counts = raw_counts.cells("counts")
        calls = judged(function(counts), counts.obs_names)
        return Output(bundle=Bundle(frames={"calls": calls}), metadata={"cells": len(calls)})

    annotated.__annotations__ = {"raw_counts": Version, "return": Output}
    del annotated.__wrapped__  # type: ignore[attr-defined]
    gate = Gate("classes_known", "Every call is of a barcode and a class that are known")
    made: Asset = asset(
        per_sample=True, gate=gate, owners=("team:bioinformatics",), layer="cells", keep=1
    )(annotated)
    made.file = Path(function.__code__.co_filename)
    made.group = GROUP
    return made


def judged(calls: pd.DataFrame, barcodes: pd.Index) -> pd.DataFrame:
    """The calls with their three columns, in the order of the barcodes.

    Raises
    ------
    Refused
        A column is missing, a barcode is unknown or there twice, a class is no class of ours.
    """
    missing = [c for c in COLUMNS if c not in calls]
    if missing:
        raise Refused(f"the annotator returned no column {', '.join(missing)}", quarantine=False)
    found = calls[list(COLUMNS)].reset_index(drop=True)
    strange = int((~found["barcode"].isin(barcodes)).sum())
    twice = int(found["barcode"].duplicated().sum())
    classes = sorted(set(found["cell_class"].astype(str)) - set(CELL_CLASSES))
    if strange or twice or classes:
        named = f"; no class of ours: {', '.join(c[:40] for c in classes[:5])}" if classes else ""
        text = f"{strange} barcodes are not of the sample, {twice} are there twice{named}"
        raise Refused(text, code="calls_refused", quarantine=False)
    order = pd.Series(range(len(barcodes)), index=barcodes)
    return found.iloc[order[found["barcode"]].argsort().to_numpy()].reset_index(drop=True)
