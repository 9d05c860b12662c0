"""Real cells with their authors' labels: blood, head and neck tumours, colon; the prior without
each of its studies. Rules and limits were chosen while looking at these sets (ADR 0037, 0038):
figures of development, not held out.

Each set is a home of its own and no cell of it is in the prior.
``python -m benchmarks.real_cells [blood|small|dendritic|head_and_neck|colon …]`` prints the calls
of each kind of cell. Needs ``../shared``; a set that is not there has a row that says so.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData, read_h5ad

from benchmarks import left_out
from benchmarks.left_out import called, macro
from hcc_assets.cells.reading.tenx import find_matrix, read_counts
from hcc_assets.study.classes import UNASSIGNED
from hcc_assets.study.confidence import CONFIDENCE_FILE
from hcc_assets.study.genes import gene_id_of

SHARED: Final = Path(__file__).resolve().parents[1] / "../shared"
SMALL: Final = 279
"""Cells of a small home: own choice, those of a tumour atlas of seven patients that labels few."""

BLOOD: Final = {
    "T_CD4": "T",
    "T_CD8": "T",
    "T_unconventional": "T",
    "NK": "NK",
    "B": "B",
    "monocyte": "monocyte",
    "cDC": "dendritic",
    "pDC": "dendritic",
}
"""Refined labels of pbmc4k (``oracle/pbmc4k_refined``)."""
HEAD_AND_NECK: Final = {
    "B cell": "plasma",
    "CD4 T cell": "T",
    "CD8 T cell": "T",
    "reg. T cell": "T",
    "Dendritic": "dendritic",
    "Endothelial": "vascular_endothelial",
    "Fibroblast": "fibroblast",
    "Macrophage": "macrophage",
    "Mast": "mast",
}
"""Labels of Puram 2017 in CHETAH. Their B cells have MZB1 and no MS4A1: plasma cells."""


def _frame(matrix: sp.spmatrix, symbols: np.ndarray, names: list[str]) -> AnnData:
    key = gene_id_of()
    var = pd.DataFrame({"gene_id": [key.get(g, g) for g in symbols], "gene": symbols})
    var = var.set_index("gene_id", drop=False).rename_axis(None)
    once = ~var.index.duplicated()
    values = sp.csr_matrix(matrix, dtype=np.int32)[:, np.flatnonzero(once)]
    return AnnData(values, pd.DataFrame(index=names), var[once])


def blood() -> tuple[AnnData, pd.Series]:
    """pbmc4k (2,170 cells) with refined labels; ``ambiguous`` cells have none."""
    counts = read_counts(find_matrix(SHARED / "data/pbmc4k/filtered_feature_bc_matrix"))
    label = pd.read_csv(SHARED / "oracle/pbmc4k_refined/labels.csv").set_index("barcode")["refined"]
    kind = label.reindex(counts.obs_names.astype(str))
    return counts, kind.where(kind.isin(list(BLOOD)))


def small() -> tuple[AnnData, pd.Series]:
    """`SMALL` cells of blood as a home."""
    counts, kind = blood()
    chosen = np.sort(np.random.default_rng(1).choice(counts.n_obs, SMALL, replace=False))
    return counts[chosen].copy(), kind.iloc[chosen]


def dendritic() -> tuple[AnnData, pd.Series]:
    """The dendritic cells of blood as a home without any other class."""
    counts, kind = blood()
    chosen = np.flatnonzero(kind.isin(["cDC", "pDC"]))
    return counts[chosen].copy(), kind.iloc[chosen]


def head_and_neck() -> tuple[AnnData, pd.Series]:
    """180 cells of head and neck tumours, Smart-seq2 as pseudo-counts."""
    found = read_h5ad(SHARED / "data/public_sets/chetah_headneck/headneck180_pseudocounts.h5ad")
    names = [str(b) for b in found.obs_names]
    symbols = found.var_names.to_numpy().astype(object)
    return _frame(sp.csr_matrix(found.X), symbols, names), pd.Series(
        found.obs["label"].astype(str).to_numpy(), index=names
    )


def colon() -> tuple[AnnData, pd.Series]:
    """624 cells of colorectal tumours and adjacent colon; ``normal`` or ``tumour`` tissue."""
    folder = SHARED / "data/public_sets/colon10x"
    table = pd.read_csv(folder / "counts.gz", sep=None, engine="python", index_col=0)
    tissue = pd.read_csv(folder / "annots.txt", sep="\t", header=None, index_col=0)[1]
    names = [str(b) for b in table.columns]
    kind = tissue.reindex(names).str.contains("Normal").map({True: "normal", False: "tumour"})
    symbols = table.index.astype(str).to_numpy().astype(object)
    return _frame(sp.csr_matrix(table.to_numpy().T), symbols, names), kind


SETS: Final[dict[str, tuple[Callable[[], tuple[AnnData, pd.Series]], dict[str, str]]]] = {
    "blood": (blood, BLOOD),
    "small": (small, BLOOD),
    "dendritic": (dendritic, BLOOD),
    "head_and_neck": (head_and_neck, HEAD_AND_NECK),
    "colon": (colon, {}),
}


def calls_of(name: str) -> pd.DataFrame | None:
    """Calls of a set as a home of one sample, with the authors' ``kind`` and our class of it
    (``truth``; none where the set has no label of ours); None where the set is not there."""
    load, reading = SETS[name]
    try:
        counts, kind = load()
    except FileNotFoundError:
        return None
    calls, _ = called(counts, name)
    calls["kind"] = kind.to_numpy()
    calls["truth"] = calls["kind"].map(reading)
    # the authors of head and neck know one endothelium
    lymphatic = (calls["kind"] == "Endothelial") & (calls["cell_class"] == "lymphatic_endothelial")
    calls.loc[lymphatic, "truth"] = "lymphatic_endothelial"
    return calls


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error over ten equal bins."""
    at = np.minimum((confidence * 10).astype(int), 9)
    gap = np.bincount(at, confidence - right, minlength=10)
    return float(np.abs(gap).sum() / max(len(right), 1))


