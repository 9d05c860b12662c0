"""The simulated world and its patients: genes, known effects, copy-number clones.

Expression of each state is in ``profiles``; counts are drawn in ``cells``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.simulate import programs
from hcc_assets.simulate.profiles import Profiles, known_effects
from hcc_assets.simulate.settings import SimulationSettings
from hcc_assets.simulate.subjects import traits
from hcc_assets.study import genes as gene_data
from hcc_assets.study.markers import ONCOFETAL, panel_genes

Vector = npt.NDArray[np.float64]

_SMALL_RNA: Final = (
    r"^(?:MIR|SNOR|RNU|RN7|Y_RNA|RNA5|VTRNA|SCARNA|Metazoa|U\d|LINC|MT-T|MT-R)"
    r"|-AS\d?$|-DT$|-IT\d?$|\.\d"
)


@dataclass(frozen=True)
class Patient:
    """One simulated patient.

    Attributes
    ----------
    index, sex
        Running number and ``M`` or ``F``.
    effects
        Natural-log effect on each gene, in all classes.
    tumour_effects
        Further natural-log effect on each gene in tumour cells, without copy number.
    copy_number
        Expression factor of each gene in tumour cells.
    arms
        Arms changed and their factor.
    subclone_arm, subclone_share
        Arm that a share of the tumour cells changed in addition, and the share.
    composition
        Natural-log abundance of each class relative to the average patient.
    benefit
        Standard normal: how much of the treatment effect on T cells the patient has; progression
        depends on it.
    """

    index: int
    sex: str
    effects: Vector
    tumour_effects: Vector
    copy_number: Vector
    arms: dict[str, float]
    subclone_arm: str
    subclone_share: float
    composition: dict[str, float]
    benefit: float


@dataclass(frozen=True)
class World:
    """All that the patients of one simulated trial share.

    Attributes
    ----------
    genes
        One row per gene in genomic order: ``gene_id, gene, chromosome, start, arm``.
    shares
        States x genes: share of a cell's molecules; rows sum to 1. Y genes and XIST are at their
        level in a cell that has them.
    effects
        Known effects of treatment: ``cell_class, gene_id, gene, log2_fold_change`` (post against
        pre).
    """

    seed: int
    settings: SimulationSettings
    genes: pd.DataFrame
    states: tuple[programs.State, ...]
    shares: Vector
    effects: pd.DataFrame

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Classes that samples contain."""
        return tuple(
            c for c in programs.LIBRARY_SIZE if c != programs.NOVEL or self.settings.novel > 0
        )

    @cached_property
    def composition_effect(self) -> dict[str, float]:
        """Change of natural-log abundance under treatment, by class."""
        return {
            c: e * self.settings.composition_effect for c, e in programs.COMPOSITION_EFFECT.items()
        }

    def symbols(self) -> npt.NDArray[np.object_]:
        """Gene symbols in order."""
        return np.asarray(self.genes["gene"], dtype=object)

    def index_of(self, symbols: tuple[str, ...] | list[str]) -> npt.NDArray[np.intp]:
        """Places of those symbols that the world has."""
        where = pd.Index(self.genes["gene"]).get_indexer(pd.Index(symbols))
        return np.asarray(where[where >= 0], dtype=np.intp)

    def patient(self, index: int, *, sex: str | None = None) -> Patient:
        """Patient number ``index`` of this world; the same for the same number, whoever else was
        asked for."""
        settings = self.settings
        rng = np.random.default_rng([self.seed, 2, index])
        n = len(self.genes)
        who = traits(self.seed, index)
        effects = rng.normal(0, settings.patient_sd, n)
        tumour_effects = rng.normal(0, settings.patient_sd, n)
        oncofetal = self.index_of(ONCOFETAL)
        absent = oncofetal[rng.random(len(oncofetal)) < 0.4]
        tumour_effects[absent] += settings.tumour_contrast * np.log(max(settings.marker_leak, 1e-3))
        arms = _changed_arms(rng, settings)
        extra = str(
            rng.choice([a for a in programs.GAINED_ARMS + programs.LOST_ARMS if a not in arms])
        )
        copy_number: Vector = np.array([arms.get(a, 1.0) for a in self.genes["arm"]])
        composition = {
            c: float(rng.normal(0, settings.composition_patient_sd)) for c in programs.COMPOSITION
        }
        return Patient(
            index=index,
            sex=sex or who.sex,
            effects=effects,
            tumour_effects=tumour_effects,
            copy_number=copy_number,
            arms=arms,
            subclone_arm=extra,
            subclone_share=float(rng.uniform(0.15, 0.4)),
            composition=composition,
            benefit=who.benefit,
        )


