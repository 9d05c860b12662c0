"""The map from posterior to confidence, ``study/data/confidence.json``: calls of real labelled
cells and of studies left out of the prior, and how often they are right.

``python -m benchmarks.confidence [FOLDER]`` prints error by set, each judged by a map fitted
without its study, and writes the table (into the package without a folder). Needs ``../shared``.
Sets of blood are one study, and those of head and neck another; studies weigh the same.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData

from benchmarks import left_out, real_cells
from benchmarks.prior_states import STATES
from hcc_assets.cells.calling.annotation import annotate
from hcc_assets.cells.quality.assessment import assess
from hcc_assets.cells.reference.building import build_reference
from hcc_assets.cells.reference.teaching import SampleInput
from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED
from hcc_assets.study.confidence import CONFIDENCE_FILE, LEAST, ConfidenceMap, features
from hcc_assets.study.prior import VERSION as PRIOR_VERSION

VERSION: Final = "1"
"""Of the table: other numbers are another version."""
DEPTHS: Final = (600.0, 1500.0, 4000.0)
"""Median molecules of drawn cells: own choice, shallow to deep."""
PER_COLUMN: Final = 25
"""Cells of each column of a study: own choice, as in ``benchmarks.left_out``."""
SMALL: Final = (100, 150, 200, 300)
"""Cells of small homes of blood: own choice, around the 279 of ``benchmarks.real_cells``."""
ALONE: Final = ("monocyte", "B", "NK", "T_CD8", "T_unconventional")
"""Kinds of blood that are a home alone."""
THINNED: Final = (0.5, 0.2)
"""Share of molecules kept: own choice."""
WORTH: Final = 100.0
"""Cells that a study is worth against the penalties: own choice, errors come by class and
study, not by cell."""
PENALTY: Final = {"intercept": 0.1, "slope": 0.5, "class": 10.0}
"""Ridge on the parameters: own choice of .3 to 10 for classes; at 10 the left-out studies have the
fewest misses, with less a class takes the error of one study to others."""
_BINS: Final = (0.0, 0.8, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.99)
"""Least confidence of each bin of the reliability curve: own choice, finer where cells are."""
_LICENCES: Final = {
    "blood": "pbmc4k, 10x Genomics, CC BY 4.0; labels refined by marker counts",
    "head_and_neck": "Puram 2017, public data in jdekanter/CHETAH (GPL-3)",
    "left out": "Nanostring-Biostats/CellProfileLibrary, CC BY 4.0; kharchenkolab/numbat, MIT",
}

Vector = npt.NDArray[np.float64]
Home = tuple[str, str, AnnData, npt.NDArray[np.object_]]


def homes() -> Iterator[Home]:
    """Name, study, counts and true class (None where it is not known) of each real home."""
    rng = np.random.default_rng(5)
    for name in ("blood", "small", "dendritic"):
        yield _home(name, "blood", *real_cells.SETS[name][0](), real_cells.BLOOD)
    counts, kind = real_cells.blood()
    for n in SMALL:
        at = np.sort(rng.choice(counts.n_obs, n, replace=False))
        yield _home(
            f"blood, {n} cells", "blood", counts[at].copy(), kind.iloc[at], real_cells.BLOOD
        )
    for k in ALONE:
        at = np.flatnonzero(kind == k)[: SMALL[-1]]
        yield _home(
            f"blood, {k} alone", "blood", counts[at].copy(), kind.iloc[at], real_cells.BLOOD
        )
    for part in THINNED:
        thin = _thinned(counts, part, rng)
        at = np.sort(rng.choice(counts.n_obs, 800, replace=False))
        name = f"blood, {part:.0%} of molecules"
        yield _home(name, "blood", thin[at].copy(), kind.iloc[at], real_cells.BLOOD)
    counts, kind = real_cells.head_and_neck()
    reading = real_cells.HEAD_AND_NECK
    yield _home("head_and_neck", "head_and_neck", counts, kind, reading)
    for i in range(2):
        at = np.sort(rng.choice(counts.n_obs, 100, replace=False))
        name = f"head_and_neck, 100 cells ({i + 1})"
        yield _home(name, "head_and_neck", counts[at].copy(), kind.iloc[at], reading)
    thin = _thinned(counts, 0.1, rng)
    yield _home("head_and_neck, 10% of molecules", "head_and_neck", thin, kind, reading)


def _home(name: str, study: str, counts: AnnData, kind: pd.Series, reading: dict[str, str]) -> Home:
    truth = pd.Series(kind.to_numpy(dtype=object)).map(reading).to_numpy(dtype=object)
    return name, study, counts, truth


def _thinned(counts: AnnData, part: float, rng: np.random.Generator) -> AnnData:
    out = counts.copy()
    matrix = sp.csr_matrix(counts.X, copy=True)
    matrix.data = rng.binomial(matrix.data.astype(int), part).astype(np.int32)
    matrix.eliminate_zeros()
    out.X = matrix
    return out


def called(name: str, study: str, counts: AnnData, truth: npt.NDArray[np.object_]) -> pd.DataFrame:
    """Posterior, class, training cells of the class and rightness of each cell that is called."""
    qc = assess(counts, left_out.CONFIG)
    sample = SampleInput(name, lambda: (counts, qc))
    reference = replace(build_reference([sample], left_out.CONFIG), confidence=None)
    calls = annotate(counts, qc, reference, left_out.CONFIG, sample_id=name).calls
    doubtful = (calls["cell_class"] == UNASSIGNED) & (calls["confidence"] < LEAST)
    named = calls["cell_class"].where(~doubtful, calls["second_class"])
    truth = np.where(
        (truth == "vascular_endothelial") & (named == "lymphatic_endothelial").to_numpy(),
        "lymphatic_endothelial" if study == "head_and_neck" else truth,
        truth,
    )
    found = pd.DataFrame(
        {
            "set": name,
            "study": study,
            "named": named.to_numpy(dtype=object),
            "confidence": calls["confidence"].to_numpy(dtype=float),
            "truth": truth,
        }
    )
    kept = calls["qc_status"].isin(["pass", "erythroid", "platelet"]).to_numpy()
    known = np.array([t in CELL_CLASSES for t in truth])
    found = found[kept & known & (found["named"] != UNASSIGNED) & found["confidence"].notna()]
    at = pd.Index(CELL_CLASSES).get_indexer(pd.Index(found["named"]))
    return found.assign(
        own=reference.training_cells[at], right=(found["named"] == found["truth"]).astype(float)
    )


def collected() -> pd.DataFrame:
    """All sets, a row per called cell. Cells of a class that a prior without their study lacks
    (hepatocytes and cholangiocytes) are unknown types there and not judged."""
    rows = [called(*home) for home in homes()]
    for study in STATES:
        known = left_out.without(study)
        lacking = set(CELL_CLASSES) - set(known.classes)
        for depth in DEPTHS:
            counts, state = left_out.drawn(study, PER_COLUMN, depth=depth, seed=int(depth))
            named = state.str.split("/").str[0]
            truth = named.where(~named.isin(lacking)).to_numpy(dtype=object)
            with left_out.shipped_instead(known):
                rows.append(called(f"{study}, {depth:.0f} molecules", study, counts, truth))
            print(rows[-1]["set"].iloc[0], len(rows[-1]), flush=True)
    return pd.concat(rows, ignore_index=True)


def weights(cells: pd.DataFrame) -> Vector:
    """Weight of each cell: studies the same, and sets within a study."""
    size = cells.groupby("set")["right"].transform("size")
    sets = cells.groupby("study")["set"].transform("nunique")
    return np.asarray(WORTH / (size * sets), dtype=float)


def fit(cells: pd.DataFrame) -> ConfidenceMap:
    """Penalised logistic fit of the map to cells of a posterior of `LEAST` and above."""
    from scipy.optimize import minimize

    cells = cells[cells["confidence"] >= LEAST]
    part, taught = features(
        cells["confidence"].to_numpy(dtype=float), cells["own"].to_numpy(dtype=float)
    )
    classes = [c for c in CELL_CLASSES if (cells["named"] == c).any()]
    at = pd.Index(classes).get_indexer(pd.Index(cells["named"]))
    right, weight = cells["right"].to_numpy(dtype=float), weights(cells)
    x = np.column_stack([np.ones(len(cells)), part, taught])
    centre = np.concatenate([[1.0], np.zeros(2 + len(classes))])
    penalty = np.array(
        [PENALTY["intercept"], *[PENALTY["slope"]] * 2, *[PENALTY["class"]] * len(classes)]
    )

    def loss(t: Vector) -> tuple[float, Vector]:
        s = 1 / (1 + np.exp(-(x @ t[:3] + t[3:][at])))
        p = np.clip(LEAST + (1 - LEAST) * s, 1e-9, 1 - 1e-9)
        value = -(weight * (right * np.log(p) + (1 - right) * np.log(1 - p))).sum()
        slope = weight * (p - right) / (p * (1 - p)) * (1 - LEAST) * s * (1 - s)
        gradient = np.concatenate([x.T @ slope, np.bincount(at, slope, minlength=len(classes))])
        away = t - centre
        return float(value + 0.5 * (penalty * away**2).sum()), gradient + penalty * away

    bounds = [(None, None), (0, None), (0, None), *[(None, None)] * len(classes)]
    found = minimize(loss, centre, jac=True, bounds=bounds, method="L-BFGS-B").x.round(4)
    return ConfidenceMap(
        VERSION,
        float(found[0]),
        float(found[1]),
        float(found[2]),
        dict(zip(classes, map(float, found[3:]), strict=True)),
    )


def applied(known: ConfidenceMap, cells: pd.DataFrame) -> Vector:
    """Confidence of cells by a map."""
    return known(
        cells["confidence"].to_numpy(dtype=float),
        cells["own"].to_numpy(dtype=float),
        cells["named"].to_numpy(dtype=object),
    )


def judged(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells with ``believed``: confidence by a map fitted without their study."""
    believed = np.zeros(len(cells))
    for study in cells["study"].unique():
        mine = (cells["study"] == study).to_numpy()
        believed[mine] = applied(fit(cells[~mine]), cells[mine])
    return cells.assign(believed=believed)


