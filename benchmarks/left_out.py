"""The prior of class profiles without one of its studies, on cells drawn from that study's columns.

``python -m benchmarks.left_out [STUDY …]``. Cells are drawn around the mean profiles of real cells
of people whom the prior has not seen, in another assay; what such a profile does not hold
(variation between cells of a type, damage) is simulated. Needs ``../shared/data/profiles``.
"""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from unittest import mock

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData

from benchmarks.prior import AMBIENT_OF, build, read, shares_of, without_ambient
from benchmarks.prior_states import STATES
from hcc_assets.cells.calling.annotation import annotate
from hcc_assets.cells.quality.assessment import assess
from hcc_assets.cells.reference import bootstrap, building
from hcc_assets.cells.reference.building import build_reference
from hcc_assets.cells.reference.model import Reference
from hcc_assets.cells.reference.teaching import SampleInput
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.genes import gene_id_of
from hcc_assets.study.prior import EPITHELIUM, Prior, read_prior, write_prior

PROFILES: Final = Path(__file__).resolve().parents[1] / "../shared/data/profiles"
CONFIG: Final = StudyConfig()
POWER: Final = {
    "Liver_HCA": 1.3,
    "PBMCs_COVID19_cellAtlas": 1.1,
    "Bronchoalveolar_lavage_fluid_COVID19_cellAtlas": 1.7,
    "Skin_HCA": 1.2,
    "numbat_hca_counts": 0.9,
}
"""As ``benchmarks.prior`` finds them (docs/prior.md); 1 for the others."""
_SPREAD: Final = 0.4
"""Gamma variance of a gene between cells of a type: SINGLE_CELL.md, section 5."""
_AMBIENT: Final = 0.06
"""Share of ambient RNA: own choice, that of a good sample."""


def without(study: str) -> Prior:
    """The prior built without a study."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore", RuntimeWarning)
        return read_prior(write_prior(build(PROFILES, leave_out=study)))


@contextlib.contextmanager
def shipped_instead(known: Prior) -> Iterator[None]:
    """Another prior in the place of the one that ships."""
    with (
        mock.patch.object(bootstrap, "prior", lambda: known),
        mock.patch.object(building, "prior", lambda: known),
    ):
        yield


def drawn(
    study: str,
    per_column: int,
    depth: float = 2000.0,
    seed: int = 0,
    only: tuple[str, ...] = (),
) -> tuple[AnnData, pd.Series]:
    """Cells of a study: counts, and the ``class/state`` of each barcode.

    Parameters
    ----------
    per_column
        Cells of each column of the study.
    depth
        Median molecules of a cell; log sd .5.
    only
        Classes to draw; all of them when empty.
    """
    rng = np.random.default_rng(seed)
    table = read(PROFILES)[study]
    columns = {c: s for c, s in STATES[study].items() if not only or s.split("/")[0] in only}
    values = table[list(STATES[study])].fillna(0).to_numpy(dtype=float).T
    if study in AMBIENT_OF:
        classes = [s.split("/")[0] for s in STATES[study].values()]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            values = np.nan_to_num(without_ambient(values, classes, AMBIENT_OF[study]))
    at = [list(STATES[study]).index(c) for c in columns]
    shares = shares_of(values, POWER.get(study, 1.0))[at]
    soup = shares.mean(axis=0)
    rows, labels = [], []
    for share, state in zip(shares, columns.values(), strict=True):
        mean = (1 - _AMBIENT) * share + _AMBIENT * soup
        size = depth * np.exp(rng.normal(0, 0.5, per_column))
        noise = rng.gamma(1 / _SPREAD, _SPREAD, (per_column, len(mean)))
        rows.append(sp.csr_matrix(rng.poisson(size[:, None] * mean * noise).astype(np.int32)))
        labels += [state] * per_column
    counts = sp.csr_matrix(sp.vstack(rows))
    order = rng.permutation(len(labels))
    names = [f"c{i:05d}" for i in range(len(labels))]
    key = gene_id_of()
    symbols = table.index.astype(str)
    var = pd.DataFrame({"gene_id": [key.get(g, g) for g in symbols], "gene": symbols.to_numpy()})
    var = var.set_index("gene_id", drop=False).rename_axis(None)
    once = ~var.index.duplicated()
    found = AnnData(counts[order][:, np.flatnonzero(once)], pd.DataFrame(index=names), var[once])
    return found, pd.Series(np.array(labels, dtype=object)[order], index=names)


def called(
    counts: AnnData, name: str, reference: Reference | None = None
) -> tuple[pd.DataFrame, Reference]:
    """Calls of one sample that is a cohort of its own, or by a reference that stands."""
    qc = assess(counts, CONFIG)
    found = reference or build_reference([SampleInput(name, lambda: (counts, qc))], CONFIG)
    return annotate(counts, qc, found, CONFIG, sample_id=name).calls, found


def macro(truth: np.ndarray, call: np.ndarray) -> dict[str, float]:
    """F1 of each class of the truth that is one of ours."""
    from sklearn.metrics import f1_score

    classes = [c for c in CELL_CLASSES if (truth == c).any()]
    values = f1_score(truth, call, labels=classes, average=None, zero_division=0)
    return dict(zip(classes, map(float, values), strict=True))


def calls_of(study: str, per_column: int, seed: int = 0, **kind: Any) -> pd.DataFrame:
    """Calls of cells of a study by the prior without it, with their ``state``."""
    counts, state = drawn(study, per_column, seed=seed, **kind)
    with shipped_instead(without(study)):
        calls, _ = called(counts, study)
    return calls.assign(state=state.reindex(calls["barcode"]).to_numpy())


def row_of(study: str, calls: pd.DataFrame) -> dict[str, object]:
    """Figures of one study: macro-F1, its worst class, epithelium of other organs apart."""
    kept = calls["qc_status"].isin(["pass", "erythroid", "platelet"])
    truth = calls["state"].str.split("/").str[0].to_numpy(dtype=object)
    ours = (kept & (truth != EPITHELIUM)).to_numpy()
    each = macro(truth[ours], calls["cell_class"].to_numpy(dtype=object)[ours])
    worst = min(each, key=lambda c: each[c])
    return {
        "left_out": study,
        "cells": int(ours.sum()),
        "macro_f1": float(np.mean(list(each.values()))),
        "worst_class": worst,
        "worst_f1": each[worst],
        "unassigned": float((calls["cell_class"][ours] == "unassigned").mean()),
    }


def table(per_column: int = 25) -> pd.DataFrame:
    """A row per study, the worst first; none without the profiles."""
    if not PROFILES.exists():
        return pd.DataFrame()
    rows = [row_of(s, calls_of(s, per_column)) for s in STATES]
    return pd.DataFrame(rows).sort_values("macro_f1").reset_index(drop=True)


def main() -> None:
    """Print a table of states and calls for each study, then the rows."""
    rows = []
    for study in sys.argv[1:] or list(STATES):
        calls = calls_of(study, 25)
        kept = calls[calls["qc_status"].isin(["pass", "erythroid", "platelet"])]
        print(pd.crosstab(kept["state"], kept["cell_class"]).to_string())
        rows.append(row_of(study, calls))
        print(rows[-1], flush=True)
    print(pd.DataFrame(rows).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