def _changed_arms(rng: np.random.Generator, settings: SimulationSettings) -> dict[str, float]:
    gains = max(1, settings.arms_changed // 2)
    losses = max(1, settings.arms_changed - gains)

    def pick(arms: tuple[str, ...], k: int) -> list[str]:
        weight = 1.0 / np.arange(1, len(arms) + 1)
        return [
            str(a)
            for a in rng.choice(
                arms, size=min(k, len(arms)), replace=False, p=weight / weight.sum()
            )
        ]

    return {
        **dict.fromkeys(pick(programs.GAINED_ARMS, gains), settings.gain),
        **dict.fromkeys(pick(programs.LOST_ARMS, losses), settings.loss),
    }


def _choose_genes(rng: np.random.Generator, n_genes: int) -> pd.DataFrame:
    table = gene_data.gene_table()
    table = table[table["chromosome"].isin(gene_data.CHROMOSOMES)].drop_duplicates(
        "gene", keep="first"
    )
    named = (
        set(panel_genes())
        | set(programs.HOUSEKEEPING)
        | set(gene_data.Y_GENES)
        | {gene_data.X_INACTIVATION_GENE}
    )
    for state in programs.STATES:
        named.update(state.genes.split(), state.lowered.split())
    named.update(
        *(text.split() for text, _ in programs.SHARED.values()), *programs.DOMINANT.values()
    )
    named.update(
        *(
            text.split()
            for effect in programs.EXPRESSION_EFFECT.values()
            for text in effect.values()
        )
    )
    small = table["gene"].str.contains(_SMALL_RNA)
    family = gene_data.is_mitochondrial(table["gene"]) | gene_data.is_ribosomal(table["gene"])
    must = table["gene"].isin(named) | (
        family & ~small & ~table["gene"].str.contains("P[0-9]+$").to_numpy()
    )
    receptor = gene_data.is_receptor_chain(table["gene"])
    pool = table.index[
        ~must
        & ~small
        & ~receptor
        & (table["length"] > 1500)
        & ~table["chromosome"].isin(["Y", "MT"])
    ]
    chosen = rng.choice(pool, size=min(len(pool), max(0, n_genes - int(must.sum()))), replace=False)
    out = table.loc[np.sort(np.concatenate([table.index[must], chosen]))].reset_index(drop=True)
    out["arm"] = gene_data.positions(pd.Index(out["gene_id"]))["arm"]
    return out[["gene_id", "gene", "chromosome", "start", "arm"]]


def make_world(seed: int, settings: SimulationSettings | None = None) -> World:
    """Build the genes, the profiles and the known effects of one simulated trial.

    Parameters
    ----------
    seed
        Same seed and settings, same world.
    settings
        Strengths; :meth:`SimulationSettings.easy` by default.
    """
    settings = settings or SimulationSettings.easy()
    rng = np.random.default_rng([seed, 1])
    genes = _choose_genes(rng, settings.n_genes)
    build = Profiles(rng, genes, settings)
    states = tuple(
        s for s in programs.STATES if s.cell_class != programs.NOVEL or settings.novel > 0
    )
    shares = np.vstack([build.state(s) for s in states])
    shares /= shares.sum(axis=1, keepdims=True)
    weight = np.array([s.share for s in states])
    by_class = pd.DataFrame(shares * weight[:, None]).groupby([s.cell_class for s in states]).sum()
    return World(
        seed, settings, genes, states, shares, known_effects(rng, genes, by_class, settings)
    )