def by_set(cells: pd.DataFrame) -> pd.DataFrame:
    """A row per set: accuracy, confidence and calibration error before and after, and the share
    of cells below the default limit; of `judged` cells."""
    rows = []
    for name, every in cells.groupby("set", sort=False):
        mine = every[every["believed"] >= LEAST]
        right = mine["right"].to_numpy(dtype=float)
        rows.append(
            {
                "set": name,
                "cells": len(mine),
                "accuracy": float(right.mean()),
                "posterior": float(mine["confidence"].mean()),
                "error_before": real_cells.calibration_error(
                    mine["confidence"].to_numpy(dtype=float), right
                ),
                "confidence": float(mine["believed"].mean()),
                "error": real_cells.calibration_error(
                    mine["believed"].to_numpy(dtype=float), right
                ),
                "below_limit": 1 - len(mine) / len(every),
            }
        )
    return pd.DataFrame(rows)


def reliability(cells: pd.DataFrame) -> list[dict[str, float]]:
    """Confidence and share right by bins of confidence; of `judged` cells, studies the same."""
    at = np.digitize(cells["believed"], _BINS) - 1
    rows = []
    for i, least in enumerate(_BINS):
        mine, weight = cells[at == i], weights(cells)[at == i]
        if len(mine):
            rows.append(
                {
                    "least": least,
                    "confidence": round(float(np.average(mine["believed"], weights=weight)), 4),
                    "right": round(float(np.average(mine["right"], weights=weight)), 4),
                    "cells": len(mine),
                }
            )
    return rows