def _judged(calls: pd.DataFrame) -> pd.DataFrame:
    kept = calls["qc_status"].isin(["pass", "erythroid", "platelet"]) & calls["truth"].notna()
    return calls[kept]


def summary(name: str, calls: pd.DataFrame) -> dict[str, object]:
    """One row: macro-F1 over the authors' kinds as our classes, worst class, unassigned,
    calibration."""
    known = _judged(calls)
    truth = known["truth"].replace("lymphatic_endothelial", "vascular_endothelial")
    found = known["cell_class"].where(
        known["truth"] != "lymphatic_endothelial", "vascular_endothelial"
    )
    each = macro(truth.to_numpy(dtype=object), found.to_numpy(dtype=object))
    worst = min(each, key=lambda c: each[c])
    sure = known[known["cell_class"] != UNASSIGNED]
    right = (sure["cell_class"] == sure["truth"]).to_numpy(dtype=float)
    return {
        "set": name,
        "cells": len(known),
        "macro_f1": float(np.mean(list(each.values()))),
        "worst_class": worst,
        "worst_f1": each[worst],
        "unassigned": float((known["cell_class"] == UNASSIGNED).mean()),
        "calibration_error": calibration_error(sure["confidence"].to_numpy(dtype=float), right),
    }


def kinds(name: str, calls: pd.DataFrame) -> list[dict[str, object]]:
    """A row per kind of the authors: recall, and what else its cells were called."""
    rows: list[dict[str, object]] = []
    for kind, mine in _judged(calls).groupby("kind"):
        wrong = mine.loc[mine["cell_class"] != mine["truth"], "cell_class"].value_counts()
        rows.append(
            {
                "set": name,
                "kind": kind,
                "cells": len(mine),
                "recall": float((mine["cell_class"] == mine["truth"]).mean()),
                "else": ", ".join(f"{n} {c}" for c, n in wrong.items()) or None,
            }
        )
    return rows


def by_depth(every: pd.DataFrame) -> pd.DataFrame:
    """Confidence and accuracy of called cells by molecules, over all labelled sets."""
    sure = every[every["cell_class"] != UNASSIGNED]
    depth = pd.cut(sure["n_umi"], [0, 1000, 2000, 4000, np.inf], labels=False)
    names = ("under 1,000", "1,000 to 2,000", "2,000 to 4,000", "above 4,000")
    rows = []
    for k, mine in sure.groupby(depth):
        right = (mine["cell_class"] == mine["truth"]).to_numpy(dtype=float)
        confidence = mine["confidence"].to_numpy(dtype=float)
        rows.append(
            {
                "molecules": names[int(k)],
                "cells": len(mine),
                "confidence": float(confidence.mean()),
                "accuracy": float(right.mean()),
                "calibration_error": calibration_error(confidence, right),
            }
        )
    return pd.DataFrame(rows)


def left_out_confidence() -> pd.DataFrame:
    """Sets as they are stored with the map of confidence (``benchmarks.confidence``), worst
    first."""
    found = json.loads(CONFIDENCE_FILE.read_text(encoding="utf-8"))["sets"]
    return pd.DataFrame(found).sort_values("error", ascending=False)


def compare(per_column: int = 25) -> dict[str, pd.DataFrame]:
    """Tables by title, in each the worst first."""
    rows: list[dict[str, object]] = []
    each, every, tissue = [], [], []
    for name, (_, reading) in SETS.items():
        calls = calls_of(name)
        if calls is None:
            rows.append({"set": f"{name} (not there)"})
        elif reading:
            rows.append(summary(name, calls))
            each += kinds(name, calls)
            every.append(_judged(calls))
        else:
            kept = calls[calls["qc_status"] == "pass"]
            for kind, mine in kept.groupby("kind"):
                tissue.append(
                    {
                        "set": name,
                        "tissue": kind,
                        "cells": len(mine),
                        "called_tumour": float((mine["cell_class"] == "tumour").mean()),
                        "unassigned": float((mine["cell_class"] == UNASSIGNED).mean()),
                    }
                )
    out = {"Real sets": pd.DataFrame(rows)}
    if each:
        out["Real sets"] = out["Real sets"].sort_values("macro_f1", na_position="first")
        out["Recall by the authors' label"] = pd.DataFrame(each).sort_values("recall")
        out["Confidence by depth, real sets together"] = by_depth(pd.concat(every))
    if tissue:
        out["Epithelium of another organ"] = pd.DataFrame(tissue)
    out["Confidence, each set judged by a map without its study"] = left_out_confidence()
    found = left_out.table(per_column)
    if len(found):
        out["Cells drawn from a study that the prior does not have"] = found
    return {title: table.reset_index(drop=True) for title, table in out.items()}


def main() -> None:
    """Print calls by kind of each set."""
    for name in sys.argv[1:] or list(SETS):
        calls = calls_of(name)
        if calls is None:
            print(f"{name}: not there")
            continue
        kept = calls[calls["qc_status"].isin(["pass", "erythroid", "platelet"])]
        print(pd.crosstab(kept["kind"], kept["cell_class"]).to_string())
        if SETS[name][1]:
            print(summary(name, calls), flush=True)


if __name__ == "__main__":
    main()
