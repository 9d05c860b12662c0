"""Counts of a simulated biopsy: cells of known class in droplets with ambient RNA, doublets and
damage. Files are written in ``matrices``.

Model of one droplet: library size log-normal by class; a gene's rate is the state's share times
effects of patient, copy number, treatment and batch, varied from cell to cell by a gamma of shape
``dispersion`` (exact for genes above 2 in 10,000 molecules, below that Poisson, where a gamma
changes nothing that can be seen); on top ambient molecules from the mean profile of the sample; a
doublet is the sum of two cells; a damaged cell keeps 30 % of its molecules, 40 % of them
mitochondrial.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from hcc_assets.simulate import programs
from hcc_assets.simulate.drawing import (
    DAMAGED_MOLECULES,
    assemble,
    barcodes_of,
    damaged_share,
    draw,
)
from hcc_assets.simulate.settings import SimulationSettings
from hcc_assets.simulate.world import Patient, World, make_world
from hcc_assets.study import genes as gene_data

__all__ = [
    "Patient",
    "SimulatedSample",
    "SimulationSettings",
    "World",
    "expected_composition",
    "make_world",
    "simulate_sample",
]

Vector = npt.NDArray[np.float64]
_LIBRARY_SD: Final = 0.38  # of the natural logarithm within a class; our choice


@dataclass(frozen=True)
class SimulatedSample:
    """One simulated biopsy.

    Attributes
    ----------
    counts
        Cells x genes, CSR int32.
    barcodes, genes
        Names of the rows; ``gene_id, gene`` and position of the columns.
    truth
        One row per barcode: ``barcode, cell_class, state, second_class`` (of a doublet, else None),
        ``malignant, doublet, damaged, n_umi, ambient_umi``.
    empty
        Droplets without a cell x genes, or None; ``empty_barcodes`` names them.
    composition
        Expected share of each class.
    """

    counts: sp.csr_matrix
    barcodes: npt.NDArray[np.object_]
    genes: pd.DataFrame
    truth: pd.DataFrame
    composition: dict[str, float]
    empty: sp.csr_matrix | None = None
    empty_barcodes: npt.NDArray[np.object_] | None = None


def expected_composition(
    world: World, patient: Patient, timepoint: str, shift: dict[str, float] | None = None
) -> dict[str, float]:
    """Share of each class in a biopsy of the patient: average, patient, treatment (``post``), a
    further natural-log ``shift``; sums to 1.

    The effect on T cells is the average one plus 0.3 times the patient's benefit (none where the
    setting has no composition effect).
    """
    log_share = {
        c: float(np.log(s)) + patient.composition[c] + (shift or {}).get(c, 0.0)
        for c, s in programs.COMPOSITION.items()
    }
    if timepoint != "pre":
        for c, effect in world.composition_effect.items():
            log_share[c] += effect
        log_share["T"] += 0.3 * patient.benefit * world.settings.composition_effect
    total = sum(np.exp(v) for v in log_share.values())
    kept = 1.0 - world.settings.novel
    out = {c: float(np.exp(v) / total * kept) for c, v in log_share.items()}
    return out | ({programs.NOVEL: world.settings.novel} if world.settings.novel > 0 else {})


def _state_shares(
    world: World, patient: Patient, timepoint: str, batch: Vector
) -> dict[tuple[int, bool], Vector]:
    """Profile of each state in this sample; tumour states have a second one for the sub-clone."""
    sexed = np.ones(len(world.genes))
    sexed[
        world.index_of(
            list(gene_data.Y_GENES) if patient.sex == "F" else [gene_data.X_INACTIVATION_GENE]
        )
    ] = 0.0
    common = np.exp(patient.effects + batch) * sexed
    tumour = np.exp(patient.tumour_effects) * patient.copy_number
    factor = (
        world.settings.gain if patient.subclone_arm in programs.GAINED_ARMS else world.settings.loss
    )
    subclone = np.where(world.genes["arm"].to_numpy() == patient.subclone_arm, factor, 1.0)
    effects = {c: np.zeros(len(world.genes)) for c in world.classes}
    if timepoint != "pre":
        for cell_class, rows in world.effects.groupby("cell_class"):
            effects[str(cell_class)][world.index_of(list(rows["gene"]))] = rows.set_index("gene")[
                "log2_fold_change"
            ].to_numpy() * np.log(2)
    out = {}
    for i, state in enumerate(world.states):
        share = world.shares[i] * common * np.exp(effects[state.cell_class])
        if state.cell_class == "tumour":
            share = share * tumour
            out[i, True] = share * subclone / (share * subclone).sum()
        out[i, False] = share / share.sum()
    return out


def simulate_sample(
    world: World,
    patient: Patient | int,
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
        From :func:`make_world`.
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
    """
    patient = world.patient(patient) if isinstance(patient, int) else patient
    settings = world.settings
    rng = np.random.default_rng(
        [world.seed, 3, patient.index, 0 if timepoint == "pre" else 1, seed]
    )
    composition = expected_composition(world, patient, timepoint, shift)
    noise = {c: float(rng.normal(0, settings.composition_sample_sd)) for c in composition}
    weight = np.array(
        [
            composition[s.cell_class]
            * np.exp(noise[s.cell_class])
            * s.share
            * np.exp(rng.normal(0, 0.2))
            for s in world.states
        ]
    )
    weight = weight / weight.sum()
    shares = _state_shares(
        world, patient, timepoint, rng.normal(0, settings.batch_sd, len(world.genes))
    )
    n_double = int(rng.binomial(n_cells, settings.doublets))
    total = n_cells + n_double
    state = rng.choice(len(world.states), size=total, p=weight)
    classes = np.array([s.cell_class for s in world.states], dtype=object)[state]
    malignant = classes == "tumour"
    subclone = malignant & (rng.random(total) < patient.subclone_share)
    damaged = rng.random(total) < settings.damaged
    median = np.array([programs.LIBRARY_SIZE[c] for c in classes], dtype=float) * settings.umi_scale
    size = (
        median
        * np.exp(rng.normal(0, _LIBRARY_SD, total))
        * np.where(damaged, DAMAGED_MOLECULES, 1.0)
    )
    mitochondrial = gene_data.is_mitochondrial(world.genes["gene"])
    droplet = np.concatenate([np.arange(n_cells), np.arange(n_double)])
    parts: list[tuple[npt.NDArray[np.int64], ...]] = []
    soup = np.zeros(len(world.genes))
    for key in sorted(
        {(int(s), bool(c), bool(d)) for s, c, d in zip(state, subclone, damaged, strict=True)}
    ):
        members = np.flatnonzero((state == key[0]) & (subclone == key[1]) & (damaged == key[2]))
        share = shares[key[0], key[1]]
        share = damaged_share(share, mitochondrial) if key[2] else share
        rows, genes, counts = draw(rng, share, size[members], settings.dispersion)
        parts.append((droplet[members[rows]], genes, counts))
        soup += share * size[members].sum()
    soup /= soup.sum()
    own = np.bincount(droplet, weights=size, minlength=n_cells)
    scale = (
        settings.ambient
        / (1 - settings.ambient)
        * own.mean()
        / np.mean(own**settings.ambient_slope)
    )
    ambient = scale * own**settings.ambient_slope * np.exp(rng.normal(0, 0.25, n_cells))
    rows, genes, counts = draw(rng, soup, ambient, 1e6)
    parts.append((rows, genes, counts))
    counts_matrix = assemble(parts, (n_cells, len(world.genes)))
    barcodes = barcodes_of(rng, n_cells + empty_droplets)
    truth = pd.DataFrame(
        {
            "barcode": barcodes[:n_cells],
            "cell_class": classes[:n_cells],
            "state": np.array([s.name for s in world.states], dtype=object)[state[:n_cells]],
            "second_class": np.concatenate(
                [classes[n_cells:], np.full(n_cells - n_double, None, dtype=object)]
            ),
            "malignant": malignant[:n_cells],
            "doublet": np.arange(n_cells) < n_double,
            "damaged": damaged[:n_cells],
            "n_umi": np.asarray(counts_matrix.sum(axis=1)).ravel().astype(np.int64),
            "ambient_umi": np.bincount(rows, weights=counts, minlength=n_cells).astype(np.int64),
        }
    )
    shuffled = rng.permutation(n_cells)
    truth = truth.iloc[shuffled].reset_index(drop=True)
    empty = None
    if empty_droplets:
        amount = 40 * np.exp(rng.normal(0, 0.5, empty_droplets))
        empty = assemble([draw(rng, soup, amount, 1e6)], (empty_droplets, len(world.genes)))
    return SimulatedSample(
        counts_matrix[shuffled],
        np.asarray(truth["barcode"], dtype=object),
        world.genes,
        truth,
        composition,
        empty,
        barcodes[n_cells:] if empty_droplets else None,
    )