def class_error(cells: pd.DataFrame) -> dict[str, float]:
    """By class called, the distance of confidence and share right over all studies, which weigh
    the same; of `judged` cells."""
    sure = cells.assign(weight=weights(cells))[cells["believed"] >= LEAST]
    gap = (sure["believed"] - sure["right"]) * sure["weight"]
    error = gap.groupby(sure["named"]).sum() / sure.groupby("named")["weight"].sum()
    return {c: round(float(abs(error[c])), 4) for c in CELL_CLASSES if c in error.index}


def table(cells: pd.DataFrame) -> dict[str, Any]:
    """The table that ships."""
    found = judged(cells)
    sets = by_set(found).round(4)
    return {
        "about": "map from the posterior of a call to the share of such calls that are right",
        "made_by": "benchmarks/confidence.py",
        "prior": PRIOR_VERSION,
        "sources": _LICENCES,
        "map": fit(cells).to_dict(),
        "reliability": reliability(found),
        "class_error": class_error(found),
        "sets": sets.to_dict("records"),
    }


def main() -> None:
    """Print sets and parameters, write the table."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CONFIDENCE_FILE.parent
    found = table(collected())
    print(pd.DataFrame(found["sets"]).round(3).to_string(index=False))
    print(json.dumps({k: found[k] for k in ("map", "class_error", "reliability")}, indent=1))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIDENCE_FILE.name).write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
