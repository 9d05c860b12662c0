"""Tumours of the simulation from real profiles: hepatocytes with copy-number segments at the true
positions of the genes, and the kinds that a method must also know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.simulate import programs
from hcc_assets.simulate.real_settings import (
    DEDIFFERENTIATED,
    EMT,
    NEAR_DIPLOID,
    RealSettings,
)
from hcc_assets.simulate.real_states import PROLIFERATION, StudyStates, raise_to
from hcc_assets.study.markers import MATURE_HEPATOCYTE, ONCOFETAL

Vector = npt.NDArray[np.float64]

_GAIN: Final = 1.4
"""Expression factor of a gain: our choice, a little less than the dosage of one copy (1.5)."""
_AMPLIFIED: Final = 1.8
"""Expression factor of a gain of two or more copies: our choice, likewise."""
_LOSS: Final = 0.6
"""Expression factor of a loss: our choice, a little more than the dosage of one copy (0.5)."""
_EVENTS: Final = (4, 10)
"""Arms or segments changed in an aneuploid tumour, from and below: our choice, as in many HCC."""
_ONCOFETAL_ON: Final = 0.5
"""Chance that an onco-fetal gene is on in a tumour: our choice; no tumour has all of them."""
_ONCOFETAL_SHARE: Final = 4e-4
"""Median share of such a gene where it is on: our choice, as a middling marker."""
_MATURE_FALL: Final = 1.0
"""Median natural-log fall of the mature hepatocyte genes: our choice, to a third."""
_LINEAGE_LOSS: Final = 3.0
"""Natural-log fall of the genes of hepatocytes in a dedifferentiated tumour: our choice, to a
twentieth."""
_MESENCHYMAL: Final = 0.5
"""Weight of the fibroblast in a tumour after EMT, on the log scale: our choice, half way."""
CYCLING_SHARE: Final = 0.15
"""Share of the tumour cells that cycle: our choice."""


@dataclass(frozen=True)
class Tumour:
    """Tumour of one patient.

    Attributes
    ----------
    kind
        Of `RealSettings.tumour_kinds`.
    logs
        Natural-log profiles of resting and of cycling cells, with copy number; 2 x genes.
    copy_number, subclone
        Expression factor of each gene in all tumour cells, and further in those of the sub-clone.
    segments
        Name (arm, or arm and range in megabases) and factor of what is changed.
    subclone_arm, subclone_share
        Arm that a share of the cells changed in addition, and the share.
    """

    kind: str
    logs: Vector
    copy_number: Vector
    subclone: Vector
    segments: dict[str, float]
    subclone_arm: str
    subclone_share: float


def _segments(
    rng: np.random.Generator, genes: pd.DataFrame, n_events: int
) -> tuple[dict[str, float], Vector]:
    factors = np.ones(len(genes))
    found: dict[str, float] = {}
    arm, start = genes["arm"].to_numpy(dtype=object), genes["start"].to_numpy()
    every = (*programs.GAINED_ARMS, *programs.LOST_ARMS)
    weight = 1.0 / (
        1.0
        + np.concatenate([np.arange(len(a)) for a in (programs.GAINED_ARMS, programs.LOST_ARMS)])
    )
    chosen = rng.choice(len(every), size=n_events, replace=False, p=weight / weight.sum())
    for k in chosen:
        name = every[k]
        inside = np.flatnonzero(arm == name)
        factor = _LOSS
        if name in programs.GAINED_ARMS:
            factor = _AMPLIFIED if rng.random() < 0.25 else _GAIN
        if rng.random() < 0.4:
            length = int(len(inside) * rng.uniform(0.3, 0.8))
            first = int(rng.integers(0, len(inside) - length + 1))
            inside = inside[first : first + length]
            low, high = start[inside].min() / 1e6, start[inside].max() / 1e6
            found[f"{name}:{low:.0f}-{high:.0f}"] = factor
        else:
            found[name] = factor
        factors[inside] = factor
    return found, factors


def tumour_of(
    rng: np.random.Generator, study: StudyStates, settings: RealSettings, kind: str
) -> Tumour:
    """Draw a tumour of that kind."""
    genes = study.genes
    symbols = pd.Index(genes["gene"])
    hepatocytes = [i for i, s in enumerate(study.states) if s.cell_class == "hepatocyte"]
    normal = np.log(rng.dirichlet(np.ones(len(hepatocytes))) @ np.exp(study.logs[hepatocytes]))
    log = normal + rng.normal(0, settings.tumour_sd, len(genes))
    mature = np.flatnonzero(symbols.isin(MATURE_HEPATOCYTE))
    log[mature] -= rng.gamma(2.0, _MATURE_FALL / 2, len(mature))
    if kind == DEDIFFERENTIATED:
        others = [i for i, s in enumerate(study.states) if s.cell_class != "hepatocyte"]
        lineage = normal - study.logs[others].mean(axis=0) > np.log(4)
        log[lineage] -= rng.gamma(4.0, _LINEAGE_LOSS / 4, int(lineage.sum()))
    if kind == EMT:
        stroma = study.log_of("fibroblast/fibroblast")
        log = (1 - _MESENCHYMAL) * log + _MESENCHYMAL * stroma
        kept = np.flatnonzero(symbols.isin(["KRT8", "KRT18"]))
        log[kept] = normal[kept]
    onco = np.flatnonzero(symbols.isin(ONCOFETAL))
    chance = 0.8 if kind == DEDIFFERENTIATED else _ONCOFETAL_ON
    onco = onco[rng.random(len(onco)) < chance]
    log = raise_to(log, onco, np.log(_ONCOFETAL_SHARE) + rng.normal(0, 0.8, len(onco)))
    n_events = 1 if kind == NEAR_DIPLOID else int(rng.integers(*_EVENTS))
    segments, copy_number = _segments(rng, genes, n_events)
    arms = [a for a in (*programs.GAINED_ARMS, *programs.LOST_ARMS) if a not in segments]
    extra = str(rng.choice(arms))
    factor = _GAIN if extra in programs.GAINED_ARMS else _LOSS
    subclone = np.where(genes["arm"].to_numpy(dtype=object) == extra, factor, 1.0)
    log = log + np.log(copy_number)
    at = np.array([symbols.get_loc(g) for g in PROLIFERATION if g in symbols])
    cycling = raise_to(log, at, np.log(3e-4) + rng.normal(0, 0.5, len(at)))
    return Tumour(
        kind,
        np.array([log, cycling]),
        copy_number,
        np.ones(len(genes)) if kind == NEAR_DIPLOID else subclone,
        segments,
        extra,
        0.0 if kind == NEAR_DIPLOID else float(rng.uniform(0.15, 0.4)),
    )
