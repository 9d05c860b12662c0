"""The world of the simulation from real profiles: one study with its patients, chemistries and
effects of treatment. Counts are drawn in ``real_cells``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.simulate import programs
from hcc_assets.simulate.profiles import known_effects
from hcc_assets.simulate.real_settings import RealSettings
from hcc_assets.simulate.real_states import StudyStates, study_states
from hcc_assets.simulate.real_tumours import Tumour, tumour_of
from hcc_assets.simulate.settings import SimulationSettings
from hcc_assets.simulate.subjects import traits
from hcc_assets.study import genes as gene_data
from hcc_assets.study.programs import programs as gene_programs
from hcc_assets.study.programs import target_genes

Vector = npt.NDArray[np.float64]

LIBRARY_SIZE: Final = {
    "tumour": 13_300,
    "hepatocyte": 13_300,
    "cholangiocyte": 8_000,
    "vascular_endothelial": 4_500,
    "lymphatic_endothelial": 4_500,
    "fibroblast": 6_000,
    "monocyte": 5_770,
    "macrophage": 5_770,
    "dendritic": 5_770,
    "neutrophil": 900,
    "mast": 3_500,
    "T": 2_530,
    "NK": 2_530,
    "B": 2_530,
    "plasma": 6_000,
    "erythroid": 1_500,
    "platelet": 700,
    programs.NOVEL: 6_000,
}
"""Median molecules per cell: hepatocytes, myeloid cells, T and NK cells as in HCC (SINGLE_CELL.md,
section 6.7); tumour as hepatocytes; the others our choice between."""
COMPOSITION: Final = {**programs.COMPOSITION, "tumour": 0.38, "hepatocyte": 0.11}
"""Average share of the cells of a biopsy before treatment; our choice."""
CHEMISTRIES: Final = ("SC3Pv3", "SC5Pv2")
"""Names in the sample sheet of the first and of the second chemistry."""
_EXPRESSED: Final = 5e-6
"""Share from which a target gene counts as expressed in a class: our choice, a molecule in 200,000,
where counts say something."""


@dataclass(frozen=True)
class RealPatient:
    """One simulated patient: running number, sex, natural-log gene effects in all cells and in each
    class, tumour, natural-log abundance of each class, benefit (as `world.Patient`)."""

    index: int
    sex: str
    effects: Vector
    class_effects: dict[str, Vector]
    tumour: Tumour
    composition: dict[str, float]
    benefit: float

    @property
    def arms(self) -> dict[str, float]:
        """Arms and segments changed in the tumour, and their factor."""
        return self.tumour.segments

    @property
    def subclone_arm(self) -> str:
        """Arm that a share of the tumour cells changed in addition."""
        return self.tumour.subclone_arm

    @property
    def subclone_share(self) -> float:
        """That share."""
        return self.tumour.subclone_share


@dataclass(frozen=True)
class RealWorld:
    """All that the patients of one simulated study share.

    Figures measured on it are no accuracy: its profiles come from the public studies that the
    annotation knows, moved by as much as these studies differ from each other.

    Attributes
    ----------
    study
        Genes, and states with their profiles.
    effects
        Known effects of treatment: ``cell_class, gene_id, gene, log2_fold_change`` (post against
        pre).
    chemistry
        Natural-log factor of each gene in the second chemistry.
    """

    seed: int
    settings: RealSettings
    study: StudyStates
    effects: pd.DataFrame
    chemistry: Vector

    @property
    def genes(self) -> pd.DataFrame:
        """One row per gene in genomic order: ``gene_id, gene, chromosome, start, arm``."""
        return self.study.genes

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Classes that samples contain."""
        kept = [c for c in COMPOSITION if c not in self.settings.without]
        return (*kept, programs.NOVEL) if self.settings.novel else tuple(kept)

    @cached_property
    def composition_effect(self) -> dict[str, float]:
        """Change of natural-log abundance under treatment, by class."""
        factor = self.settings.composition_effect
        return {c: e * factor for c, e in programs.COMPOSITION_EFFECT.items() if c in self.classes}

    def patient(self, index: int) -> RealPatient:
        """Patient number ``index`` of this world; the same for the same number, whoever else was
        asked for."""
        settings = self.settings
        rng = np.random.default_rng([self.seed, 22, index])
        who = traits(self.seed, index)
        n = len(self.genes)
        effects = rng.normal(0, settings.patient_sd, n)
        kind = settings.tumour_kinds[index % len(settings.tumour_kinds)]
        tumour = tumour_of(rng, self.study, settings, kind)
        own = {c: rng.normal(0, settings.class_patient_sd, n) for c in self.classes}
        composition = {
            c: float(rng.normal(0, settings.composition_patient_sd)) for c in self.classes
        }
        return RealPatient(index, who.sex, effects, own, tumour, composition, who.benefit)

    def second_chemistry(self, index: int, timepoint: str) -> bool:
        """Whether that biopsy was made with the second chemistry."""
        by = self.settings.chemistry_by
        if by == "timepoint":
            return timepoint != "pre"
        # not in step with the kinds of tumour, which are dealt in turn
        return by == "patient" and (index + index // 2) % 2 == 1

    def chemistry_of(self, index: int, timepoint: str) -> str:
        """Name of the chemistry of a biopsy."""
        return CHEMISTRIES[int(self.second_chemistry(index, timepoint))]


def expected_real_composition(
    world: RealWorld, patient: RealPatient, timepoint: str, shift: dict[str, float] | None = None
) -> dict[str, float]:
    """Share of each class in a biopsy of the patient: average, patient, treatment (``post``), a
    further natural-log ``shift``; sums to 1. See `cells.expected_composition`.
    """
    settings = world.settings
    known = [c for c in world.classes if c != programs.NOVEL]
    log_share = {
        c: float(np.log(COMPOSITION[c])) + patient.composition[c] + (shift or {}).get(c, 0.0)
        for c in known
    }
    if timepoint != "pre":
        for c, effect in world.composition_effect.items():
            log_share[c] += effect
        if "T" in log_share:
            log_share["T"] += 0.3 * patient.benefit * settings.composition_effect
        log_share |= {c: -np.inf for c in settings.absent_after if c in log_share}
    total = sum(np.exp(v) for v in log_share.values())
    kept = 1.0 - settings.novel_share if settings.novel else 1.0
    out = {c: float(np.exp(v) / total * kept) for c, v in log_share.items()}
    return out | ({programs.NOVEL: settings.novel_share} if settings.novel else {})


def _class_shares(study: StudyStates) -> pd.DataFrame:
    """Mean profile of each class; of tumour that of hepatocytes, of a class that is not simulated
    that of all states."""
    shares = np.exp(study.logs)
    shares /= shares.sum(axis=1, keepdims=True)
    owner = np.array([s.cell_class for s in study.states])
    wanted = sorted({*owner, *programs.EXPRESSION_EFFECT})
    rows = []
    for name in wanted:
        mine = owner == ("hepatocyte" if name == "tumour" else name)
        rows.append(shares[mine].mean(axis=0) if mine.any() else shares.mean(axis=0))
    return pd.DataFrame(np.array(rows), index=wanted)


def _target_effects(
    rng: np.random.Generator, genes: pd.DataFrame, shares: pd.DataFrame, settings: RealSettings
) -> pd.DataFrame:
    """The receptors' genes fall in every class that expresses them."""
    weights: dict[str, float] = {}
    for program in gene_programs().values():
        weights |= {g: w for g, w in program.weights.items() if g in target_genes()}
    rows, values = [], shares.to_numpy()
    for place in np.flatnonzero(genes["gene"].isin(target_genes()).to_numpy()):
        gene = str(genes["gene"].iloc[place])
        change = -settings.target_effect * weights[gene] * float(rng.uniform(0.5, 1.5))
        rows += [
            (str(c), genes["gene_id"].iloc[place], gene, change)
            for c in shares.index[values[:, place] > _EXPRESSED]
        ]
    return pd.DataFrame(rows, columns=["cell_class", "gene_id", "gene", "log2_fold_change"])


def make_real_world(seed: int, settings: RealSettings | None = None) -> RealWorld:
    """One simulated study from the shipped prior.

    Parameters
    ----------
    seed
        Same seed and settings, same world.
    settings
        Strengths.

    Notes
    -----
    The annotation knows the prior too. Each state therefore moves by the prior's variance between
    studies before anything is drawn; a figure measured on this world says whether the code does
    what it should under structures that it will meet, and is never called accuracy.
    """
    settings = settings or RealSettings()
    rng = np.random.default_rng([seed, 21])
    study = study_states(rng, settings)
    shares = _class_shares(study)
    named = known_effects(
        rng, study.genes, shares, SimulationSettings(expression_effect=settings.expression_effect)
    )
    both = pd.concat([named, _target_effects(rng, study.genes, shares, settings)])
    effects = both.groupby(["cell_class", "gene_id", "gene"], as_index=False).sum()
    effects = effects[effects["log2_fold_change"] != 0].reset_index(drop=True)
    chemistry = rng.normal(0, settings.chemistry_sd, len(study.genes))
    chemistry[gene_data.is_mitochondrial(study.genes["gene"])] = 0.0
    return RealWorld(seed, settings, study, effects, chemistry)
