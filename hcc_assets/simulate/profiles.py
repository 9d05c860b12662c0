"""What each simulated class expresses, and how treatment changes it."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.simulate import programs
from hcc_assets.simulate.settings import SimulationSettings
from hcc_assets.study import genes as gene_data
from hcc_assets.study.markers import MATURE_HEPATOCYTE, ONCOFETAL, markers, panel_genes

Vector = npt.NDArray[np.float64]


_BASELINE_SD: Final = 1.9  # of the natural log abundance between genes; our choice


_MATURE_LOSS: Final = 3.0  # natural log, at full contrast: mature genes nearly off; our choice


class Profiles:
    """Builds the share of molecules of each gene in each state."""

    def __init__(self, rng: np.random.Generator, genes: pd.DataFrame, settings: SimulationSettings):
        self.rng, self.genes, self.settings = rng, genes, settings
        self.place = {g: i for i, g in enumerate(genes["gene"])}
        n = len(genes)
        symbols = pd.Index(genes["gene"])
        self.mitochondrial = gene_data.is_mitochondrial(symbols)
        self.ribosomal = gene_data.is_ribosomal(symbols) & ~symbols.isin(gene_data.Y_GENES)
        self.panel = symbols.isin(panel_genes())
        self.filler = (
            ~self.mitochondrial
            & ~self.ribosomal
            & ~self.panel
            & ~symbols.isin(programs.HOUSEKEEPING)
        )
        self.baseline = rng.normal(0, _BASELINE_SD, n)
        self.family = np.exp(rng.normal(0, 0.7, n))
        level = settings.marker_level * np.exp(rng.normal(0, settings.marker_spread, n))
        self.marker = level
        self.leak = settings.marker_level * settings.marker_leak * np.exp(rng.normal(0, 0.8, n))
        self.shared = {
            name: self._program(settings.lineage_genes, settings.lineage_sd)
            for name in programs.SHARED
        }
        self.shared_level = {
            name: {g: share * float(np.exp(rng.normal(0, 0.6))) for g in text.split()}
            for name, (text, share) in programs.SHARED.items()
        }
        self.own = {
            c: self._program(settings.class_genes, settings.class_sd) for c in programs.LIBRARY_SIZE
        }

    def _program(self, n_genes: int, sd: float) -> Vector:
        out = np.zeros(len(self.genes))
        chosen = self.rng.choice(
            np.flatnonzero(self.filler), size=min(n_genes, int(self.filler.sum())), replace=False
        )
        out[chosen] = self.rng.normal(0, sd, len(chosen))
        return out

    def _at(self, text: str | tuple[str, ...]) -> npt.NDArray[np.intp]:
        names = text.split() if isinstance(text, str) else text
        return np.array([self.place[g] for g in names if g in self.place], dtype=np.intp)

    def state(self, state: programs.State) -> Vector:
        """Shares of one state; sum 1."""
        settings, name = self.settings, state.cell_class
        contrast = settings.tumour_contrast
        log_share = self.baseline + sum(
            (self.shared[p] for p in programs.LINEAGES[name]), np.zeros(len(self.genes))
        )
        log_share = log_share + (
            self.own["hepatocyte"] + contrast * self.own["tumour"]
            if name == "tumour"
            else self.own[name]
        )
        fixed = np.where(self.panel, self.leak, 0.0)
        for program in programs.LINEAGES[name]:
            for gene, share in self.shared_level[program].items():
                fixed[self.place[gene]] = max(share, fixed[self.place[gene]])
        panel = markers().get(name)
        if panel is not None:
            for text in (panel.positive, panel.lineage):
                at = self._at(text)
                fixed[at] = np.maximum(fixed[at], self.marker[at])
            if name not in ("tumour", "hepatocyte"):
                at = self._at(panel.negative)
                fixed[at] = np.minimum(fixed[at], self.leak[at] * 0.3)
        if name in ("tumour", "hepatocyte"):
            self._hepatic(name, fixed)
        for gene, share in programs.DOMINANT.get(name, {}).items():
            fixed[self.place[gene]] = share * settings.dominance
        for gene, share in programs.HOUSEKEEPING.items():
            fixed[self.place[gene]] = share * (
                0.25
                if gene.startswith("HLA") and name in ("tumour", "hepatocyte", "erythroid")
                else 1.0
            )
        raised, lowered = self._at(state.genes), self._at(state.lowered)
        fixed[raised] = np.maximum(fixed[raised] * 1.5, self.marker[raised])
        fixed[lowered] = np.where(
            fixed[lowered] > 0, np.minimum(fixed[lowered] * 0.2, self.leak[lowered] * 2), 0
        )
        male = self._at(gene_data.Y_GENES)
        fixed[male] = np.geomspace(3e-4, 3e-5, len(male))
        fixed[self.place[gene_data.X_INACTIVATION_GENE]] = 2e-4
        for family, table, other in (
            (self.mitochondrial, programs.MITOCHONDRIAL_SHARE, programs.MITOCHONDRIAL_SHARE_OTHER),
            (self.ribosomal, programs.RIBOSOMAL_SHARE, programs.RIBOSOMAL_SHARE_OTHER),
        ):
            fixed[family] = self.family[family] / self.family[family].sum() * table.get(name, other)
        free = np.where((fixed == 0) & ~self.panel, np.exp(log_share), 0.0)
        return np.asarray(fixed + free / free.sum() * max(1.0 - fixed.sum(), 0.15), dtype=float)

    def _hepatic(self, name: str, fixed: Vector) -> None:
        """Onco-fetal genes rise and mature genes fall from hepatocyte to tumour by the contrast of
        the setting."""
        contrast, onco, mature = (
            self.settings.tumour_contrast,
            self._at(ONCOFETAL),
            self._at(MATURE_HEPATOCYTE),
        )
        quiet = self.leak[onco]
        fixed[onco] = (
            quiet if name == "hepatocyte" else quiet * (self.marker[onco] / quiet) ** contrast
        )
        fixed[mature] = self.marker[mature] * (
            1.0 if name == "hepatocyte" else np.exp(-contrast * _MATURE_LOSS)
        )
        cycling = self._at("TOP2A MKI67 UBE2C")
        fixed[cycling] = self.leak[cycling]


def known_effects(
    rng: np.random.Generator,
    genes: pd.DataFrame,
    shares: pd.DataFrame,
    settings: SimulationSettings,
) -> pd.DataFrame:
    """Effects of treatment by class and gene: the named ones, and as many again of genes that no
    panel names."""
    ids = dict(zip(genes["gene"], genes["gene_id"], strict=True))
    named = panel_genes()
    rows: list[tuple[str, str, str, float]] = []
    for cell_class, effect in programs.EXPRESSION_EFFECT.items():
        chosen = {g: change for change, text in effect.items() for g in text.split() if g in ids}
        usual = shares.loc[cell_class].to_numpy()
        pool = np.flatnonzero(
            (usual > 5e-5) & (usual < 2e-3) & ~genes["gene"].isin(named | set(chosen)).to_numpy()
        )
        pool = pool[
            ~gene_data.is_ribosomal(genes["gene"])[pool]
            & ~gene_data.is_mitochondrial(genes["gene"])[pool]
        ]
        for place in rng.choice(pool, size=min(60, len(pool)), replace=False):
            chosen[str(genes["gene"].iloc[place])] = float(
                rng.choice([-1.0, 1.0]) * rng.uniform(0.7, 1.3)
            )
        rows += [
            (cell_class, ids[g], g, change * settings.expression_effect)
            for g, change in chosen.items()
        ]
    out = pd.DataFrame(rows, columns=["cell_class", "gene_id", "gene", "log2_fold_change"])
    out = out[out["log2_fold_change"] != 0]
    return out.sort_values(["cell_class", "gene_id"]).reset_index(drop=True)
