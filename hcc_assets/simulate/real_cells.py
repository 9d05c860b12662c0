"""Counts of a biopsy simulated from real profiles: cells between classes, tumours of several kinds,
blood in the ambient RNA, doublets and damage. Files are written in ``matrices``.

The model of a droplet is that of ``cells``; what is in it comes from ``real_world``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from hcc_assets.simulate import programs
from hcc_assets.simulate.cells import SimulatedSample
from hcc_assets.simulate.drawing import (
    DAMAGED_MOLECULES,
    assemble,
    barcodes_of,
    damaged_share,
    draw,
)
from hcc_assets.simulate.real_tumours import CYCLING_SHARE
from hcc_assets.simulate.real_world import (
    LIBRARY_SIZE,
    RealPatient,
    RealWorld,
    expected_real_composition,
)
from hcc_assets.study import genes as gene_data

Vector = npt.NDArray[np.float64]

_LIBRARY_SD: Final = 0.5
"""Of the natural logarithm within a class: our choice, wider than in ``cells``, as real depths
are."""
_AMBIENT_SD: Final = 0.25
"""Of the natural logarithm of the ambient molecules of a droplet: our choice, as in ``cells``."""
_EMPTY_MOLECULES: Final = 40
"""Median ambient molecules of an empty droplet: our choice, as in ``cells``."""


@dataclass(frozen=True)
class _Kind:
    """Cells that share a profile in one sample."""

    name: str
    cell_class: str
    share: float
    profile: Vector


def _kinds(
    world: RealWorld, patient: RealPatient, timepoint: str, batch: Vector
) -> tuple[_Kind, ...]:
    genes = world.genes
    symbols = pd.Index(genes["gene"])
    away = (
        symbols.isin(gene_data.Y_GENES)
        if patient.sex == "F"
        else symbols.isin([gene_data.X_INACTIVATION_GENE])
    )
    common = patient.effects + batch
    if world.second_chemistry(patient.index, timepoint):
        common = common + world.chemistry
    treated = {c: np.zeros(len(genes)) for c in world.classes}
    if timepoint != "pre":
        for name, rows in world.effects.groupby("cell_class"):
            if name in treated:
                at = symbols.get_indexer(rows["gene"])
                treated[str(name)][at] = rows["log2_fold_change"].to_numpy() * np.log(2)
    total: dict[str, float] = {}
    for state in world.study.states:
        total[state.cell_class] = total.get(state.cell_class, 0.0) + state.share

    def kind(name: str, cell_class: str, share: float, log: Vector) -> _Kind:
        rate = np.exp(log + common + patient.class_effects[cell_class] + treated[cell_class])
        rate[away] = 0.0
        return _Kind(name, cell_class, share, rate / rate.sum())

    out = [
        kind(s.name, s.cell_class, s.share / total[s.cell_class], log)
        for s, log in zip(world.study.states, world.study.logs, strict=True)
    ]
    if "tumour" in world.classes:
        tumour = patient.tumour
        extra = np.log(tumour.subclone)
        for part, clone, log in (
            ("", 1 - tumour.subclone_share, 0.0),
            (" subclone", tumour.subclone_share, extra),
        ):
            for cycle, share, row in (
                ("", 1 - CYCLING_SHARE, tumour.logs[0]),
                (" cycling", CYCLING_SHARE, tumour.logs[1]),
            ):
                if clone > 0:
                    name = f"{tumour.kind}{part}{cycle}"
                    out.append(kind(name, "tumour", clone * share, row + log))
    return tuple(out)


def simulate_real_sample(
    world: RealWorld,
    patient: RealPatient | int,
    timepoint: str,
    n_cells: int,
    seed: int,
    *,
    shift: dict[str, float] | None = None,
    empty_droplets: int = 0,
) -> SimulatedSample:
    """Draw one biopsy.

    Parameters
    ----------
    world
        From `real_world.make_real_world`.
    patient
        A patient of the world, or the number of one.
    timepoint
        ``pre``, or anything else for a biopsy under treatment.
    n_cells
        Droplets with at least one cell.
    seed
        Same world, patient, timepoint, number and seed: same counts.
    shift
        Further natural-log change of the abundance of classes; ``-inf`` leaves a class out.
    empty_droplets
        Droplets without a cell to add (about 40 ambient molecules each).

    Returns
    -------
    SimulatedSample
        ``state`` in the truth tells cells between classes (``monocyte/classical 0.35 …``), cycling
        cells and the kind of the tumour.
    """
    patient = world.patient(patient) if isinstance(patient, int) else patient
    settings = world.settings
    rng = np.random.default_rng(
        [world.seed, 23, patient.index, 0 if timepoint == "pre" else 1, seed]
    )
    composition = expected_real_composition(world, patient, timepoint, shift)
    noise = {c: float(rng.normal(0, settings.composition_sample_sd)) for c in composition}
    batch = rng.normal(0, settings.batch_sd, len(world.genes))
    kinds = _kinds(world, patient, timepoint, batch)
    weight = np.array(
        [
            composition[k.cell_class] * np.exp(noise[k.cell_class] + rng.normal(0, 0.2)) * k.share
            for k in kinds
        ]
    )
    n_double = int(rng.binomial(n_cells, settings.doublets))
    total = n_cells + n_double
    chosen = rng.choice(len(kinds), size=total, p=weight / weight.sum())
    classes = np.array([k.cell_class for k in kinds], dtype=object)[chosen]
    damaged = rng.random(total) < settings.damaged
    median = np.array([LIBRARY_SIZE[c] for c in classes], dtype=float) * settings.umi_scale
    size = median * np.exp(rng.normal(0, _LIBRARY_SD, total))
    size = size * np.where(damaged, DAMAGED_MOLECULES, 1.0)
    mitochondrial = gene_data.is_mitochondrial(world.genes["gene"])
    droplet = np.concatenate([np.arange(n_cells), np.arange(n_double)])
    parts: list[tuple[npt.NDArray[np.int64], ...]] = []
    soup = np.zeros(len(world.genes))
    for k, broken in sorted({(int(k), bool(d)) for k, d in zip(chosen, damaged, strict=True)}):
        members = np.flatnonzero((chosen == k) & (damaged == broken))
        share = damaged_share(kinds[k].profile, mitochondrial) if broken else kinds[k].profile
        rows, genes, counts = draw(rng, share, size[members], settings.dispersion)
        parts.append((droplet[members[rows]], genes, counts))
        soup += share * size[members].sum()
    soup = _with_blood(soup / soup.sum(), world, settings.haemoglobin * rng.gamma(1.0))
    level = float(np.exp(rng.uniform(np.log(settings.ambient), np.log(settings.ambient_high))))
    own = np.bincount(droplet, weights=size, minlength=n_cells)
    power = own**settings.ambient_slope
    ambient = level / (1 - level) * own.mean() / power.mean() * power
    rows, genes, counts = draw(
        rng, soup, ambient * np.exp(rng.normal(0, _AMBIENT_SD, n_cells)), 1e6
    )
    parts.append((rows, genes, counts))
    matrix = assemble(parts, (n_cells, len(world.genes)))
    barcodes = barcodes_of(rng, n_cells + empty_droplets)
    truth = pd.DataFrame(
        {
            "barcode": barcodes[:n_cells],
            "cell_class": classes[:n_cells],
            "state": np.array([k.name for k in kinds], dtype=object)[chosen[:n_cells]],
            "second_class": np.concatenate(
                [classes[n_cells:], np.full(n_cells - n_double, None, dtype=object)]
            ),
            "malignant": classes[:n_cells] == "tumour",
            "doublet": np.arange(n_cells) < n_double,
            "damaged": damaged[:n_cells],
            "n_umi": np.asarray(matrix.sum(axis=1)).ravel().astype(np.int64),
            "ambient_umi": np.bincount(rows, weights=counts, minlength=n_cells).astype(np.int64),
        }
    )
    shuffled = rng.permutation(n_cells)
    truth = truth.iloc[shuffled].reset_index(drop=True)
    empty: sp.csr_matrix | None = None
    if empty_droplets:
        amount = _EMPTY_MOLECULES * np.exp(rng.normal(0, 0.5, empty_droplets))
        empty = assemble([draw(rng, soup, amount, 1e6)], (empty_droplets, len(world.genes)))
    return SimulatedSample(
        matrix[shuffled],
        np.asarray(truth["barcode"], dtype=object),
        world.genes,
        truth,
        composition,
        empty,
        barcodes[n_cells:] if empty_droplets else None,
    )


def _with_blood(soup: Vector, world: RealWorld, share: float) -> Vector:
    """Ambient RNA with the molecules of burst red cells, mostly haemoglobin."""
    names = list(programs.DOMINANT["erythroid"])
    weights = np.array(list(programs.DOMINANT["erythroid"].values()))
    blood = np.zeros(len(soup))
    at = pd.Index(world.genes["gene"]).get_indexer(pd.Index(names))
    blood[at[at >= 0]] = weights[at >= 0]
    share = min(share, 0.3)
    return np.asarray((1 - share) * soup + share * blood / blood.sum(), dtype=float)
