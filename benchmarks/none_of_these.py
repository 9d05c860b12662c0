"""Cells of a class that the reference has lost: each class in turn is taken out of a reference, its
own cells become novel, and the share of them that is left unassigned is held against the known
cells lost, with the limits of missing markers that the reference learned and with one for all.

Run ``python -m benchmarks.none_of_these``. The simulation has genes that the prior does not know:
references with the prior behind them learn no such limits (docs/adr/0050-none-of-these.md).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from anndata import AnnData

from benchmarks import annotation
from hcc_assets.cells.calling.annotation import annotate
from hcc_assets.cells.quality.assessment import QcResult
from hcc_assets.cells.reference.model import Reference
from hcc_assets.cells.reference.outliers import OutlierLimits
from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED
from hcc_assets.study.config import StudyConfig

CONFIG = StudyConfig()
_KEPT = ("pass", "erythroid", "platelet")
Sample = tuple[AnnData, QcResult, np.ndarray]
"""Counts, quality, and the class of each barcode (empty where it is no clear single cell)."""


def without_class(reference: Reference, name: str) -> Reference:
    """The reference as if it had never seen a class; what the others learned stays."""
    kept = reference.owner != CELL_CLASSES.index(name)
    size = reference.log_size.copy()
    size[CELL_CLASSES.index(name)] = np.nan
    return replace(
        reference,
        shares=reference.shares[kept],
        owner=reference.owner[kept],
        n_cells=reference.n_cells[kept],
        limits=OutlierLimits(reference.limits.line[kept], reference.limits.spread[kept]),
        log_size=size,
    )


def lost(reference: Reference, samples: list[Sample], only: str = "") -> np.ndarray:
    """Whether each cell of known truth that passes (of one class, where it is named) is
    unassigned."""
    out = []
    for counts, qc, truth in samples:
        calls = annotate(counts, qc, reference, CONFIG).calls
        kept = calls["qc_status"].isin(_KEPT).to_numpy()
        kept &= (truth == only) if only else np.isin(truth, CELL_CLASSES)
        out.append((calls["cell_class"] == UNASSIGNED).to_numpy()[kept])
    return np.concatenate(out)


def judged(name: str, reference: Reference, samples: list[Sample]) -> pd.DataFrame:
    """A row per class left out, and one for the known cells under the whole reference."""
    plain = replace(reference, unsupported={})
    truth = np.concatenate([t for _, _, t in samples])
    rows = []
    for c in ["", *(c for c in CELL_CLASSES[:-1] if (truth == c).any())]:
        pair = [without_class(r, c) if c else r for r in (plain, reference)]
        one, learned = (lost(r, samples, c) for r in pair)
        rows.append(
            {
                "set": name,
                "left_out": c or "none",
                "cells": len(one),
                "one_limit": float(one.mean()),
                "learned": float(learned.mean()),
            }
        )
    return pd.DataFrame(rows)


def sets(settings: tuple[str, ...] = ("hard",)) -> Iterator[tuple[str, Reference, list[Sample]]]:
    """References of labels with the cells that taught them, and a type that they do not know."""
    for setting in settings:
        drawn = annotation.cohort(setting, range(6, 8), 1500, 22, novel=0.05)[::2]
        samples = []
        for s in drawn:
            clear = ~(s.truth["doublet"] | s.truth["damaged"]).to_numpy()
            truth = np.where(clear, s.truth["cell_class"].to_numpy(dtype=object), "")
            samples.append((s.counts, s.qc, truth))
        yield setting, annotation.labelled_reference(drawn), samples


def compare() -> pd.DataFrame:
    """The rows of all settings."""
    return pd.concat([judged(*each) for each in sets()], ignore_index=True)


def main() -> None:
    """Print the table, and the mean over the classes left out."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    table = compare()
    print(table.round(3).to_string(index=False))
    novel = table[table["left_out"] != "none"]
    print(novel.groupby("set")[["one_limit", "learned"]].mean().round(3).to_string())


if __name__ == "__main__":
    main()
